"""Events of new, broken and incomplete shapes on Discord: each costs what of it cannot be read, and nothing else.

The shapes are those that a small Discord tells when people do all that can be done in it, and larger ones as the API
reference gives them; each is told again many times with one field missing, null, or of another type.
"""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.options import Options
from bot.backends.clock import SystemClock
from bot.events import MessageReceived
from bot.ports import Clock
from tests.fakes.clock import FakeClock
from tests.fakes.discord_server import Channel, DiscordServer, Guild, User
from tests.fakes.inbound import Heard
from tests.patience import PATIENCE_S

Json = dict[str, Any]
Path = tuple[str | int, ...]
GONE = object()
ODD: tuple[object, ...] = (GONE, None, 7, -1, 2**70, "", "odd", True, [], [None], {}, {"a": 1}, 1.5)


@asynccontextmanager
async def listening(server: DiscordServer, clock: Clock | None = None) -> AsyncIterator[Heard]:
    """An adapter that hears the server."""
    options = Options(
        token=server.token,
        api_url=server.api_url,
        gateway_url=server.gateway_url,
        message_content=True,
        guilds_wait_s=0.1,
        vision=True,
        context_lines=5,
        catch_up=timedelta(hours=1),
    )
    heard = Heard()
    adapter = DiscordAdapter(options, clock or SystemClock())
    running = asyncio.create_task(adapter.run(heard))
    try:
        async with asyncio.timeout(PATIENCE_S):
            while adapter.ready():
                await asyncio.sleep(0.01)
        yield heard
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.wait([running])


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    """Every place in a payload."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from paths(item, (*path, key))


def changed(payload: Json, path: Path, odd: object) -> Json:
    made = copy.deepcopy(payload)
    inside: Any = made
    for key in path[:-1]:
        inside = inside[key]
    if odd is GONE:
        del inside[path[-1]]
    else:
        inside[path[-1]] = odd
    return made


# What is told


def large_guild(server: DiscordServer, guild: Guild) -> Json:
    """A guild with all that a guild can have (API reference, "Guild Object", "Channel Object", "Role Object")."""
    told = guild.arrival(server.bot)
    number = str(guild.id)

    def channel(kind: int, **more: Any) -> Json:
        made = {"id": str(server.world.snowflake()), "type": kind, "name": f"kind-{kind}", "guild_id": number}
        return made | {
            "position": kind,
            "permission_overwrites": [],
            "parent_id": None,
            "nsfw": False,
            "flags": 0,
            **more,
        }

    spoken = {"bitrate": 64_000, "user_limit": 0, "rtc_region": None, "last_message_id": None}
    tag = {"id": "77", "name": "bug", "moderated": False, "emoji_id": None, "emoji_name": "🐛"}
    posts = {
        "available_tags": [tag],
        "default_sort_order": None,
        "default_forum_layout": 0,
        "topic": None,
        "default_reaction_emoji": None,
    }
    told["channels"] += [
        channel(2, **spoken),
        channel(13, **spoken, topic=None),
        channel(4),
        channel(5, topic="News"),
    ]
    told["channels"] += [channel(15, **posts), channel(16, **posts)]
    told["emojis"] = [{"id": "5", "name": "party", "roles": [], "animated": False, "available": True}]
    told["stickers"] = [
        {
            "id": "6",
            "name": "Cat",
            "tags": "cat",
            "type": 2,
            "format_type": 1,
            "description": "",
            "available": True,
            "guild_id": number,
        }
    ]
    return told | {"premium_subscription_count": 1, "unavailable": False}


def pressed(server: DiscordServer, user: User, channel: Channel) -> Json:
    """Somebody uses /memory (API reference, "Interaction Object")."""
    person = user.payload()
    told: Json = {"id": str(server.world.snowflake()), "application_id": str(server.bot.id), "type": 2}
    told |= {
        "token": "t",
        "version": 1,
        "channel_id": str(channel.id),
        "channel": channel.payload(server.bot),
    }
    told |= {"data": {"id": "1", "type": 1, "name": "memory", "options": []}, "locale": "en-US", "context": 0}
    told |= {"entitlements": [], "attachment_size_limit": 10, "app_permissions": "1", "user": person}
    told["authorizing_integration_owners"] = {}
    if channel.guild is not None:
        member = channel.guild.members[user.id].payload() | {"permissions": "1"}
        told |= {"guild_id": str(channel.guild.id), "member": member, "guild_locale": "en-US"}
        del told["user"]
    return told


EMBED = {
    "type": "rich",
    "title": "Launch",
    "description": "On Friday",
    "fields": [{"name": "Where", "value": "Kourou", "inline": True}],
    "footer": {"text": "News"},
    "author": {"name": "Ada"},
}
RICH: Json = {
    "embeds": [EMBED],
    "sticker_items": [{"id": "1", "name": "Cat", "format_type": 1}],
    "components": [{"type": 17, "id": 1, "components": [{"type": 10, "id": 2, "content": "Words"}]}],
    "poll": {
        "question": {"text": "Where?"},
        "answers": [{"answer_id": 1, "poll_media": {"text": "Here", "emoji": {"id": None, "name": "🍕"}}}],
        "expiry": "2027-01-01T00:00:00+00:00",
        "allow_multiselect": False,
        "layout_type": 1,
        "results": {"is_finalized": False, "answer_counts": [{"id": 1, "count": 2, "me_voted": False}]},
    },
    "message_snapshots": [
        {"message": {"type": 0, "content": "Forwarded", "embeds": [EMBED], "attachments": []}}
    ],
    "activity": {"type": 3, "party_id": "p"},
    "application": {"id": "1", "name": "Chess", "description": "", "icon": None},
}


class Scene:
    """All that can be told, each with the place where it is told; recorded from what people do."""

    def __init__(self, server: DiscordServer) -> None:
        self.server = server
        self.ada, self.bob = server.user("ada"), server.user("bob")
        self.guild = server.guild("Home", members=[self.ada])
        self.general, self.dm = server.channel(self.guild, "general"), server.dm(self.ada)
        self.told: dict[str, tuple[Json, Json]] = {}

    def _record(self, event: str, data: Any, **where: Any) -> None:
        self.told[event] = (copy.deepcopy(data(True) if callable(data) else data), where)

    async def record(self) -> None:
        server, guild, ada = self.server, self.guild, self.ada
        tell, server.world.emit = server.world.emit, self._record
        server.join(guild, self.bob)
        server.assign(guild, self.bob, [server.role(guild, "crew")])
        call = f"{server.bot.mention} hello"
        file = ("notes.txt", b"x", "text/plain")
        first = await server.say(ada, self.general, call, attachments=[file])
        answer = await server.say(ada, self.general, call, reply_to=first, attachments=[file], more=RICH)
        server.world.tell(answer)
        rich = self.told["MESSAGE_CREATE"]
        server.thread(self.general, "thread", ada, message=first)
        await server.edit(answer, "Otherwise")
        await server.react(ada, first, "🎉")
        await server.unreact(ada, first, "🎉")
        await server.delete(answer)
        server.permit(self.general, guild)
        server.remove_channel(server.thread(self.general, "gone", ada))
        server.remove_channel(server.channel(guild, "gone"))
        server.leave(guild, self.bob)
        server.world.emit = tell
        self.told["MESSAGE_CREATE"] = rich
        for event, told in (
            ("GUILD_CREATE", large_guild(server, guild)),
            ("GUILD_UPDATE", guild.payload()),
            ("INTERACTION_CREATE", pressed(server, ada, self.general)),
        ):
            self.told[event] = (told, {"guild": guild})

    async def tell(self, event: str, told: Json) -> None:
        self.server.world.emit(event, told, **self.told[event][1])


async def heard_of(scene: Scene, heard: Heard, word: str) -> list[MessageReceived]:
    """What people say after all that is heard as it is, wherever they say it."""
    await scene.server.say(scene.ada, scene.dm, word)
    await scene.server.say(scene.ada, scene.general, word)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = [e for e in heard.events if isinstance(e, MessageReceived) and e.text == word]
            if len(found) == 2:
                return found
            await asyncio.sleep(0.01)


async def test_no_shape_of_any_event_ends_the_connection_or_hides_what_people_say(
    server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    scene, rolled = Scene(server), random.Random(20_261_126)
    count = 0
    async with listening(server) as heard:
        await scene.record()
        assert {"MESSAGE_CREATE", "MESSAGE_UPDATE", "THREAD_CREATE", "GUILD_ROLE_CREATE"} <= scene.told.keys()
        for event, (told, _) in sorted(scene.told.items()):
            every = [(path, odd) for path in paths(told) for odd in ODD]
            for path, odd in rolled.sample(every, min(150, len(every))):
                await scene.tell(event, changed(told, path, odd))
                count += 1
            await scene.tell(event, {})
            await heard_of(scene, heard, f"after {event}")
        await scene.tell("GUILD_CREATE", scene.told["GUILD_CREATE"][0])
        last = await heard_of(scene, heard, "at last")
    assert count > 1_800
    assert server.identifies == 1
    assert server.resumes == 0
    assert [event.audience for event in last] == ["private", f"community:discord:{scene.guild.id}"]
    assert "Unclosed" not in caplog.text


async def test_what_cannot_be_read_of_a_message_costs_that_alone(server: DiscordServer) -> None:
    """Whatever is wrong with its extras: its words come, from its author, to where they were said."""
    scene, rolled = Scene(server), random.Random(11)
    needed = {("id",), ("channel_id",), ("guild_id",), ("author",), ("author", "id"), ("content",), ("type",)}
    async with listening(server) as heard:
        await scene.record()
        told = scene.told["MESSAGE_CREATE"][0]
        every = [(path, odd) for path in paths(told) if path not in needed for odd in ODD]
        chosen = rolled.sample(every, 400)
        for number, (path, odd) in enumerate(chosen):
            odd_one = changed(told, path, odd) | {
                "id": str(server.world.snowflake()),
                "content": f"word{number}",
            }
            await scene.tell("MESSAGE_CREATE", odd_one)
        await heard_of(scene, heard, "after all")
        said = {e.text.split("\n")[0]: e for e in heard.events if isinstance(e, MessageReceived)}
        missing = [chosen[n] for n in range(len(chosen)) if f"word{n}" not in said]
    assert missing == []
    assert {event.account for word, event in said.items() if word.startswith("word")} == {
        f"discord:{told['author']['id']}"
    }


async def test_a_place_of_which_too_little_is_told_is_closed(server: DiscordServer) -> None:
    ada = server.user("ada")
    guild = server.guild("Home", members=[ada])
    staff = server.channel(guild, "staff", private_to=[ada, server.bot])
    whole = staff.payload(server.bot)
    rules = whole["permission_overwrites"]
    broken: list[Json] = [{k: v for k, v in whole.items() if k != "permission_overwrites"}]
    broken += [
        whole | {"permission_overwrites": odd} for odd in (None, {}, "odd", [None], [{}], [*rules[:-1], 7])
    ]
    broken += [
        whole | {"permission_overwrites": [{**rule, "deny": odd} for rule in rules]} for odd in (None, 0, "x")
    ]
    broken += [whole | {"permission_overwrites": [{**rule, "type": "0"} for rule in rules]}]
    async with listening(server) as heard:
        for number, told in enumerate(broken):
            server.world.emit("CHANNEL_UPDATE", told, guild=guild)
            await server.say(ada, staff, f"secret{number}")
        async with asyncio.timeout(PATIENCE_S):
            while len(heard.events) <= len(broken):  # and that we are in the guild
                await asyncio.sleep(0.01)
    seen = [event.audience for event in heard.events if isinstance(event, MessageReceived)]
    assert seen == [f"place:discord:{guild.id}#{staff.id}"] * len(broken)


@pytest.mark.parametrize(
    "frame", ["[]", "no JSON", '{"op": 0, "t": "RESUMED", "s": 9, "d": null}', '{"op": 10, "d": null}']
)
async def test_a_frame_that_is_no_event_costs_the_connection_and_not_the_program(
    server: DiscordServer, frame: str
) -> None:
    scene = Scene(server)
    async with listening(server, FakeClock()) as heard:
        await heard_of(scene, heard, "before")
        for link in list(server.gateway.links):
            await link.send(frame)
        await server.until(lambda: server.identifies == 2)
        await heard_of(scene, heard, "after")
