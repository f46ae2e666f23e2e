"""A person's turn: note what they tell, look up what they ask, answer."""

from __future__ import annotations

from collections.abc import Sequence

from bot.models.offline.answers import best, next_searches, phrased
from bot.models.offline.calls import MOST, Call, Offered, Step
from bot.models.offline.dates import dated, day
from bot.models.offline.facts import Fact, Told, asks, facts
from bot.models.offline.lines import Line
from bot.models.offline.persons import second, third
from bot.models.offline.profile import MULTI, Edit, Profile, told_of, told_you
from bot.models.offline.questions import Query, from_profile, query
from bot.models.offline.reminders import Reminder, reminder
from bot.models.offline.smalltalk import (
    HELP,
    INTRODUCTION,
    UNKNOWN,
    anything,
    asks_what_it_is,
    clock,
    greeting,
    greets,
    smalltalk,
)
from bot.models.offline.transcript import Transcript
from bot.models.offline.words import joined, sentences

_MOST_STEPS = 8  # then it answers with what it has
_MOST_QUESTIONS = 3


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
        for event in seen.spoken:
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
        self.first_contact = seen.first_contact and not known
        self.name = self.profile.value("Name").split(" ")[0]

    def _hear(self, text: str) -> None:
        self.facts += [f for f in facts(text) if f not in self.facts]
        for sentence in sentences(text):
            if found := reminder(sentence, self.seen.now):
                self.reminders.append(found)
            elif asks(sentence) and not asks_what_it_is(sentence):
                self.questions.append(sentence)

    def step(self) -> Step:
        """What to do next; a turn ends with a message, or with its text where none can be sent."""
        sent = self.seen.results("send_message")
        calls = self.due(self._wanted(bool(sent))) if self.seen.steps < _MOST_STEPS else ()
        if calls:
            return Step(calls)
        if any(d.ok for d in sent):
            return Step()
        text = self._answer()
        if "send_message" in self.offered and not sent:
            return Step((Call("send_message", {"message": text}),))
        return Step(text=text)

    def due(self, calls: Sequence[Call]) -> tuple[Call, ...]:
        """Those of the calls that are offered and were not made in this turn, as many as one step takes."""
        due = [c for c in calls if c.name in self.offered and not c.among(self.seen.done)]
        return tuple(_once(due)[:MOST])

    def _wanted(self, answered: bool) -> list[Call]:
        calls = [*self._edits(), *self._inserts()]
        if not answered:
            calls += self._schedules()
            for asked in self._open_questions():
                calls += next_searches(asked, self.seen.done, best(asked, self.seen, self._names()))
        return calls

    # What was told

    def _edits(self) -> list[Call]:
        """Edits of the block that are still due. What the block will not take goes to the archive."""
        calls = []
        for edit in self.noted.edits(self.lines):
            call = _as_call(edit)
            if not self.writable or call.name not in self.offered:
                calls += self._archived(edit)
                continue
            done = call.among(self.seen.done)
            if done is None:
                calls.append(call)
            elif not done.ok:
                calls += self._archived(edit)
                if edit.old and edit.key.casefold() not in MULTI:
                    # The old line no longer holds, so it must not stay for want of room for the new one.
                    calls.append(_as_call(Edit(edit.key, edit.old, "")))
        return calls

    def _archived(self, edit: Edit) -> list[Call]:
        name = "" if edit.key == "Name" else self.name  # "Ada's name is Ada" would tell nothing
        return [_insert(told_of(edit.new, name))] if edit.new else []

    def _inserts(self) -> list[Call]:
        told = [f for f in self.facts if isinstance(f, Told)]
        calls = [_insert(self._passage(f)) for f in told]
        if any(e.kind == "system_alert" for e in self.seen.events):
            calls += self.unsaved()
        return calls

    def unsaved(self) -> list[Call]:
        """Statements in view that no call in view has stored, the newest five."""
        made = [*self.seen.earlier_done, *self.seen.done]
        texts = [e.text for e in self.seen.earlier[-40:] if e.kind == "message"]
        told = [f for text in texts for f in facts(text) if isinstance(f, Told)]
        calls = [_insert(self._passage(f)) for f in told]
        return [c for c in calls if not c.among(made)][-5:]

    def _passage(self, told: Told) -> str:
        """A statement as it is stored: of the person by name, with the day it speaks of."""
        return third(dated(told.text, self.seen.now), self.name)

    # What was asked

    def _open_questions(self) -> list[Query]:
        found = []
        for question in self.questions[:_MOST_QUESTIONS]:
            if self._direct(question) is None:
                found.append(query(question))
        return found

    def _direct(self, question: str) -> str | None:
        """An answer that needs no search."""
        return (
            from_profile(question, self.profile)
            or clock(question, self.seen.now)
            or smalltalk(question, self.name)
        )

    def _names(self) -> Sequence[str]:
        return [n for n in (self.profile.value("Name"), self.name) if n]

    def _schedules(self) -> list[Call]:
        return [
            Call("schedule_message", {"when": r.when.isoformat(timespec="seconds"), "about": r.about})
            for r in self.reminders
            if r.when
        ]

    # The answer

    def _answer(self) -> str:
        whole = "\n".join(e.text for e in self.seen.spoken)
        parts = self._happened() + self._acknowledged()
        if any(asks_what_it_is(s) for s in sentences(whole)):
            parts.append(HELP)
        parts += [self._reminded(r) for r in self.reminders]
        parts += self._answered()
        if not parts:
            return self._smalltalk(whole)
        if self.first_contact and HELP not in parts and INTRODUCTION not in " ".join(parts):
            parts.append(f"({INTRODUCTION})")
        return " ".join(parts)

    def _smalltalk(self, text: str) -> str:
        name = self.name or next((e.name for e in self.seen.spoken if e.name), "")
        said = smalltalk(text, self.name)
        if said is None and (greets(text) or self.first_contact):
            return greeting(name) if greets(text) else f"{anything(text)} ({INTRODUCTION})"
        return said or anything(text)

    def _happened(self) -> list[str]:
        parts = []
        for event in self.seen.events:
            if event.kind == "user_joined":
                parts.append(f"{greeting(event.name)} /privacy says what is kept.")
            elif event.kind == "document_uploaded" or event.document:
                parts.append(f"I have received {event.document or 'the document'}.")
        return parts

    def _acknowledged(self) -> list[str]:
        parts, noted = [], []
        for fact in self.facts:
            if isinstance(fact, Told):
                noted.append(_clause(fact.text))
            elif fact.key == "Name":
                parts.append(f"Nice to meet you, {fact.values[0]}.")
            elif fact.gone:
                noted.append(_no_longer(fact, self.lines))
            else:
                noted.append(told_you(fact.key, fact.values))
        noted = [n for n in noted if n]
        if noted:
            parts.append(f"I have noted that {joined(noted[:6])}.")
        return parts

    def _answered(self) -> list[str]:
        parts = []
        for question in self.questions[:_MOST_QUESTIONS]:
            found = self._direct(question)
            if found is None:
                statement = best(query(question), self.seen, self._names())
                found = phrased(statement) if statement else UNKNOWN
            if found not in parts:
                parts.append(found)
        return parts

    def _reminded(self, asked: Reminder) -> str:
        if "schedule_message" not in self.offered and not self.seen.results("schedule_message"):
            return "I cannot set reminders here."
        if asked.when is None:
            return f"When shall I remind you: {asked.about}? Say it with a day or a time that lies ahead."
        made = [d for d in self.seen.results("schedule_message") if d.arguments.get("about") == asked.about]
        if made and not made[-1].ok:
            return f"I could not set that reminder: {str(made[-1].message)[:200]}"
        when = f"{asked.when:%A}, {day(asked.when)} at {asked.when:%H:%M}"
        return f"I will remind you on {when}: {asked.about}."


def _as_call(edit: Edit) -> Call:
    if not edit.old:
        return Call("core_memory_append", {"label": "human", "content": edit.new})
    arguments = {"label": "human", "old_content": edit.old, "new_content": edit.new}
    return Call("core_memory_replace", arguments)


def _insert(content: str) -> Call:
    return Call("archival_memory_insert", {"content": content})


def _once(calls: Sequence[Call]) -> list[Call]:
    found: list[Call] = []
    for call in calls:
        if call not in found:
            found.append(call)
    return found


def _clause(told: str) -> str:
    """A statement within "I have noted that …"."""
    said = second(told).rstrip(" .!")
    said = said if len(said) <= 160 else f"{said[:160].rsplit(' ', 1)[0]} …"
    first = said.split(" ", 1)[0]
    return said[:1].lower() + said[1:] if first in ("Your", "You", "The", "A", "An") else said


def _no_longer(fact: Line, lines: Sequence[Line]) -> str:
    """What to say of values that went; nothing when the same sentence put them elsewhere."""
    moved = any(not other.gone and other.values == fact.values for other in lines)
    if moved:
        return ""
    said = told_you(fact.key, fact.values)
    for verb in ("you are ", "your "):
        if said.startswith(verb):
            return f"it no longer holds that {said}"
    return said.replace("you ", "you no longer ", 1)
