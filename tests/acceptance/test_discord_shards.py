"""Discord's shards, run by several gateways: each by one of them, and by another when that one dies."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from discord.gateway import KeepAliveHandler

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.options import Options
from adapters.discord.places import address
from bot.backends.platforms import discord_options
from bot.errors import AdapterError
from bot.events import Address, Reply, Speaker
from bot.ports import Adapter, Alone, Clock, Found, Inbound, Leases
from bot.settings import Settings
from memory.records import OutboxRow
from tests.acceptance.on_discord import answer, ask, mention, replies
from tests.fakes.clock import HastyClock
from tests.fakes.discord_server import Channel, DiscordServer, User
from tests.fakes.inbound import Heard
from tests.fakes.leases import Office
from tests.fakes.town import FAST, Town
from tests.patience import PATIENCE_S


class Through:
    """One everbot, as a gateway of several has it."""

    def __init__(self, inbound: Inbound, leases: Leases) -> None:
        self._inbound, self.leases = inbound, leases

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inbound, name)


def live(
    group: asyncio.TaskGroup, inbound: Inbound, gateways: Iterable[Adapter], desks: Iterable[Leases]
) -> list[asyncio.Task[None]]:
    """Gateways run before one everbot, each with its leases."""
    return [
        group.create_task(gateway.run(Through(inbound, desk)))  # type: ignore[arg-type]
        for gateway, desk in zip(gateways, desks, strict=True)
    ]


class Pair(DiscordAdapter):
    """Two gateways, before one everbot that posts through the one or the other."""

    def __init__(self, options: Options, clock: Clock, office: Office, shards: int) -> None:
        super().__init__(options, clock)
        self.shards = shards
        self.office = office
        self.desks = [office.desk(), office.desk()]
        self.gateways = [DiscordAdapter(options, clock) for _ in self.desks]
        self.lives: list[asyncio.Task[None]] = []

    async def run(self, inbound: Inbound) -> None:
        async with asyncio.TaskGroup() as group:
            self.lives = live(group, inbound, self.gateways, self.desks)

    def ready(self) -> str | None:
        shared = [self.office.numbers(desk) for desk in self.desks if not desk.dead]
        alive = [g.ready() for g, desk in zip(self.gateways, self.desks, strict=True) if not desk.dead]
        return (
            next(filter(None, alive), None)
            if sum(map(len, shared)) == self.shards
            else "shards are not shared out"
        )

    def alive(self) -> DiscordAdapter:
        return next(g for g, desk in zip(self.gateways, self.desks, strict=True) if not desk.dead)

    async def send(self, reply: Reply) -> str:
        return await self.alive().send(reply)

    def afar(self, shard: int) -> DiscordAdapter:
        """The gateway that does not run it."""
        return next(
            gateway
            for gateway, desk in zip(self.gateways, self.desks, strict=True)
            if shard not in self.office.numbers(desk)
        )

    async def find(self, reply: Reply, claimed_at: object, after: str | None) -> Found:
        return await self.alive().find(reply, claimed_at, after)  # type: ignore[arg-type]

    def thread_from(self, address: Address, key: str) -> Address | None:
        return None

    async def kill(self, number: int) -> None:
        self.desks[number].dead = True
        self.lives[number].cancel()
        await asyncio.wait([self.lives[number]])


class Afar(Pair):
    """Whoever posts, and asks, does not run the first shard."""

    def alive(self) -> DiscordAdapter:
        return self.afar(0)


def pair_in(
    folder: Path, server: DiscordServer, shards: int = 4, made: type[Pair] = Pair, **more: Any
) -> tuple[Town, Office]:
    office = Office()

    def pair(settings: Settings, clock: Clock) -> list[Adapter]:
        options = discord_options(settings)
        assert options is not None
        return [made(options, clock, office, shards)]

    return Town(folder, answer, discord=server, adapters=pair, **more), office


@dataclass
class Club:
    """Everbot in two gateways, on a server of four shards."""

    server: DiscordServer
    town: Town
    office: Office
    pair: Pair
    channels: list[Channel]  # one in a guild of each shard
    ada: User


@asynccontextmanager
async def club(folder: Path) -> AsyncIterator[Club]:
    """Afterwards it is looked that Discord was asked for sessions no faster than it lets them begin, and six times."""
    async with DiscordServer(**FAST, shards=4, max_concurrency=2, identify_s=0.2) as server:
        ada = server.user("ada")
        channels = [
            server.channel(server.guild(f"Guild {shard}", members=[ada], shard=shard), "general")
            for shard in range(4)
        ]
        town, office = pair_in(folder, server)
        async with town:
            (pair,) = town.adapters
            assert isinstance(pair, Pair)
            yield Club(server, town, office, pair, channels, ada)
        assert (server.hasty, server.identifies) == (0, 6)


@pytest.mark.parametrize("victim", [0, 1])
async def test_a_gateway_dies_and_the_other_goes_on_where_it_was(tmp_path: Path, victim: int) -> None:
    async with club(tmp_path) as c:
        server, office, pair = c.server, c.office, c.pair
        assert [len(office.numbers(desk)) for desk in pair.desks] == [2, 2]
        await server.until(lambda: server.shards == dict.fromkeys(range(4), 1))
        for channel in c.channels:
            await mention(server, c.ada, channel, "Hello")
        await ask(server, c.ada, server.dm(c.ada), "Hello")
        lost = office.numbers(pair.desks[victim])
        await pair.kill(victim)
        await server.until(lambda: not server.shards.keys() & set(lost))
        for word in ("first", "second"):
            for channel in c.channels:
                await server.say(c.ada, channel, f"{server.bot.mention} {word}")
            await server.say(c.ada, server.dm(c.ada), word)
        office.buried(pair.desks[victim])
        await server.until(lambda: server.shards == dict.fromkeys(range(4), 1))
        places = [*c.channels, server.dm(c.ada)]
        await server.until(lambda: all("second" in said(server, place) for place in places))
        await c.town.app.inbound.settled()
    for place in places:
        told = said(server, place)
        assert (told.count("first"), told.count("second")) == (1, 1), told
        assert told.index("first") < told.index("second")


async def mira(row: OutboxRow) -> Speaker:
    return Speaker(name="Mira")


@pytest.mark.parametrize("shards", [1, 2])
async def test_who_has_not_the_shard_of_a_place_posts_and_asks_there_as_who_has(
    tmp_path: Path, shards: int
) -> None:
    async with DiscordServer(**FAST, shards=shards, max_concurrency=2) as server:
        ada, bob = server.user("ada"), server.user("bob")
        guild = server.guild("Guild", members=[ada], shard=0)
        general, closed = (
            server.channel(guild, "general"),
            server.channel(guild, "closed", private_to=[server.bot]),
        )
        direct = server.dm(ada)
        town, _ = pair_in(tmp_path, server, shards, Afar, speaker_of=mira)
        async with town:
            (pair,) = town.adapters
            assert isinstance(pair, Pair)
            await server.until(lambda: len(server.shards) == shards)
            for place in (general, direct):
                await server.say(ada, place, f"{server.bot.mention} Hello")
            await server.until(
                lambda: server.messages(general)[-1].webhook and len(server.messages(direct)) > 1
            )
            away = pair.alive()
            assert away.ready() is None
            me, her = f"discord:{bob.id}", f"discord:{ada.id}"
            seen = {
                (who, place): await away.sees(who, address(place.id))
                for who in (me, her)
                for place in (general, closed)
            }
            assert [place for who, place in seen if seen[who, place]] == [general]
            assert seen[her, general]
            assert await away.sees(her, address(direct.id))
            server.leave(guild, ada)
            assert not await away.sees(her, address(general.id))
        assert server.messages(general)[-1].author.name == "Mira"
        assert server.messages(direct)[-1].content.startswith("**Mira**")
        assert server.messages(general)[-1].content == "You said: Hello"


def said(server: DiscordServer, place: Channel) -> str:
    return "\n".join(replies(server, place))


async def test_a_shard_whose_lease_is_lost_is_closed_and_taken_again(tmp_path: Path) -> None:
    async with club(tmp_path) as c:
        closed = c.server.count("disconnect")
        c.office.lose(c.pair.desks[0])
        await c.server.until(lambda: c.server.count("disconnect") == closed + 2 and len(c.server.shards) == 4)
        for channel in c.channels:
            await mention(c.server, c.ada, channel, "Still there?")


async def test_one_process_runs_all_shards_and_mends_each_by_itself(tmp_path: Path) -> None:
    async with DiscordServer(**FAST, shards=2, identify_s=0.2) as server:
        ada = server.user("ada")
        channels = [
            server.channel(server.guild(f"Guild {n}", members=[ada], shard=n), "general") for n in (0, 1)
        ]
        async with Town(tmp_path, answer, discord=server):
            await server.until(lambda: server.shards == {0: 1, 1: 1})
            for channel in channels:
                await mention(server, ada, channel, "Hello")
            await server.invalidate(1)
            await server.until(lambda: server.identifies == 3 and server.shards == {0: 1, 1: 1})
            assert await mention(server, ada, channels[1], "Again")
            assert len(server.calls("GET /applications/.*/commands")) == 1
        assert server.hasty == 0


def listener(server: DiscordServer, **more: int) -> DiscordAdapter:
    settings = {"token": server.token, "api_url": server.api_url, "gateway_url": server.gateway_url, **more}
    options = discord_options(Settings.model_validate({"discord": {"guilds_wait_s": 0.1, **settings}}))
    assert options is not None
    return DiscordAdapter(options, HastyClock())


async def test_the_last_session_of_a_day_is_not_begun() -> None:
    async with DiscordServer(**FAST, identify_total=1) as server:
        running = asyncio.create_task(listener(server).run(Heard()))
        await server.until(lambda: server.count("connect") and len(server.calls("GET /gateway/bot")) == 2)
        running.cancel()
        await asyncio.wait([running])
        assert server.identifies == 0


async def test_too_few_shards_are_one_sentence() -> None:
    async with DiscordServer(**FAST, shards=2, guilds_per_shard=1) as server:
        for shard in range(2):
            server.guild(f"Guild {shard}", shard=shard)
        with pytest.raises(ExceptionGroup) as caught:
            await listener(server, shards=1).run(Heard())
        error: BaseException = caught.value
        while isinstance(error, BaseExceptionGroup):
            (error,) = error.exceptions
        assert isinstance(error, AdapterError)
        assert "discord.shards = 1" in str(error)


async def test_what_one_gateway_finds_too_few_shards_is_so_for_all() -> None:
    async with DiscordServer(**FAST, guilds_per_shard=1, max_concurrency=2, identify_s=0.2) as server:
        first = server.guild("First")
        office = Office()
        desks = [office.desk(), office.desk()]
        lives = [asyncio.create_task(listener(server).run(Heard(leases=desk))) for desk in desks]
        await server.until(lambda: server.shards == {0: 1})
        while True:
            other = server.guild("Other", bot=False)
            if (other.id ^ first.id) >> 22 & 1:
                break
        server.add_guild(other)
        await server.invalidate(0)
        await server.until(lambda: server.shards == {0: 1, 1: 1})
        assert sorted(map(office.numbers, desks)) == [[0], [1]]
        for life in lives:
            life.cancel()
        await asyncio.wait(lives)
        assert server.hasty == 0


class Queueing(Alone):
    """Nobody may begin a session yet."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def passed(self, gate: str, seconds: float) -> bool:
        self.asked.set()
        return False


async def test_nothing_is_left_of_a_gateway_that_ends_while_it_waits_for_its_turn() -> None:
    async with DiscordServer(**FAST) as server:
        queueing = Queueing()
        running = asyncio.create_task(listener(server).run(Heard(leases=queueing)))
        async with asyncio.timeout(PATIENCE_S):
            await queueing.asked.wait()
        alive = keeping_alive()
        assert alive
        running.cancel()
        await asyncio.wait([running])
        for thread in alive:
            await asyncio.to_thread(thread.join, PATIENCE_S)
        assert not keeping_alive()


def keeping_alive() -> list[KeepAliveHandler]:
    """discord.py's threads at our connections."""
    threads = [thread for thread in threading.enumerate() if isinstance(thread, KeepAliveHandler)]
    return [thread for thread in threads if thread.ws.loop is asyncio.get_running_loop()]
