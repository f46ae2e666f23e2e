"""How fast people may write, click and command: what a minute holds. And what is told to who goes beyond it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count

from bot.cache import Cache
from bot.errors import AllowanceUsed
from bot.events import LOCAL, Address, DocumentUploaded, Event, Origin, View, platform_of
from bot.language import gettext, marked
from bot.people.allowance import Allowance
from bot.people.identities import Identity
from bot.people.restrictions import home_of
from bot.runtime import Runtime
from bot.settings import LimitSettings

_MINUTE = timedelta(seconds=60)
_BOT_MESSAGES = 20  # of other bots in one place per minute: what ends a loop of two bots
_KEPT = 10_000
_NONE: Mapping[str, float] = {}
_SLOWER = marked("That is faster than I can keep up with. Give me a minute, then write again.")


class Turned(Exception):
    """The event is not thought about. ``view`` is what to tell the person, if anything."""

    def __init__(self, why: str, view: View | None = None) -> None:
        super().__init__(why)
        self.view = view


class NotForUs(Turned):
    """Whoever says it may talk with us, and talks with others."""


class TooFast(Turned):
    """In a minute they may again."""

    def __init__(self, view: View | None = None) -> None:
        super().__init__("too fast", view)


class Pace:
    """Keeps count of who wrote how much of late. Whoever sits at the machine is under no limit."""

    def __init__(self, runtime: Runtime, allowance: Allowance, limits: LimitSettings) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._alone = runtime.cluster.single
        self._allowance = allowance
        self._limits = limits
        self._recent: Cache[str, list[tuple[float, str]]] = Cache(_KEPT)
        self._told: Cache[str, str] = Cache(_KEPT)
        self._number = count()

    async def spend(self, event: Event, identity: Identity) -> None:
        """Count what a person wrote, sent or clicked; raises `Turned` when a limit of theirs is reached, with what to
        tell them, once on each occasion. A message counts once, with its files."""
        key = event.key.rpartition("/")[0] if isinstance(event, DocumentUploaded) else ""
        try:
            await self._within(event.account, identity, event.at, key or event.key)
            await self.afford(event.account, identity)
        except Turned as turned:
            now = self._clock.now()
            occasion = f"{turned} {now:%H:%M}" if isinstance(turned, TooFast) else f"{turned} {now:%j}"
            raise Turned(str(turned), turned.view if self._first(event.account, occasion) else None) from None

    async def question(self, who: Origin, identity: Identity) -> None:
        """Count a command that makes the agent think, as the message that it stands for; raises `Turned`."""
        await self._within(who.account, identity, self._clock.now(), self._name())
        await self.afford(who.account, identity)

    def command(self, who: Origin) -> None:
        """Count a command; raises `Turned`."""
        most, name = self._limits.commands_per_minute, f"commands of {who.account}"
        if platform_of(who.account) == LOCAL or not most:
            return
        if self._count(name, self._clock.now().timestamp(), self._name()) > most:
            raise TooFast(View(text=gettext(_SLOWER), kind="error"))

    async def afford(self, address: Address, identity: Identity) -> None:
        """Raises `Turned` when the day's allowance is used up, of the person or of all."""
        if platform_of(address) == LOCAL:
            return
        try:
            await self._allowance.check(identity.user.id, home_of(identity.conversation))
        except AllowanceUsed as used:
            raise Turned("daily limit", View(text=gettext(str(used)))) from None

    def bots(self, event: Event) -> None:
        """Count a message of another bot; raises `Turned` when there are too many in its place."""
        # By channel: on Slack each message of a channel begins a thread, which is a place of its own.
        place = f"{event.community}/{event.channel}" if event.channel else event.address
        if self._count(f"bots at {place}", event.at.timestamp(), event.key) > _BOT_MESSAGES:
            raise Turned("a loop of bots")

    async def _within(self, account: str, identity: Identity, at: datetime, key: str) -> None:
        """Of what other processes heard of the person, those messages count that they received."""
        most = self._limits.messages_per_minute
        if platform_of(account) == LOCAL or not most:
            return
        known = {} if self._alone else await self._received(account, identity, at)
        if self._count(account, at.timestamp(), key, known) > most:
            raise TooFast(View(text=gettext(_SLOWER)))

    async def _received(self, account: str, identity: Identity, at: datetime) -> dict[str, float]:
        since = at - 2 * _MINUTE  # clocks may differ by one
        async with self._store.read() as session:
            lately = await session.mailbox.received_lately(identity.user.id, account, since)
        return {key: then.timestamp() for key, then in lately.items()}

    def _name(self) -> str:
        return f"command {next(self._number)}"

    def _count(self, who: str, at: float, key: str, others: Mapping[str, float] = _NONE) -> int:
        """How many there were in the minute that ended then, this one included, and ``others`` that may be known.

        By the platform's time: what was caught up after an outage did not come all at once.
        """
        minute = _MINUTE.total_seconds()
        # Of a later minute is what came before the clock was set back.
        times = [(then, known) for then, known in self._recent.get(who, ()) if abs(at - then) < minute]
        have = {known for _, known in times} | {key}
        times += [
            (then, other) for other, then in others.items() if abs(at - then) < minute and other not in have
        ]
        if all(known != key for _, known in times):  # what is told again is not counted again
            times.append((at, key))
        self._recent[who] = times
        return len(times)

    def _first(self, account: str, occasion: str) -> bool:
        """Whether the person was not told on this occasion yet; from now on they are."""
        first = self._told.get(account) != occasion
        self._told[account] = occasion
        return first
