"""All commands: what platforms announce, and what runs when one is used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, runtime_checkable

from bot.commands.words import HELP
from bot.errors import CommandError, PersonaError
from bot.events import Command, CommandSpec, Event, Suggestion, View
from bot.people.identities import Identity
from bot.people.roles import Roles
from bot.ports import Inbound
from memory.records import Agent, Passage, User


class Control(Inbound, Protocol):
    """What commands may do beside reading and writing memory."""

    async def forget(self, user: User) -> None: ...
    async def forget_here(self, who: Identity) -> None: ...
    async def withdraw(self, user: User, lore: Sequence[Passage]) -> None: ...
    async def reword(self, agent: Agent, passage: Passage, text: str) -> None: ...
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


@runtime_checkable
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
        help_spec = CommandSpec(name="help", summary="what I can be told to do", argument="[all]", words=HELP)
        self._table["help"] = (help_spec, self._help)
        self.specs = [spec for spec, _ in self._table.values()]
        suggesting = [group for group in groups if isinstance(group, Suggests)]
        self._suggest = {spec.name: group.suggest for group in suggesting for spec, _ in group.table}

    async def run(self, command: Command, who: Identity, control: Control) -> View:
        """The command's answer. What a person used wrongly is answered, too, and changes nothing."""
        if command.command not in self._table:
            return View(text=f"There is no command /{command.command}. /help lists them.", kind="error")
        _, run = self._table[command.command]
        try:
            answer = await run(command, who, control)
        except (CommandError, PersonaError) as error:
            return View(text=str(error), kind="error")
        return View(text=answer) if isinstance(answer, str) else answer

    async def suggest(self, command: Command, who: Identity, blank: str) -> list[Suggestion]:
        """As `bot.ports.Inbound.suggest`."""
        if command.command not in self._suggest:
            return []
        known = await self._suggest[command.command](command, who, blank)
        written = command.value.strip().casefold()
        return [one for one in known if written in one.value.casefold() or written in one.label.casefold()]

    async def _help(self, command: Command, who: Identity, control: Control) -> str:
        whole = command.argument.strip() == "all" or self._roles.is_owner(command)
        specs = [spec for spec in self.specs if whole or not spec.inner]
        lines = [(f"/{spec.name} {spec.argument}".rstrip(), spec.summary) for spec in specs]
        width = max(len(usage) for usage, _ in lines)
        return "\n".join(f"{usage:<{width}}  {summary}" for usage, summary in lines)
