"""What the Discord adapter makes of what a server on loopback tells discord.py."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
import yarl

from adapters import files
from adapters.discord import reading
from adapters.discord.content import Names
from adapters.discord.context import Context
from adapters.discord.invite import intents
from adapters.discord.message import Message, message_of
from adapters.discord.people import person_of
from adapters.discord.places import Place, place_of
from bot.events import PRIVATE, MessageReceived
from tests.fakes.discord_server import Channel, DiscordServer, Guild, Permission, User
from tests.patience import PATIENCE_S


class Listener(discord.Client):
    """Keeps the messages that it hears, as they came."""

    def __init__(self) -> None:
        super().__init__(intents=intents(True), max_messages=None, enable_debug_events=True)
        self.heard: asyncio.Queue[Message] = asyncio.Queue()

    async def on_socket_raw_receive(self, frame: str) -> None:
        told = json.loads(frame)
        if told.get("t") == "MESSAGE_CREATE":
            message = message_of(told["d"])
            assert message is not None
            self.heard.put_nowait(message)


class Scene:
    """A guild with places of all kinds, and how discord.py sees them."""

    def __init__(self, server: DiscordServer) -> None:
        self.server = server
        self.ada: User = server.user("ada", display="Ada")
        self.guild: Guild = server.guild("Home", members=[self.ada])
        self.general: Channel = server.channel(self.guild, "general")
        self.staff: Channel = server.channel(self.guild, "staff", private_to=[self.ada, server.bot])
        self.client = Listener()

    @property
    def us(self) -> reading.Us:
        return reading.us(self.client)

    async def hear(self, channel: Channel, text: str, **more: Any) -> Message:
        """What arrives when Ada says something."""
        await self.server.say(self.ada, channel, text, **more)
        return await asyncio.wait_for(self.client.heard.get(), PATIENCE_S)

    def place_of(self, message: Message) -> Place:
        return place_of(self.client, message.channel, message.guild)

    async def audience(self, channel: Channel) -> str:
        return self.place_of(await self.hear(channel, "Hello")).audience

    def names(self, message: Message) -> Names:
        return Context(0).names(self.client, message)

    def is_addressed(self, message: Message) -> bool:
        return reading.is_addressed(message, self.us, self.place_of(message))

    def text_of(self, message: Message) -> str:
        return reading.text_of(message, self.us, self.names(message))

    def event_of(self, message: Message) -> MessageReceived:
        """As it is for whoever addressed nobody."""
        place = self.place_of(message)
        guild = self.client.get_guild(message.guild)
        person = person_of(message.author, message.member, message.guild, guild)
        text, quote = self.text_of(message), reading.quote_of(message, self.names(message))
        return reading.to_event(message, person, place, text, addressed=False, reply_to=quote)

    @property
    def community(self) -> str:
        return f"community:discord:{self.guild.id}"

    def place(self, channel: Channel) -> str:
        return f"place:discord:{self.guild.id}#{channel.id}"


@pytest.fixture
async def scene(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    async with DiscordServer() as server:
        monkeypatch.setattr(discord.http.Route, "BASE", server.api_url)
        gateway = yarl.URL(server.gateway_url)
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
        scene = Scene(server)
        running = asyncio.create_task(scene.client.start(server.token))
        await server.until(lambda: server.identifies)
        yield scene
        await scene.client.close()
        await running


async def test_who_can_see_a_place(scene: Scene) -> None:
    server, ada = scene.server, scene.ada
    talk, cases = server.thread(scene.general, "talk", ada), server.thread(scene.staff, "cases", ada)
    cabal = server.thread(scene.general, "cabal", ada, private=True, members=[server.bot])
    assert await scene.audience(server.dm(ada)) == PRIVATE
    assert await scene.audience(scene.general) == scene.community
    assert await scene.audience(talk) == scene.community
    assert await scene.audience(scene.staff) == scene.place(scene.staff)
    assert await scene.audience(cases) == scene.place(scene.staff)
    assert await scene.audience(cabal) == scene.place(cabal)


async def test_a_place_is_seen_as_it_is_now(scene: Scene) -> None:
    assert await scene.audience(scene.general) == scene.community
    scene.server.permit(scene.general, scene.guild, deny=Permission.VIEW)
    scene.server.permit(scene.general, scene.ada, allow=Permission.VIEW)
    scene.server.permit(scene.general, scene.server.bot, allow=Permission.VIEW)
    assert await scene.audience(scene.general) == scene.place(scene.general)
    scene.server.permit(scene.general, scene.guild, allow=Permission.VIEW)
    assert await scene.audience(scene.general) == scene.community


async def test_a_channel_of_an_unknown_guild_is_its_own_place(scene: Scene) -> None:
    await scene.audience(scene.general)
    scene.server.world.emit("GUILD_DELETE", {"id": str(scene.guild.id)}, guild=scene.guild)
    assert await scene.audience(scene.general) == scene.place(scene.general)


async def test_where_an_event_is_from(scene: Scene) -> None:
    thread = scene.server.thread(scene.general, "talk", scene.ada)
    crew = scene.server.role(scene.guild, "crew")
    scene.server.assign(scene.guild, scene.ada, [crew])
    message = await scene.hear(thread, "Hello")
    event = scene.event_of(message)
    assert (event.account, event.name) == (f"discord:{scene.ada.id}", "Ada")
    assert (event.address, event.channel) == (f"discord:{thread.id}", str(scene.general.id))
    assert event.community == f"discord:{scene.guild.id}"
    assert str(crew.id) in event.roles
    assert event.thread
    assert not scene.is_addressed(message)
    assert event.key == f"discord:{message.id}"


async def test_mentions_are_read_as_names(scene: Scene) -> None:
    bob = scene.server.user("bob", display="Bob")
    scene.server.join(scene.guild, bob)
    bot = scene.server.bot.mention
    for written, read in (
        (f"{bot} Hello", "Hello"),
        (f"  {bot}, hello", "hello"),
        (f"Hello {bot}", "Hello @everbot"),
        (f"{bot} ask {bob.mention} in {scene.general.mention}", "ask @Bob in #general"),
        ("nothing special", "nothing special"),
        (bot, ""),
    ):
        message = await scene.hear(scene.general, written)
        assert scene.text_of(message) == read


async def test_a_line_that_was_shown_reads_the_same(scene: Scene) -> None:
    """A message is a line of its channel first, and then an event: neither changes the other."""
    message = await scene.hear(scene.general, f"{scene.server.bot.mention} Hello")
    line = reading.line_of(message, scene.names(message))
    assert scene.text_of(message) == "Hello"
    assert reading.line_of(message, scene.names(message)) == line
    assert line is not None
    assert line.text == "Ada: @everbot Hello"
    assert scene.text_of(message) == "Hello"


async def test_what_is_for_the_bot(scene: Scene) -> None:
    dm = scene.server.dm(scene.ada)
    assert scene.is_addressed(await scene.hear(dm, "Hello"))
    assert not scene.is_addressed(await scene.hear(scene.general, "Hello"))
    assert scene.is_addressed(await scene.hear(scene.general, f"Hello {scene.server.bot.mention}"))
    quoted = scene.server.world.post(scene.general, scene.server.bot, "I said so")
    await asyncio.wait_for(scene.client.heard.get(), PATIENCE_S)
    answer = await scene.hear(scene.general, "Why?", reply_to=quoted, ping=False)
    assert scene.is_addressed(answer)
    reply = scene.event_of(answer).reply_to
    assert reply is not None
    assert (reply.text, reply.key) == ("I said so", f"discord:{quoted.id}")


async def test_what_our_webhooks_say_is_ours(scene: Scene) -> None:
    server = scene.server
    ours = server.webhook(scene.general, "Mira", server.bot)
    others = [
        server.webhook(scene.general, "Mira", maker) for maker in (scene.ada, server.user("bo", bot=True))
    ]
    heard = []
    for hook in (ours, *others):
        await server.post_webhook(hook, "Hello")
        heard.append(await asyncio.wait_for(scene.client.heard.get(), PATIENCE_S))
    assert [scene.us.said(message) for message in heard] == [True, False, False]


@pytest.mark.parametrize(
    ("name", "kind", "size", "text", "image"),
    [
        ("notes.txt", "text/plain", 10, True, False),
        ("notes.md", None, 10, True, False),
        ("main.rs", "application/octet-stream", 10, True, False),
        ("data.json", "application/json", 10, True, False),
        ("huge.txt", "text/plain", files.MAX_TEXT + 1, False, False),
        ("photo.png", "image/png", 10, False, True),
        ("drawing.bmp", "image/bmp", 10, False, False),
        ("poster.png", "image/png", files.MAX_IMAGE + 1, False, False),
        ("song.mp3", "audio/mpeg", 10, False, False),
    ],
)
async def test_which_files_are_read(
    scene: Scene, name: str, kind: str | None, size: int, text: bool, image: bool
) -> None:
    message = await scene.hear(scene.server.dm(scene.ada), "Look", attachments=[(name, b"x" * size, kind)])
    file = message.files[0]
    assert (reading.is_text(file), reading.is_image(file)) == (text, image)
