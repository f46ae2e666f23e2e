"""Where everbot's requests to Discord go, and what they carry."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from bot.events import Speaker
from bot.ports import ModelReply, ModelRequest
from memory.records import OutboxRow
from tests.acceptance.on_discord import answer, ask, everything, replies
from tests.fakes.discord_server import DiscordServer
from tests.fakes.scripted_model import say
from tests.fakes.town import Town, heard


@asynccontextmanager
async def elsewhere() -> AsyncIterator[tuple[str, list[str]]]:
    """Another server on this machine, which gives whatever it is asked for: its address, and what it was asked."""
    asked: list[str] = []

    async def give(request: web.Request) -> web.Response:
        asked.append(
            f"{request.method} {request.path} {request.headers.get('Authorization', '')} {await request.text()}"
        )
        return web.Response(text="Words from elsewhere")

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", give)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def test_files_come_from_discord_alone(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with elsewhere() as (address, asked), Town(tmp_path, answer, discord=server) as town:
        stranger = server.world.attach(dm, [("notes.txt", b"x", "text/plain")])
        stranger[0].url = f"{address}/attachments/1/2/notes.txt"
        server.world.post(dm, ada, "Read this", attachments=stranger)
        await server.until(lambda: replies(server, dm))
        server.redirect("GET /attachments/", f"{address}/notes.txt")
        await ask(server, ada, dm, "And this", attachments=[("more.txt", b"x", "text/plain")])
        event = heard(town.model.requests[-1])
    assert asked == []
    assert [file["name"] for file in event["attachments"]] == ["more.txt"]
    assert "Words from elsewhere" not in everything(town)


async def test_a_file_is_read_behind_discords_own_redirects(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server) as town:
        there = server.world.attach(dm, [("moved.txt", b"The treasure is under the oak.", "text/plain")])
        server.redirect("GET /attachments/.*/notes.txt", there[0].url)
        await ask(server, ada, dm, "Read", attachments=[("notes.txt", b"x", "text/plain")])
        await ask(server, ada, dm, "Done")
    assert "under the oak" in everything(town)


async def test_a_file_that_is_larger_than_it_says_is_not_read(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server) as town:
        big = server.world.attach(dm, [("big.txt", b"x" * 5_000_000, "text/plain")])
        small = [file.payload() | {"size": 5} for file in big]
        await ask(server, ada, dm, "Read", more={"attachments": small})
    assert [file["name"] for file in heard(town.model.requests[-1])["attachments"]] == ["big.txt"]


async def test_no_redirect_takes_words_elsewhere(server: DiscordServer, tmp_path: Path) -> None:
    """Neither the bot's nor those of a persona, whose webhook's token stands in the address."""
    ada = server.user("ada")
    dm, general = server.dm(ada), server.channel(server.guild("Home", members=[ada]), "general")

    async def speaker_of(row: OutboxRow) -> Speaker | None:
        return Speaker(name="Mira") if row.address == f"discord:{general.id}" else None

    async with elsewhere() as (address, asked):
        async with Town(tmp_path, answer, discord=server, speaker_of=speaker_of):
            server.redirect("POST /channels/.*/messages", f"{address}/messages")
            assert await ask(server, ada, dm, "Hello") == "You said: Hello"
            server.redirect("POST /webhooks/", f"{address}/webhooks")
            await server.say(ada, general, f"{server.bot.mention} Hello")
            await server.until(lambda: server.messages(general)[-1].webhook)
    assert asked == []


async def test_every_request_says_who_asks(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")

    async def speaker_of(*_: object) -> Speaker:
        return Speaker(name="Mira")

    async with Town(tmp_path, answer, discord=server, speaker_of=speaker_of):
        await server.say(ada, general, f"{server.bot.mention} Hello")
        await server.until(lambda: server.calls("POST /webhooks/"))
        await server.slash(ada, general, "whoami")
    agents = {call.user_agent for call in server.calls()}
    assert agents
    assert all(re.match(r"DiscordBot \(https://\S+ \S+\)", agent) for agent in agents), agents


async def test_answers_call_nobody_and_hide_no_link(server: DiscordServer, tmp_path: Path) -> None:
    """Neither the bot's nor a persona's, nor those that only the asker sees."""
    ada, bob = server.user("ada"), server.user("bob")
    guild = server.guild("Home", members=[ada, bob])
    dm, general = server.dm(ada), server.channel(guild, "general")
    crew = server.role(guild, "crew", mentionable=True)
    trick = f"@everyone {bob.mention} {crew.mention} [bank.example](https://evil.example)"

    async def speaker_of(row: OutboxRow) -> Speaker | None:
        return Speaker(name="Mira") if row.address == f"discord:{general.id}" else None

    def tricky(_: ModelRequest) -> ModelReply:
        return say(trick)

    rules = {"messages_per_minute": 1}
    async with Town(tmp_path, tricky, discord=server, speaker_of=speaker_of, limits=rules):
        await ask(server, ada, dm, "Speak")
        await server.say(ada, dm, "Speak again")  # too fast: a notice
        await server.until(lambda: len(replies(server, dm)) == 2)
        await server.say(bob, general, f"{server.bot.mention} Speak")
        await server.until(lambda: server.messages(general)[-1].webhook)
        told = await server.slash(ada, general, "memory add", {"text": trick})
        assert "Noted" in told.text
    posted = [*server.messages(dm), *server.messages(general), *told.messages]
    ours = [message for message in posted if message.author not in (ada, bob)]
    assert len(ours) == 4
    assert server.pings == []
    for message in ours:
        assert (message.allowed_mentions or {}).get("parse") == [], message
        assert message.flags & 1 << 2, message  # no previews: they would fetch what a link names
        assert "](" not in message.content
    assert sum("bank.example <https://evil.example>" in message.content for message in ours) == 3
