"""`/allow`: a person's word on a call of a tool that waits for it."""

from __future__ import annotations

from datetime import timedelta

from bot.commands.table import Control, Run
from bot.errors import CommandError
from bot.events import Action, CallAnswered, Command, CommandSpec, Entry, View
from bot.language import gettext, marked
from bot.people.identities import Identities, Identity
from bot.runtime import Runtime
from memory.records import Ask

WAITS = timedelta(days=1)
"""How long a call waits for an answer."""
_SHOWN = 4
_CUT = 300  # characters of the arguments, in a list


class AllowCommands:
    """`bot.commands.table.Group`."""

    def __init__(self, runtime: Runtime, identities: Identities) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._identities = identities
        self.table: list[tuple[CommandSpec, Run]] = [
            (
                CommandSpec(
                    name="allow",
                    summary=marked("answer what I ask to do"),
                    argument="[ID yes|no]",
                ),
                self._allow,
            )
        ]

    async def _allow(self, command: Command, who: Identity, control: Control) -> View:
        ask_id, _, word = command.argument.strip().partition(" ")
        if not ask_id:
            return await self._waiting(who)
        if word.strip() not in ("yes", "no"):
            raise CommandError(gettext("Say yes or no: /allow {id} yes, or /allow {id} no.", id=ask_id))
        ask = await self._ask(ask_id, who)
        async with self._store.read() as session:
            place = await session.agents.conversation(ask.conversation_id)
        identity = await self._identities.at(place)
        if identity is None:
            raise CommandError(gettext("Nothing waits for your word there."))
        allowed = word.strip() == "yes"
        event = CallAnswered(
            key=f"ask:{ask.id}",  # whoever presses twice has answered once
            account=command.account,
            name=command.name,
            address=place.address,
            audience=place.audience,
            at=self._clock.now(),
            ask=ask.id,
            turn=ask.turn_id,
            tool=ask.tool,
            arguments=ask.arguments,
            allowed=allowed,
        )
        await control.again(event, identity)
        async with self._store.write() as session:
            await session.asks.drop(ask.id)
        return View(text=gettext("Good, I go on.") if allowed else gettext("Good, I leave it."))

    async def _ask(self, ask_id: str, who: Identity) -> Ask:
        """Raises `CommandError` for what is another's, was answered, or has waited for too long."""
        async with self._store.read() as session:
            ask = await session.asks.get(ask_id)
            agent = await session.agents.agent(ask.agent_id) if ask else None
        old = ask is not None and self._clock.now() - ask.created_at > WAITS
        if ask is None or agent is None or agent.user_id != who.user.id or old:
            raise CommandError(gettext("Nothing of yours waits under that: it was answered, or is too old."))
        return ask

    async def _waiting(self, who: Identity) -> View:
        async with self._store.read() as session:
            asks = await session.asks.waiting(who.agent.id)
        since = self._clock.now() - WAITS
        asks = [ask for ask in asks if ask.created_at >= since and ask.conversation_id == who.conversation.id]
        if not asks:
            return View(text=gettext("Nothing waits for your word here."))
        return View(text=gettext("This waits for your word:"), entries=tuple(map(_entry, asks[-_SHOWN:])))


def _entry(ask: Ask) -> Entry:
    return Entry(
        text=f"{ask.tool} {ask.arguments[:_CUT]}",
        actions=(
            Action(label=gettext("Yes, do it"), command="allow", argument=f"{ask.id} yes"),
            Action(label=gettext("No"), command="allow", argument=f"{ask.id} no"),
        ),
    )
