"""`/memory pictures`: the pictures that a person sent in chat, to see which are kept, and to delete one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.agent.picture import Picture, pictures_of, row_of
from bot.agent.tools.unwanted import Unwanted
from bot.commands.listing import cut, dropped, named, sure_of
from bot.commands.table import Control
from bot.events import ENTRIES, Action, Command, Entry, View
from bot.language import gettext
from bot.language.dates import day
from bot.people.identities import Identity
from memory.ports import Store
from memory.records import PRIVATE, Audience, readable_from


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """Some of the pictures, newest first. ``older`` and ``newer`` are the ids at which the leaves beside it begin: None
    where there is none, empty for the first."""

    shown: Sequence[Picture]
    older: str | None
    newer: str | None


class SentPictures:
    """They are turned over from one to the next: to count them all would be to read them all."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def leaf(self, who: Identity, here: Audience, begins: str, most: int) -> Leaf:
        """``most`` pictures from that id on, which need not be there any more; from the newest for what is no id."""
        row, audiences = row_of(begins), readable_from(here)
        async with self._store.read() as session:
            found = session.mailbox.with_pictures
            rows = await found(who.agent.id, audiences, most + 2, until=row)
            after = await found(who.agent.id, audiences, most + 2, since=row + 1) if row is not None else []
        down = [picture for each in rows for picture in pictures_of(each)]
        first = next((n for n, picture in enumerate(down) if picture.id == begins), 0)
        up = [picture for each in after for picture in pictures_of(each)] + down[:first]
        down = down[first:]
        back = up[-most].id if len(up) > most else ""
        return Leaf(
            shown=down[:most],
            older=down[most].id if len(down) > most else None,
            newer=back if up else None,
        )

    async def has_any(self, who: Identity, here: Audience) -> bool:
        async with self._store.read() as session:
            return await session.mailbox.has_pictures(who.agent.id, readable_from(here))

    async def named(self, who: Identity, here: Audience, picture_id: str) -> Picture | None:
        """The picture of that id, if it may be seen in ``here``."""
        row_id = row_of(picture_id)
        if row_id is None:
            return None
        async with self._store.read() as session:
            row = await session.mailbox.event(row_id)
            if row is None or row.agent_id != who.agent.id:
                return None
            place = await session.agents.conversation(row.conversation_id)
        audiences = readable_from(here)
        if audiences is not None and place.audience not in audiences:
            return None
        return next((picture for picture in pictures_of(row) if picture.id == picture_id), None)

    async def listed(self, who: Identity, command: Command, begins: str) -> View:
        leaf = await self.leaf(who, command.audience, begins, ENTRIES)
        if not leaf.shown:
            return View(text=gettext("I keep no picture here."))
        async with self._store.read() as session:
            names = await session.agents.communities()
            places = {
                p.id: named(p.audience, names) for p in await session.agents.conversations(who.agent.id)
            }
        actions = []
        if leaf.newer is not None:
            argument = f"pictures {leaf.newer}".rstrip()
            actions.append(Action(label=gettext("Newer"), command="memory", argument=argument))
        if leaf.older is not None:
            argument = f"pictures {leaf.older}"
            actions.append(Action(label=gettext("Older"), command="memory", argument=argument))
        shows_place = command.audience == PRIVATE
        entries = tuple(
            _entry(each, places.get(each.conversation_id, "") if shows_place else "", who)
            for each in leaf.shown
        )
        told = gettext("The pictures that you sent me, the newest first.")
        return View(text=told, entries=entries, actions=tuple(actions))

    async def drop(
        self, who: Identity, command: Command, picture: Picture, control: Control, *, sure: bool
    ) -> View:
        if not sure:
            yes = f"drop {picture.id} yes"
            text = gettext(
                "This deletes the picture, and what I saw in it; the message stays. Sure? {command}",
                command=f"/memory {yes}",
            )
            return sure_of(yes, text, picture.says)
        await control.unwanted(who, command.audience, Unwanted(pictures={picture.id: picture}))
        return dropped(cut(picture.says))


def _entry(picture: Picture, place: str, who: Identity) -> Entry:
    facts = [picture.id, day(picture.at.astimezone(who.zone)), place]
    facts += [picture.name] if picture.shows else []
    delete = Action(label=gettext("Delete"), command="memory", argument=f"drop {picture.id}", danger=True)
    return Entry(text=cut(picture.says), note=" · ".join(filter(None, facts)), actions=(delete,))
