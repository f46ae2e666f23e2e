"""Notes, and undoing what was forgotten."""

from __future__ import annotations

from datetime import datetime
from secrets import token_hex

from bot.agent.forgetting import KEPT
from bot.agent.tools.unwanted import Unwanted
from bot.errors import NotThere
from bot.web.api import shapes
from bot.web.api.asking import Asked, Done
from bot.web.api.lists import cursors_of, seq
from memory.records import PRIVATE, SEQ_BITS, Draft, Notes, Passage, unique

_UID = 16  # signs of a note's id


async def page(asked: Asked) -> shapes.Notes:
    query: shapes.NotesQuestion = asked.query
    archive = asked.who.agent.archive_id
    cursors = cursors_of(asked)
    after = cursors.read(query.cursor, 1)
    before = None if after is None else archive << SEQ_BITS | after[0] & seq(~0)
    async with asked.app.memory.store.read() as session:
        found = await session.passages.page(
            archive,
            None,
            Notes(originals=True, tag=query.tag or "", before=before),
            limit=query.limit + 1,
        )
    shown = found[: query.limit]
    more = cursors.made(seq(shown[-1].key)) if len(found) > len(shown) else None
    return shapes.Notes(notes=[shapes.note(each) for each in shown], next=more)


async def read(asked: Asked) -> shapes.Note:
    return shapes.note(await _note_of(asked, asked.path["id"]))


async def _note_of(asked: Asked, uid: str) -> Passage:
    if len(uid) != _UID:
        raise NotThere(f"There is no note {uid[:80]!r}.")
    return await asked.app.corrections.note(asked.who, PRIVATE, uid)


async def add(asked: Asked, done: Done) -> str:
    new: shapes.NewNote = asked.body
    tags = unique(tag.strip().casefold() for tag in new.tags)
    draft = Draft(text=new.text, audience=PRIVATE, tags=tags, uid=token_hex(_UID // 2))
    kept = await asked.app.corrections.add(asked.who, draft, done(draft.uid))
    return kept.uid


async def change(asked: Asked, done: Done) -> str:
    note = await _note_of(asked, asked.path["id"])
    await asked.app.corrections.reword(asked.who, note, asked.body.text, done(note.uid))
    return note.uid


async def told(asked: Asked, uid: str, at: datetime) -> shapes.Note:
    return shapes.note(await _note_of(asked, uid))


async def forget(asked: Asked, done: Done) -> str:
    note = await _note_of(asked, asked.path["id"])
    unwanted = Unwanted(passages={note.key: note})
    await asked.app.corrections.forget(asked.who, PRIVATE, unwanted, done(note.uid))
    return note.uid


async def forgotten(asked: Asked, target: str, at: datetime) -> shapes.Forgotten:
    return shapes.Forgotten(undo_until=at + KEPT)


async def undo(asked: Asked, done: Done) -> str:
    await asked.app.corrections.bring_back(asked.who, PRIVATE, done(""))
    return ""


async def undone(asked: Asked, target: str, at: datetime) -> shapes.BroughtBack:
    return shapes.BroughtBack(brought_back=True)
