"""`/memory drop m12`: one message is forgotten, by its number in the diary of the memory page."""

from __future__ import annotations

import re

from bot.agent.tools.unwanted import Unwanted
from bot.commands.listing import cut, dropped, sure_of
from bot.commands.table import Control
from bot.events import Command, View
from bot.language import gettext
from bot.people.identities import Identity
from memory.ports import Store
from memory.records import SEQ_BITS, Message, readable_from

_NAME = re.compile(r"m([0-9]{1,9})")


class SaidMessages:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def named(self, who: Identity, command: Command, name: str) -> Message | None:
        """The message of that name, if it may be seen where the command was given, and says something."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        keys, audiences = [who.agent.id << SEQ_BITS | int(found[1])], readable_from(command.audience)
        async with self._store.read() as session:
            messages = await session.messages.get(who.agent.id, keys, audiences)
        return next((message for message in messages if message.text), None)

    async def drop(
        self, who: Identity, command: Command, message: Message, control: Control, *, sure: bool
    ) -> View:
        if not sure:
            yes = f"{command.argument.strip()} yes"
            text = gettext(
                "This deletes the message, and what came with it. Sure? {command}", command=f"/memory {yes}"
            )
            return sure_of(yes, text, message.text)
        await control.unwanted(who, command.audience, Unwanted(messages={message.key: message}))
        return dropped(cut(message.text))
