"""Discord's fake against descriptions that nobody here wrote: the published OpenAPI one, and discord.py's types."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from tests.acceptance.test_discord_shapes import Scene, listening
from tests.fakes.discord_facts import ROUTES, facts, misfits
from tests.fakes.discord_server import Call, DiscordServer
from tests.fakes.discord_types import strange
from tests.fakes.town import FAST

POST = "POST /channels/123/messages"
COMMANDS = "PUT /applications/123/commands"
HELLO = {"type": 1, "name": "hello", "description": "Says hello"}


def option(**more: Any) -> list[dict[str, Any]]:
    return [HELLO | {"options": [{"type": 3, "name": "text", "description": "What", **more}]}]


@pytest.mark.parametrize(
    ("line", "body"),
    [
        (POST, {"content": "Hello", "allowed_mentions": {"parse": []}, "nonce": "x", "enforce_nonce": True}),
        (POST, {"content": "Hello", "message_reference": {"message_id": "5", "fail_if_not_exists": False}}),
        (COMMANDS, [HELLO]),
        (COMMANDS, option(required=True, choices=[{"name": "a", "value": "a"}])),
        ("POST /interactions/1/token/callback", {"type": 4, "data": {"content": "Hello", "flags": 64}}),
        (
            "POST /interactions/1/token/callback",
            {"type": 8, "data": {"choices": [{"name": "a", "value": "b"}]}},
        ),
    ],
)
def test_what_discord_takes_fits(line: str, body: object) -> None:
    assert misfits(line, {}, body) == []


@pytest.mark.parametrize(
    ("line", "body", "told"),
    [
        (POST, {"content": "Hello", "colour": 1}, ".colour is not known"),
        (POST, {"content": 5}, ".content is no string or null"),
        (POST, {"content": "x" * 4001}, ".content is 4001 long"),
        (POST, {"nonce": "x" * 26}, ".nonce"),
        (POST, {"message_reference": {"channel_id": "5"}}, ".message_reference.message_id is missing"),
        (POST, {"embeds": [{"title": "x" * 257}]}, ".embeds.0.title is 257 long"),
        (POST, {"embeds": [{}] * 11}, ".embeds is 11 long"),
        (
            POST,
            {"components": [{"type": 1, "components": [{"type": 2, "style": 9, "custom_id": "x"}]}]},
            "style",
        ),
        (COMMANDS, [HELLO | {"description": "x" * 101}], ".0.description is 101 long"),
        (COMMANDS, option(type=12), ".0.options.0"),
        (COMMANDS, option(choices=[{"name": "x" * 101, "value": "a"}]), "name is 101 long"),
        ("POST /interactions/1/token/callback", {"type": 4, "data": {"contents": "Hello"}}, ".data.contents"),
        ("POST /channels/123/typing", {"now": True}, "a body where none is taken"),
        ("POST /channels/123/shouting", {}, "no such route"),
    ],
)
def test_what_discord_would_not_take_is_told(line: str, body: object, told: str) -> None:
    assert told in "\n".join(misfits(line, {}, body))


def test_a_query_is_as_described() -> None:
    assert misfits("GET /channels/123/messages", {"limit": "100", "before": "5"}, {}) == []
    assert misfits("GET /channels/123/messages", {"limit": "101"}, {}) != []
    assert misfits("GET /channels/123/messages", {"since": "5"}, {}) != []


async def post_strangely() -> None:
    async with DiscordServer(**FAST) as server, aiohttp.ClientSession() as session:
        channel = server.channel(server.guild("Home"), "general")
        url, headers = (
            f"{server.api_url}/channels/{channel.id}/messages",
            {"Authorization": f"Bot {server.token}"},
        )
        async with session.post(url, json={"content": "Hello", "colour": 1}, headers=headers) as answer:
            assert answer.status == 200


async def test_a_request_that_is_not_as_described_fails_its_story() -> None:
    with pytest.raises(AssertionError, match="colour is not known"):
        await post_strangely()


def test_every_route_is_described() -> None:
    assert set(facts()["routes"]) == set(ROUTES)


async def test_what_the_fake_tells_is_as_discord_pys_types_say() -> None:
    async with DiscordServer(**FAST) as server:
        scene = Scene(server)
        async with listening(server):
            await scene.record()
            start = server.gateway.start(Call("GET", "/gateway/bot"))
            told = [(event, body) for event, (body, _) in scene.told.items()]
            told.append(("GET /gateway/bot", start))
            for session in server.gateway.sessions.values():
                frames = map(json.loads, session.log.values())
                told += [(frame["t"], frame["d"]) for frame in frames]
        assert {"READY", "GUILD_CREATE", "MESSAGE_CREATE", "INTERACTION_CREATE"} <= {
            event for event, _ in told
        }
        assert [what for event, body in told for what in strange(event, body)] == []


def test_what_is_strange_is_told() -> None:
    body = {"id": "1", "channel_id": "2", "guild": "3"}
    assert strange("MESSAGE_DELETE", body) == ["MESSAGE_DELETE.guild is not known in MessageDeleteEvent"]
    assert strange("MESSAGE_DELETE", {"id": "1"}) == [
        "MESSAGE_DELETE.channel_id is missing in MessageDeleteEvent"
    ]
    assert strange("MESSAGE_DELETE", {"id": "1", "channel_id": []}) != []
