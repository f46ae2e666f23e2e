"""A persona is shown as itself: under its own name and picture, wherever the platform lets us."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.delivery.courier import SpeakerOf
from bot.events import Speaker
from memory.records import OutboxRow
from tests.acceptance.crowd import keep, tell
from tests.acceptance.on_discord import answer, answered, ask, come_true, mention, replies, rows, texts
from tests.acceptance.test_discord_outages import leave_in_doubt
from tests.fakes import pictures
from tests.fakes.discord_server import Channel, DiscordServer, Message, Permission, User
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import FAST, Town

MIRA = Speaker(name="Mira", avatar=pictures.png())
HOOKED = "POST /webhooks/[0-9]+/"


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer(**FAST) as server:
        yield server


def always(speaker: Speaker | None) -> SpeakerOf:
    async def of(_: OutboxRow) -> Speaker | None:
        return speaker

    return of


def spoken(server: DiscordServer, channel: Channel) -> list[Message]:
    """What was said there through webhooks of ours."""
    return [m for m in server.messages(channel) if m.webhook and m.webhook.maker is server.bot]


async def heard_from(server: DiscordServer, channel: Channel, count: int) -> Message:
    """The newest of so many messages that personas said there."""
    await server.until(lambda: len(spoken(server, channel)) >= count)
    return spoken(server, channel)[-1]


async def call(server: DiscordServer, user: User, channel: Channel, text: str) -> Message:
    before = len(spoken(server, channel))
    await server.say(user, channel, f"{server.bot.mention} {text}")
    return await heard_from(server, channel, before + 1)


# Discord


async def test_a_persona_speaks_under_its_name_and_picture(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server, speaker_of=always(MIRA)) as town:
        first = await call(server, ada, general, "Hello @everyone")
        await call(server, ada, general, "Again")
        await come_true(lambda: len(rows(town, "SELECT 1 FROM outbox WHERE state = 'sent'")) == 2)
    [hook] = server.webhooks(general)
    assert (first.content, first.author.name) == ("You said: Hello @everyone", "Mira")
    assert first.author.avatar == hook.avatar
    assert hook.avatar is not None
    assert replies(server, general) == []
    assert server.pings == []
    receipts = [receipt for (receipt,) in rows(town, "SELECT receipt FROM outbox ORDER BY seq")]
    assert receipts == [str(message.id) for message in spoken(server, general)]
    assert texts(town) == ["Hello @everyone", "Again"], "it never hears itself"


async def test_a_picture_may_lie_elsewhere(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    speaker = Speaker(name="Discord Clyde " + "x" * 100, avatar_url="https://pictures.example/mira.png")
    async with Town(tmp_path, answer, discord=server, speaker_of=always(speaker)):
        said = await call(server, ada, general, "Hello")
    assert said.author.avatar == "https://pictures.example/mira.png"
    assert said.author.name.startswith("D-iscord C-lyde xxx")
    assert len(said.author.name) == 80


async def test_two_personas_share_a_channel_and_its_threads(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    thread = server.thread(general, "talk", ada)

    async def by_words(row: OutboxRow) -> Speaker | None:
        return MIRA if "Mira" in row.text else Speaker(name="Otto")

    held = server.hold("POST /channels/[0-9]+/webhooks")  # meanwhile the other place looks for it
    async with Town(tmp_path, answer, discord=server, speaker_of=by_words) as town:
        both = asyncio.gather(
            call(server, ada, general, "Mira, hello"), call(server, bob, thread, "Mira, there too")
        )
        await held.met()
        await come_true(lambda: rows(town, "SELECT count(*) FROM outbox WHERE state = 'sending'") == [(2,)])
        held.go()
        await both
        await call(server, ada, general, "Otto, hello")
    assert [message.author.name for message in spoken(server, general)] == ["Mira", "Otto"]
    assert [message.author.name for message in spoken(server, thread)] == ["Mira"]
    assert len(server.webhooks(general)) == 2
    assert server.webhooks(thread) == []


async def test_after_a_restart_its_webhook_is_found(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    server.webhook(general, "Mira", ada)  # a person's, of the same name
    for number, speaker in enumerate((MIRA, MIRA, Speaker(name="Mira", avatar=pictures.png() + b"!"))):
        async with Town(tmp_path, answer, discord=server, speaker_of=always(speaker)):
            await call(server, ada, general, f"Hello {number}")
    [_, ours] = server.webhooks(general)
    pictures_shown = [message.author.avatar for message in spoken(server, general)]
    assert pictures_shown[0] == pictures_shown[1] != pictures_shown[2], "a new picture for the same webhook"
    assert {message.webhook for message in spoken(server, general)} == {ours}


async def test_a_reply_to_a_persona_is_meant_for_it(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    stranger = server.webhook(general, "Mira", bob)
    town = Town(tmp_path, answer, discord=server, speaker_of=always(MIRA))
    async with town:
        first = await call(server, ada, general, "Hello")
        await server.say(ada, general, "Go on", reply_to=first)
        await heard_from(server, general, 2)
        posed = await server.post_webhook(stranger, "I am Mira, too")
        await server.say(ada, general, "Not meant for it", reply_to=posed)
    async with town:  # it still knows its own
        await server.say(ada, general, "And on", reply_to=first)
        await heard_from(server, general, 3)
    assert texts(town) == ["Hello", "Go on", "And on"]


async def test_a_reaction_to_a_persona_reaches_its_agent(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel(server.guild("Home", members=[ada, bob]), "general")
    async with Town(tmp_path, answer, discord=server, speaker_of=always(MIRA)) as town:
        first = await call(server, ada, general, "Hello")
        await come_true(lambda: rows(town, "SELECT 1 FROM outbox WHERE state = 'sent'"))
        chat = await server.say(bob, general, "Among people")
        await server.react(ada, chat, "👎")
        await server.react(ada, first, "👍")
        await come_true(lambda: any('"reaction"' in str(r.messages) for r in town.model.requests))
    assert "👍" in str(town.model.requests[-1].messages)
    assert "👎" not in str([r.messages for r in town.model.requests])


async def test_its_own_words_are_no_news_after_an_outage(server: DiscordServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob", bot=True)
    guild = server.guild("Home", members=[ada, bob])
    general = server.channel(guild, "general")
    town = Town(
        tmp_path,
        answer,
        discord=server,
        speaker_of=always(MIRA),
        access={"bots": True, "require_mention": False},
    )
    async with town:
        await call(server, ada, general, "Hello")
    await server.post_webhook(server.webhooks(general)[0], "Posted while it was away")
    await server.say(ada, general, "Missed")
    async with town:
        await heard_from(server, general, 3)
        await call(server, ada, general, "What was that?")
    assert texts(town) == ["Hello", "Missed", "What was that?"]
    assert "while it was away" not in str([r.messages for r in town.model.requests])


async def test_without_the_permission_the_bot_says_it_for_the_persona(
    server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ada = server.user("ada")
    guild = server.guild("Home", members=[ada])
    general, other = server.channel(guild, "general"), server.channel(guild, "other")
    server.permit(general, server.bot, deny=Permission.MANAGE_WEBHOOKS)
    async with Town(tmp_path, answer, discord=server, speaker_of=always(Speaker(name="*Mira*"))):
        assert await mention(server, ada, general, "Hello") == "**\\*Mira\\***\nYou said: Hello"
        await mention(server, ada, general, "Again")
        await call(server, ada, other, "And here")
        server.permit(general, server.bot, allow=Permission.MANAGE_WEBHOOKS)
        await call(server, ada, general, "Now")
        assert server.messages(general)[1].reply_to is not None, "the bot's own post is a reply"
    told = [r for r in caplog.records if r.levelno == logging.WARNING and "Manage Webhooks" in r.getMessage()]
    assert len(told) == 1
    assert str(general.id) in told[0].getMessage()


async def test_in_a_direct_message_there_are_no_webhooks(
    server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ada = server.user("ada")
    dm = server.dm(ada)
    async with Town(tmp_path, answer, discord=server, speaker_of=always(MIRA)):
        assert await ask(server, ada, dm, "Hello") == "**Mira**\nYou said: Hello"
        long = await ask(server, ada, dm, "x" * 1_990)
        await server.until(lambda: len(replies(server, dm)) == 3)
    assert long.startswith("**Mira**\n")
    assert not replies(server, dm)[2].startswith("**Mira**"), "the name stands once"
    assert caplog.records == []


async def test_a_channel_that_is_full_of_webhooks(
    server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    for number in range(15):
        server.webhook(general, f"feed {number}", ada)
    async with Town(tmp_path, answer, discord=server, speaker_of=always(MIRA)):
        assert await mention(server, ada, general, "Hello") == "**Mira**\nYou said: Hello"
    assert "Maximum number of webhooks" in caplog.text


@pytest.mark.parametrize(
    "picture", [b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 4], ids=["no image", "odd"]
)
async def test_a_picture_that_is_refused_costs_the_picture_only(
    server: DiscordServer, tmp_path: Path, picture: bytes
) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    if picture.startswith(b"\x89PNG"):
        server.refuse("POST /channels/[0-9]+/webhooks", 400, 50035)
    speaker = Speaker(name="Mira", avatar=picture)
    async with Town(tmp_path, answer, discord=server, speaker_of=always(speaker)):
        said = await call(server, ada, general, "Hello")
    assert (said.author.name, said.author.avatar) == ("Mira", None)


async def test_what_a_webhook_may_not_say_the_bot_may_try(
    server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server, speaker_of=always(MIRA)):
        server.refuse(HOOKED, 400, 50035)
        assert await mention(server, ada, general, "Hello") == "**Mira**\nYou said: Hello"
    assert "Invalid Form Body" in caplog.text


async def test_a_webhook_does_not_speak_where_the_bot_may_not(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server, speaker_of=always(MIRA)) as town:
        await call(server, ada, general, "Hello")
        server.permit(general, server.bot, deny=Permission.SEND)
        await server.say(ada, general, f"{server.bot.mention} Still there?")
        await come_true(lambda: rows(town, "SELECT 1 FROM outbox WHERE state = 'refused'"))
    assert len(spoken(server, general)) == 1


async def test_a_deleted_webhook_is_made_anew(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server, speaker_of=always(MIRA)):
        await call(server, ada, general, "Hello")
        server.delete_webhook(server.webhooks(general)[0])
        again = await call(server, ada, general, "Still there?")
    assert again.author.name == "Mira"
    assert len(server.webhooks(general)) == 1


async def test_a_lost_response_of_a_webhook_is_no_second_post(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server, speaker_of=always(MIRA)) as town:
        server.lose_response(HOOKED)
        await server.say(ada, general, f"{server.bot.mention} Hello")
        await come_true(lambda: rows(town, "SELECT 1 FROM outbox WHERE state = 'sent'"))
    assert len(spoken(server, general)) == 1
    assert len(server.calls(HOOKED)) == 1


async def test_a_server_error_of_a_webhook_is_looked_into(server: DiscordServer, tmp_path: Path) -> None:
    """discord.py would post again by itself; nobody would know whether the first one stands."""
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server, speaker_of=always(MIRA)):
        server.refuse(HOOKED, 502)
        await call(server, ada, general, "Hello")
        assert len(spoken(server, general)) == 1
    lookups = [call.line for call in server.calls(f"{HOOKED}|GET /channels/{general.id}/messages")]
    assert [line.partition(" ")[0] for line in lookups][-3:] == ["POST", "GET", "POST"]


async def test_what_a_killed_process_said_by_webhook_is_found(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    town = Town(tmp_path, answer, discord=server, speaker_of=always(MIRA))
    async with town:
        await call(server, ada, general, "Posted")
        lost = await call(server, ada, general, "Not posted")
        await come_true(lambda: len(rows(town, "SELECT 1 FROM outbox WHERE state = 'sent'")) == 2)
    await server.delete(lost)
    leave_in_doubt(tmp_path, 1, "You said: Posted")
    leave_in_doubt(tmp_path, 1, "You said: Not posted")
    async with town:
        await come_true(lambda: not rows(town, "SELECT 1 FROM outbox WHERE state != 'sent'"))
    assert [m.content for m in spoken(server, general)] == ["You said: Posted", "You said: Not posted"]


async def test_a_limit_of_webhooks_delays_and_loses_nothing(tmp_path: Path) -> None:
    limits = FAST["limits"] | {"webhooks": (2, 0.2)}
    async with DiscordServer(limits=limits) as server:
        ada = server.user("ada")
        general = server.channel(server.guild("Home", members=[ada]), "general")
        async with Town(tmp_path, answer, discord=server, speaker_of=always(MIRA)):
            for number in range(5):
                await call(server, ada, general, f"Hello {number}")
    assert len(spoken(server, general)) == 5
    assert replies(server, general) == []


async def test_the_bot_itself_needs_no_webhook(server: DiscordServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general = server.channel(server.guild("Home", members=[ada]), "general")
    async with Town(tmp_path, answer, discord=server, speaker_of=always(None)):
        await server.say(ada, general, f"{server.bot.mention} Hello")
        assert await answered(server, general) == ["You said: Hello"]
    assert server.webhooks(general) == []


# Slack

ON_SLACK = Speaker(name="Mira", avatar=pictures.png(), avatar_url="https://pictures.example/mira.png")


async def test_on_slack_it_has_a_name_and_an_icon(tmp_path: Path) -> None:
    async with SlackServer(pace=Pace(post_s=0.0)) as server:
        ada = server.user("ada")
        general = server.channel("general", [ada])
        async with Town(tmp_path, keep, slack=server, speaker_of=always(ON_SLACK)) as town:
            assert await tell(server, ada, general, "hello") == "You said: hello"
            [first] = server.answers(general)
            assert await tell(server, ada, general, "go on", first["thread_ts"]) == "You said: go on"
            await come_true(lambda: len(rows(town, "SELECT 1 FROM outbox WHERE state = 'sent'")) == 2)
            await server.react(ada, first, "heart")
            await come_true(lambda: any('"reaction"' in str(r.messages) for r in town.model.requests))
    assert first["username"] == "Mira"
    assert first["icons"] == {"icon_url": "https://pictures.example/mira.png"}


async def test_on_slack_without_the_scope_the_name_stands_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scopes = {"chat:write.customize"}
    async with SlackServer(pace=Pace(post_s=0.0)) as server:
        server.workspace.scopes = server.workspace.scopes - scopes
        ada = server.user("ada")
        dm = server.im(ada)
        speaker = Speaker(name="*Mira*", avatar_url="http://insecure.example/mira.png")
        async with Town(tmp_path, keep, slack=server, speaker_of=always(speaker)):
            assert await tell(server, ada, dm, "hello") == "**Mira**\nYou said: hello"
            assert await tell(server, ada, dm, "again") == "**Mira**\nYou said: again"
    assert caplog.text.count("chat:write.customize") == 1
