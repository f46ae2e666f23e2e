"""All commands: what platforms announce, and what runs when one is used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol, cast

from bot.agent.tools.unwanted import Unwanted
from bot.commands.words import HELP
from bot.errors import CommandError, PersonaError
from bot.events import LOCAL, Command, CommandSpec, Event, Suggestion, View, platform_of
from bot.language import gettext, language, marked
from bot.people.identities import Identity
from bot.people.roles import Roles
from bot.ports import Inbound
from memory.records import Agent, Audience, Message, Passage, User


class Control(Inbound, Protocol):
    """What commands may do beside reading and writing memory."""

    async def forget(self, user: User) -> None: ...
    async def forget_here(self, who: Identity) -> None: ...
    async def withdraw(self, user: User, lore: Sequence[Passage]) -> None: ...
    async def close(self, agent: Agent, copy: Passage) -> None: ...
    async def unwanted(self, who: Identity, audience: Audience, unwanted: Unwanted) -> None: ...
    async def keep_out(self, user: User) -> None: ...
    async def drop_lines(self, lines: Sequence[Message]) -> None: ...
    async def reword_lore(self, entry: Passage, text: str) -> None: ...
    async def beat(self, who: Identity) -> bool: ...
    async def afford(self, command: Command, who: Identity) -> None: ...
    async def again(self, event: Event, who: Identity) -> None: ...
    async def join(self, keep: User, other: User) -> None: ...
    async def separate(self, account: str, name: str) -> None: ...


Run = Callable[[Command, Identity, Control], Awaitable[View | str]]


class Group(Protocol):
    """Commands that belong together."""

    @property
    def table(self) -> Sequence[tuple[CommandSpec, Run]]: ...


class Suggests(Protocol):
    """A group that knows what may be filled in."""

    async def suggest(self, command: Command, who: Identity, blank: str) -> Sequence[Suggestion]:
        """As `bot.ports.Inbound.suggest`, whatever is written there so far."""
        ...


class Commands:
    """Each answers at once, even while a turn runs; those that change memory wait for the step to end."""

    def __init__(self, groups: Sequence[Group], roles: Roles) -> None:
        self._roles = roles
        self._table = {spec.name: (spec, run) for group in groups for spec, run in group.table}
        help_spec = CommandSpec(
            name="help", summary=marked("what I can be told to do"), argument="[all | NAME]", words=HELP
        )
        self._table["help"] = (help_spec, self._help)
        self.specs = [spec for spec, _ in self._table.values()]
        suggesting = [group for group in groups if hasattr(group, "suggest")]
        self._suggest = {
            spec.name: cast(Suggests, group).suggest for group in suggesting for spec, _ in group.table
        }

    async def run(self, command: Command, who: Identity, control: Control) -> View:
        """The command's answer. What a person used wrongly is answered, too, and changes nothing."""
        if command.command not in self._table:
            return _error(unknown(command.command))
        _, run = self._table[command.command]
        try:
            answer = await run(command, who, control)
        except (CommandError, PersonaError) as error:
            return _error(str(error))
        view = View(text=answer) if isinstance(answer, str) else answer
        return view if view.language else replace(view, language=language())

    async def suggest(self, command: Command, who: Identity, blank: str) -> list[Suggestion]:
        """As `bot.ports.Inbound.suggest`."""
        if command.command not in self._suggest:
            return []
        known = await self._suggest[command.command](command, who, blank)
        written = command.value.strip().casefold()
        return [one for one in known if written in one.value.casefold() or written in one.label.casefold()]

    async def _help(self, command: Command, who: Identity, control: Control) -> str:
        """What there is, in lines that fit the narrowest terminal; or how one of it is used."""
        about = command.argument.strip().lstrip("/!").lower()
        if about and about != "all":
            return self._usage(about)
        whole = about == "all" or self._roles.is_owner(command)
        here = platform_of(command.account) == LOCAL
        specs = [spec for spec in self.specs if (whole or not spec.inner) and (here or not spec.local)]
        more = (
            gettext("/help NAME tells how one is used.")
            if whole
            else gettext("/help NAME tells how one is used,\n/help all lists what looks inside me.")
        )
        return "\n".join([*(f"/{spec.name}: {gettext(spec.summary)}" for spec in specs), more])

    def _usage(self, name: str) -> str:
        if name not in self._table:
            raise CommandError(unknown(name))
        spec, _ = self._table[name]
        ways = [
            f"- {word.argument({b.name: b.name.upper() for b in word.blanks})}: {gettext(word.summary)}".replace(
                "- :", "-"
            )
            for word in spec.words
        ]
        return "\n".join([f"/{name} {spec.argument}".rstrip(), f"{gettext(spec.summary)}.", *ways])


def unknown(name: str) -> str:
    """What is said of a command that there is not."""
    return gettext("There is no command /{name}. /help lists them.", name=name)


def _error(text: str) -> View:
    return View(text=text, kind="error", language=language())
