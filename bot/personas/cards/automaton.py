"""The automaton of a regular expression: all its states are followed at once, so that no text makes it go back.

Its size is bounded where it is made, and every search takes its steps from a budget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

MAX_KNOWN = 500  # sets of states remembered while one text is searched

Test = Callable[[str], bool]


class Steps:
    """How much searching is still allowed. The same searches always use the same number."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, steps: int) -> bool:
        self.left -= steps
        return self.left >= 0


@dataclass(frozen=True)
class State:
    """One state of the automaton: a character to take, a fork, a condition on the place, or the end."""

    kind: Literal["take", "fork", "begin", "end", "boundary", "inside", "found"]
    test: Test | None = None
    ways: tuple[int, ...] = ()  # of a fork; anything else goes on to the next state
    weight: int = 1  # how much the test costs


@dataclass(frozen=True)
class Pattern:
    states: tuple[State, ...]
    lines: bool  # ^ and $ match at every line
    placed: bool  # it has conditions on the place

    def search(self, text: str, steps: Steps) -> bool:
        """Whether the pattern matches anywhere; False as well when the steps are used up."""
        known_ways: dict[tuple[frozenset[int], tuple[bool, ...]], tuple[frozenset[int], bool]] = {}
        known_moves: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        now = frozenset((0,))
        for at in range(len(text) + 1):
            place = self._place(text, at) if self.placed else ()
            if len(known_moves) + len(known_ways) > MAX_KNOWN:
                known_moves.clear()
                known_ways.clear()
            ways = known_ways.get((now, place))
            if ways is None:
                ways = known_ways[now, place] = self._ways(now, place)
                steps.take(len(self.states))
            waiting, found = ways
            if found or at == len(text):
                return found
            moved = known_moves.get((waiting, text[at]))
            if moved is None:
                moved = known_moves[waiting, text[at]] = self._moved(waiting, text[at])
                steps.take(sum(self.states[number].weight for number in waiting))
            if not steps.take(1):
                return False
            now = moved
        return False

    def _ways(self, now: frozenset[int], place: tuple[bool, ...]) -> tuple[frozenset[int], bool]:
        """The states that wait for a character, and whether the end is reached, without taking one."""
        waiting: set[int] = set()
        seen: set[int] = set()
        todo = list(now)
        while todo:
            number = todo.pop()
            if number in seen:
                continue
            seen.add(number)
            state = self.states[number]
            if state.kind == "found":
                return frozenset(), True
            if state.kind == "take":
                waiting.add(number)
            elif state.kind == "fork":
                todo.extend(state.ways)
            elif place[("begin", "end", "boundary", "inside").index(state.kind)]:
                todo.append(number + 1)
        return frozenset(waiting), False

    def _moved(self, waiting: frozenset[int], character: str) -> frozenset[int]:
        taken = {n + 1 for n in waiting if (test := self.states[n].test) and test(character)}
        return frozenset(taken | {0})  # a match may begin anywhere

    def _place(self, text: str, at: int) -> tuple[bool, ...]:
        before, after = text[at - 1 : at] if at else "", text[at : at + 1]
        begin = not before or (self.lines and before == "\n")
        end = not after or (self.lines and after == "\n")
        boundary = is_word(before) != is_word(after)
        return begin, end, boundary, not boundary


def is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
