"""`/connect`: a person's own accounts with servers of tools, and keys for their own programs (`programs`)."""

from __future__ import annotations

from bot.agent.tools.outside import Asker
from bot.commands.programs import ProgramKeys, shown
from bot.commands.table import Control, Run
from bot.errors import CommandError
from bot.events import LOCAL, Action, Command, CommandSpec, Form, Origin, View, platform_of
from bot.language import gettext, marked
from bot.mcp.connecting import Connectable, Connecting
from bot.people.identities import Identity
from bot.people.roles import Roles
from memory.records import PRIVATE

_TOKEN = 4_000  # characters, at most
PROGRAM = "program"
"""In a server's place: a program of the person's own is to be let in."""
_ALONE = marked("Write that to me in a direct message: a code is for your eyes only.")
_OPENLY = marked("Never write a token into a chat. /connect {name} asks for it where nobody else reads.")
_NO_PAGE = marked("{name} wants your consent in a browser, for which I have no page here (web.public_url).")
_CONSENT = marked("Open this and consent, within ten minutes: {url}\nThen /connect tells whether it worked.")


class ConnectCommands:
    """`bot.commands.table.Group`."""

    def __init__(self, connecting: Connecting, programs: ProgramKeys, roles: Roles) -> None:
        self._connecting = connecting
        self._programs = programs
        self._roles = roles
        self.table: list[tuple[CommandSpec, Run]] = [
            (
                CommandSpec(
                    name="connect",
                    summary=marked("your accounts elsewhere"),
                    argument="[NAME [off] | program [NAME | end ID | off]]",
                ),
                self._connect,
            )
        ]

    async def _connect(self, command: Command, who: Identity, control: Control) -> View:
        name, _, rest = command.argument.strip().partition(" ")
        rest = rest.strip()
        if not name:
            return await self._all(command, who)
        if name == PROGRAM:
            return await self._programs.run(who, command, rest)
        asker = asker_of(who, command)
        server = await self._connecting.one(name, asker)
        if server is None or not (server.per_person or self._roles.is_owner(command)):
            raise CommandError(
                gettext("There is nothing of that name to connect with here. /connect lists it.")
            )
        whose = self._connecting.whose(name, asker)
        if rest == "off":
            gone = await self._connecting.drop(name, whose)
            return View(text=gettext("Disconnected.") if gone else gettext("You were not connected."))
        if server.auth == "oauth":
            return await self._by_consent(command, name, whose)
        if rest and platform_of(command.account) != LOCAL:
            raise CommandError(gettext(_OPENLY, name=name))
        token = (command.value or rest).strip()
        return await self._by_token(name, whose, token) if token else _asks(name)

    async def _by_token(self, name: str, whose: int, token: str) -> View:
        connection = await self._connecting.by_token(name, whose, token)
        if connection is None:
            return View(text=gettext("Kept. I am trying it; /connect tells whether it worked."))
        if connection.denied:
            raise CommandError(gettext("{name} does not accept that token; I have not kept it.", name=name))
        if not connection.is_up:
            return View(
                text=gettext("Kept, but {name} cannot be reached now: I try it again later.", name=name)
            )
        return View(text=gettext("Connected: {name} has {n} tools.", name=name, n=len(connection.tools)))

    async def _by_consent(self, command: Command, name: str, whose: int) -> View:
        if command.audience != PRIVATE:
            raise CommandError(gettext(_ALONE))
        if not self._connecting.callback:
            raise CommandError(gettext(_NO_PAGE, name=name))
        url = await self._connecting.by_consent(name, whose)
        if not url:
            raise CommandError(gettext("{name} cannot be reached now. Please try again later.", name=name))
        return View(text=gettext(_CONSENT, url=url))

    async def _all(self, command: Command, who: Identity) -> View:
        servers = await self._connecting.all(asker_of(who, command))
        keys = [shown(key, who) for key in await self._programs.of(who)]
        lines = [*(f"- {one.name}: {state_of(one)}" for one in servers), *(line for line, _ in keys)]
        actions = [
            Action(label=one.name, command="connect", argument=one.name)
            for one in servers
            if one.server.per_person and not one.connected
        ]
        told = "\n".join(lines) if lines else gettext("There is nothing to connect with here.")
        return View(text=told, actions=(*actions[:5], *(action for _, action in keys)))


def asker_of(who: Identity, origin: Origin) -> Asker:
    """Whoever connects, where they are."""
    return Asker(
        agent=who.agent,
        persona=who.persona.name,
        address=origin.address,
        audience=origin.audience,
        waits=True,
    )


def _asks(name: str) -> View:
    form = Form(
        title=gettext("Connect {name}", name=name),
        label=gettext("Your token"),
        value="",
        limit=_TOKEN,
        command="connect",
        argument=name,
        secret=True,
    )
    return View(text=gettext("I can't ask for a token here. In a slash command I can."), form=form)


def state_of(one: Connectable) -> str:
    """What a server is, and whether the person is connected with it."""
    about = f"{one.server.about} " if one.server.about else ""
    if not one.connected:
        return about + gettext("not connected: /connect {name}", name=one.name)
    if one.why:
        return about + gettext("cannot be used now")
    return about + gettext("connected")
