"""What a person told for a whole community, to see and to take back: part of `/memory`."""

from __future__ import annotations

from bot.commands.listing import cut, named
from bot.commands.table import Control
from bot.errors import CommandError
from bot.events import ENTRIES, Action, Command, Entry, View
from bot.language import gettext
from bot.language.dates import day
from bot.people.identities import Identity
from memory.ports import Store
from memory.records import Passage, readable_from


class Contributions:
    """The lore that somebody contributed to, as far as it may be seen where they ask."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self, who: Identity, command: Command, what: str, uid: str, control: Control) -> View:
        """Answer ``/memory lore``, a page of it, or ``/memory lore drop ID``."""
        told = await self.of(who, command)
        if what == "drop":
            return await self._take_back(who, told, uid, control)
        page = max(1, int(what)) if what.isdecimal() and len(what) < 7 else 1
        async with self._store.read() as session:
            names = await session.agents.communities()
        shown = told[::-1][(page - 1) * ENTRIES : page * ENTRIES]
        if not shown:
            nothing = gettext("You have told no lore that is seen here.")
            return View(text=gettext("That is all.") if told else nothing)
        older = Action(label=gettext("Older"), command="memory", argument=f"lore {page + 1}")
        return View(
            text=gettext(
                "What you told for everybody in a community. What others told, too, stays as theirs."
            ),
            entries=tuple(_entry(passage, names, who) for passage in shown),
            actions=(older,) if page * ENTRIES < len(told) else (),
        )

    async def _take_back(self, who: Identity, told: list[Passage], what: str, control: Control) -> View:
        uid, _, sure = what.partition(" ")
        found = next((passage for passage in told if uid and passage.uid.startswith(uid)), None)
        if found is None:
            raise CommandError(
                gettext("You told no lore {uid!r} here. /memory lore lists what you did.", uid=uid)
            )
        if sure.strip() != "yes":
            confirm = Action(
                label=gettext("Take back"), command="memory", argument=f"lore drop {uid} yes", danger=True
            )
            text = gettext("Nobody here will know it from you any more. Sure?")
            return View(text=f"{text}\n\n{found.text}", actions=(confirm,))
        await control.withdraw(who.user, [found])
        return View(text=gettext("Your part in this is taken back: {text}", text=found.text))

    async def of(self, who: Identity, command: Command) -> list[Passage]:
        """All of it, oldest first."""
        audiences = readable_from(command.audience)
        async with self._store.read() as session:
            told = await session.passages.contributed_by(who.user.id)
        return [passage for passage in told if audiences is None or passage.audience in audiences]


def _entry(passage: Passage, names: dict[str, str], who: Identity) -> Entry:
    short = passage.uid[:8]
    when = day(passage.created_at.astimezone(who.zone))
    take_back = Action(
        label=gettext("Take back"), command="memory", argument=f"lore drop {short}", danger=True
    )
    return Entry(
        text=cut(passage.text),
        note=" · ".join([short, when, named(passage.audience, names)]),
        actions=(take_back,),
    )
