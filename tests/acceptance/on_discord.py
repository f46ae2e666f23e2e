"""What the stories on Discord share: a model that repeats what it hears, people, and what was shown and kept."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from bot.ports import ModelReply, ModelRequest
from tests.fakes.discord_server import Channel, DiscordServer, User
from tests.fakes.parlour import is_caption, is_summary, whole
from tests.fakes.scripted_model import calls, say
from tests.fakes.town import Town, heard
from tests.patience import PATIENCE_S

# The model: it repeats what it hears, notes what it is told to note, looks for what it is asked for.


def event_of(message: Any) -> dict[str, Any]:
    content = message["content"]
    fields: dict[str, Any] = json.loads(content if isinstance(content, str) else content[0]["text"])
    return fields


def news(request: ModelRequest) -> list[dict[str, Any]]:
    """The events that came after the model's last answer."""
    fresh: list[dict[str, Any]] = []
    for message in reversed(request.messages):
        if message["role"] == "assistant":
            break
        if message["role"] == "user":
            fresh.insert(0, event_of(message))
    return [event for event in fresh if event["type"] not in ("system_alert", "core_memory")]


def answer(request: ModelRequest) -> ModelReply:
    """``note …`` is kept in core and archival memory, ``find …`` is looked for, all else is repeated."""
    if is_caption(request):
        return ModelReply(text="A picture.")
    if is_summary(request):
        return ModelReply(text="They talked.")
    found = [m["content"] for m in request.messages if m["role"] == "tool"]
    if request.messages[-1]["role"] == "tool":
        return say(f"Found: {' '.join(found[-2:])}"[:1500])
    fresh = news(request)
    text = " | ".join(str(event["message"]) for event in fresh if event["type"] == "message")
    word, _, rest = text.partition(" ")
    if word == "note":
        return calls(
            ("core_memory_append", {"label": "human", "content": rest, "request_heartbeat": False}),
            ("archival_memory_insert", {"content": rest, "request_heartbeat": False}),
            ("send_message", {"message": "Noted."}),
        )
    if word == "find":
        where = {"query": rest, "page": 0, "request_heartbeat": True}
        return calls(("conversation_search", where), ("archival_memory_search", where))
    if all(event["type"] == "reaction" for event in fresh):
        return ModelReply(text="")  # nobody waits
    return say(f"You said: {text}")


# The people


def replies(server: DiscordServer, channel: Channel) -> list[str]:
    """What the bot has posted there."""
    return [message.content for message in server.messages(channel) if message.author is server.bot]


async def answered(server: DiscordServer, channel: Channel, count: int = 1) -> list[str]:
    """The bot's posts there, once there are so many."""
    await server.until(lambda: len(replies(server, channel)) >= count)
    return replies(server, channel)


async def ask(server: DiscordServer, user: User, channel: Channel, text: str, **more: Any) -> str:
    """Somebody says something, and is answered."""
    before = len(replies(server, channel))
    await server.say(user, channel, text, **more)
    return (await answered(server, channel, before + 1))[-1]


async def mention(server: DiscordServer, user: User, channel: Channel, text: str) -> str:
    return await ask(server, user, channel, f"{server.bot.mention} {text}")


def at(town: Town, place: str) -> list[ModelRequest]:
    """The requests of turns held in a place (empty: in a direct message)."""
    return [request for request in town.model.requests if heard(request).get("place", "") == place]


def seen(requests: Sequence[ModelRequest]) -> str:
    """All that the model was shown in these requests."""
    return "\n".join(map(whole, requests))


def everything(town: Town) -> str:
    return seen(town.model.requests)


def texts(town: Town) -> list[str]:
    """The message of every event that the model was shown, each once, in order."""
    shown = [m["content"] for r in town.model.requests for m in r.messages if m["role"] == "user"]
    events = [json.loads(text) for text in dict.fromkeys(shown)]
    return [event["message"] for event in events if event["type"] == "message"]


def rows(town: Town, query: str, *values: object) -> list[Any]:
    """What SQL says."""
    with closing(sqlite3.connect(town.settings.data_dir / "everbot.db")) as connection:
        return connection.execute(query, values).fetchall()


def without_content(town: Town) -> Town:
    """Configured not to ask for the privileged intent."""
    settings = town.settings
    modest = settings.discord.model_copy(update={"message_content": False})
    town.settings = settings.model_copy(update={"discord": modest})
    return town


async def come_true(condition: Any, seconds: float = PATIENCE_S) -> None:
    """For what only everbot knows, and the server does not."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
