"""Whether somebody is still there (`bot.ports.Adapter.sees`), on every platform as it tells of people who left."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from adapters.console.pipe import PipeConsole
from bot.backends.clock import SystemClock
from bot.backends.platforms import platforms
from bot.delivery.silence import Silence
from bot.errors import DeliveryError, DeliveryRefused
from bot.events import Address, Reply
from bot.ports import Adapter, Found
from bot.settings import Settings
from tests.fakes.discord_rules import Permission
from tests.fakes.discord_server import DiscordServer
from tests.fakes.inbound import Heard
from tests.fakes.parlour import Parlour
from tests.fakes.slack_server import SlackServer
from tests.patience import PATIENCE_S


@dataclass
class Scene:
    """Somebody in a place. ``leave`` and ``back`` are theirs; ``out`` takes the platform away, where it can be."""

    adapter: Adapter
    account: str
    address: Address
    leave: Callable[[], Awaitable[object]] | None = None
    back: Callable[[], Awaitable[object]] | None = None
    out: Callable[[], Awaitable[object]] | None = None

    async def sees(self) -> bool:
        return await self.adapter.sees(self.account, self.address)

    async def post(self) -> tuple[Reply, str]:
        """What was posted, and its receipt."""
        reply = Reply(
            id=f"{uuid4().hex}/0",
            address=self.address,
            kind="reply",
            text="Hello",
            in_reply_to=(),
            at=SystemClock().now(),
            nonce=uuid4().hex[:25],
        )
        return reply, await self.adapter.send(reply)


Made = Callable[[Path], contextlib.AbstractAsyncContextManager[Scene]]


@asynccontextmanager
async def running(folder: Path, **sections: dict[str, object]) -> AsyncIterator[Adapter]:
    """The adapter of these settings, connected."""
    [adapter] = platforms(Settings.model_validate({"data_dir": folder, **sections}), SystemClock())
    task = asyncio.create_task(adapter.run(Heard()))
    try:
        async with asyncio.timeout(PATIENCE_S):
            while adapter.ready():
                await asyncio.sleep(0.01)
        yield adapter
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=10)
        assert task.done(), "an adapter ends when it is told to, though its platform is out"


@asynccontextmanager
async def discord(folder: Path) -> AsyncIterator[tuple[DiscordServer, Adapter]]:
    async with DiscordServer() as server:
        urls = {"api_url": server.api_url, "gateway_url": server.gateway_url}
        async with running(folder, discord={"token": server.token, "guilds_wait_s": 0.05, **urls}) as adapter:
            yield server, adapter


@asynccontextmanager
async def slack(folder: Path) -> AsyncIterator[tuple[SlackServer, Adapter]]:
    async with SlackServer() as server:
        tokens = {"bot_token": server.bot_token, "app_token": server.app_token}
        async with running(folder, slack={"api_url": server.api_url, **tokens}) as adapter:
            yield server, adapter


async def acted(act: Callable[[], object]) -> None:
    act()


@asynccontextmanager
async def discord_guild(folder: Path) -> AsyncIterator[Scene]:
    """Leaves the guild."""
    async with discord(folder) as (server, adapter):
        eve = server.user("eve")
        guild = server.guild("hall", members=[eve])
        place = server.channel(guild, "general")
        yield Scene(
            adapter,
            f"discord:{eve.id}",
            f"discord:{place.id}",
            lambda: acted(lambda: server.leave(guild, eve)),
            lambda: acted(lambda: server.join(guild, eve)),
            server.down,
        )


@asynccontextmanager
async def discord_closed_channel(folder: Path) -> AsyncIterator[Scene]:
    """Stays in the guild, and is let into a channel no more."""
    async with discord(folder) as (server, adapter):
        eve = server.user("eve")
        guild = server.guild("hall", members=[eve])
        place = server.channel(guild, "board", private_to=[eve, server.bot])
        yield Scene(
            adapter,
            f"discord:{eve.id}",
            f"discord:{place.id}",
            lambda: acted(lambda: server.permit(place, eve, deny=Permission.VIEW)),
            lambda: acted(lambda: server.permit(place, eve, allow=Permission.VIEW)),
            server.down,
        )


@asynccontextmanager
async def discord_private_thread(folder: Path) -> AsyncIterator[Scene]:
    """Is taken out of a private thread, which sleeps: the client does not hold it."""
    async with discord(folder) as (server, adapter):
        eve = server.user("eve")
        guild = server.guild("hall", members=[eve])
        place = server.channel(guild, "general")
        thread = server.thread(place, "secret", eve, private=True, members=[server.bot])
        thread.archived = True
        yield Scene(
            adapter,
            f"discord:{eve.id}",
            f"discord:{thread.id}",
            lambda: acted(lambda: thread.members.pop(eve.id)),
            lambda: acted(lambda: server.invite(thread, eve)),
            server.down,
        )


@asynccontextmanager
async def discord_direct(folder: Path) -> AsyncIterator[Scene]:
    """Takes no direct messages any more, which is known when one is refused, until one is taken."""
    async with discord(folder) as (server, adapter):
        eve = server.user("eve")
        scene = Scene(adapter, f"discord:{eve.id}", f"discord:{server.dm(eve).id}", out=server.down)

        async def leave() -> None:
            eve.takes_dms = False
            with pytest.raises(DeliveryRefused):
                await scene.post()

        async def back() -> None:
            eve.takes_dms = True
            await scene.post()

        scene.leave, scene.back = leave, back
        yield scene


@asynccontextmanager
async def slack_channel(folder: Path) -> AsyncIterator[Scene]:
    """Leaves a channel of more members than a page of them holds."""
    async with slack(folder) as (server, adapter):
        eve = server.user("eve")
        place = server.channel("general", [server.bot, *(f"U9{n:05}" for n in range(1_200)), eve])
        yield Scene(
            adapter,
            f"slack:{server.workspace.team}/{eve}",
            f"slack:{server.workspace.team}/{place}/1763712000.000100",
            lambda: server.leave(eve, place),
            lambda: server.join(eve, place),
            lambda: acted(server.down),
        )


@asynccontextmanager
async def slack_direct(folder: Path) -> AsyncIterator[Scene]:
    """The account is deactivated."""
    async with slack(folder) as (server, adapter):
        eve = server.user("eve")
        team = server.workspace.team

        async def back() -> None:
            server.workspace.users[eve].deleted = False

        yield Scene(
            adapter,
            f"slack:{team}/{eve}",
            f"slack:{team}/{server.im(eve)}",
            lambda: acted(lambda: server.deactivate(eve)),
            back,
            lambda: acted(server.down),
        )


@asynccontextmanager
async def pipe(folder: Path) -> AsyncIterator[Scene]:
    yield Scene(
        PipeConsole(io.BytesIO(), io.StringIO(), user="ada", persona="ever", as_json=True),
        "console:ada",
        "console:ada",
    )


@asynccontextmanager
async def parlour(folder: Path) -> AsyncIterator[Scene]:
    adapter = Parlour()

    async def out() -> None:
        adapter.out = 1

    account = "parlour:eve"
    yield Scene(
        adapter,
        account,
        account,
        lambda: acted(lambda: adapter.gone.add(account)),
        lambda: acted(lambda: adapter.gone.remove(account)),
        out,
    )


DISCORD = [discord_guild, discord_closed_channel, discord_private_thread, discord_direct]
SCENES = [*DISCORD, slack_channel, slack_direct, pipe, parlour]


@pytest.mark.parametrize("made", SCENES, ids=lambda made: made.__name__)
async def test_who_left_sees_it_no_more_and_who_comes_back_does(made: Made, tmp_path: Path) -> None:
    async with made(tmp_path) as scene:
        assert await scene.sees()
        if scene.leave is not None and scene.back is not None:
            await scene.leave()
            assert not await scene.sees()
            await scene.back()
            assert await scene.sees()
        if scene.out is not None:
            await scene.out()
            with pytest.raises(DeliveryError) as raised:
                await scene.sees()
            assert type(raised.value) is DeliveryError, "it is not known: neither refused nor doubtful"


async def test_nobody_is_where_nothing_is(tmp_path: Path) -> None:
    async with discord(tmp_path) as (server, adapter):
        eve = server.user("eve")
        guild = server.guild("hall", members=[eve])
        place = server.channel(guild, "general")
        server.remove_channel(place)
        assert not await adapter.sees(f"discord:{eve.id}", f"discord:{place.id}")
        assert not await adapter.sees("discord:77", f"discord:{server.dm(eve).id}")
    async with slack(tmp_path) as (workspace, adapter):
        ada, team = workspace.user("ada"), workspace.workspace.team
        assert not await adapter.sees(f"slack:{team}/{ada}", f"slack:{team}/C77")
        assert not await adapter.sees(f"slack:{team}/U77", f"slack:{team}/{workspace.im(ada)}")


@pytest.mark.parametrize("status", [429, 500])
async def test_a_platform_that_is_busy_or_broken_says_nothing_of_anybody(tmp_path: Path, status: int) -> None:
    async with slack(tmp_path) as (server, adapter):
        eve, team = server.user("eve"), server.workspace.team
        server.fail("users.info", status, times=5)
        with pytest.raises(DeliveryError):
            await adapter.sees(f"slack:{team}/{eve}", f"slack:{team}/{server.im(eve)}")


async def test_before_a_platform_is_connected_nothing_is_known_of_anybody(tmp_path: Path) -> None:
    sections = {
        "discord": {"token": "x.y.z"},
        "slack": {"bot_token": "xoxb-1", "app_token": "xapp-1"},
    }
    settings = Settings.model_validate({"data_dir": tmp_path, **sections})
    for adapter in platforms(settings, SystemClock()):
        with pytest.raises(DeliveryError):
            await adapter.sees(f"{adapter.platform}:T/1", f"{adapter.platform}:1/2")


async def test_what_takes_no_posts_holds_up_no_turn() -> None:
    assert await Silence("discord").sees("discord:1", "discord:1/2")


@pytest.mark.parametrize("ahead_s", [-86_400.0, 0.0, 3_600.0, 86_400.0])
@pytest.mark.parametrize("made", [discord_guild, slack_channel], ids=lambda made: made.__name__)
async def test_what_was_posted_is_found_whatever_our_clock_said_then(
    made: Made, ahead_s: float, tmp_path: Path
) -> None:
    async with made(tmp_path) as scene:
        _, before = await scene.post()
        reply, _ = await scene.post()
        claimed = SystemClock().now() + timedelta(seconds=ahead_s)
        for after in (before, None):
            found = await scene.adapter.find(reply, claimed, after)
            # Within a minute Discord knows the nonce: sent again, it is the same message.
            assert found is Found.POSTED or (made is discord_guild and 0 <= -ahead_s < 60)
        never = replace(reply, id=f"{uuid4().hex}/0", nonce=uuid4().hex[:25], text="Never said.")
        assert await scene.adapter.find(never, claimed, before) is Found.ABSENT
