"""Messages that were heard and are not received yet: what their author has forgotten meanwhile goes with the rest.

Of what this process forgets itself it knows at once. Others that share the database count in it how often they have
forgotten somebody: what that was when a message was heard it must still be in the unit of work that receives it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from bot.cache import Cache
from bot.events import Address, View
from bot.language import gettext, marked
from bot.runtime import Runtime
from memory.errors import StoreError
from memory.ports import Session

_MOST = 10_000
_TOO_LATE = marked(
    "I was still reading that when you asked me to forget, and have let it go. Send it again if you like."
)


class Gone(Exception):
    """It is not to be received: its author has had themselves forgotten since it was heard."""


@dataclass
class _Message:
    account: str
    address: Address
    gone: bool = False
    times: Mapping[str, int] | None = None  # how often who wrote it had been forgotten; None: not known yet
    asking: asyncio.Task[None] | None = None

    @property
    def who(self) -> list[str]:
        return names_of([self.account], None) + names_of([self.account], self.address)


class Underway:
    """By the messages' keys."""

    def __init__(self, runtime: Runtime) -> None:
        self._store = runtime.store
        self._alone = runtime.cluster.single
        self._messages: Cache[str, _Message] = Cache(_MOST)

    async def expect(self, account: str, address: Address, key: str) -> None:
        """It will be received once all of it is read. Raises `memory.errors.StoreError`: then it is not known yet what
        others have forgotten."""
        message = self._known(account, address, key)
        if message.asking is not None:
            await asyncio.wait([message.asking])
        if message.times is None and not self._alone:
            message.times = await self._times(message)

    def _known(self, account: str, address: Address, key: str) -> _Message:
        if key not in self._messages:
            self._messages[key] = _Message(account, address)
        return self._messages[key]

    async def _times(self, message: _Message) -> Mapping[str, int]:
        async with self._store.read() as session:
            return await session.erasing.times_forgotten(message.who)

    def arrived(self, key: str) -> None:
        self._messages.pop(key, None)

    @asynccontextmanager
    async def reading(self, account: str, address: Address, key: str) -> AsyncIterator[None]:
        """As `bot.ports.Inbound.reading`. The block begins at once: it may have to take its place in a line."""
        message = self._known(account, address, key)
        failure: Exception | None = None
        try:
            if self._alone:
                yield
                return
            async with asyncio.TaskGroup() as group:
                message.asking = group.create_task(self._ask(message))
                try:
                    yield
                except Exception as error:
                    failure = error  # raised as it is, not in the group's wrapping
            if failure is not None:
                raise failure
        finally:
            self.arrived(key)

    async def _ask(self, message: _Message) -> None:
        with suppress(StoreError):  # whoever submits it asks again
            message.times = await self._times(message)

    async def admit(self, key: str, session: Session) -> None:
        """First in the unit of work that receives it: raises `Gone`."""
        message = self._messages.get(key)
        if message is None:
            return
        if not self._alone:
            now = await session.erasing.times_forgotten(message.who, receiving=True)
            message.gone = message.gone or now != message.times
        if message.gone:
            raise Gone

    def forget(self, accounts: Collection[str], address: Address | None) -> list[str]:
        """What is on its way from these accounts (into this place) is gone: the keys of it."""
        gone = [
            k for k, m in self._messages.items() if m.account in accounts and address in (None, m.address)
        ]
        for key in gone:
            self._messages[key].gone = True
        return gone

    def word_of(self, key: str) -> View | None:
        """What is said of a message that is gone: once."""
        message = self._messages.get(key)
        if message is None or not message.gone:
            return None
        self.arrived(key)
        return View(text=gettext(_TOO_LATE))


def names_of(accounts: Collection[str], address: Address | None) -> list[str]:
    """By which it is counted how often they were forgotten, in all places or in one."""
    return [account if address is None else f"{account}\n{address}" for account in accounts]
