"""`/memory documents`: the documents that a person sent in chat, to see which are kept, and to delete one."""

from __future__ import annotations

from bot.agent.tools.unwanted import Unwanted
from bot.commands.listing import dropped, named, pages_told, sure_of
from bot.commands.table import Control
from bot.events import ENTRIES, Action, Command, Entry, Suggestion, View
from bot.language import gettext, ngettext
from bot.language.dates import day
from bot.people.identities import Identity
from memory.ports import Store
from memory.records import PRIVATE, KeptDocument, readable_from

_ID = 6  # characters of an id, at least


class KeptDocuments:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def listed(self, who: Identity, command: Command, number: str, *, pictures: bool) -> View:
        """``pictures``: there are such, too."""
        others = (
            [Action(label=gettext("Pictures"), command="memory", argument="pictures")] if pictures else []
        )
        page = max(1, int(number)) if number.isdecimal() and len(number) < 7 else 1
        held = await self._held(who, command)
        if not held:
            return View(text=gettext("I keep no document here."), actions=tuple(others))
        pages = -(-len(held) // ENTRIES)
        shown = held[(page - 1) * ENTRIES :][:ENTRIES]
        if not shown:
            return View(text=pages_told(pages))
        async with self._store.read() as session:
            names = await session.agents.communities()
        actions = list[Action]()
        if page > 1:
            newer = f"documents {page - 1}"
            actions.append(Action(label=gettext("Newer"), command="memory", argument=newer))
        if page < pages:
            older = f"documents {page + 1}"
            actions.append(Action(label=gettext("Older"), command="memory", argument=older))
        told = gettext("The documents that you sent me, page {page} of {pages}.", page=page, pages=pages)
        entries = tuple(_entry(document, names, who, command) for document in shown)
        return View(text=told, entries=entries, actions=(*actions, *others))

    async def named(self, who: Identity, command: Command, prefix: str) -> KeptDocument | None:
        """The document whose id begins so."""
        if len(prefix) < _ID:
            return None
        return next((each for each in await self._held(who, command) if each.file.startswith(prefix)), None)

    async def drop(
        self, who: Identity, command: Command, document: KeptDocument, control: Control, *, sure: bool
    ) -> View:
        short = document.file[:8]
        if not sure:
            yes = f"drop {short} yes"
            text = gettext("This deletes the document. Sure? {command}", command=f"/memory {yes}")
            return sure_of(yes, text, document.name)
        await control.unwanted(who, command.audience, Unwanted(documents={document.file: document}))
        return dropped(document.name)

    async def suggested(self, who: Identity, command: Command) -> list[Suggestion]:
        held = await self._held(who, command)
        return [Suggestion(value=d.file[:8], label=f"{d.file[:8]}: {d.name}") for d in held]

    async def _held(self, who: Identity, command: Command) -> list[KeptDocument]:
        async with self._store.read() as session:
            return await session.passages.documents(who.agent.archive_id, readable_from(command.audience))


def _entry(document: KeptDocument, names: dict[str, str], who: Identity, command: Command) -> Entry:
    short = document.file[:8]
    facts = [short, day(document.at.astimezone(who.zone))]
    facts.append(ngettext("{n} piece", "{n} pieces", document.pieces))
    if command.audience == PRIVATE:
        facts.append(named(document.audience, names))
    delete = Action(label=gettext("Delete"), command="memory", argument=f"drop {short}", danger=True)
    return Entry(text=document.name, note=" · ".join(facts), actions=(delete,))
