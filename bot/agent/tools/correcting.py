"""The tools that correct and forget what is in storage, and tell where it is from.

A note that is replaced holds until then, and is found by who asks for that time; what is forgotten is gone. Only the
person can have something forgotten: not a timer, and not what is written in a document.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.agent.tools.arguments import moment
from bot.agent.tools.desk import Desk
from bot.agent.tools.ids import DOCUMENT, MESSAGE, NOTE, id_of, key_of
from bot.agent.tools.provenance import to_forget
from bot.agent.tools.registry import Offered, Tool, tool
from bot.errors import ToolError
from bot.language import counted
from memory import core
from memory.records import Message, Passage
from memory.search.telltale import Telltale, times_in
from memory.search.terms import query_terms

_AT_ONCE = 50  # messages that are forgotten by one call
_RELATED = 4  # notes that may rest on one that was replaced
_SHOWN = 120  # characters of such a row
_PAGES = 5  # of what is found that are looked through for what tells
_STILL = 8  # rows that still tell what was forgotten, which are named
_GONE = (
    "It is gone from every view and search at once, and for good in ten minutes; until then /memory undo brings it "
    "back."
)


async def archival_memory_replace(desk: Desk, id: str, content: str, since: str = "") -> str:
    """Correct a note, or say what holds now instead; the old one is kept as what held before.

    id: as a search shows it, such as n12
    content: what holds now, as one self-contained statement
    since: from which day, as YYYY-MM-DD; empty: today
    """
    old, text = await _note(desk, id), content.strip()
    if not text:
        raise ToolError("content is empty: say what holds now; archival_memory_delete forgets a note.")
    if old.key in desk.closed or old.until is not None:
        raise ToolError(f"{id} was replaced already: search again for what holds now, and replace that.")
    from_day = moment(since, "since", desk.zone) if since.strip() else desk.now
    desk.replace(old, text, from_day)
    related = await _resting_on(desk, old)
    done = f"Replaced: {id} held until {from_day.astimezone(desk.zone):%Y-%m-%d}."
    if not related:
        return done
    shown = "\n".join(f"{id_of(note, desk.agent)} {note.text}" for note in related)
    return (
        f"{done} What else does that change? These may rest on it; mark those that do with archival_memory_doubt, and "
        f"ask the person about them:\n{shown}"
    )


async def archival_memory_doubt(desk: Desk, ids: list[str]) -> str:
    """Mark notes that may not hold any more, because what they rest on has changed.

    ids: such as n12
    """
    notes = [await _note(desk, each) for each in ids]
    desk.doubted |= {note.key: note for note in notes}
    return (
        f"Marked {len(notes)} as doubtful. Do not repeat them as true; archival_memory_replace settles one."
    )


async def archival_memory_delete(desk: Desk, id: str) -> str:
    """Forget a note, or a document that they sent, for good, because the person wants that.

    id: such as n12; d12: the whole document
    """
    _asked(desk)
    key = key_of(id, desk.agent, (NOTE, DOCUMENT))
    document = await desk.document(key)
    if document is not None:
        to_forget(document.name, desk.hear())
        desk.unwanted.documents[document.file] = document
        return f"Forgotten: {document.name}, whole. {_GONE}"
    note = await _note(desk, id)
    to_forget(note.text, desk.hear())
    desk.unwanted.passages[note.key] = note
    return f"Forgotten: {id}. {_GONE} {await still_told(desk, [note.text])}".rstrip()


async def conversation_forget(desk: Desk, ids: list[str]) -> str:
    """Forget messages for good, because the person wants that.

    ids: such as m123
    """
    _asked(desk)
    if not 0 < len(ids) <= _AT_ONCE:
        raise ToolError(f"ids must name 1 to {_AT_ONCE} messages, got {len(ids)}.")
    keys = [key_of(each, desk.agent, (MESSAGE,)) for each in ids]
    found = {message.key: message for message in await desk.messages(keys)}
    missing = [each for each, key in zip(ids, keys, strict=True) if key not in found]
    if missing:
        raise ToolError(f"There is no message {', '.join(missing)} here. Nothing was forgotten.")
    view = desk.hear()
    for message in found.values():
        to_forget(message.text, view)
    desk.unwanted.messages |= found
    rest = await still_told(desk, [message.text for message in found.values()])
    return f"Forgotten: {', '.join(ids)}. {_GONE} {rest}".rstrip()


async def forget(desk: Desk, what: str) -> str:
    """Forget everything that tells something, because the person wants that.

    what: what is to be forgotten, in the words in which it was told
    """
    _asked(desk)
    to_forget(what, desk.hear())
    says = Telltale([what], [desk.person]).says
    notes, messages = await _telling(desk, what, says)
    lines = await _take_out(desk, says)
    if not (notes or messages or lines):
        raise ToolError("Nothing was found that says this. Ask them in which words they told it.")
    desk.unwanted.passages |= notes
    desk.unwanted.messages |= messages
    parts = (
        counted(len(found), name)
        for found, name in ((notes, "note"), (messages, "message"), (lines, "line"))
        if found
    )
    return f"Forgotten: {', '.join(parts)}. {_GONE} Say that it is gone, without repeating it."


async def memory_sources(desk: Desk, text: str) -> list[str]:
    """How you know something: the messages that it came from.

    text: what you know, or the id of a note or of your message
    """
    if not text.strip():
        raise ToolError("text is empty: give what you want to know the source of.")
    lines = []
    for source in (await desk.sources_of(text))[:_STILL]:
        said = f" (says {source.origin}, not the person)" if source.origin else ""
        how = "from" if source.sure else "not noted; nearest"
        rows = "; ".join(
            f"{id_of(m, desk.agent)} {m.created_at.astimezone(desk.zone):%Y-%m-%d %a} {m.author}: {_cut(m.text)}"
            for m in source.messages
        )
        lines.append(f"{source.kind}: {_cut(source.what)}{said} <- {how} {rows or 'nothing'}")
    return lines or ["Nothing in memory tells of it."]


async def still_told(desk: Desk, texts: Sequence[str]) -> str:
    """Where else what was forgotten is told, of what may be seen here, so that it goes from there, too."""
    blocks = await desk.blocks()
    staying = [line for block in blocks for line in block.value.splitlines()]
    tells = Telltale(texts, [desk.person], staying=staying, now=desk.now)
    rows: dict[int, Message | Passage] = {}
    for text in texts[:_STILL]:
        pages = [await desk.search_archive(text, 0, ()), await desk.search_recall(text, 0)]
        rows |= {hit.row.key: hit.row for page in pages for hit in page.hits}
    going = {*desk.unwanted.passages, *desk.unwanted.messages, *desk.closed}
    left = [
        row for key, row in rows.items() if key not in going and tells(row.text) and id_of(row, desk.agent)
    ]
    lines = [f"core memory {block.label}" for block in blocks if tells(block.value)]
    named = [f"{id_of(row, desk.agent)}: {_cut(row.text)}" for row in left[:_STILL]] + lines
    return "\n".join(["It may be told here, too; forget what does:", *named]) if named else ""


async def _telling(
    desk: Desk, what: str, says: Callable[[str], bool]
) -> tuple[dict[int, Passage], dict[int, Message]]:
    """The agent's own notes and the messages that say it, of what may be seen here."""
    notes, messages = dict[int, Passage](), dict[int, Message]()
    for page in range(_PAGES):
        found = [await desk.search_archive(what, page, ()), await desk.search_recall(what, page)]
        rows = [hit.row for each in found for hit in each.hits if says(hit.row.text)]
        notes |= {r.key: r for r in rows if isinstance(r, Passage) and id_of(r, desk.agent).startswith(NOTE)}
        messages |= {r.key: r for r in rows if isinstance(r, Message)}
        if not rows:
            break
    return notes, messages


async def _take_out(desk: Desk, says: Callable[[str], bool]) -> list[str]:
    """The lines of core memory that say it, which are gone from it."""
    gone = []
    for label in [block.label for block in await desk.blocks() if not block.read_only]:
        block = await desk.block(label)
        telling = [line for line in block.value.splitlines() if says(line)]
        if telling:
            left = core.rethink(block, "\n".join(x for x in block.value.splitlines() if x not in telling))
            desk.edit(left)
            for line in telling:
                desk.unlearn(left, line)
        gone += telling
    return gone


def _cut(text: str) -> str:
    short = " ".join(text.split())
    return short if len(short) <= _SHOWN else f"{short[:_SHOWN]} …"


def _asked(desk: Desk) -> None:
    if desk.quiet or not desk.person:
        raise ToolError("Nobody is asking for that now: only the person can have something forgotten.")


async def _note(desk: Desk, name: str) -> Passage:
    key = key_of(name, desk.agent, (NOTE,))
    note = await desk.note(key)
    if note is None or note.file or key in desk.unwanted.passages:
        raise ToolError(f"There is no note {name} here. archival_memory_search shows the ids of notes.")
    return note


async def _resting_on(desk: Desk, old: Passage) -> list[Passage]:
    """Notes that speak of the same as one that changed, other than the person themselves."""
    page = await desk.search_archive(old.text, 0, ())
    about = set(query_terms(old.text)) - set(query_terms(desk.person)) - times_in(old.text, desk.now)
    return [
        hit.row
        for hit in page.hits
        if isinstance(hit.row, Passage)
        and hit.row.key != old.key
        and hit.row.key not in desk.closed
        and id_of(hit.row, desk.agent).startswith(NOTE)
        and about & set(query_terms(hit.row.text))
    ][:_RELATED]


TOOLS: tuple[Tool, ...] = (
    tool(archival_memory_replace),
    tool(archival_memory_doubt),
    tool(archival_memory_delete, offered=Offered.TALKING),
    tool(conversation_forget, offered=Offered.TALKING),
    tool(memory_sources, offered=Offered.TALKING),
)
LEAN_TOOLS: tuple[Tool, ...] = (tool(forget, offered=Offered.LEAN),)
"""What only small models are told of: one call instead of the search and the ids."""
