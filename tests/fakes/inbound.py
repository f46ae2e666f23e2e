"""Where an adapter puts what it hears, in a test that has no agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext

from bot.events import Address, Command, CommandSpec, Event, Suggestion, View
from bot.ports import Alone, Leases


class Heard:
    """`bot.ports.Inbound` that keeps all that it is given, in order."""

    def __init__(self, commands: Sequence[CommandSpec] = (), leases: Leases | None = None) -> None:
        self.commands = commands
        self.leases = leases or Alone()
        self.events: list[Event] = []
        self.asked: list[Command] = []

    async def submit(self, event: Event) -> View | None:
        self.events.append(event)
        return None

    def reading(self, account: str, address: Address, key: str) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def awaits(self, event: Event) -> bool:
        return True

    async def newest_keys(self, platform: str) -> Mapping[Address, str]:
        return {}

    async def settled(self, address: Address | None = None) -> bool:
        return True

    async def interrupt(self, address: Address, account: str | None = None) -> None:
        return None

    async def invoke(self, command: Command) -> View:
        self.asked.append(command)
        return View(text=f"You asked for {command.command} {command.argument}".rstrip())

    async def typed(self, command: Command, key: str) -> View | None:
        return None if command in self.asked else await self.invoke(command)

    async def suggest(self, command: Command, blank: str) -> Sequence[Suggestion]:
        return [Suggestion(value=f"{command.value}!", label=f"{command.argument} {blank}")]
