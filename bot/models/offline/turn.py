"""A person's turn: note what they tell, look up what they ask, answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.models.offline import smalltalk as talk
from bot.models.offline.answers import best, next_searches, phrased, shortened
from bot.models.offline.calls import MOST, Call, Offered, Step
from bot.models.offline.facts import DEMANDS, Fact, Told, asks, facts, unopened
from bot.models.offline.lexicon import anycase
from bot.models.offline.lines import Line
from bot.models.offline.persons import second, third
from bot.models.offline.profile import MULTI, Edit, Profile, told_of, told_you
from bot.models.offline.questions import from_profile, query
from bot.models.offline.reminders import Reminder, reminder
from bot.models.offline.words import dated, day, joined, sentences
from bot.models.transcript import Transcript

_MOST_STEPS = 8  # then it answers with what it has
_MOST_QUESTIONS = 3
_NEXT = re.compile(r" for (?P<next>\w+, [\d-]+ [\d:]+) \((?P<zone>[^)]+)\)")  # in what schedule_message says
_NOT = anycase(r"\bnot\b|n't\b")


class Turn:
    """One request in a person's turn. Reads everything anew: it knows only what the request shows."""

    def __init__(self, seen: Transcript, offered: Offered) -> None:
        self.seen = seen
        self.offered = offered
        block = seen.blocks.get("human")
        self.writable = block is not None and not block.read_only
        self.noted = Profile(block.value if block else "")
        self.facts: list[Fact] = []
        self.reminders: list[Reminder] = []
        self.questions: list[str] = []
        self.said: list[str] = []  # about what cannot be done
        self.spoken = [e for e in seen.events if e.kind == "message"]
        for event in self.spoken:
            self._hear(event.text)
        self.lines = [f for f in self.facts if isinstance(f, Line)]
        # What was told in this turn holds, even where storing it failed or is not offered.
        self.profile = self.noted.with_facts(self.lines)
        for label, other in seen.blocks.items():
            if label.startswith("human@"):
                more = Profile(other.value)
                missing = [Line(k, more.values(k)) for k in more.names() if not self.profile.values(k)]
                self.profile = self.profile.with_facts(missing)
        # Whoever has lines in core memory is no stranger, even where nothing is in view.
        known = set(self.noted.names()) - {line.key for line in self.lines}
        met = seen.summarized or any(d.name == "send_message" for d in seen.earlier_done)
        self.first_contact = not (known or met)
        full_name = " ".join(self.profile.values("Name"))
        self.name = full_name.split(" ")[0]
        self.names = [name for name in (full_name, self.name) if name]

    def _hear(self, text: str) -> None:
        plain: list[str] = []
        for sentence in sentences(text):
            told = [*self.facts, *facts("\n".join(plain))] if _NOT.search(sentence) else []
            known = self.noted.with_facts(f for f in told if isinstance(f, Line))
            right = known.corrected(unopened(sentence)) if told or self.noted.names() else []
            if right:
                self.facts, plain = [*told, *right], []
            else:
                plain.append(sentence)
            if found := reminder(sentence, self.seen.now):
                self.reminders.append(found)
            elif said := talk.not_told(unopened(sentence)):
                self.said.append(said)
            elif asks(sentence) and not talk.ASKS_WHAT_IT_IS.search(sentence):
                self.questions = [*self.questions, sentence][:_MOST_QUESTIONS]
        self.facts = list(dict.fromkeys([*self.facts, *facts("\n".join(plain))]))

    def step(self) -> Step:
        """What to do next; a turn ends with a message, or with its text where none can be sent."""
        sent = self.seen.results("send_message")
        calls = self.due(self._wanted(bool(sent))) if self.seen.steps < _MOST_STEPS else ()
        if calls or any(d.ok for d in sent):
            return Step(calls)
        text = self._answer()
        if "send_message" in self.offered and not sent:
            return Step((Call("send_message", {"message": text}),))
        return Step(text=text)

    def due(self, calls: Sequence[Call]) -> tuple[Call, ...]:
        """Those of the calls that are offered and were not made in this turn, as many as one step takes."""
        due: list[Call] = []
        for call in calls:
            if call.name in self.offered and call not in due and not call.among(self.seen.done):
                due.append(call)
        return tuple(due[:MOST])

    def _wanted(self, answered: bool) -> list[Call]:
        calls = [*self._edits(), *(self._stored(f) for f in self.facts if isinstance(f, Told))]
        if any(e.kind == "system_alert" for e in self.seen.events):
            calls += self.unsaved()
        if answered:
            return calls
        calls += [Call("set_time_zone", {"zone": line.values[0]}) for line in self.lines if _is_zone(line)]
        for asked in self.reminders:
            if asked.when or asked.rule:
                when = asked.rule or (asked.when.isoformat(timespec="seconds") if asked.when else "")
                calls.append(Call("schedule_message", {"when": when, "about": asked.about}))
        for question in map(query, (q for q in self.questions if self._direct(q) is None)):
            calls += next_searches(question, self.seen.done, best(question, self.seen, self.names))
        return calls

    # What was told

    def _edits(self) -> list[Call]:
        """Edits of the block that are still due. What the block will not take goes to the archive."""
        calls = []
        for edit in self.noted.edits(self.lines):
            call = _as_call(edit)
            tried = self.writable and call.name in self.offered
            done = call.among(self.seen.done)
            if tried and done is None:
                calls.append(call)
            elif not tried or (done and not done.ok):
                if edit.new:  # "Ada's name is Ada" would tell nothing
                    calls.append(_insert(told_of(edit.new, "" if edit.key == "Name" else self.name)))
                if tried and edit.old and edit.key.casefold() not in MULTI:
                    # The old line no longer holds, so it must not stay for want of room for the new one.
                    calls.append(_as_call(Edit(edit.key, edit.old, "")))
        return calls

    def unsaved(self) -> list[Call]:
        """Statements in view that no call in view has stored, the newest five."""
        made = [*self.seen.earlier_done, *self.seen.done]
        texts = [e.text for e in self.seen.earlier[-40:] if e.kind == "message"]
        calls = [self._stored(f) for text in texts for f in facts(text) if isinstance(f, Told)]
        return [c for c in calls if not c.among(made)][-5:]

    def _stored(self, told: Told) -> Call:
        """A statement as it is stored: of the person by name, with the day it speaks of."""
        return _insert(third(dated(told.text, self.seen.now), self.name))

    # What was asked

    def _direct(self, question: str) -> str | None:
        """An answer that needs no search."""
        known = from_profile(question, self.profile) or talk.clock(question, self.seen.now)
        return known or talk.smalltalk(question, self.name)

    # The answer

    def _answer(self) -> str:
        whole = "\n".join(e.text for e in self.spoken)
        seen = self.seen.events
        parts = [
            f"{talk.greeting(e.name)} /privacy says what is kept." for e in seen if e.kind == "user_joined"
        ]
        documents = [
            e.document or "the document" for e in seen if e.document or e.kind == "document_uploaded"
        ]
        parts += [f"I have received {document}." for document in documents]
        parts += self._acknowledged()
        if any(talk.ASKS_WHAT_IT_IS.search(s) for s in sentences(whole)):
            parts.append(talk.HELP)
        parts += map(self._reminded, self.reminders)
        parts += [str(d.message)[:200] for d in self.seen.results("set_time_zone") if not d.ok]
        parts += dict.fromkeys(self.said)
        parts += dict.fromkeys(map(self._answered, self.questions))
        if not parts:
            return self._smalltalk(whole)
        if self.first_contact and talk.HELP not in parts and talk.INTRODUCTION not in " ".join(parts):
            parts.append(f"({talk.INTRODUCTION})")
        return " ".join(parts)

    def _smalltalk(self, text: str) -> str:
        said = talk.smalltalk(text, self.name)
        if said is None and talk.GREETS.match(text):
            return talk.greeting(self.name or next((e.name for e in self.spoken if e.name), ""))
        if said is None and self.first_contact:
            return f"{talk.anything(text)} ({talk.INTRODUCTION})"
        return said or (talk.CANNOT if DEMANDS.match(unopened(text)) else talk.anything(text))

    def _acknowledged(self) -> list[str]:
        names = [line.values[0] for line in self.lines if line.key == "Name"]
        facts = [f for f in self.facts if isinstance(f, Told) or f.key != "Name"]
        facts.sort(key=lambda f: isinstance(f, Line) and f.gone)  # what holds, then what no longer does
        noted = list(map(self._noted, facts))
        noted = [said for said in noted if said][:6]
        parts = [f"Nice to meet you, {name}." for name in names]
        return [*parts, f"I have noted that {joined(noted)}."] if noted else parts

    def _noted(self, fact: Fact) -> str:
        """A fact within "I have noted that …"; nothing for values that the same sentence put elsewhere."""
        if isinstance(fact, Told):
            said = shortened(second(fact.text).rstrip(" .!"), 160)
            own = said.split(" ", 1)[0] in ("Your", "You", "The", "A", "An")
            return said[:1].lower() + said[1:] if own else said
        said = told_you(fact.key, fact.values)
        if not fact.gone:
            return said
        if any(not other.gone and other.values == fact.values for other in self.lines):
            return ""
        if said.startswith(("you are ", "your ")):
            return f"it no longer holds that {said}"
        return said.replace("you ", "you no longer ", 1)

    def _answered(self, question: str) -> str:
        direct = self._direct(question)
        statement = best(query(question), self.seen, self.names) if direct is None else None
        return direct or (phrased(statement) if statement else talk.UNKNOWN)

    def _reminded(self, asked: Reminder) -> str:
        made = self.seen.results("schedule_message")
        if "schedule_message" not in self.offered and not made:
            return "I cannot set reminders here."
        if asked.when is None and not asked.rule:
            return f"When shall I remind you: {asked.about}? Say it with a day or a time that lies ahead."
        mine = [d for d in made if d.arguments.get("about") == asked.about]
        if mine and not mine[-1].ok:
            return f"I could not set that reminder: {str(mine[-1].message)[:200]}"
        at = _NEXT.search(str(mine[-1].message)) if mine else None
        zone = " UTC" if at and at["zone"].endswith("UTC") else ""
        if asked.when:
            said = f"on {asked.when:%A}, {day(asked.when)} at {asked.when:%H:%M}{zone}"
        else:
            said = f"{asked.said}, next on {at['next']}{zone}" if at else asked.said
        lost = (
            ' (Say "My time zone is Europe/Lisbon", or yours, for times that are yours.)'
            if at and at["zone"] == "UTC"
            else ""
        )
        return f"I will remind you {said}: {asked.about}.{lost}"


def _is_zone(line: Line) -> bool:
    return line.key == "Time zone" and not line.gone


def _as_call(edit: Edit) -> Call:
    if not edit.old:
        return Call("core_memory_append", {"label": "human", "content": edit.new})
    arguments = {"label": "human", "old_content": edit.old, "new_content": edit.new}
    return Call("core_memory_replace", arguments)


def _insert(content: str) -> Call:
    return Call("archival_memory_insert", {"content": content})
