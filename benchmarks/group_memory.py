"""What a room remembers: who said what and when, what was decided in the end, who was not there, and which of two.

    python -m benchmarks.group_memory [--room theatre|dogs] [--no-embedder] [--misses]

A room that was made up (`benchmarks.made_up_room`; there are three) is heard by everbot's front door, as from a
platform, and asked by the search of `conversation_search`: counted is the share of the evidence in the first ten
results. Each question is asked twice: in other words than its evidence's, often without a single one of them ("other
words"), and so that it names what it is about, as people do ("named": "About the sofa: which colour did we choose for
the couch?"). All is from templates: the figure says how this search fares with such rooms, and not how it fares with
yours.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import report
from benchmarks.everbot import EmbedderKind, House, opened, settings_of
from benchmarks.made_up_room import BEGIN, DAYS, ROOMS, Question, Said, Tables, made_up, tables
from bot.events import Command, MessageReceived, community_audience
from memory.recall import Searcher
from memory.records import Message

_CLUB = "bench:1"
_HALL = community_audience(_CLUB)
_FIRST = 10  # results
_NOW = BEGIN + timedelta(days=DAYS + 1)
_CHANGES = "changed decisions"
_FORMS = {"named": "About the {about}: {text}", "other words": "{text}"}


@dataclass(frozen=True)
class Answer:
    """The marks of the results, best first."""

    asked: Question
    form: str
    found: Sequence[str]
    texts: Sequence[str]

    @property
    def share(self) -> float:
        return sum(mark in self.found for mark in self.asked.evidence) / len(self.asked.evidence)

    @property
    def newer_first(self) -> bool:
        """Whether what holds now stands above what held before."""
        [now], before = self.asked.evidence, self.asked.before
        return now in self.found and (
            before not in self.found or self.found.index(now) < self.found.index(before)
        )


def _event(said: Said, key: str, name: str) -> MessageReceived:
    return MessageReceived(
        key=f"bench:{key}",
        account=f"bench:{said.account}",
        name=name,
        address=f"bench:{said.place}",
        audience=_HALL,
        at=said.at,
        addressed=False,
        text=said.text,
    )


async def hear(house: House, lines: Sequence[Said], names: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """The room hears it all; marks by what was said, and when."""
    event = _event(lines[0], "on", names[lines[0].account])
    about = {name: getattr(event, name) for name in ("account", "name", "address", "audience")}
    switched = Command(**about, command="room", argument="memory on", community=_CLUB, admin=True)
    await house.app.inbound.invoke(switched)
    for account, name in names.items():  # who is told of it is not kept yet
        first = Said(account=account, place=lines[0].place, at=BEGIN, text="hello")
        await house.app.inbound.submit(_event(first, f"first/{account}", name))
    for number, said in enumerate(lines):
        await house.app.inbound.submit(_event(said, str(number), names[said.account]))
    await house.app.memory.indexer.drain()
    return {(said.text, said.at.isoformat()): said.mark for said in lines if said.mark}


async def measure(room: Tables, directory: Path, embedder: EmbedderKind) -> tuple[int, list[Answer]]:
    lines, questions = made_up(room)
    async with opened(settings_of(directory, None, embedder)) as house:
        marks = await hear(house, lines, room.names)
        store, recall = house.app.memory.store, house.app.memory.recall
        stranger = Said(account="zoe", place="hall", at=_NOW, text="")
        async with store.read() as session:
            keeper = await session.rooms.keeper(_CLUB)
        assert keeper is not None
        asker = (await house.app.identities.of(_event(stranger, "ask", "Zoe"))).agent.id
        answers = []
        for form, question in product(_FORMS, questions):
            asked = _FORMS[form].format(about=question.about, text=question.text)
            page = await recall.search(
                asker, asked, _HALL, page_size=_FIRST, searcher=Searcher("Zoe", room=keeper.id), now=_NOW
            )
            rows = [hit.row for hit in page.hits if isinstance(hit.row, Message)]
            found = [marks.get((row.text, row.created_at.isoformat()), "") for row in rows]
            answers.append(Answer(question, form, found, [f"{row.author}: {row.text}" for row in rows]))
    return len(lines), answers


def told(form: str, answers: Sequence[Answer]) -> str:
    """The figures of one form of the questions."""
    rows = []
    for kind in dict.fromkeys(answer.asked.kind for answer in answers):
        some = [answer for answer in answers if answer.asked.kind == kind]
        rows.append((kind, len(some), _percent([answer.share for answer in some])))
    changed = [answer for answer in answers if answer.asked.kind == _CHANGES]
    every, latest = (_percent([answer.share for answer in some]) for some in (answers, changed))
    return "\n".join(
        [
            f"\n{form}:",
            report.table(("kind", "questions", f"evidence in the first {_FIRST} %"), rows),
            report.goal("evidence", every, 85, " %", at_least=True),
            report.goal("what was decided last", latest, 90, " %", at_least=True),
            f"above what had been decided before: {_percent([a.newer_first for a in changed]):.0f} %",
        ]
    )


def _percent(values: Sequence[float]) -> float:
    return 100 * sum(values) / len(values)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--room", choices=ROOMS, default="house")
    parser.add_argument("--no-embedder", action="store_true", help="search by words alone")
    parser.add_argument("--misses", action="store_true", help="print what was not found")
    options = parser.parse_args()
    embedder: EmbedderKind = "none" if options.no_embedder else "auto"
    print(report.heading(f"What a made-up room ({options.room}) remembers, embedder: {embedder}"))
    with TemporaryDirectory(prefix="everbot-bench-") as scratch:
        count, answers = asyncio.run(measure(tables(options.room), Path(scratch), embedder))
    print(f"{count:,} lines, {len(answers) // len(_FORMS)} questions")
    for form in _FORMS:
        print(told(form, [answer for answer in answers if answer.form == form]))
    for answer in answers if options.misses else ():
        if answer.share < 1:
            print(f"\n{answer.form}, {answer.asked.kind}: {answer.asked.text}", *answer.texts, sep="\n  ")


if __name__ == "__main__":
    main()
