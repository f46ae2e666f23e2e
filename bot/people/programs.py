"""For whom programs speak: people's keys for them, and what was said to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot.events import is_unasked
from bot.people.web_keys import digest
from bot.ports import Bearer, Clock
from bot.safety.secrets import masked
from memory.ports import Store
from memory.records import OutboxRow, User, WebKey, WebPass

_SEEN = timedelta(minutes=1)  # that a key was used is noted once in so long
_BEFORE = 50  # posts among which those are looked for that nobody asked for


class Programs:
    """See `bot.ports.Programs`. ``default`` is who speaks where nobody chose."""

    def __init__(self, store: Store, clock: Clock, default: str) -> None:
        self._store, self._clock = store, clock
        self._default = default

    async def bearer(self, secret: str) -> Bearer | None:
        found = await self.holder(secret)
        if found is None:
            return None
        key, user = found
        return Bearer(id=key.id, account=key.account, name=user.name)

    async def holder(self, secret: str) -> tuple[WebKey, User] | None:
        """The key that the secret opens with, and whose it is; None for no key, or one that was ended."""
        now = self._clock.now()
        async with self._store.read() as session:
            key = await session.web_keys.get(WebPass.PROGRAM, digest(secret), now)
            user = await session.agents.user(key.user_id) if key else None
        if key is None or user is None:
            return None
        if now - key.seen_at >= _SEEN:
            async with self._store.write() as session:
                await session.web_keys.see(key.id, now)
        return key, user

    async def personas(self) -> Sequence[str]:
        async with self._store.read() as session:
            names = [persona.name for persona in await session.personas.all() if not persona.retired]
        return [self._default, *(name for name in names if name != self._default)]

    async def reused(self, key: str, text: str) -> bool:
        async with self._store.read() as session:
            rows = await session.mailbox.events_from(key)
        texts = [row.payload.get("text") for row in rows if row.key == key]
        return bool(texts) and texts[0] not in (None, text, masked(text).text)

    async def said(self, key: str) -> Mapping[str, str] | None:
        async with self._store.read() as session:
            rows = [row for row in await session.mailbox.events_from(key) if row.key == key]
            if not rows:
                return None
            posts = await session.mailbox.last_posts(rows[0].agent_id, rows[0].conversation_id, _BEFORE)
        return {post.id: post.text for post in _answering(key, posts)}


def _answering(key: str, posts: Sequence[OutboxRow]) -> list[OutboxRow]:
    """What answers that event, after what was said unasked since the answer before."""
    mine = [number for number, post in enumerate(posts) if key in post.in_reply_to]
    if not mine:
        return []
    first = mine[0]
    while first > 0 and is_unasked(posts[first - 1].in_reply_to):
        first -= 1
    return [*posts[first : mine[0]], *(posts[number] for number in mine)]
