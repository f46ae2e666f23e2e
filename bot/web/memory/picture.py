"""A life with somebody as a picture: how much was said when, and what is noted, from when until when it held. Pure: the
numbers of an SVG, whose words and colours are the template's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from memory.records import Passage

WIDTH = 960
_EDGE = 12  # beside the picture
_TALK = 96  # height of what was said
_AXIS = 28
_LANE = 30
_TICKS = 5
BARS = 48
_LETTERS = 74  # of a note, that are shown
_LEAST = timedelta(days=1)  # that it spans


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Lane:
    """A note; ``open``: it holds still. Its text begins at ``at``, or (``left``) ends there."""

    bar: Bar
    text: str
    open: bool
    at: float
    left: bool
    baseline: float


@dataclass(frozen=True)
class Picture:
    height: float
    bars: Sequence[Bar]
    lanes: Sequence[Lane]
    ticks: Sequence[tuple[float, datetime]]
    axis: float


def span_of(first: datetime, now: datetime) -> timedelta:
    """The time of one bar."""
    return max(now - first, _LEAST) / BARS


def picture(first: datetime, now: datetime, paced: Mapping[int, int], notes: Sequence[Passage]) -> Picture:
    """``paced`` is how many messages there were in each `span_of`, by its number."""
    whole = max(now - first, _LEAST)

    def x(at: datetime) -> float:
        part = min(1.0, max(0.0, (at - first) / whole))
        return round(_EDGE + part * (WIDTH - 2 * _EDGE), 1)

    axis = float(_TALK)
    return Picture(
        height=_TALK + _AXIS + _LANE * len(notes) + _EDGE,
        bars=_bars(paced),
        lanes=[_lane(note, number, x, now) for number, note in enumerate(notes)],
        ticks=[(x(at), at) for at in (first + whole * n / (_TICKS - 1) for n in range(_TICKS))],
        axis=axis,
    )


def _bars(paced: Mapping[int, int]) -> list[Bar]:
    most = max(paced.values(), default=1)
    width = (WIDTH - 2 * _EDGE) / BARS
    return [
        Bar(
            x=round(_EDGE + min(number, BARS - 1) * width + 1, 1),
            y=round(_TALK - max(3.0, (_TALK - 8) * many / most), 1),
            width=round(width - 2, 1),
            height=round(max(3.0, (_TALK - 8) * many / most), 1),
        )
        for number, many in sorted(paced.items())
        if number >= 0
    ]


def _lane(note: Passage, number: int, x: Callable[[datetime], float], now: datetime) -> Lane:
    begins, ends = x(note.since or note.created_at), x(note.until or now)
    top = _TALK + _AXIS + number * _LANE
    left = begins > WIDTH / 2
    text = " ".join(note.text.split())
    return Lane(
        bar=Bar(x=begins, y=top + 20, width=max(4.0, round(ends - begins, 1)), height=5),
        text=text if len(text) <= _LETTERS else f"{text[:_LETTERS]} …",
        open=note.until is None,
        at=max(begins, ends if left else begins),
        left=left,
        baseline=top + 15,
    )
