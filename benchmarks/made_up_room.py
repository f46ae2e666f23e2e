"""Rooms that are made up: twelve people, two of them of one name, who talk for 60 days.

Templates (benchmarks/rooms/) with a fixed seed. Between thousands of lines
that tell nothing stand those that are asked about; of whatever is asked about others speak, too, who tell nothing of
it. The questions are put in other words than what answers them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

BEGIN, DAYS = datetime(2026, 9, 1, tzinfo=UTC), 60
_FOLDER = Path(__file__).parent / "rooms"
_SCENES = 5  # a day in which nothing is told
_LINES = 12  # of such a scene


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What a room is made of. ``names`` by account, the first two of them of one name; a row of ``changes`` is what was
    decided first, what later, what it is about, the question, and where somebody asked just before, what; of
    ``offers`` likewise what is offered, what it is about, and so on; of ``events``, which are somebody's on a day,
    the question has {name}; of ``absences`` an occasion, two excuses, and the question; of ``namesakes`` what each of
    the two says, what it is about, and the question. ``buying`` is what is said of a {thing} that was ``bought``, what
    it is about, and the question with {name} and {day}."""

    names: Mapping[str, str]
    places: Sequence[str]
    changes: Sequence[Sequence[str]]
    offers: Sequence[Sequence[str]]
    events: Sequence[Sequence[str]]
    absences: Sequence[Sequence[str]]
    namesakes: Sequence[Sequence[str]]
    bought: Sequence[str]
    buying: Sequence[str]
    about: Sequence[str]
    after: Sequence[str]
    chatter: Callable[[Random], str]


@dataclass(frozen=True, kw_only=True)
class Said:
    """``mark`` is what is asked by, empty for what tells nothing."""

    account: str
    place: str
    at: datetime
    text: str
    mark: str = ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """``about`` is what it is about, as the room calls it; ``evidence`` are the marks of what answers it, ``before``
    that of what held before."""

    kind: str
    text: str
    about: str
    evidence: tuple[str, ...]
    before: str = ""


def made_up(tables: Tables, seed: int = 20) -> tuple[list[Said], list[Question]]:
    """What was said, in order, and what is asked of it: the same at each call."""
    room = _Room(tables, Random(seed))
    doubles, others = list(tables.names)[:2], list(tables.names)[2:]
    for number, (first, later, about, asked, *before) in enumerate(tables.changes):
        day = room.random.randrange(5, 25)
        room.tell(day, first, about, f"c{number}/old")
        room.tell(day + room.random.randrange(8, 30), later, about, f"c{number}", asked="".join(before))
        room.ask("changed decisions", asked, about, [f"c{number}"], before=f"c{number}/old")
    for number, (said, about, asked, *before) in enumerate(tables.offers):
        room.tell(room.random.randrange(DAYS), said, about, f"o{number}", asked="".join(before))
        room.ask("who", asked, about, [f"o{number}"])
    for number, (said, about, asked) in enumerate(tables.events):
        who = room.random.choice(others)
        room.tell(room.random.randrange(DAYS), said, about, f"e{number}", who)
        room.ask("when", asked.format(name=tables.names[who]), about, [f"e{number}"])
    room.days(others[0])
    for number, (about, one, other, asked) in enumerate(tables.absences):
        day, pair = room.random.randrange(3, DAYS), room.random.sample(others, 2)
        for part, said, who in zip("ab", (one, other), pair, strict=True):
            room.tell(day - room.random.randrange(3), said, about, f"a{number}{part}", who)
        room.ask("absences", asked, about, [f"a{number}a", f"a{number}b"])
    for number, (one, other, about, asked) in enumerate(tables.namesakes):
        day = room.random.randrange(10, DAYS)
        for part, said, who in zip("ab", (one, other), doubles, strict=True):
            room.tell(day - room.random.randrange(10), said, about, f"n{number}{part}", who)
        room.ask("two of one name", asked, about, [f"n{number}a", f"n{number}b"])
    room.chat()
    return sorted(room.said, key=lambda said: said.at), room.questions


ROOMS = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def tables(room: str) -> Tables:
    """Of one of `ROOMS`."""
    read = tomllib.loads((_FOLDER / f"{room}.toml").read_text("utf-8"))
    for table in ("changes", "offers", "events", "absences", "namesakes"):
        read[table] = [row.split("|") for row in read[table].splitlines()]
    parts, forms, slots = read.pop("parts", None), read.pop("forms", []), read.pop("slots", {})
    return Tables(**read, chatter=joined(*parts) if parts else filled(forms, slots))


def filled(forms: Sequence[str], slots: Mapping[str, Sequence[str]]) -> Callable[[Random], str]:
    """What fills one of the forms with a word for each of its {slots}."""

    def chatter(random: Random) -> str:
        words = {name: random.choice(choices) for name, choices in slots.items()}
        return random.choice(forms).format(**words)

    return chatter


def joined(*parts: Sequence[str]) -> Callable[[Random], str]:
    """What puts one of each of the parts together."""
    return lambda random: ", ".join(filter(None, (random.choice(choices) for choices in parts)))


class _Room:
    def __init__(self, tables: Tables, random: Random) -> None:
        self.random = random
        self.said: list[Said] = []
        self.questions: list[Question] = []
        self._t = tables

    def ask(self, kind: str, text: str, about: str, evidence: Sequence[str], before: str = "") -> None:
        marks = tuple(evidence)
        self.questions.append(Question(kind=kind, text=text, about=about, evidence=marks, before=before))

    def tell(self, day: int, text: str, about: str, mark: str, account: str = "", *, asked: str = "") -> None:
        """What is asked for, among answers that tell nothing; and some who speak of the same at another time.
        ``asked``: what somebody asked just before."""
        place, at = self.random.choice(self._t.places), self._moment(day)
        if asked:
            self._add("", place, at - timedelta(seconds=40), asked)
        self._add(account, place, at, text, mark)
        for _ in range(self.random.randrange(3)):
            at += timedelta(seconds=self.random.randrange(20, 200))
            self._add("", place, at, self.random.choice(self._t.after))
        for distractor in self.random.sample(self._t.about, self.random.randrange(1, 4)):
            elsewhere = self._moment(self.random.randrange(DAYS))
            self._add("", self.random.choice(self._t.places), elsewhere, distractor.format(about=about))

    def days(self, who: str) -> None:
        """What somebody told on one day, asked by the day alone: they tell others of the kind on other days."""
        days = self.random.sample(range(2, DAYS), len(self._t.bought))
        telling, about, asked = self._t.buying
        for number, (thing, day) in enumerate(zip(self._t.bought, days, strict=True)):
            self.tell(day, telling.format(thing=thing), about, f"d{number}", who)
            on = BEGIN + timedelta(days=day)
            question = asked.format(name=self._t.names[who], day=f"{on.day} {on:%B}")
            self.ask("by day", question, about, [f"d{number}"])

    def chat(self) -> None:
        for day in range(DAYS):
            for _ in range(_SCENES):
                place, at = self.random.choice(self._t.places), self._moment(day)
                for _ in range(_LINES):
                    at += timedelta(seconds=self.random.randrange(10, 300))
                    self._add("", place, at, self._t.chatter(self.random))

    def _moment(self, day: int) -> datetime:
        return BEGIN + timedelta(days=day, seconds=self.random.randrange(7 * 3600, 23 * 3600))

    def _add(self, account: str, place: str, at: datetime, text: str, mark: str = "") -> None:
        account = account or self.random.choice(list(self._t.names))
        self.said.append(Said(account=account, place=place, at=at, text=text, mark=mark))
