"""What a search found, as the model is shown it: a line a row, as many and as long as the call's room allows.

``m12 2022-04-20 Wed 21:32 (3/17) James: ...`` is a message, the third of the seventeen of its talk; what is of the same
day follows it, without the date (``m15 Wed 21:40 (6/17) Ada: ...``), and of the same minute without the time;
``n12 ... noted:`` a passage of the agent's own archive, ``l3-12 ... lore:`` one of a community's,
``d12 ... guide.pdf part 4:`` a part of a document that the person sent, ``guide.pdf part 4:`` of an attached one.
Everything is cut before it becomes JSON, never after.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.agent.context import compact
from bot.agent.tools.desk import Desk
from bot.agent.tools.ids import DOCUMENT, LORE, id_of
from memory.records import Hit, Message, Page, Passage, Position
from memory.search.excerpts import Sought, one_line
from memory.search.namesakes import is_numbered
from memory.search.terms import query_terms

_PASSAGE = 1_200  # characters of a passage that are shown, at most
_MESSAGE = 600  # ... of a message: `conversation_around` shows more
_LISTED = 400  # ... in a list by date
_BESIDE = 300  # ... of what is told only because it stands beside a hit
_UNLIKELY = 100  # ... of a hit that is worth much less than the best of its page
_MUCH_LESS = 0.02  # of the best one's share of attention
_LESS = 0.15  # ... from which on a hit that asks something brings what was said to it
_REMINDED = 60  # ... of what is in view already
_SHORTEST = 40  # ... however little room there is
_NOT_SURE = "Nothing fits well: these are only the nearest."
_NOTHING = "Nothing found. Try other words."
_NOTHING_ELSE = "Nothing but what is in view. Try other words."
_SEVERAL = "Ada (1) and Ada (2) are two people of one name; the number is always the same person's."

Results = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """``name`` is the row's id, ``day`` and ``time`` when it was said ("" of a document), ``who`` its place in the talk
    and its author; of the text at most ``most`` characters are shown."""

    name: str
    day: str
    time: str
    who: str
    text: Sought
    most: int

    def shown(self, most: int, before: Line | None) -> str:
        """Without what the line ``before`` it tells of its time."""
        same_day = before is not None and before.day == self.day
        same_time = same_day and before is not None and before.time == self.time
        when = ["" if same_day else self.day, "" if same_time else self.time]
        head = " ".join(filter(None, (self.name, *when, self.who)))
        return f"{head}: {self.text.excerpt(min(most, self.most)).text}"


def found(desk: Desk, page: Page, query: str) -> Results:
    """A page of a search, best first; what is in view stands last, and takes few words."""
    terms = query_terms(query)
    lines = [
        *_with_answers(desk, page.hits, terms),
        *(_line(desk, row, terms, None, _REMINDED) for row in page.in_view),
    ]
    told = _namesakes(page.hits)
    if page.page and not page.hits:
        told["note"] = f"There is no page {page.page}."
    elif not page.hits:
        told["note"] = _NOTHING_ELSE if page.in_view else _NOTHING
    elif not page.fits and not page.page:
        told["note"] = _NOT_SURE
    if page.page + 1 < page.pages:
        told["more"] = True
        if 2 * page.total <= page.searched:  # else it tells nothing: nearly everything matches
            told["total"] = page.total
    return _fitted(desk, lines, told)


def listed(desk: Desk, page: Page) -> Results:
    """A page of what was said between two days, in order."""
    viewed = desk.viewed()
    lines = [
        _line(desk, hit.row, (), hit.position, _REMINDED if hit.row.key in viewed else _LISTED)
        for hit in page.hits
    ]
    told = _namesakes(page.hits)
    if not page.hits:
        told["note"] = f"There is no page {page.page}." if page.total else "Nothing was said then."
    if page.page + 1 < page.pages:
        told |= {"more": True, "total": page.total}
    return _fitted(desk, lines, told)


def around(desk: Desk, hits: Sequence[Hit], key: int) -> Results:
    """A message among those before and after it: it is shown as fully as there is room."""
    viewed = desk.viewed() - {key}
    return _fitted(
        desk,
        [
            _line(
                desk,
                hit.row,
                (),
                hit.position,
                _REMINDED if hit.row.key in viewed else len(hit.row.text) if hit.row.key == key else _LISTED,
            )
            for hit in hits
        ],
        _namesakes(hits),
    )


def _namesakes(hits: Sequence[Hit]) -> Results:
    """What the numbers behind names mean, where there are any."""
    rows = [row for hit in hits for row in (hit.row, hit.answer) if isinstance(row, Message)]
    return {"names": _SEVERAL} if any(map(is_numbered, rows)) else {}


def _with_answers(desk: Desk, hits: Sequence[Hit], terms: Sequence[str]) -> Iterator[Line]:
    """The hits, what is of one day together, each with what it replaced, or what was said to it where it asks."""
    told: set[int] = set()
    best = max((hit.score for hit in hits), default=0.0)
    for hit in _by_day(desk, hits):
        if hit.row.key in told:
            continue
        told.add(hit.row.key)
        most = _MESSAGE if isinstance(hit.row, Message) else _PASSAGE
        unlikely = isinstance(hit.row, Message) and hit.score < _MUCH_LESS * best
        yield _line(desk, hit.row, terms, hit.position, _UNLIKELY if unlikely else most)
        if hit.replaced is not None and hit.replaced.key not in told:
            told.add(hit.replaced.key)
            yield _line(desk, hit.replaced, terms, None, _BESIDE)
        answer = hit.answer
        if answer is not None and answer.key not in told and hit.score >= _LESS * best:
            told.add(answer.key)
            longest = _MESSAGE if any(other.row.key == answer.key for other in hits) else _BESIDE
            yield _line(desk, answer, terms, None, longest)


def _by_day(desk: Desk, hits: Sequence[Hit]) -> list[Hit]:
    """Best first, but that what is of the day of a better one follows it."""
    days: dict[date, list[Hit]] = {}
    for hit in hits:
        days.setdefault(hit.row.created_at.astimezone(desk.zone).date(), []).append(hit)
    return [hit for day in days.values() for hit in day]


def _line(
    desk: Desk, row: Message | Passage, terms: Sequence[str], position: Position | None, most: int
) -> Line:
    at, name = row.created_at.astimezone(desk.zone), id_of(row, desk.agent)
    day, time = f"{at:%Y-%m-%d}", f"{at:%a %H:%M}"
    if isinstance(row, Message):
        marks = [row.imported] if row.imported else []
        marks += [f"{position.number}/{position.of}"] if position is not None else []
        marks += ["in view"] if row.key in desk.viewed() else []
        marks += ["not any more"] if row.key in desk.outdated else []
        who = f"({', '.join(marks)}) {one_line(row.author)}" if marks else one_line(row.author)
    elif not name:
        day, time, who = "", "", f"{one_line(row.source)} part {row.position}"
    elif name.startswith(DOCUMENT):
        who = f"{one_line(row.source)} part {row.position}"
    else:
        tags = f" ({', '.join(map(one_line, row.tags))})" if row.tags else ""
        kept = "lore" if name.startswith(LORE) else "noted"
        who = f"{kept}{tags}{_marks(desk, row)}"
    return Line(name, day, time, who, Sought(row.text, terms), most)


def _marks(desk: Desk, note: Passage) -> str:
    """Who says a note, from when until when it holds, and whether that is doubtful."""
    marks = [f"says {one_line(note.origin)}"] if note.origin else []
    if note.since is not None:
        marks.append(f"since {note.since.astimezone(desk.zone):%Y-%m-%d}")
    if note.until is not None:
        marks.append(f"until {note.until.astimezone(desk.zone):%Y-%m-%d}: not any more")
    if note.doubtful:
        marks.append("doubtful, ask")
    return f" ({'; '.join(marks)})" if marks else ""


def _fitted(desk: Desk, lines: Sequence[Line], told: Results) -> Results:
    """The lines in the call's share of the window: with less of each first, then with fewer of them."""
    most = max((line.most for line in lines), default=0)
    while True:
        shown = [line.shown(most, before) for line, before in zip(lines, [None, *lines], strict=False)]
        if _fits(desk, shown, told) or most <= _SHORTEST:
            break
        most = max(_SHORTEST, most // 2)
    left_out = 0
    while shown and not _fits(desk, shown, told):
        shown.pop()
        left_out += 1
        told["note"] = f"{left_out} more had no room."
    return {"results": shown, **told}


def _fits(desk: Desk, shown: Sequence[str], told: Results) -> bool:
    text = compact(compact({"results": shown, **told}))  # as it stands in a request
    return desk.count(text) <= desk.results_room
