"""The tools that read and write memory (MemGPT's names and arguments)."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.agent.tools import results
from bot.agent.tools.arguments import moment
from bot.agent.tools.correcting import still_told
from bot.agent.tools.desk import Desk
from bot.agent.tools.ids import MESSAGE, OVERHEARD, key_of
from bot.agent.tools.provenance import to_forget, to_keep
from bot.agent.tools.registry import Offered, Tool, tool
from bot.agent.tools.results import Results
from bot.errors import ToolError
from memory import core
from memory.errors import BlockLimitExceeded
from memory.records import Block

STORED = "Stored."
_LONGEST_PASSAGE = 8_000  # characters
_LISTED = 20  # messages of a page of those between two days
_MOST_LINES = 10  # on either side of a message


async def core_memory_append(desk: Desk, label: str, content: str) -> str:
    """Add a line to a core memory block.

    label: such as human
    content: the line to add, as one self-contained statement
    """
    before = await desk.block(label)
    content = _filled(content, "content")
    whose = to_keep(content, desk.hear())
    await _shareable(desk, before, content)
    block = core.append(before, _marked(content, whose))
    return _put(desk, block, "Added.") if block.value != before.value else "Already there: nothing was added."


async def core_memory_replace(desk: Desk, label: str, old_content: str, new_content: str) -> str:
    """Replace text in a core memory block: to correct, to condense, or (with an empty new text) to remove.

    label: such as human
    old_content: the exact text to replace; it must occur once
    new_content: what to put in its place; empty to remove it
    """
    before = await desk.block(label)
    if any(map(str.isalnum, new_content)):
        await _shareable(desk, before, new_content)
        new_content = _marked(new_content, to_keep(new_content, desk.hear()))
        return _put(desk, core.replace_text(before, old_content, new_content), "Replaced.")
    to_forget(old_content, desk.hear())
    done = _put(desk, core.replace_text(before, old_content, new_content), "Removed.")
    if desk.quiet or not desk.person:
        return done
    desk.unlearn(await desk.block(label), old_content)
    return f"{done} {await still_told(desk, [old_content])}"


async def remember(desk: Desk, fact: str) -> str:
    """Keep something about the person for good: in core memory, or in archival storage when that is full.

    fact: one self-contained statement
    """
    try:
        return await core_memory_append(desk, "human", fact)
    except BlockLimitExceeded:
        return await archival_memory_insert(desk, fact)


async def conversation_search(desk: Desk, query: str, page: int = 0) -> Results:
    """Search everything ever said between you and the person, by words and meaning; names and dates (last week) work.
    Lines begin with an id, time (unless the line before has it) and place in their talk; answers follow questions.

    query: what to look for; I is you, the agent
    page: from 0
    """
    query = _filled(query, "query")
    return results.found(desk, await desk.search_recall(query, _page(page), desk.viewed()), query)


async def conversation_search_date(desk: Desk, start_date: str, end_date: str, page: int = 0) -> Results:
    """List what was said between two days, both included, in order, 20 a page.

    start_date: first day, as YYYY-MM-DD
    end_date: last day, as YYYY-MM-DD
    page: from 0
    """
    since = _day(desk, start_date, "start_date")
    until = _day(desk, end_date, "end_date") + timedelta(days=1)
    if until <= since:
        raise ToolError(f"end_date {end_date} lies before start_date {start_date}: swap them.")
    return results.listed(desk, await desk.search_dates(since, until, _page(page), _LISTED))


async def conversation_around(desk: Desk, id: str, lines: int = 3) -> Results:
    """Show a found message in full, with what was said right before and after it.

    id: of the message, such as m12
    lines: how many on either side, at most 10
    """
    if not 0 <= lines <= _MOST_LINES:
        raise ToolError(f"'lines' must be between 0 and {_MOST_LINES}, got {lines}")
    key = key_of(id, desk.agent, (MESSAGE, OVERHEARD) if await desk.room() is not None else (MESSAGE,))
    hits = await desk.around(key, lines)
    if not hits:
        raise ToolError(f"There is no message {id} that may be shown here: take an id as a search shows it.")
    return results.around(desk, hits, key)


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
    return STORED if new else f"Already stored, nothing was added: {text}"


async def archival_memory_search(
    desk: Desk, query: str, page: int = 0, tags: list[str] | None = None, as_of: str = ""
) -> Results:
    """Search archival storage, the community's lore and the attached documents, by words and meaning; names and
    dates work.

    query: what to look for
    page: from 0
    tags: only statements that carry one of these
    as_of: what held that day, as YYYY-MM-DD; empty: what holds now
    """
    query = _filled(query, "query")
    wanted = [tag.strip().casefold() for tag in tags or [] if tag.strip()]
    day = _day(desk, as_of, "as_of") + timedelta(days=1) if as_of.strip() else None
    return results.found(desk, await desk.search_archive(query, _page(page), wanted, day), query)


async def rethink_memory(desk: Desk, label: str, new_value: str) -> str:
    """Rewrite a core memory block as a whole: condensed, corrected, without repetition.

    label: such as human
    new_value: its complete new text
    """
    before = await desk.block(label)
    known, lines = set(before.value.splitlines()), new_value.splitlines()
    await _shareable(desk, before, "\n".join(line for line in lines if line not in known))
    heard = desk.hear()
    marked = {line: _marked(line, to_keep(line, heard)) for line in dict.fromkeys(lines) if line not in known}
    block = core.rethink(before, "\n".join(marked.get(line, line) for line in lines).strip())
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
    stored, known, unfit = 0, 0, list[str]()
    for number, chunk in enumerate(chunks, 1):
        try:
            done = await archival_memory_insert(desk, chunk)
        except ToolError as error:
            unfit.append(f"number {number} was not: {error}")
        else:
            stored, known = stored + (done == STORED), known + (done != STORED)
    told = [f"Stored {stored} of {len(chunks)}."]
    told += [f"{known} {'was' if known == 1 else 'were'} stored already."] if known else []
    told += [" ".join(unfit)] if unfit else []
    if unfit and not stored + known:
        raise ToolError(" ".join(told))
    return " ".join(told)


async def finish_rethinking_memory(desk: Desk) -> str:
    """End a reflection: memory is as it should be."""
    desk.finished = True
    return "Done."


TOOLS: tuple[Tool, ...] = (
    tool(core_memory_append, offered=Offered.TALKING),
    tool(core_memory_replace, offered=Offered.TALKING),
    tool(conversation_search, offered=Offered.TALKING),
    tool(conversation_search_date, offered=Offered.TALKING),
    tool(conversation_around, offered=Offered.TALKING),
    tool(archival_memory_insert, offered=Offered.TALKING),
    tool(archival_memory_search),
    tool(rethink_memory, offered=Offered.REFLECTING),
    tool(rethink_user_memory, offered=Offered.REFLECTING),
    tool(store_memories, offered=Offered.REFLECTING),
    tool(finish_rethinking_memory, final=True, offered=Offered.REFLECTING),
)
LEAN_TOOLS: tuple[Tool, ...] = (tool(remember, offered=Offered.LEAN),)
"""What only small models are told of."""


async def _shareable(desk: Desk, block: Block, text: str) -> None:
    """Raises `ToolError` for what a block that everyone shares may not say."""
    if block.owner.startswith("persona:"):
        await desk.shareable(text)


def _marked(text: str, whose: str) -> str:
    """A text that somebody else says, with who does."""
    return f"{text} [says {whose}]" if whose else text


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
    start = moment(text, name, desk.zone)
    return start.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=desk.zone)
