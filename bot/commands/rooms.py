"""`/room`: whether a community's public places remember what is said there; for its admins. And `/memory rooms`: what
they keep of a person, for that person to see and to take back."""

from __future__ import annotations

from bot.commands.listing import cut, named, pages_told
from bot.commands.table import Control, Run
from bot.commands.words import ROOM
from bot.errors import CommandError
from bot.events import ENTRIES, Action, Command, CommandSpec, Entry, View
from bot.language import gettext, marked
from bot.language.dates import day
from bot.people.identities import Identity
from bot.people.roles import Roles
from bot.people.room_memory import RoomMemory
from bot.runtime import Runtime
from memory.ports import Store
from memory.records import SEQ_BITS, Message, community_of, readable_from

_ON = marked(
    "What is said in public here is kept from now on. Everybody is told once, before anything of theirs is kept; "
    "`/privacy off` keeps theirs out."
)
_OFF_SURE = marked(
    "Nothing more is kept then, and what was kept here is deleted. It cannot be undone. Sure? `/room memory off yes`"
)


class RoomCommands:
    """`bot.commands.table.Group`."""

    def __init__(self, runtime: Runtime, rooms: RoomMemory, roles: Roles) -> None:
        self._store = runtime.store
        self._rooms = rooms
        self._roles = roles
        self.table: list[tuple[CommandSpec, Run]] = [
            (
                CommandSpec(
                    name="room",
                    summary=marked("remember what is said in public"),
                    argument="[memory on | memory off]",
                    words=ROOM,
                ),
                self._room,
            )
        ]

    async def _room(self, command: Command, who: Identity, control: Control) -> View:
        words = command.argument.lower().split()
        community = community_of(command.audience) or command.home
        if not community:
            raise CommandError(gettext("That is of a community: say it there."))
        if not words or words == ["memory"]:
            on = await self._rooms.keeper_of(community) is not None
            return View(
                text=gettext("What is said in public here is kept.")
                if on
                else gettext("What is said here is not kept.")
            )
        if words[0] != "memory" or words[1:] not in (["on"], ["off"], ["off", "yes"]):
            raise CommandError(gettext("Say /room memory on, or /room memory off."))
        if not self._roles.is_admin(command):
            raise CommandError(gettext("Only an admin of this community may change that."))
        if words[1] == "on":
            new = await self._rooms.switch_on(community)
            return View(text=gettext(_ON) if new else gettext("What is said in public here is kept."))
        keeper = await self._rooms.keeper_of(community)
        if keeper is None:
            return View(text=gettext("What is said here is not kept."))
        if words[2:] != ["yes"]:
            sure = Action(label=gettext("Switch off"), command="room", argument="memory off yes", danger=True)
            return View(text=gettext(_OFF_SURE), actions=(sure,))
        await control.forget(keeper)
        return View(text=gettext("Nothing more is kept here, and what was kept is deleted."))


class RoomLines:
    """What rooms keep of a person, as far as it may be seen where they ask."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self, who: Identity, command: Command, what: str, more: str, control: Control) -> View:
        """Answer ``/memory rooms``, a page of it, or ``/memory rooms drop ID`` (or ``all``)."""
        if what == "drop":
            return await self._drop(who, command, more, control)
        page = max(1, int(what)) if what.isdecimal() and len(what) < 7 else 1
        async with self._store.read() as session:
            audiences = readable_from(command.audience)
            total = await session.rooms.count(who.user.id, audiences)
            lines = await session.rooms.lines(
                who.user.id, audiences, offset=(page - 1) * ENTRIES, limit=ENTRIES
            )
            names = await session.agents.communities()
        if not total:
            return View(text=gettext("No room keeps anything that you said and is seen here."))
        if not lines:
            raise CommandError(pages_told(-(-total // ENTRIES)))
        older = Action(label=gettext("Older"), command="memory", argument=f"rooms {page + 1}")
        return View(
            text=gettext("What you said in public, and is kept there:"),
            entries=tuple(_entry(line, names, who) for line in lines),
            actions=(older,) if page * ENTRIES < total else (),
        )

    async def _drop(self, who: Identity, command: Command, what: str, control: Control) -> View:
        async with self._store.read() as session:
            lines = await session.rooms.lines(who.user.id, readable_from(command.audience))
        if what != "all":
            lines = [line for line in lines if _id(line) == what]
        if not lines:
            raise CommandError(
                gettext("No room keeps a line {id!r} of yours. /memory rooms lists them.", id=what)
            )
        await control.drop_lines(lines)
        return View(text=gettext("Deleted."))


def _id(line: Message) -> str:
    return f"r{line.key >> SEQ_BITS}-{line.key & ((1 << SEQ_BITS) - 1)}"


def _entry(line: Message, names: dict[str, str], who: Identity) -> Entry:
    delete = Action(
        label=gettext("Delete"), command="memory", argument=f"rooms drop {_id(line)}", danger=True
    )
    note = " · ".join([_id(line), day(line.created_at.astimezone(who.zone)), named(line.audience, names)])
    return Entry(text=cut(line.text), note=note, actions=(delete,))
