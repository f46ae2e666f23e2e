"""Messages that were heard and are not received yet: what their author has forgotten meanwhile goes with the rest."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.cache import Cache
from bot.events import Address, View
from bot.language import gettext, marked

_MOST = 10_000
_TOO_LATE = marked(
    "I was still reading that when you asked me to forget, and have let it go. Send it again if you like."
)


@dataclass
class _Message:
    account: str
    address: Address
    gone: bool = False


class Underway:
    """By the messages' keys."""

    def __init__(self) -> None:
        self._messages: Cache[str, _Message] = Cache(_MOST)

    def expect(self, account: str, address: Address, key: str) -> None:
        """It will be received once all of it is read."""
        if key not in self._messages:
            self._messages[key] = _Message(account, address)

    def arrived(self, key: str) -> None:
        self._messages.pop(key, None)

    @contextmanager
    def reading(self, account: str, address: Address, key: str) -> Iterator[None]:
        """As `bot.ports.Inbound.reading`."""
        self.expect(account, address, key)
        try:
            yield
        finally:
            self.arrived(key)

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
