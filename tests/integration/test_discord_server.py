"""The fake Discord, as an unmodified discord.py sees it."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import discord
import pytest
import yarl
from discord import app_commands

from tests.fakes.discord_server import Channel, DiscordServer, Guild, Intent, Message, Permission, User
from tests.fakes.discord_transcript import Transcript

INTENTS = discord.Intents(guilds=True, messages=True, reactions=True, message_content=True, webhooks=True)
FAST = {"messages": (1000, 1.0), "webhooks": (1000, 1.0), "reactions": (1000, 1.0), "other": (1000, 1.0)}
NOBODY = discord.AllowedMentions.none()


class Bot(discord.AutoShardedClient):
    """Notes what it hears. It does not wait 5 s before a second IDENTIFY, as it would by default."""

    def __init__(self, **options: Any) -> None:
        options = {"intents": INTENTS, "guild_ready_timeout": 0.05} | options
        super().__init__(**options)
        self.tree = app_commands.CommandTree(self)
        self.log = Transcript()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        return

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        super().dispatch(event, *args, **kwargs)
        if event == "message" and args[0].author == self.user:
            event = "own_message"
        self.log.note(event, args[0] if args else None)

    def heard(self, event: str = "message") -> list[Any]:
        return [entry.data for entry in self.log.entries if entry.kind == event]

    async def hear(self, event: str = "message", count: int = 1) -> Any:
        """The ``count``-th event of this name, from the start."""
        return (await self.log.until(lambda: self.heard(event)[count - 1 :]))[0]


@asynccontextmanager
async def connected(server: DiscordServer, bot: Bot | None = None) -> AsyncIterator[Bot]:
    bot = bot or Bot()
    running = asyncio.create_task(bot.start(server.token))
    try:
        await bot.hear("ready")
        yield bot
    finally:
        await bot.close()
        await running


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Callable[[DiscordServer], None]:
    def point(server: DiscordServer) -> None:
        monkeypatch.setattr(discord.http.Route, "BASE", server.api_url)
        gateway = yarl.URL(server.gateway_url)
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)

    return point


class Town:
    """A server with a guild, a channel and a person in it."""

    def __init__(self, server: DiscordServer) -> None:
        self.server = server
        self.ada: User = server.user("ada", display="Ada")
        self.guild: Guild = server.guild("Home", members=[self.ada])
        self.general: Channel = server.channel(self.guild, "general")


@pytest.fixture
def town(wire: Callable[[DiscordServer], None]) -> Callable[..., Any]:
    @asynccontextmanager
    async def build(**settings: Any) -> AsyncIterator[Town]:
        async with DiscordServer(**{"limits": FAST, "strict": False, **settings}) as server:
            wire(server)
            yield Town(server)

    return build


async def refusal(awaitable: Any) -> tuple[int, int]:
    """The status and code that a request is refused with."""
    with pytest.raises(discord.HTTPException) as caught:
        await awaitable
    return caught.value.status, caught.value.code


def texts(messages: list[Any]) -> list[str]:
    return [message.content for message in messages]


async def test_hears_and_answers_in_a_guild_and_in_a_dm(town: Any) -> None:
    async with town() as t, connected(t.server) as bot:
        asked = await t.server.say(t.ada, t.general, f"Hi {t.server.bot.mention}")
        heard = await bot.hear()
        assert (heard.id, heard.content, heard.guild.name) == (asked.id, asked.content, "Home")
        assert (heard.author.display_name, heard.channel.name) == ("Ada", "general")
        assert heard.mentions == [bot.user]
        async with heard.channel.typing():
            await heard.reply(f"Hello {t.ada.mention} @everyone", allowed_mentions=NOBODY)
        assert t.server.calls("POST .*/typing")[0].status == 204
        answer = t.server.messages(t.general)[-1]
        assert answer.reply_to is asked
        assert answer.allowed_mentions == {"parse": []}
        assert not t.server.pings

        await t.server.say(t.ada, t.server.dm(t.ada), "Just us")
        private = await bot.hear(count=2)
        assert isinstance(private.channel, discord.DMChannel)
        await private.channel.send("Yes")
        assert texts(t.server.messages(t.server.dm(t.ada))) == ["Just us", "Yes"]
        assert t.server.identifies == 1


async def test_pings_are_told(town: Any) -> None:
    async with town() as t, connected(t.server) as bot:
        asked = await t.server.say(t.ada, t.general, "Hi")
        heard = await bot.hear()
        await heard.reply("Hello")
        await heard.channel.send(f"{t.ada.mention} @everyone", allowed_mentions=discord.AllowedMentions.all())
        first, second = t.server.pings
        assert first.reply_to is asked
        assert first.pings.users == second.pings.users == (t.ada,)
        assert not second.pings.everyone  # the bot lacks the permission


async def test_history_pages_newest_first(town: Any) -> None:
    async with town() as t, connected(t.server) as bot:
        said = [await t.server.say(t.ada, t.general, str(number)) for number in range(7)]
        channel = bot.get_channel(t.general.id)
        third = discord.Object(said[2].id)
        assert texts([m async for m in channel.history(limit=3)]) == ["6", "5", "4"]
        assert texts([m async for m in channel.history(limit=2, before=third)]) == ["1", "0"]
        assert texts([m async for m in channel.history(limit=3, after=third)]) == ["3", "4", "5"]
        assert texts([m async for m in channel.history(limit=3, around=third)]) == ["3", "2", "1"]
        assert (await channel.fetch_message(said[0].id)).content == "0"
        assert await refusal(channel.fetch_message(1)) == (404, 10008)
        page = await bot.http.logs_from(t.general.id, 2, after=said[2].id)
        assert [body["content"] for body in page] == ["4", "3"]
        assert await refusal(bot.http.logs_from(t.general.id, 101)) == (400, 50035)


async def test_content_is_withheld_from_who_may_not_read_it(town: Any) -> None:
    plain = discord.Intents(guilds=True, messages=True)
    async with town(privileged=Intent(0)) as t, connected(t.server, Bot(intents=plain)) as bot:
        said = await t.server.say(t.ada, t.general, "secret", attachments=[("a.txt", b"secret", None)])
        await t.server.say(t.ada, t.general, f"{t.server.bot.mention} open")
        await t.server.say(t.ada, t.server.dm(t.ada), "ours")
        await bot.hear(count=3)
        assert texts(bot.heard()) == ["", f"{t.server.bot.mention} open", "ours"]
        assert bot.heard()[0].attachments == []
        mine = await bot.get_channel(t.general.id).send("mine")
        for ping, shown in ((True, "pinged"), (False, "")):
            await t.server.say(t.ada, t.general, "pinged", reply_to=t.general.messages[mine.id], ping=ping)
            assert (await bot.hear(count=4 if ping else 5)).content == shown
        assert (await bot.get_channel(t.general.id).fetch_message(said.id)).content == ""
        assert not bot.application_flags.gateway_message_content_limited


async def test_intents_that_the_portal_does_not_give_are_refused(town: Any) -> None:
    async with town(privileged=Intent(0)) as t:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            await Bot().start(t.server.token)


async def test_events_are_limited_to_the_intents(town: Any) -> None:
    async with town() as t, connected(t.server, Bot(intents=discord.Intents(dm_messages=True))) as bot:
        await t.server.say(t.ada, t.general, "in the guild")
        await t.server.say(t.ada, t.server.dm(t.ada), "in the DM")
        await bot.hear()
        assert texts(bot.heard()) == ["in the DM"]


async def test_a_wrong_token_is_refused(town: Any) -> None:
    async with town() as t:
        bot = Bot()
        with pytest.raises(discord.LoginFailure):
            await bot.start("wrong")
        await bot.close()
        assert t.server.calls()[0].answer == {"message": "401: Unauthorized", "code": 0}
        assert t.server.invalid_requests == 1


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ({"content": "x" * 2001}, (400, 50035)),
        ({"content": " "}, (400, 50006)),
        ({"content": "x", "nonce": "n" * 26}, (400, 50035)),
        ({"embed": discord.Embed(description="x" * 4097)}, (400, 50035)),
        ({"file": discord.File(io.BytesIO(b"x" * (10 * 2**20 + 1)), "big.bin")}, (413, 40005)),
        ({"content": "x", "reference": discord.MessageReference(message_id=1, channel_id=1)}, (400, 50035)),
    ],
)
async def test_messages_that_are_refused(town: Any, what: dict[str, Any], expected: tuple[int, int]) -> None:
    async with town() as t, connected(t.server) as bot:
        assert await refusal(bot.get_channel(t.general.id).send(**what)) == expected
        assert t.server.messages(t.general) == []


async def test_places_that_are_refused(town: Any) -> None:
    async with town() as t, connected(t.server) as bot:
        hidden = t.server.channel(t.guild, "staff", private_to=[t.ada])
        await t.server.say(t.ada, hidden, "nobody hears")
        place = bot.get_partial_messageable(hidden.id)
        assert await refusal(place.send("x")) == (403, 50001)
        t.server.permit(t.general, t.guild, deny=Permission.SEND | Permission.READ_HISTORY)
        general = bot.get_channel(t.general.id)
        assert await refusal(general.send("x")) == (403, 50013)
        assert [m async for m in general.history()] == []
        assert await refusal(bot.get_partial_messageable(1).send("x")) == (404, 10003)
        closed = t.server.user("eve", takes_dms=False)
        assert await refusal((await bot.fetch_user(closed.id)).send("x")) == (403, 50007)
        assert await refusal(bot.fetch_user(1)) == (404, 10013)
        await t.server.say(t.ada, t.server.dm(t.ada), "last")
        await bot.hear()
        assert texts(bot.heard()) == ["last"]


async def test_a_nonce_is_posted_once_while_it_is_remembered(town: Any) -> None:
    clock = [1_800_000_000.0]
    async with town(now=lambda: clock[0], nonce_s=180) as t, connected(t.server) as bot:
        channel = bot.get_channel(t.general.id)
        first = await channel.send("once", nonce="turn-1")
        assert (await channel.send("once", nonce="turn-1")).id == first.id
        clock[0] += 181
        assert (await channel.send("once", nonce="turn-1")).id != first.id
        assert texts(t.server.messages(t.general)) == ["once", "once"]


async def test_a_lost_response_and_a_lost_request(town: Any) -> None:
    async with town() as t, connected(t.server) as bot:
        channel = bot.get_channel(t.general.id)
        for lose, posted in ((t.server.lose_response, 1), (t.server.lose_request, 1)):
            lose("POST /channels/.*/messages")
            with pytest.raises(aiohttp.ClientError):
                await channel.send("hello", nonce="turn-1")
            assert len(t.server.messages(t.general)) == posted
        again = await channel.send("hello", nonce="turn-1")
        assert again.id == t.server.messages(t.general)[0].id


async def test_limits_are_kept_by_a_client_that_reads_the_headers(town: Any) -> None:
    async with town(limits={"messages": (2, 0.2)}) as t, connected(t.server) as bot:
        channel = bot.get_channel(t.general.id)
        await asyncio.gather(*(channel.send(str(number)) for number in range(5)))
        assert len(t.server.messages(t.general)) == 5
        assert t.server.invalid_requests == 0


async def test_a_client_that_does_not_read_the_headers_is_refused(town: Any) -> None:
    async with town(limits={"messages": (2, 60.0)}) as t, aiohttp.ClientSession() as session:
        url, bearer = (
            f"{t.server.api_url}/channels/{t.general.id}/messages",
            {"Authorization": f"Bot {t.server.token}"},
        )
        answers = [await session.post(url, json={"content": str(n)}, headers=bearer) for n in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert answers[1].headers["X-RateLimit-Remaining"] == "0"
        told = await answers[2].json()
        assert (told["global"], told["retry_after"] > 50, answers[2].headers["Via"]) == (
            False,
            True,
            "1.1 google",
        )


@pytest.mark.parametrize("everywhere", [False, True])
async def test_a_storm_of_429_is_outlived(town: Any, everywhere: bool) -> None:
    async with town() as t, connected(t.server) as bot:
        t.server.storm(4, "POST", everywhere=everywhere)
        await bot.get_channel(t.general.id).send("through")
        assert texts(t.server.messages(t.general)) == ["through"]
        assert [call.status for call in t.server.calls("POST .*/messages")] == [429] * 4 + [200]
        t.server.storm(5, "POST", everywhere=everywhere)
        assert (await refusal(bot.get_channel(t.general.id).send("given up")))[0] == 429


async def test_the_global_limit_and_the_ban(town: Any) -> None:
    async with town(limits=FAST, invalid_total=4) as t, connected(t.server) as bot:
        t.server.storm(1, "GET /users/[0-9]", everywhere=True)
        await bot.fetch_user(t.ada.id)
        told = [call.answer for call in t.server.calls("GET /users/[0-9]") if call.status == 429]
        assert told
        assert all(answer["global"] for answer in told)
        t.server.refuse("GET /users", 403, 50001, times=4)
        while t.server.invalid_requests < 4:
            assert await refusal(bot.fetch_user(t.ada.id)) == (403, 50001)
        assert (await refusal(bot.fetch_user(t.ada.id)))[0] == 429  # at once: it has no Via


async def test_errors_on_order(town: Any) -> None:
    async with town() as t, connected(t.server) as bot:
        t.server.refuse("POST .*/messages$", 503)
        t.server.refuse("POST .*/messages$", 403, 50013)
        channel = bot.get_channel(t.general.id)
        assert await refusal(channel.send("x")) == (503, 0)
        assert await refusal(channel.send("x")) == (403, 50013)
        held = t.server.hold("POST")
        late = asyncio.create_task(channel.send("x"))
        await held.met()
        assert not late.done()
        held.go()
        await late


async def test_nothing_is_lost_over_forced_drops(town: Any) -> None:
    async with town() as t, connected(t.server) as bot:
        expected = []
        for round in range(10):
            t.server.drop()
            for number in range(3):
                expected.append(f"{round}.{number}")
                await t.server.say(t.ada, t.general, expected[-1])
            await t.server.until(lambda done=round + 1: t.server.resumes == done)
        await bot.hear(count=len(expected))
        assert texts(bot.heard()) == expected
        assert t.server.identifies == 1


@pytest.mark.parametrize("how", ["reconnect", "resumable", "code"])
async def test_other_ways_to_be_sent_away_and_resume(town: Any, how: str) -> None:
    async with town() as t, connected(t.server) as bot:
        if how == "reconnect":
            await t.server.reconnect()
        elif how == "resumable":
            await t.server.invalidate(resumable=True)
        else:
            await t.server.disconnect(4000)
        await t.server.say(t.ada, t.general, "meanwhile")
        await bot.hear()
        assert (t.server.identifies, t.server.resumes) == (1, 1)


async def test_an_invalid_session_begins_anew_and_has_missed_something(town: Any) -> None:
    async with town() as t, connected(t.server) as bot:
        t.server.forget_sessions()
        t.server.drop()
        missed = await t.server.say(t.ada, t.general, "missed")
        await bot.hear("ready", 2)
        assert (t.server.identifies, t.server.resumes) == (2, 1)
        await t.server.say(t.ada, t.general, "heard")
        await bot.hear()
        assert texts(bot.heard()) == ["heard"]
        before = discord.Object(missed.id - 1)
        found = [m async for m in bot.get_channel(t.general.id).history(after=before)]
        assert texts(found) == ["missed", "heard"]
        await t.server.invalidate()
        await bot.hear("ready", 3)
        assert t.server.identifies == 3


async def test_a_silent_gateway_is_left_and_resumed(town: Any) -> None:
    async with town(heartbeat_s=0.05) as t, connected(t.server, Bot(heartbeat_timeout=1.0)) as bot:
        await t.server.until(lambda: t.server.count("beat") > 2)
        t.server.silence()
        await t.server.say(t.ada, t.general, "anybody?")
        await bot.hear("disconnect")
        assert bot.is_ready()  # it says so all the time
        t.server.silence(False)
        await bot.hear()
        assert (t.server.identifies, t.server.resumes) == (1, 1)


async def test_a_gateway_that_is_down_is_found_again(town: Any) -> None:
    async with town() as t, connected(t.server) as bot:
        await t.server.down()
        assert await refusal(bot.get_channel(t.general.id).send("x")) == (503, 0)
        await t.server.say(t.ada, t.general, "missed")
        await t.server.up()
        await bot.hear("ready", 2)
        await t.server.say(t.ada, t.general, "heard")
        await bot.hear()


async def test_shards_have_their_guilds_and_the_first_has_the_dms(town: Any) -> None:
    async with town(shards=2) as t:
        other = t.server.guild("Other", members=[t.ada], shard=1 - (t.guild.id >> 22) % 2)
        channel = t.server.channel(other, "general")
        async with connected(t.server) as bot:
            assert {guild.shard_id for guild in bot.guilds} == {0, 1}
            for place in (t.general, channel, t.server.dm(t.ada)):
                await t.server.say(t.ada, place, "hi")
            await bot.hear(count=3)
            assert t.server.identifies == 2
            assert [entry.data["told"] for entry in t.server.transcript if entry.kind == "dispatch"][-3:] == [
                1
            ] * 3


async def test_files_go_both_ways(town: Any) -> None:
    async with town() as t, connected(t.server) as bot:
        await t.server.say(t.ada, t.general, "", attachments=[("notes.txt", b"remember", "text/plain")])
        (attachment,) = (await bot.hear()).attachments
        assert (attachment.filename, attachment.content_type, attachment.size) == (
            "notes.txt",
            "text/plain",
            8,
        )
        assert await attachment.read() == b"remember"
        files = [discord.File(io.BytesIO(b"{}"), name) for name in ("a.json", "b.json")]
        sent = await bot.get_channel(t.general.id).send("here", files=files)
        kept = t.general.messages[sent.id].attachments
        assert [(file.name, file.data, file.media_type) for file in kept] == [
            ("a.json", b"{}", "application/json"),
            ("b.json", b"{}", "application/json"),
        ]


async def test_edits_deletions_and_reactions_are_heard(town: Any) -> None:
    async with town() as t, connected(t.server) as bot:
        said = await t.server.say(t.ada, t.general, "frist")
        await t.server.edit(said, "first")
        t.server.unfurl(said)
        mine = await bot.get_channel(t.general.id).send("mine")
        await mine.edit(content="mine, edited")
        await t.server.react(t.ada, t.general.messages[mine.id], "👍")
        await t.server.unreact(t.ada, t.general.messages[mine.id], "👍")
        await t.server.delete(said)
        edited = (await bot.hear("raw_message_edit")).message
        assert (edited.content, edited.edited_at is not None) == ("first", True)
        added = await bot.hear("raw_reaction_add")
        assert (added.message_id, added.user_id, str(added.emoji)) == (mine.id, t.ada.id, "👍")
        assert added.message_author_id == bot.user.id
        assert (await bot.hear("raw_message_delete")).message_id == said.id
        await mine.add_reaction("✅")
        assert [user async for user in (await mine.fetch()).reactions[0].users()] == [bot.user]
        await mine.remove_reaction("✅", bot.user)
        await mine.delete()
        assert t.server.messages(t.general) == []
        other = bot.get_channel(t.general.id).get_partial_message(
            (await t.server.say(t.ada, t.general, "x")).id
        )
        assert await refusal(other.edit(content="y")) == (403, 50005)
        assert await refusal(other.delete()) == (403, 50013)


async def test_a_message_can_be_delivered_twice(town: Any) -> None:
    async with town() as t, connected(t.server) as bot:
        t.server.redeliver(await t.server.say(t.ada, t.general, "again"))
        await bot.hear(count=2)
        assert len({message.id for message in bot.heard()}) == 1


async def test_guilds_roles_and_channels_change(town: Any) -> None:
    async with town(privileged=Intent.MESSAGE_CONTENT | Intent.GUILD_MEMBERS) as t:
        intents = discord.Intents(guilds=True, members=True, messages=True)
        async with connected(t.server, Bot(intents=intents)) as bot:
            guild = bot.get_guild(t.guild.id)
            assert {member.name for member in guild.members} == {"owner", "ada", "everbot"}  # by opcode 8
            staff = t.server.role(t.guild, "staff")
            t.server.assign(t.guild, t.ada, [staff])
            await bot.hear("member_update")
            assert [role.name for role in guild.get_member(t.ada.id).roles] == ["@everyone", "staff"]
            t.server.permit(t.general, t.guild, deny=Permission.VIEW)
            await bot.hear("guild_channel_update")
            assert not guild.get_channel(t.general.id).permissions_for(guild.me).view_channel
            assert (await guild.fetch_member(t.ada.id)).roles[1].id == staff.id
            t.server.join(t.guild, t.server.user("bob"))
            assert (await bot.hear("member_join")).name == "bob"
            t.server.guild("Second")
            assert (await bot.hear("guild_join")).name == "Second"
            t.server.remove_guild(t.guild)
            assert (await bot.hear("guild_remove")).id == t.guild.id


async def test_threads(town: Any) -> None:
    async with town() as t, connected(t.server) as bot:
        said = await t.server.say(t.ada, t.general, "Let us talk")
        thread = await (await bot.hear()).create_thread(name="Talk")
        assert thread.id == said.id
        await thread.send("here")
        await t.server.say(t.ada, t.server.world.channels[thread.id], "there")
        starter = await bot.hear(count=2)  # what the thread was made from is told in it once more
        assert starter.type is discord.MessageType.thread_starter_message
        assert starter.reference.resolved.content == "Let us talk"
        assert (await bot.hear(count=3)).channel.parent_id == t.general.id
        secret = t.server.thread(t.general, "Secret", t.ada, private=True)
        await t.server.say(t.ada, secret, "not for bots")
        invited = t.server.thread(t.general, "Invited", t.ada, private=True, members=[t.server.bot])
        await t.server.say(t.ada, invited, "for bots too")
        assert (await bot.hear(count=4)).channel.is_private()
        t.server.invite(secret, t.server.bot)
        assert (await bot.hear("thread_join")).id == secret.id
        active = await bot.get_guild(t.guild.id).active_threads()
        assert {thread.name for thread in active} == {"Talk", "Invited", "Secret"}
        t.server.remove_channel(secret)
        await bot.hear("thread_delete")
        assert await refusal(bot.get_partial_messageable(secret.id).send("x")) == (404, 10003)


async def test_a_webhook_speaks_under_a_name(town: Any) -> None:
    async with town() as t, connected(t.server) as bot:
        channel = bot.get_channel(t.general.id)
        hook = await channel.create_webhook(name="personas")
        assert [found.token for found in await channel.webhooks()] == [hook.token]
        sent = await hook.send("Arr", username="Captain", wait=True, allowed_mentions=NOBODY)
        assert (sent.author.name, sent.webhook_id) == ("Captain", hook.id)
        heard = await bot.hear()
        assert (heard.content, heard.webhook_id, heard.author.name) == ("Arr", hook.id, "Captain")
        await sent.edit(content="Ahoy")
        assert texts(t.server.messages(t.general)) == ["Ahoy"]
        assert await refusal(hook.send("x", username="n" * 81)) == (400, 50035)
        assert await refusal(channel.create_webhook(name="Discord")) == (400, 50035)
        await hook.delete()
        assert await refusal(hook.send("x")) == (404, 10015)
        t.server.permit(t.general, t.server.bot, deny=Permission.MANAGE_WEBHOOKS)
        assert await refusal(channel.create_webhook(name="personas")) == (403, 50013)


class Edit(discord.ui.Modal, title="Edit"):
    human = discord.ui.TextInput(label="About you", custom_id="human", default="old", max_length=20)
    persona = discord.ui.Label(text="About me", component=discord.ui.TextInput(custom_id="persona"))

    async def on_submit(self, interaction: discord.Interaction) -> None:
        text = f"{self.human.value}, {self.persona.component.value}"
        await interaction.response.send_message(text, ephemeral=True)


class Ask(discord.ui.View):
    @discord.ui.button(label="Edit", custom_id="edit")
    async def edit(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.send_modal(Edit())

    @discord.ui.button(label="Forget", custom_id="forget")
    async def forget(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.edit_message(content="Forgotten", view=None)

    @discord.ui.select(
        custom_id="pick", options=[discord.SelectOption(label="a"), discord.SelectOption(label="b")]
    )
    async def pick(self, interaction: discord.Interaction, menu: Any) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content=f"Picked {menu.values[0]}")


class Commands(Bot):
    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.errors: list[BaseException] = []
        self.tree.on_error = self._failed

        @self.tree.command(description="What I remember")
        async def memory(interaction: discord.Interaction, block: str = "human") -> None:
            await interaction.response.send_message(
                f"Of {interaction.user.name}: {block}", view=Ask(), ephemeral=True
            )

        @self.tree.command(description="Slowly")
        async def slow(interaction: discord.Interaction) -> None:
            await interaction.response.defer(ephemeral=True)
            await self.gate.wait()
            await interaction.followup.send("at last")
            await interaction.followup.send("and more", ephemeral=True)
            await (await interaction.original_response()).edit(content="At last")

        @self.tree.command(description="Too late")
        async def late(interaction: discord.Interaction) -> None:
            await self.gate.wait()
            await interaction.response.send_message("sorry")

        group = app_commands.Group(name="heartbeat", description="Heartbeats")

        @group.command(description="Hours")
        async def hours(interaction: discord.Interaction, first: int, last: int) -> None:
            await interaction.response.send_message(f"{first} to {last}")

        self.tree.add_command(group)

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def _failed(self, interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
        self.log.note("command_error", error.__cause__ or error)


async def test_slash_commands_buttons_and_modals(town: Any) -> None:
    async with town() as t, connected(t.server, Commands()):
        used = await t.server.slash(t.ada, t.general, "memory", {"block": "persona"})
        assert (used.text, used.ephemeral) == ("Of ada: persona", True)
        assert t.server.messages(t.general) == []
        opened = await used.press("edit")
        assert opened.modal["title"] == "Edit"
        sent = await opened.submit({"human": "likes tea", "persona": "kind"})
        assert (sent.text, sent.ephemeral) == ("likes tea, kind", True)
        reopened = await used.press("edit")
        assert (await reopened.submit({"persona": "kind"})).text == "old, kind"
        await used.press("pick", ["b"])
        await t.server.until(lambda: used.text == "Picked b")
        gone = await used.press("forget")
        assert (gone.text, used.text, used.response.components) == ("Forgotten", "Forgotten", [])

        here = await t.server.slash(t.ada, t.server.dm(t.ada), "heartbeat hours", {"first": 9, "last": 21})
        assert (here.text, here.ephemeral) == ("9 to 21", False)
        assert texts(t.server.messages(t.server.dm(t.ada))) == ["9 to 21"]


async def test_a_deferred_answer_and_what_follows(town: Any) -> None:
    bot = Commands()
    async with town() as t, connected(t.server, bot):
        used = await t.server.slash(t.ada, t.general, "slow")
        assert (used.deferred, used.ephemeral, used.text) == (True, True, "")
        bot.gate.set()
        await t.server.until(lambda: used.text == "At last\nand more")
        assert used.response.ephemeral
        assert t.server.messages(t.general) == []


async def test_an_answer_that_is_too_late_is_refused(town: Any) -> None:
    bot = Commands()
    async with town(answer_s=0.05) as t, connected(t.server, bot):
        used = await t.server.slash(t.ada, t.general, "late")
        assert used.late
        bot.gate.set()
        error = await bot.hear("command_error")
        assert (error.status, error.code) == (404, 10062)
        assert used.messages == []


async def test_an_interaction_can_be_answered_for_a_while_only(town: Any) -> None:
    clock, bot = [1_800_000_000.0], Commands()
    async with town(now=lambda: clock[0]) as t, connected(t.server, bot):
        used = await t.server.slash(t.ada, t.general, "slow")
        clock[0] += 901
        bot.gate.set()
        error = await bot.hear("command_error")
        assert (error.status, error.code) == (401, 50027)
        assert used.messages == []


async def test_buttons_under_a_plain_message(town: Any) -> None:
    async with town() as t, connected(t.server) as bot:
        sent = await bot.get_channel(t.general.id).send("Really?", view=Ask())
        message = t.general.messages[sent.id]
        pressed = await t.server.press(t.ada, message, "forget")
        assert pressed.response is message
        assert (message.content, message.components) == ("Forgotten", [])


async def test_commands_that_are_refused(town: Any) -> None:
    async with town() as t, connected(t.server) as bot:
        for wrong in ({"name": "Memory"}, {"name": "two words"}, {"description": ""}, {"name": "x" * 33}):
            command = {"name": "memory", "description": "x", **wrong}
            put = bot.http.bulk_upsert_global_commands(bot.application_id, payload=[command])
            assert await refusal(put) == (400, 50035)
        assert await bot.tree.fetch_commands() == []
        assert (await bot.application_info()).flags.gateway_message_content_limited


class Raw:
    """A gateway connection without a library, and without compression."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, op: int, data: Any) -> None:
        await self._socket.send_str(json.dumps({"op": op, "d": data}))

    async def next(self) -> tuple[int, str | None]:
        frame = await self._socket.receive_json()
        return frame["op"], frame.get("t")

    async def identify(self, shard: Any = (0, 1)) -> tuple[int, str | None]:
        """What an IDENTIFY as this shard is answered by."""
        assert await self.next() == (10, None)
        await self.send(2, {"token": "fake-bot-token", "intents": 0, "shard": list(shard)})
        return await self.next()

    async def closed(self) -> int | None:
        while not (await self._socket.receive()).type & 0x100:
            pass
        return self._socket.close_code


@asynccontextmanager
async def raw_gateway(server: DiscordServer) -> AsyncIterator[Raw]:
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(server.gateway_url, params={"v": "10", "encoding": "json"}) as socket:
            yield Raw(socket)


@pytest.mark.parametrize(
    ("op", "data", "code"),
    [
        (2, {"token": "wrong", "intents": 0}, 4004),
        (2, {"token": "fake-bot-token", "intents": 1 << 8}, 4014),
        (2, {"token": "fake-bot-token", "intents": 1 << 40}, 4013),
        (2, {"token": "fake-bot-token", "intents": 0, "shard": [1, 1]}, 4010),
        (3, {"status": "online"}, 4003),
        (6, {"token": "wrong", "session_id": "x", "seq": 1}, 4004),
        (1, "x" * 5000, 4002),
    ],
)
async def test_the_gateway_closes_on_what_is_wrong(town: Any, op: int, data: Any, code: int) -> None:
    async with town() as t, raw_gateway(t.server) as link:
        assert await link.next() == (10, None)
        await link.send(op, data)
        assert await link.closed() == code


async def test_the_gateway_counts_what_is_sent_and_can_go_deaf(town: Any) -> None:
    async with town(sends_per_minute=4) as t, raw_gateway(t.server) as link:
        await link.next()
        await link.send(1, None)
        assert await link.next() == (11, None)
        t.server.deafen()
        await link.send(1, None)
        await link.send(2, {"token": t.server.token, "intents": 1})
        assert await link.next() == (0, "READY")
        assert await link.next() == (0, "GUILD_CREATE")
        await link.send(3, {})
        await link.send(3, {})
        assert await link.closed() == 4008


async def test_identifying_too_quickly_is_refused_and_too_often_costs_the_token(town: Any) -> None:
    async with town(identify_s=60.0, identify_total=2) as t, raw_gateway(t.server) as first:
        assert await first.identify() == (0, "READY")
        async with raw_gateway(t.server) as link:
            assert await link.identify() == (9, None)
        assert t.server.hasty == 1
        async with raw_gateway(t.server) as link:
            await link.send(2, {"token": t.server.token, "intents": 0})
            assert await asyncio.gather(first.closed(), link.closed()) == [4004, 4004]
        async with raw_gateway(t.server) as link:
            await link.send(6, {"token": t.server.token, "session_id": "x", "seq": 1})
            assert await link.closed() == 4004


async def test_shards_of_different_keys_may_identify_at_once(town: Any) -> None:
    async with town(shards=4, identify_s=60.0, max_concurrency=2) as t, AsyncExitStack() as links:
        answers = []
        for shard in range(4):
            link = await links.enter_async_context(raw_gateway(t.server))
            answers.append(await link.identify([shard, 4]))
        assert answers == [(0, "READY"), (0, "READY"), (9, None), (9, None)]
        assert t.server.shards == {0: 1, 1: 1}


@pytest.mark.parametrize("shard", [[1, 1], [0, 0], [-1, 2], "0", [0], ["0", "1"]])
async def test_a_shard_that_is_none_is_refused(town: Any, shard: Any) -> None:
    async with town() as t, raw_gateway(t.server) as link:
        await link.send(2, {"token": t.server.token, "intents": 0, "shard": shard})
        assert await link.closed() == 4010


async def test_too_many_guilds_want_more_shards(town: Any) -> None:
    async with town(shards=2, guilds_per_shard=1) as t:
        home = (t.guild.id >> 22) % 2
        t.server.guild("Other", members=[t.ada], shard=1 - home)
        async with raw_gateway(t.server) as link:
            await link.send(2, {"token": t.server.token, "intents": 0})
            assert await link.closed() == 4011
        async with raw_gateway(t.server) as link:
            assert await link.identify([home, 2]) == (0, "READY")


async def test_one_shard_can_be_dropped_and_goes_on(town: Any) -> None:
    async with town(shards=2) as t, connected(t.server) as bot:
        t.server.guild("Other", members=[t.ada], shard=1 - (t.guild.id >> 22) % 2)
        t.server.drop(1)
        await t.server.until(lambda: t.server.resumes == 1 and t.server.shards == {0: 1, 1: 1})
        await t.server.invalidate(0)
        await bot.hear("shard_ready", 3)
        assert t.server.identifies == 3
        assert t.server.shards == {0: 1, 1: 1}


async def test_waiting_in_vain_tells_what_happened(town: Any) -> None:
    async with town() as t:
        with pytest.raises(TimeoutError, match="GUILD_CREATE"):
            await t.server.until(lambda: False, timeout=0.01)


def test_a_message_reads_well() -> None:
    server = DiscordServer()
    ada = server.user("ada")
    message = Message(1, server.dm(ada), ada, "Hi")
    assert repr(message) == "<ada in DM of [ada, everbot]: 'Hi'>"
