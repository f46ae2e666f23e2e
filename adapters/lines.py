"""The last lines of channels: shown beside a message, never remembered."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import replace

from bot.cache import Cache
from bot.events import Quote


class Lines:
    """``most`` lines of each place, of at most ``places`` places."""

    def __init__(self, most: int, places: int) -> None:
        self._most = most
        self._places: Cache[Hashable, deque[Quote]] = Cache(places)

    def __contains__(self, place: Hashable) -> bool:
        return place in self._places

    def begin(self, place: Hashable, lines: Iterable[Quote] = ()) -> None:
        """Keep a place's lines from now on; ``lines`` were there before."""
        self._places[place] = deque(lines, self._most)

    def of(self, place: Hashable) -> tuple[Quote, ...]:
        """What stands there now."""
        return tuple(self._places.get(place, ()))

    def before(self, place: Hashable, line: Quote) -> tuple[Quote, ...]:
        """What stood there before the line, which is what stands before the next one."""
        if place not in self._places:
            self.begin(place)
        lines = self._places[place]
        self._places[place] = lines  # the newest
        before = tuple(known for known in lines if known.key != line.key)
        if all(known.key != line.key for known in lines):
            lines.append(line)
        return before

    def change(self, key: str, text: str) -> None:
        """A line was edited or deleted: it is not shown any more as it was."""
        for lines in self._places.values():
            for number, known in enumerate(lines):
                if known.key == key:
                    lines[number] = replace(known, text=text)
