"""What the person must allow waits for their word, by buttons under a message: on Discord, and on Slack."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.crowd import tell
from tests.acceptance.on_discord import mention, replies
from tests.acceptance.test_tools import doing
from tests.fakes.discord_interactions import walk
from tests.fakes.discord_server import DiscordServer
from tests.fakes.mcp_server import Told, calendar, serving
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import Town

PLAY = doing("calendar__delete_event", title="Dentist")
BUTTON = re.compile(r"everbot allow \w+ (?:yes|no)")


@dataclass
class Room:
    """A channel with Ada and Bob in it. ``press`` is a press of a button by its id, and what only who pressed is
    told."""

    server: Any
    platform: dict[str, Any]
    ask: Callable[[], Awaitable[Any]]  # Ada asks: the bot's message
    said: Callable[[], list[str]]  # by the bot
    buttons: Callable[[Any], list[str]]
    press: Callable[[str, Any, str], Awaitable[str]]
    told: Told = field(default_factory=Told)

    @asynccontextmanager
    async def lived_in(self, folder: Path, url: str) -> AsyncIterator[Town]:
        mcp = {"servers": {"calendar": {"url": url}}}
        async with Town(folder, PLAY, mcp=mcp, **self.platform) as town:
            yield town

    async def question(self) -> tuple[Any, str, str]:
        """The message that asks, and its buttons for yes and no."""
        message = await self.ask()
        yes, no = self.buttons(message)
        assert yes.endswith(" yes")
        assert no.endswith(" no")
        return message, yes, no


@pytest.fixture(params=["discord", "slack"])
async def room(request: pytest.FixtureRequest) -> AsyncIterator[Room]:
    if request.param == "discord":
        async with DiscordServer() as discord:
            yield on_discord(discord)
    else:
        async with SlackServer(pace=Pace(post_s=0.0)) as slack:
            yield on_slack(slack)


def on_discord(server: DiscordServer) -> Room:
    people = {name: server.user(name) for name in ("ada", "bob")}
    general = server.channel(server.guild("Home", members=list(people.values())), "general")

    async def ask() -> Any:
        await mention(server, people["ada"], general, "Delete the dentist")
        return [m for m in server.messages(general) if m.author is server.bot][-1]

    def buttons(message: Any) -> list[str]:
        return [part["custom_id"] for part in walk(message.components) if "custom_id" in part]

    async def press(user: str, message: Any, button: str) -> str:
        used = await server.press(people[user], message, button)
        assert used.ephemeral
        return str(used.text)

    return Room(server, {"discord": server}, ask, lambda: replies(server, general), buttons, press)


def on_slack(server: SlackServer) -> Room:
    people = {name: server.user(name) for name in ("ada", "bob")}
    general = server.channel("general", list(people.values()))

    async def ask() -> Any:
        await tell(server, people["ada"], general, "Delete the dentist")
        return server.answers(general)[-1]

    def buttons(message: Any) -> list[str]:
        return list(dict.fromkeys(BUTTON.findall(str(message["blocks"]))))

    async def press(user: str, message: Any, button: str) -> str:
        def shown() -> list[str]:
            return [str(m["text"]) for m in server.ephemeral(general, people[user])]

        before = len(shown())
        used = await server.press(people[user], message, button)
        assert used.acked
        await server.until(lambda: len(shown()) > before)
        return "\n".join(shown()[before:])

    def said() -> list[str]:
        return [str(m["text"]) for m in server.answers(general)]

    return Room(server, {"slack": server}, ask, said, buttons, press)


async def test_who_was_asked_presses_and_the_turn_goes_on_once_also_after_a_restart(
    room: Room, tmp_path: Path
) -> None:
    async with serving(calendar(room.told), room.told) as url:
        async with room.lived_in(tmp_path, url) as town:
            message, yes, _ = await room.question()
            assert "was answered, or is too old" in await room.press("bob", message, yes)
            await town.app.inbound.settled()
            assert room.told.calls == []
        async with room.lived_in(tmp_path, url) as town:
            await asyncio.gather(*(room.press("ada", message, yes) for _ in range(2)))
            await room.server.until(lambda: any("Deleted Dentist." in text for text in room.said()))
            before = len(room.said())
            assert "was answered, or is too old" in await room.press("ada", message, yes)
            await town.app.inbound.settled()
    assert [tool for tool, *_ in room.told.calls] == ["delete_event"]
    assert len(room.said()) == before


async def test_a_no_is_heard_and_nothing_is_done(room: Room, tmp_path: Path) -> None:
    async with serving(calendar(room.told), room.told) as url, room.lived_in(tmp_path, url) as town:
        message, _, no = await room.question()
        assert "I leave it" in await room.press("ada", message, no)
        await room.server.until(lambda: any("said no" in text for text in room.said()))
        await town.app.inbound.settled()
    assert room.told.calls == []
