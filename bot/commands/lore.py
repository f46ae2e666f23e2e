"""`/persona lore`: what a persona's agents know of a community, for its admins to read, edit and delete."""

from __future__ import annotations

from bot.commands.listing import pages_told
from bot.commands.table import Control
from bot.errors import CommandError
from bot.events import ENTRIES, Action, Command, Entry, Form, View
from bot.language import gettext, ngettext
from bot.language.dates import day
from bot.ownership.corrections import bounded
from bot.people.identities import Identity
from bot.runtime import Runtime
from memory.ports import Session
from memory.records import Archive, Passage, community_of

_LONGEST = 8_000  # characters of an entry


class Lore:
    """Looks at the lore of one community alone: that in which it is asked."""

    def __init__(self, runtime: Runtime) -> None:
        self._store = runtime.store

    async def run(self, command: Command, who: Identity, rest: str, control: Control) -> View:
        """Answer ``/persona lore ...`` of an admin."""
        word, _, more = rest.partition(" ")
        if word == "edit":
            uid, _, text = more.strip().partition(" ")
            return await self._edit(command, who, uid, command.value or text.strip(), control)
        if word == "delete":
            return await self._delete(command, who, more.strip(), control)
        if word and not word.isdecimal():
            raise CommandError(
                gettext("Say /persona lore, /persona lore edit ID TEXT, or /persona lore delete ID.")
            )
        return await self._page(command, who, max(1, int(word[:6] or 1)))

    async def _archive(self, session: Session, command: Command, who: Identity) -> Archive | None:
        community = community_of(command.audience) or command.home
        if not community:
            raise CommandError(gettext("Lore is of a community: say it there."))
        found = await session.passages.lore(who.persona.id, [community])
        return found[0] if found else None

    async def _page(self, command: Command, who: Identity, page: int) -> View:
        async with self._store.read() as session:
            archive = await self._archive(session, command, who)
            total = await session.passages.count(archive.id, None) if archive else 0
            if archive is None or not total:
                nothing = gettext("{persona} has no lore of this community yet.", persona=who.persona.name)
                return View(text=nothing)
            found = await session.passages.page(archive.id, None, offset=(page - 1) * ENTRIES, limit=ENTRIES)
            told = await session.passages.contributors_of([p.key for p in found])
        pages = -(-total // ENTRIES)
        if not found:
            raise CommandError(pages_told(pages))
        more = Action(label=gettext("Next page"), command="persona", argument=f"lore {page + 1}")
        return View(
            text=gettext(
                "Lore of {persona} here, page {page} of {pages}:",
                persona=who.persona.name,
                page=page,
                pages=pages,
            ),
            entries=tuple(_entry(passage, len(told.get(passage.key, ())), who) for passage in found),
            actions=(more,) if page < pages else (),
        )

    async def _find(self, session: Session, command: Command, who: Identity, uid: str) -> Passage:
        archive = await self._archive(session, command, who)
        if archive is not None and uid:
            passage = await session.passages.by_uid(archive.id, uid, None)
            if passage is not None:
                return passage
        raise CommandError(gettext("There is no entry {uid!r}. /persona lore lists them.", uid=uid))

    async def _edit(self, command: Command, who: Identity, uid: str, text: str, control: Control) -> View:
        async with self._store.read() as session:
            passage = await self._find(session, command, who, uid)
        if not text:
            form = Form(
                title=gettext("Lore"),
                label=uid,
                value=passage.text,
                limit=_LONGEST,
                command="persona",
                argument=f"lore edit {uid}",
            )
            typed = f"/persona lore edit {uid} TEXT"
            how = gettext("Replace it with {command}", command=typed)
            return View(text=f"{passage.text}\n\n{how}", form=form)
        await control.reword_lore(passage, bounded(text, gettext("an entry"), _LONGEST))
        return View(text=gettext("It now reads: {text}", text=text))

    async def _delete(self, command: Command, who: Identity, uid: str, control: Control) -> View:
        async with self._store.read() as session:
            passage = await self._find(session, command, who, uid)
        await control.reword_lore(passage, "")
        return View(text=gettext("Deleted: {text}", text=passage.text))


def _entry(passage: Passage, people: int, who: Identity) -> Entry:
    source = passage.source or ngettext("told by {n} person", "told by {n} people", people)
    uid = passage.uid[:8]
    return Entry(
        text=passage.text,
        note=f"{uid}, {day(passage.created_at.astimezone(who.zone))}, {source}",
        actions=(
            Action(label=gettext("Edit"), command="persona", argument=f"lore edit {uid}"),
            Action(label=gettext("Delete"), command="persona", argument=f"lore delete {uid}", danger=True),
        ),
    )
