"""How core memory came to be, and undoing what a reflection did to it: part of `/memory`."""

from __future__ import annotations

from bot.agent.undo import Undo
from bot.errors import CommandError
from bot.events import Action, Command, HeartbeatDue, View
from bot.language import gettext
from bot.people.identities import Identity
from bot.runtime import Runtime
from memory.ports import Session
from memory.records import IMPORTED_TURN, Audience, BlockEdit, Turn, readable_from

_EDITS = 10


async def edits_of(
    session: Session, who: Identity, audience: Audience, most: int
) -> list[tuple[BlockEdit, str, Action | None]]:
    """The newest edits of core memory that may be seen in ``audience``: each with who made it, and what undoes it."""
    edits = await session.blocks.history(f"agent:{who.agent.id}", readable_from(audience), limit=most)
    turns = {e.turn_id: await session.mailbox.turn(e.turn_id) for e in edits if e.turn_id}
    return [(edit, *_maker(edit, turns.get(edit.turn_id) if edit.turn_id else None)) for edit in edits]


def _maker(edit: BlockEdit, turn: Turn | None) -> tuple[str, Action | None]:
    if turn is not None and turn.kind == HeartbeatDue.kind:
        short = turn.id[:8]
        label = gettext("Undo {id}", id=short)
        undo = Action(label=label, command="memory", argument=f"undo {short}", danger=True)
        return gettext("by reflection {id}", id=short), undo
    if turn is not None and turn.kind == IMPORTED_TURN:
        return gettext("of what was imported, by a person"), None
    return gettext("by a person") if edit.turn_id is None else gettext("in a conversation"), None


class History:
    """Looks at the asking person's agent alone, and at what may be seen where they ask."""

    def __init__(self, runtime: Runtime, undo: Undo) -> None:
        self._store, self._locks = runtime.store, runtime.locks
        self._undo = undo

    async def history(self, who: Identity, command: Command) -> View:
        """How core memory came to be, as far as it may be seen here: the newest edits."""
        async with self._store.read() as session:
            edits = await edits_of(session, who, command.audience, _EDITS)
        parts, actions = [], dict[str, Action]()
        for edit, by, undo in edits:
            if undo is not None:
                actions.setdefault(undo.argument, undo)
            when = who.when(edit.at)
            parts.append("\n".join([f"{when}  [{edit.label}] {by}", *edit.changes]))
        return View(
            text="\n\n".join(parts) or gettext("Nothing was edited yet."), actions=tuple(actions.values())
        )

    async def undone(self, who: Identity, command: Command, short: str) -> View:
        async with self._store.read() as session:
            owner, audiences = f"agent:{who.agent.id}", readable_from(command.audience)
            made = {edit.turn_id for edit in await session.blocks.history(owner, audiences) if edit.turn_id}
            turns = [
                await session.mailbox.turn(turn_id) for turn_id in made if short and turn_id.startswith(short)
            ]
        found = [turn for turn in turns if turn is not None and turn.kind == HeartbeatDue.kind]
        if not found:
            raise CommandError(
                gettext("There is no reflection {id!r}. /memory history lists them.", id=short)
            )
        async with self._locks.of(who.agent.id):
            notes = await self._undo.reflection(who.agent, found[0])
        return View(text=" ".join([gettext("What that reflection did to memory is undone."), *notes]))
