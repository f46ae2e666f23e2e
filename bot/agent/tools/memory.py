"""The tools that read and write memory (MemGPT's names and arguments)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.agent.tools.desk import Desk
from bot.agent.tools.registry import Tool, tool
from bot.errors import ToolError
from memory import core
from memory.errors import BlockLimitExceeded
from memory.records import Block, Message, Page, Passage
from memory.search.terms import query_terms

_LONGEST_PASSAGE = 8_000  # characters
_EXCERPT = 1_200  # characters of a hit that are shown, at most
_SHORTEST = 80  # ... and at least
_OCCURRENCES = 20  # of a word that are looked at
_LEAST = 30  # tokens of a hit's text
_AROUND = 110  # tokens that a hit takes besides its text


async def core_memory_append(desk: Desk, label: str, content: str) -> str:
    """Add a line to a core memory block.

    label: which block, such as human
    content: the line to add, as one self-contained statement
    """
    before = await desk.block(label)
    block = core.append(before, _filled(content, "content"))
    return _put(desk, block, "Added.") if block.value != before.value else "Already there: nothing was added."


async def core_memory_replace(desk: Desk, label: str, old_content: str, new_content: str) -> str:
    """Replace text in a core memory block: to correct, to condense, or (with an empty new text) to remove.

    label: which block, such as human
    old_content: the exact text to replace; it must occur once
    new_content: what to put in its place; empty to remove it
    """
    block = core.replace_text(await desk.block(label), old_content, new_content)
    return _put(desk, block, "Replaced.")


async def remember(desk: Desk, fact: str) -> str:
    """Keep something about the person for good: in core memory, or in archival storage when that is full.

    fact: one self-contained statement
    """
    try:
        return await core_memory_append(desk, "human", fact)
    except BlockLimitExceeded:
        return await archival_memory_insert(desk, fact)


async def conversation_search(desk: Desk, query: str, page: int = 0) -> dict[str, Any]:
    """Search everything ever said between you and the person, by words and meaning.

    query: what to look for
    page: which page of results, from 0
    """
    query = _filled(query, "query")
    return _results(desk, await desk.search_recall(query, _page(page)), query)


async def conversation_search_date(
    desk: Desk, start_date: str, end_date: str, page: int = 0
) -> dict[str, Any]:
    """List what was said between two days, both included, in order.

    start_date: first day, as YYYY-MM-DD
    end_date: last day, as YYYY-MM-DD
    page: which page of results, from 0
    """
    since = _day(desk, start_date, "start_date")
    until = _day(desk, end_date, "end_date") + timedelta(days=1)
    if until <= since:
        raise ToolError(f"end_date {end_date} lies before start_date {start_date}: swap them.")
    return _results(desk, await desk.search_dates(since, until, _page(page)), "")


async def archival_memory_insert(
    desk: Desk, content: str, tags: list[str] | None = None, scope: str = "own"
) -> str:
    """Store a statement in archival storage, for ever and without limit.

    content: one self-contained statement, understandable on its own
    tags: words to find it by, such as family or work
    scope: own (the default), or community: shared with everyone in this community
    """
    content = _filled(content, "content")
    if len(content) > _LONGEST_PASSAGE:
        raise ToolError(
            f"content has {len(content)} characters; at most {_LONGEST_PASSAGE} fit one passage. "
            "Split it into several self-contained statements."
        )
    words = [tag.strip().casefold() for tag in tags or [] if tag.strip()]
    if scope == "community":
        text, new = await desk.tell(_community(desk), content, words)
        return "Stored for the community." if new else f"The community's lore says that already: {text}"
    if scope != "own":
        raise ToolError(f"'scope' must be own or community, got {scope!r}")
    text, new = await desk.insert(content, words)
    return "Stored." if new else f"Already stored, nothing was added: {text}"


async def archival_memory_search(
    desk: Desk, query: str, page: int = 0, tags: list[str] | None = None
) -> dict[str, Any]:
    """Search archival storage, the community's lore and the attached documents, by words and meaning.

    query: what to look for
    page: which page of results, from 0
    tags: only statements that carry one of these
    """
    query = _filled(query, "query")
    wanted = [tag.strip().casefold() for tag in tags or [] if tag.strip()]
    return _results(desk, await desk.search_archive(query, _page(page), wanted), query)


async def rethink_memory(desk: Desk, label: str, new_value: str) -> str:
    """Rewrite a core memory block as a whole: condensed, corrected, without repetition.

    label: which block
    new_value: its complete new text
    """
    block = core.rethink(await desk.block(label), new_value.strip())
    return _put(desk, block, "Rewritten.")


async def rethink_user_memory(desk: Desk, new_value: str) -> str:
    """Rewrite the block about the person (human) as a whole.

    new_value: its complete new text
    """
    return await rethink_memory(desk, "human", new_value)


async def store_memories(desk: Desk, chunks: list[str]) -> str:
    """Store several statements in archival storage at once.

    chunks: the statements, each self-contained
    """
    stored = 0
    for chunk in chunks:
        stored += (await archival_memory_insert(desk, chunk)) == "Stored."
    return f"Stored {stored} of {len(chunks)}; the others were stored already."


async def finish_rethinking_memory(desk: Desk) -> str:
    """End a reflection: memory is as it should be."""
    desk.finished = True
    return "Done."


TOOLS: tuple[Tool, ...] = (
    tool(core_memory_append),
    tool(core_memory_replace),
    tool(conversation_search),
    tool(conversation_search_date),
    tool(archival_memory_insert),
    tool(archival_memory_search),
    tool(rethink_memory),
    tool(rethink_user_memory),
    tool(store_memories),
    tool(finish_rethinking_memory, final=True),
)
LEAN_TOOLS: tuple[Tool, ...] = (tool(remember, lean=True),)
"""What only small models are told of."""


def _put(desk: Desk, block: Block, done: str) -> str:
    note = desk.edit(block)
    now = "would hold" if note else "now holds"
    return f"{note or done} The block {block.label!r} {now} {len(block.value)} of {block.limit} characters."


def _community(desk: Desk) -> str:
    if desk.community is None:
        raise ToolError(
            "Only what is said where a whole community reads may go into its lore, and not all of it does here. "
            "Nothing was stored; use scope own."
        )
    return desk.community


def _filled(text: str, name: str) -> str:
    if not text.strip():
        raise ToolError(f"{name} is empty: give it a text.")
    return text.strip()


def _page(page: int) -> int:
    if page < 0:
        raise ToolError(f"'page' must be an integer ≥ 0, got {page}")
    return page


def _day(desk: Desk, text: str, name: str) -> datetime:
    try:
        day = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ToolError(f"{name} must be a day as YYYY-MM-DD, got {text!r}") from None
    return day.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=desk.zone)


def _results(desk: Desk, page: Page, query: str) -> dict[str, Any]:
    results = []
    share = max(_LEAST, desk.results_room // max(1, len(page.hits)) - _AROUND)
    for hit in page.hits:
        row = hit.row
        shown: dict[str, Any] = {
            "time": row.created_at.astimezone(desk.zone).isoformat(timespec="minutes"),
            "text": excerpt(row.text, query, lambda part: desk.fit(part, share) == part),
        }
        if isinstance(row, Message):
            shown["author"] = row.author
        elif isinstance(row, Passage):
            shown["id"] = row.uid
            if row.source:
                shown |= {"source": row.source, "part": row.position}
            if row.tags:
                shown["tags"] = list(row.tags)
        results.append(shown)
    return {
        "results": results,
        "total": page.total,
        "page": page.page,
        "pages": page.pages,
        "note": _note(page),
    }


def _note(page: Page) -> str:
    if not page.total:
        return "Nothing found. Try other words."
    if page.page >= page.pages:
        return f"There is no page {page.page}; the last page is {page.pages - 1}."
    if page.page + 1 < page.pages:
        return f"For the next results ask again with page {page.page + 1} of 0 to {page.pages - 1}."
    return "This is the last page."


def excerpt(text: str, query: str, fits: Callable[[str], bool], length: int = _EXCERPT) -> str:
    """The text, or the part of a long one around the query's words, as much as fits."""
    if len(text) <= length and fits(text):
        return text
    at = _richest(text, query_terms(query), length)
    while True:
        start = max(0, min(at - length // 4, len(text) - length))
        part = text[start : start + length]
        if length <= _SHORTEST or fits(part):
            break
        length //= 2
    more = (
        f"characters {start} to {start + len(part)} of {len(text)}; search for other words to see other parts"
    )
    return f"{'… ' if start else ''}{part} … [{more}]"


def _richest(text: str, terms: Sequence[str], length: int) -> int:
    """Where most of the terms stand close together."""
    lower = text.lower()
    found: list[tuple[int, str]] = []
    for term in terms:
        word, at = term.partition("_")[0], -1
        for _ in range(_OCCURRENCES):
            at = lower.find(word, at + 1)
            if at < 0:
                break
            found.append((at, term))
    if not found:
        return 0
    return max(
        sorted(at for at, _ in found),
        key=lambda at: len({term for place, term in found if at <= place < at + length // 2}),
    )
