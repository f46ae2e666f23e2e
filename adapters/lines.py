"""The last lines of channels: shown beside a message, never remembered."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable

from bot.kept import Kept

Line = tuple[Hashable, str]  # the message's id, and its author and text


class Lines:
    """``most`` lines of each place, of at most ``places`` places."""

    def __init__(self, most: int, places: int) -> None:
        self._most = most
        self._places: Kept[Hashable, deque[Line]] = Kept(places)

    def __contains__(self, place: Hashable) -> bool:
        return place in self._places

    def begin(self, place: Hashable, lines: Iterable[Line] = ()) -> None:
        """Keep a place's lines from now on; ``lines`` were there before."""
        self._places[place] = deque(lines, self._most)

    def before(self, place: Hashable, line: Line) -> tuple[str, ...]:
        """What stood there before the line, which is what stands before the next one."""
        if place not in self._places:
            self.begin(place)
        lines = self._places[place]
        self._places[place] = lines  # the newest
        before = tuple(text for known, text in lines if known != line[0])
        if all(known != line[0] for known, _ in lines):
            lines.append(line)
        return before

    def change(self, message: Hashable, text: str) -> None:
        """A line was edited or deleted: it is not shown any more as it was."""
        for lines in self._places.values():
            for number, (known, _) in enumerate(lines):
                if known == message:
                    lines[number] = (message, text)
