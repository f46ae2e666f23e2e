"""What can be asked of a memory, and how it is done: by what the memory page and the commands are done by."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from secrets import token_hex
from zoneinfo import ZoneInfo

from aiohttp import web

from bot.agent.forgetting import KEPT
from bot.agent.tools.unwanted import Unwanted
from bot.commands.why import sources_of
from bot.errors import Changed, NotThere
from bot.ownership.corrections import is_own
from bot.web.api import shapes
from bot.web.api.asking import Asked, Done, Operation
from bot.web.api.cursors import Cursors
from bot.web.api.shapes import Found, Notes, Said, Why
from memory.records import PRIVATE, SEQ_BITS, Block, Draft, Hit, Message, Passage, unique

_FIRST, _LAST = date(1900, 1, 1), date(3000, 1, 1)  # of which days are asked: a zone's clock knows no others
_WHOLE = 2**62  # bytes of an export: what HTTP carries needs no parts
_UID = 16  # signs of a note's id
_SOURCES = 50


# Core memory


async def _core(asked: Asked) -> shapes.CoreMemory:
    async with asked.app.memory.store.read() as session:
        blocks = await session.blocks.visible(asked.who.agent, PRIVATE)
    return shapes.CoreMemory(blocks=[_block(asked, block) for block in blocks])


def _block(asked: Asked, block: Block) -> shapes.CoreBlock:
    return shapes.core_block(block, editable=is_own(block, asked.who, PRIVATE))


async def _own_block(asked: Asked, label: str) -> Block:
    own = await asked.app.corrections.own_blocks(asked.who, PRIVATE)
    if label not in own:
        raise NotThere(f"There is no block {label!r} that is yours to edit.")
    return own[label]


async def _change_block(asked: Asked, done: Done) -> str:
    change: shapes.BlockChange = asked.body
    block = await _own_block(asked, change.label)
    if change.version is not None and change.version != block.version:
        raise Changed(f"The block {block.label!r} is of version {block.version} by now.")
    await asked.app.corrections.set_block(asked.who, PRIVATE, block, change.value, done(block.label))
    return block.label


async def _changed_block(asked: Asked, label: str, at: datetime) -> shapes.CoreBlock:
    return _block(asked, await _own_block(asked, label))


# Notes


async def _notes(asked: Asked) -> Notes:
    query: shapes.NotesQuestion = asked.query
    archive = asked.who.agent.archive_id
    cursors = _cursors(asked)
    after = cursors.read(query.cursor, 1)
    before = None if after is None else archive << SEQ_BITS | after[0] & _seq(~0)
    async with asked.app.memory.store.read() as session:
        found = await session.passages.page(
            archive, None, limit=query.limit + 1, originals=True, tag=query.tag or "", before=before
        )
    shown = found[: query.limit]
    more = cursors.made(_seq(shown[-1].key)) if len(found) > len(shown) else None
    return Notes(notes=[shapes.note(each) for each in shown], next=more)


async def _note(asked: Asked) -> shapes.Note:
    return shapes.note(await _note_of(asked, asked.path["id"]))


async def _note_of(asked: Asked, uid: str) -> Passage:
    if len(uid) != _UID:
        raise NotThere(f"There is no note {uid[:80]!r}.")
    return await asked.app.corrections.note(asked.who, PRIVATE, uid)


async def _add_note(asked: Asked, done: Done) -> str:
    new: shapes.NewNote = asked.body
    tags = unique(tag.strip().casefold() for tag in new.tags)
    draft = Draft(text=new.text, audience=PRIVATE, tags=tags, uid=token_hex(_UID // 2))
    kept = await asked.app.corrections.add(asked.who, draft, done(draft.uid))
    return kept.uid


async def _change_note(asked: Asked, done: Done) -> str:
    note = await _note_of(asked, asked.path["id"])
    await asked.app.corrections.reword(asked.who, note, asked.body.text, done(note.uid))
    return note.uid


async def _told_note(asked: Asked, uid: str, at: datetime) -> shapes.Note:
    return shapes.note(await _note_of(asked, uid))


async def _forget_note(asked: Asked, done: Done) -> str:
    note = await _note_of(asked, asked.path["id"])
    unwanted = Unwanted(passages={note.key: note})
    await asked.app.corrections.forget(asked.who, PRIVATE, unwanted, done(note.uid))
    return note.uid


async def _forgotten(asked: Asked, target: str, at: datetime) -> shapes.Forgotten:
    return shapes.Forgotten(undo_until=at + KEPT)


async def _undo(asked: Asked, done: Done) -> str:
    await asked.app.corrections.bring_back(asked.who, PRIVATE, done(""))
    return ""


async def _undone(asked: Asked, target: str, at: datetime) -> shapes.BroughtBack:
    return shapes.BroughtBack(brought_back=True)


# What was said


async def _messages(asked: Asked) -> shapes.Messages:
    query: shapes.MessagesQuestion = asked.query
    since = _begin(query.since, asked.who.zone) if query.since else None
    until = _end(query.until, asked.who.zone) if query.until else None
    cursors = _cursors(asked)
    after = cursors.read(query.cursor, 2)
    skip = 0
    if after is not None:
        at, skip = _moment(after[0]), after[1]
        until = min(until or at, at)
    async with asked.app.memory.store.read() as session:
        found = await session.messages.said(
            asked.who.agent.id,
            None,
            since=since,
            until=until,
            offset=skip,
            limit=query.limit + 1,
            newest_first=True,
        )
    shown = found[: query.limit]
    more = None
    if len(found) > len(shown):
        last = shown[-1].created_at
        end = last + timedelta(microseconds=1)
        again = skip if until == end else 0  # of that very moment some were shown before
        more = cursors.made(_microseconds(end), again + sum(each.created_at == last for each in shown))
    return shapes.Messages(messages=[shapes.said(each) for each in shown], next=more)


async def _message(asked: Asked) -> Said:
    return shapes.said(await _message_of(asked))


async def _message_of(asked: Asked) -> Message:
    """By its number among its agent's: no path names another agent's."""
    given = asked.path["id"]
    number = int(given) if given.isascii() and given.isdecimal() and len(given) < 20 else 0
    agent = asked.who.agent
    if number and not number >> SEQ_BITS:
        found = await asked.app.memory.recall.get(agent.id, [agent.id << SEQ_BITS | number], PRIVATE)
        if found:
            return found[0]
    raise NotThere(f"There is no message {given[:80]!r}.")


async def _forget_message(asked: Asked, done: Done) -> str:
    message = await _message_of(asked)
    unwanted = Unwanted(messages={message.key: message})
    await asked.app.corrections.forget(asked.who, PRIVATE, unwanted, done(asked.path["id"]))
    return asked.path["id"]


# Finding, and where it is from


async def _search(asked: Asked) -> Found:
    query: shapes.SearchQuestion = asked.query
    app, who = asked.app, asked.who
    cursors = _cursors(asked)
    [page] = cursors.read(query.cursor, 1) or [0]
    page = min(page, 10_000)
    now = app.clock.now().astimezone(who.zone)
    notes: list[shapes.FoundNote] = []
    messages: list[shapes.FoundMessage] = []
    more = False
    if query.of != "messages":
        found = await app.memory.archival.search(
            who.agent,
            query.q,
            PRIVATE,
            page=page,
            page_size=query.limit,
            tags=[tag.strip().casefold() for tag in query.tags],
            now=now,
            as_of=_end(query.as_of, who.zone) - timedelta(microseconds=1) if query.as_of else None,
        )
        notes = [
            shapes.found_note(hit, row, who.agent.archive_id)
            for hit, row in _rows(found.hits)
            if isinstance(row, Passage)
        ]
        more = found.pages > page + 1
    if query.of != "notes" and not query.tags and query.as_of is None:
        said = await app.memory.recall.search(
            who.agent.id,
            query.q,
            PRIVATE,
            page=page,
            page_size=query.limit,
            asker=who.user.name,
            now=now,
        )
        messages = [
            shapes.found_message(hit, row) for hit, row in _rows(said.hits) if isinstance(row, Message)
        ]
        more = more or said.pages > page + 1
    return Found(notes=notes, messages=messages, next=cursors.made(page + 1) if more else None)


def _rows(hits: tuple[Hit, ...]) -> list[tuple[Hit, Message | Passage]]:
    return [(hit, hit.row) for hit in hits]


async def _why(asked: Asked) -> Why:
    app = asked.app
    found = await sources_of(app.memory.store, app.sources, asked.who.agent, asked.path["id"], PRIVATE)
    if not found:
        raise NotThere("Nothing in memory tells of it.")
    return Why(sources=[shapes.source(each) for each in found[:_SOURCES]])


async def _export(asked: Asked) -> web.Response:
    agent = asked.who.agent
    async with asked.app.runtime.locks.of(agent.id):
        [file] = await asked.app.export.files(agent, PRIVATE, part=_WHOLE)
    return web.Response(
        body=file.data,
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{file.name}"'},
    )


# Days, numbers, pages


def _cursors(asked: Asked) -> Cursors:
    question = asked.query.model_dump(exclude={"cursor", "persona"})
    return Cursors(asked.who.agent.id, {"path": asked.path.get("id", ""), **question})


def _seq(key: int) -> int:
    """Of a row within its agent or archive."""
    return key & ((1 << SEQ_BITS) - 1)


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(min(max(day, _FIRST), _LAST), time(), zone)


def _end(day: date, zone: ZoneInfo) -> datetime:
    """When the day is over."""
    return _begin(min(day, _LAST) + timedelta(days=1), zone)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime:
    """At most the last day that is known."""
    last = _microseconds(datetime.combine(_LAST, time(), UTC))
    return _EPOCH + timedelta(microseconds=min(microseconds, last))


# All of it

_MEMORY = "/v1/memory"
OPERATIONS = (
    Operation(
        method="GET",
        path=f"{_MEMORY}/core",
        name="readCore",
        about="What is always held in mind of you, and of the persona.",
        answer=shapes.CoreMemory,
        read=_core,
    ),
    Operation(
        method="PATCH",
        path=f"{_MEMORY}/core",
        name="changeCore",
        about="Let a block of yours read otherwise. What went out of it can be brought back for ten minutes.",
        answer=shapes.CoreBlock,
        body=shapes.BlockChange,
        deed=_change_block,
        told=_changed_block,
    ),
    Operation(
        method="GET",
        path=f"{_MEMORY}/notes",
        name="listNotes",
        about="Notes, newest first.",
        answer=shapes.Notes,
        query=shapes.NotesQuestion,
        read=_notes,
    ),
    Operation(
        method="POST",
        path=f"{_MEMORY}/notes",
        name="addNote",
        about="Keep a statement for good.",
        answer=shapes.Note,
        body=shapes.NewNote,
        status=201,
        deed=_add_note,
        told=_told_note,
    ),
    Operation(
        method="GET",
        path=f"{_MEMORY}/notes/{{id}}",
        name="readNote",
        about="One note.",
        answer=shapes.Note,
        read=_note,
    ),
    Operation(
        method="PATCH",
        path=f"{_MEMORY}/notes/{{id}}",
        name="changeNote",
        about="Let a note say something else; what it said before is gone.",
        answer=shapes.Note,
        body=shapes.NoteChange,
        deed=_change_note,
        told=_told_note,
    ),
    Operation(
        method="DELETE",
        path=f"{_MEMORY}/notes/{{id}}",
        name="forgetNote",
        about="Forget a note: gone at once from every view and search, and for good in ten minutes.",
        answer=shapes.Forgotten,
        deed=_forget_note,
        told=_forgotten,
    ),
    Operation(
        method="GET",
        path=f"{_MEMORY}/search",
        name="search",
        about="Notes and messages that answer a question, the best first, with when they hold and whose word it is.",
        answer=Found,
        query=shapes.SearchQuestion,
        read=_search,
    ),
    Operation(
        method="GET",
        path=f"{_MEMORY}/messages",
        name="listMessages",
        about="What was said, newest first.",
        answer=shapes.Messages,
        query=shapes.MessagesQuestion,
        read=_messages,
    ),
    Operation(
        method="GET",
        path=f"{_MEMORY}/messages/{{id}}",
        name="readMessage",
        about="One message.",
        answer=Said,
        read=_message,
    ),
    Operation(
        method="DELETE",
        path=f"{_MEMORY}/messages/{{id}}",
        name="forgetMessage",
        about="Forget a message: gone at once from every view and search, and for good in ten minutes.",
        answer=shapes.Forgotten,
        deed=_forget_message,
        told=_forgotten,
    ),
    Operation(
        method="POST",
        path=f"{_MEMORY}/undo",
        name="undo",
        about="Bring back what was forgotten last, within ten minutes of it.",
        answer=shapes.BroughtBack,
        deed=_undo,
        told=_undone,
    ),
    Operation(
        method="GET",
        path=f"{_MEMORY}/why/{{id}}",
        name="why",
        about="How something is known: of a note by its id, of a block by its label, or of what says the text.",
        answer=Why,
        read=_why,
    ),
    Operation(
        method="GET",
        path=f"{_MEMORY}/export",
        name="export",
        about="All of it as a zip, as /export gives; everbot import takes it.",
        answer=None,
        read=_export,
        counted=True,
    ),
)
