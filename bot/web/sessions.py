"""Who is signed in: a link lets in once, a browser's session until it ends. Only digests of the secrets are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.people.web_keys import digest, new_key
from bot.ports import Clock
from memory.ports import Store
from memory.records import User, WebKey, WebPass

_SEEN = timedelta(minutes=10)  # within which the time of a session's use is not written anew
_BROWSERS = (
    "Firefox",
    "Edg",
    "OPR",
    "SamsungBrowser",
    "Chrome",
    "Safari",
)  # each says that it is those after it, too
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
_NAMES = {"Edg": "Edge", "OPR": "Opera", "SamsungBrowser": "Samsung Internet", "Mac OS X": "macOS"}


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A person who is signed in. ``accounts`` are all of theirs, ``form_key`` is what their forms must bear."""

    key: WebKey
    user: User
    accounts: tuple[str, ...]
    form_key: str


class Sessions:
    def __init__(self, store: Store, clock: Clock, days: float) -> None:
        self._store, self._clock = store, clock
        self.life = timedelta(days=days)

    async def begin(
        self, account: str, address: str, device: str, life: timedelta | None = None, site: str = ""
    ) -> str | None:
        """Sign a browser in, as whose account it is: its secret. None for an account that nobody has here. With a
        ``site`` it is good in the widget there alone."""
        async with self._store.write() as session:
            user = await session.agents.user_of(account)
            if user is None:
                return None
            now, origin = self._clock.now(), (account, address)
            secret, key = new_key(WebPass.SESSION, user, origin, now, life or self.life, _named(device))
            await session.web_keys.put(replace(key, site=site))
        return secret

    async def enter(self, link: str, device: str) -> str | None:
        """Sign a browser in by a link, which lets nobody in again: its secret. None for one that lets nobody in."""
        async with self._store.write() as session:
            key = await session.web_keys.get(WebPass.LINK, digest(link), self._clock.now())
            if key is None or not await session.web_keys.drop(key.user_id, [key.id]):
                return None
        return await self.begin(key.account, key.address, device)

    async def visitor(self, secret: str) -> Visitor | None:
        """Who that browser is signed in as."""
        now = self._clock.now()
        async with self._store.read() as session:
            key = await session.web_keys.get(WebPass.SESSION, digest(secret), now)
            if key is None:
                return None
            user = await session.agents.user(key.user_id)
            accounts = await session.agents.accounts_of(key.user_id)
        if now - key.seen_at >= _SEEN:
            async with self._store.write() as session:
                await session.web_keys.see(key.id, now)
        return Visitor(key=key, user=user, accounts=tuple(accounts), form_key=digest(f"form {secret}")[:32])

    async def still(self, visitor: Visitor) -> bool:
        """Whether they are signed in still: not, once they asked to be forgotten."""
        async with self._store.read() as session:
            key = await session.web_keys.get(WebPass.SESSION, visitor.key.digest, self._clock.now())
        return key is not None

    async def end(self, visitor: Visitor) -> None:
        async with self._store.write() as session:
            await session.web_keys.drop(visitor.user.id, [visitor.key.id])


def _named(device: str) -> str:
    """A browser as people know it, by its User-Agent (RFC 9110, 10.1.5)."""
    found = [
        next((name for name in names if re.search(rf"\b{name}\b", device)), "")
        for names in (_BROWSERS, _SYSTEMS)
    ]
    return " · ".join(_NAMES.get(name, name) for name in found if name)
