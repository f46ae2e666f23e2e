"""What a person and an earlier bot of theirs said, as the readers of other programs' files give it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.errors import BundleError
from bot.ownership.moving_in.source import Source

_NAMED = 3  # of what was left out for one reason


@dataclass(frozen=True, kw_only=True)
class Line:
    """What was said once. ``id`` names it in its source, and is the same whenever that is exported again; ``author`` is
    who said it where that was not the person (empty), ``at`` None where the source does not tell."""

    id: str
    author: str
    text: str
    at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Talk:
    """``title`` is what the source calls it, or empty; ``lines`` are in the order in which they were said, and can be
    read once. ``at`` is about when, where a line of it does not tell."""

    title: str
    lines: Iterable[Line]
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Whose:
    """Whose file it is: times without a zone are of ``zone``. ``partner`` is the bot that they talked with, ``me`` what
    they are called there, where the file has several: names or ids, or empty."""

    zone: ZoneInfo
    partner: str = ""
    me: str = ""


@dataclass
class Left:
    """What was left out: how many of each reason, and where the first of them stood."""

    counts: Counter[str] = field(default_factory=Counter)
    named: dict[str, list[str]] = field(default_factory=dict)

    def out(self, why: str, where: str = "") -> None:
        self.counts[why] += 1
        if where and len(known := self.named.setdefault(why, [])) < _NAMED:
            known.append(where)

    def __str__(self) -> str:
        """In words: ``a line that is no JSON (chat.jsonl, line 7); a message without words (40 times)``."""
        told = []
        for why, count in self.counts.most_common():
            where = [*self.named.get(why, ()), *([f"{count:,} times"] if count > 1 else [])]
            told.append(f"{why} ({'; '.join(where)})" if where else why)
        return "; ".join(told)


class Format(Protocol):
    """The files of one program. ``name`` is what --from takes, ``what`` the program's own name: a word."""

    name: str
    what: str

    def claims(self, source: Source) -> bool:
        """Whether it is one, by what is in it. Raises `BundleError` for what cannot be read at all."""
        ...

    def read(self, source: Source, whose: Whose, left: Left) -> Iterator[Talk]:
        """All talks, in the order of the file; what cannot be read of it is ``left`` out. Raises `BundleError` where
        nothing can be, or where it must be said whose talks are wanted."""
        ...


def chosen(wanted: str, names: dict[str, list[str]], option: str) -> str:
    """The key of what is ``wanted``, by one of its ``names`` (whole, or else a part of one); the only one there is,
    where nothing is. Raises `BundleError`, which names those that there are."""
    sought = wanted.casefold().lstrip("@")
    for fits in (_is_named, _is_named_so):
        found = [key for key, own in names.items() if any(fits(name.casefold(), sought) for name in own)]
        if len(found) == 1:
            return found[0]
    shown = ", ".join(sorted({own[0] for own in names.values()})[:20])
    if not names or not wanted:
        raise BundleError(
            f"It is not clear whose talks are wanted: say so with {option}. There are: {shown or 'none'}."
        )
    raise BundleError(
        f"{option} {wanted}: {'several are' if found else 'nobody is'} called so. There are: {shown}."
    )


def _is_named(name: str, sought: str) -> bool:
    return not sought or name == sought


def _is_named_so(name: str, sought: str) -> bool:
    return bool(sought) and sought in name
