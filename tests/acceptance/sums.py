"""What became of numbered messages that people wrote, by what was posted: each is to be answered once, and each one's
in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.acceptance.crowd import numbers_in

Posts = Sequence[tuple[str, str]]  # (place, text), each place's in order


@dataclass(frozen=True)
class Sums:
    """``disordered`` are the answers of one spot in one place where they are not in order."""

    answers: int
    lost: set[str]
    doubled: dict[str, int]
    disordered: dict[tuple[str, str], list[str]]


def sums(written: Mapping[str, Sequence[str]], posts: Posts) -> Sums:
    """``written`` are the numbers of each spot."""
    spot_of = {number: spot for spot, numbers in written.items() for number in numbers}
    times = Counter(number for _, text in posts for number in numbers_in(text))
    return Sums(
        answers=len(posts),
        lost=set(spot_of) - set(times),
        doubled={number: n for number, n in times.items() if n != 1},
        disordered={
            where: numbers
            for where, numbers in answered(written, posts).items()
            if numbers != sorted(numbers)
        },
    )


def answered(written: Mapping[str, Sequence[str]], posts: Posts) -> dict[tuple[str, str], list[str]]:
    """The numbers that were answered, as they were, by (spot, place)."""
    spot_of = {number: spot for spot, numbers in written.items() for number in numbers}
    found: dict[tuple[str, str], list[str]] = {}
    for place, text in posts:
        for number in numbers_in(text):
            found.setdefault((spot_of[number], place), []).append(number)
    return found


def once(written: Mapping[str, Sequence[str]], notes: Iterable[str]) -> bool:
    """Whether each number was noted once."""
    times = Counter(number for text in notes for number in numbers_in(text))
    said = {number for numbers in written.values() for number in numbers}
    return set(times) == said and set(times.values()) == {1}
