"""Sessions of the gateway, which remember what they were told, and how many may begin."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fakes.discord_records import Guild
from tests.fakes.discord_rules import Intent, Json, Settings

if TYPE_CHECKING:
    from tests.fakes.discord_gateway import Link

DISPATCH = 0
REPLAY = 10_000  # events that a session can be behind and still resume
ALWAYS = (Intent(0), Intent(0))
NEEDS = {  # the intents that an event needs: in a guild, in a DM
    "GUILD_": (Intent.GUILDS, Intent.GUILDS),
    "CHANNEL_": (Intent.GUILDS, Intent.GUILDS),
    "THREAD_": (Intent.GUILDS, Intent.GUILDS),
    "GUILD_MEMBER_": (Intent.GUILD_MEMBERS, Intent.GUILD_MEMBERS),
    "WEBHOOKS_": (Intent.GUILD_WEBHOOKS, Intent.GUILD_WEBHOOKS),
    "MESSAGE_": (Intent.GUILD_MESSAGES, Intent.DIRECT_MESSAGES),
    "MESSAGE_REACTION_": (Intent.GUILD_MESSAGE_REACTIONS, Intent.DIRECT_MESSAGE_REACTIONS),
}


@dataclass(eq=False)
class Session:
    """What one IDENTIFY began. It goes on being told of events while nothing is connected to it. There may be several
    of one shard, or of different numbers of shards: each is told of what is its own."""

    id: str
    shard: int
    shards: int
    intents: Intent
    seq: int = 0
    log: dict[int, str] = field(default_factory=dict)
    link: Link | None = None

    def tell(self, event: str, data: Json | None) -> None:
        self.seq += 1
        self.log[self.seq] = json.dumps({"op": DISPATCH, "t": event, "s": self.seq, "d": data})
        self.log.pop(self.seq - REPLAY, None)
        if self.link:
            self.link.wake.set()

    def wants(self, event: str, guild: Guild | None) -> bool:
        if (guild.id >> 22) % self.shards != self.shard if guild else self.shard != 0:
            return False
        prefix = max((known for known in NEEDS if event.startswith(known)), key=len, default="")
        needed = NEEDS.get(prefix, ALWAYS)[guild is None]
        return self.intents & needed == needed


class Starts:
    """IDENTIFYs: so many in a day, and one in ``identify_s`` for each rate limit key ("Max Concurrency"). One that
    comes sooner is answered by Invalid Session; one too many costs the token."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._count = 0
        self._last: defaultdict[int, float] = defaultdict(lambda: float("-inf"))

    @property
    def spent(self) -> bool:
        return self._count >= self._settings.identify_total

    def take(self, shard: int) -> bool:
        """Count one; whether it came late enough after the one before."""
        self._count += 1
        key = shard % self._settings.max_concurrency
        now, before = time.monotonic(), self._last[key]
        self._last[key] = now
        return now - before >= self._settings.identify_s

    def limit(self) -> Json:
        """A Session Start Limit Object."""
        total = self._settings.identify_total
        limit = {"total": total, "remaining": max(0, total - self._count)}
        return {**limit, "reset_after": 86_400_000, "max_concurrency": self._settings.max_concurrency}
