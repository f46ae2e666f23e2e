"""Posts on Slack: one a second in a channel, each with the outbox id as metadata, by which it is found again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.cache import Cache
from bot.errors import DeliveryDoubtful, DeliveryError, DeliveryRefused
from bot.events import File, Reply, Speaker
from bot.ports import Clock, Found

log = logging.getLogger(__name__)

LIMIT = 3_900  # Slack advises at most 4,000 characters
METADATA = "everbot_reply"
BROKEN = (aiohttp.ClientError, OSError, TimeoutError)
_GONE = (
    "channel_not_found not_in_channel is_archived user_not_found cannot_dm_bot restricted_action no_text "
    "msg_too_long invalid_blocks msg_blocks_too_long thread_not_found user_disabled posting_to_channel_denied"
).split()
_UNREADABLE = ("missing_scope", "channel_not_found", "not_in_channel", "thread_not_found", "no_permission")
_SKEW = timedelta(seconds=60)
_CHANNELS = 5_000
_NAME = 80
_PLAIN = str.maketrans(dict.fromkeys("*_~`<>", ""))  # signs of markup


class Posting:
    """Sends, uploads, and finds posts. ``interval_s`` lies between two posts in one channel."""

    def __init__(self, client: AsyncWebClient, clock: Clock, interval_s: float) -> None:
        self._client = client
        self._clock = clock
        self._interval = interval_s
        self._faceless = False  # the app lacks the scope to speak under other names
        self._free: Cache[str, float] = Cache(_CHANNELS)  # when a channel takes the next post

    async def send(self, reply: Reply) -> str:
        """Returns ``<channel>/<ts>``. Raises as `bot.ports.Adapter.send`."""
        await self._turn(place_of(reply.address)[0])
        try:
            answer = await self._post(reply)
        except SlackApiError as error:
            raise delivery_error(error) from None
        except BROKEN as error:
            raise DeliveryDoubtful(f"Slack: {type(error).__name__}") from None
        return f"{answer['channel']}/{answer['ts']}"

    async def _post(self, reply: Reply) -> Any:
        """As the speaker, or as the app, with the speaker's name before the text, where that is not allowed."""
        if reply.speaker is not None and not self._faceless:
            try:
                return await self._posted(reply, reply.text, **_look(reply.speaker))
            except SlackApiError as error:
                if code(error) != "missing_scope":
                    raise
            self._faceless = True
            log.warning(
                "Slack: the app lacks the scope chat:write.customize: personas speak as the app, with their name "
                "before the text. Install the app again with the manifest of `everbot slack manifest`."
            )
        return await self._posted(reply, _as_app(reply))

    async def _posted(self, reply: Reply, text: str, **look: str) -> Any:
        channel, thread = place_of(reply.address)
        post: Any = self._client.chat_postMessage
        return await post(
            channel=channel,
            thread_ts=thread,
            text=escaped(text),
            blocks=[{"type": "markdown", "text": harmless(text)}],
            metadata={"event_type": METADATA, "event_payload": {"id": reply.id}},
            unfurl_links=False,
            unfurl_media=False,
            **look,
        )

    async def find(self, reply: Reply, claimed_at: datetime) -> Found:
        """As `bot.ports.Adapter.find`: by the metadata of what was posted since."""
        channel, thread = place_of(reply.address)
        since = f"{(claimed_at - _SKEW).timestamp():.6f}"
        client: Any = self._client
        ask = client.conversations_replies if thread else client.conversations_history
        where = {"channel": channel, **({"ts": thread} if thread else {})}
        try:
            async for answer in pages(ask, **where, oldest=since, limit=200, include_all_metadata=True):
                for message in answer.get("messages") or ():
                    payload = (message.get("metadata") or {}).get("event_payload") or {}
                    if payload.get("id") == reply.id:
                        return Found.POSTED
            return Found.ABSENT
        except SlackApiError as error:
            if code(error) in _UNREADABLE:
                return Found.UNKNOWN
            raise DeliveryError(f"Slack: {code(error)}", retry_after(error)) from None
        except BROKEN as error:
            raise DeliveryError(f"Slack: {type(error).__name__}") from None

    async def upload(self, user: str, files: Sequence[File], comment: str) -> str:
        """Files to a person's direct messages; returns what to tell them."""
        try:
            opened = await self._client.conversations_open(users=user)
            channel = opened["channel"]["id"]
            for file in files:
                await self._client.files_upload_v2(
                    channel=channel, filename=file.name, content=file.data, initial_comment=comment
                )
                comment = ""
        except (SlackApiError, *BROKEN) as error:
            log.warning("A file was not delivered: %s", reason(error))
            return "I could not send you all of it. Please try again later."
        return "I sent it to you as a direct message."

    async def _turn(self, channel: str) -> None:
        """Wait until the channel takes another post."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        free = max(now, self._free.get(channel, 0.0))
        self._free[channel] = free + self._interval
        if free > now:
            await self._clock.sleep(free - now)


def _look(speaker: Speaker) -> dict[str, str]:
    """Name and picture of a post; a picture is shown only from where it lies for everybody."""
    icon = {"icon_url": speaker.avatar_url} if speaker.avatar_url.startswith("https://") else {}
    return {"username": " ".join(speaker.name.split())[:_NAME]} | icon


def _as_app(reply: Reply) -> str:
    if reply.speaker is None or not reply.id.endswith("/0"):
        return reply.text
    return f"**{' '.join(reply.speaker.name.split())[:_NAME].translate(_PLAIN)}**\n{reply.text}"


def place_of(address: str) -> tuple[str, str | None]:
    """Channel and thread of ``slack:<team>/<channel>[/<thread>]``."""
    parts = address.partition(":")[2].split("/")
    return parts[1], parts[2] if len(parts) > 2 else None


def delivery_error(error: SlackApiError) -> DeliveryError:
    """A refused post, as the courier understands it."""
    name = code(error)
    if name in _GONE:
        return DeliveryRefused(f"Slack: {name}")
    status = getattr(error.response, "status_code", 0)
    if status == 429 or name in ("ratelimited", "rate_limited"):
        return DeliveryError("Slack's rate limit", retry_after(error))
    if status >= 500 or name in (
        "internal_error",
        "fatal_error",
        "request_timeout",
        "service_unavailable",
        "",
    ):
        return DeliveryDoubtful(f"Slack: {name or status}")
    return DeliveryError(f"Slack: {name}")


def code(error: SlackApiError) -> str:
    response: Any = error.response
    try:
        return str(response.get("error") or "")
    except (AttributeError, ValueError):  # no answer of Slack's API at all
        return ""


def reason(error: Exception) -> str:
    """Why Slack could not be asked, in a word and without anybody's text."""
    return (code(error) if isinstance(error, SlackApiError) else "") or type(error).__name__


async def pages(ask: Callable[..., Awaitable[Any]], **arguments: Any) -> AsyncIterator[Any]:
    """Every page of an answer that Slack gives in pages (docs.slack.dev: "Pagination")."""
    while True:
        answer = await ask(**arguments)
        yield answer
        arguments["cursor"] = (answer.get("response_metadata") or {}).get("next_cursor")
        if not arguments["cursor"]:
            return


def retry_after(error: SlackApiError) -> float | None:
    headers = getattr(error.response, "headers", None) or {}
    value = str(headers.get("Retry-After") or headers.get("retry-after") or "")
    return float(value) if value.isdecimal() else None


def escaped(text: str) -> str:
    """Plain text where Slack looks for markup (docs.slack.dev: "Escaping text")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def harmless(text: str) -> str:
    """Markdown that calls nobody: a mention needs its sign right after the bracket."""
    for sign in "!@#":
        text = text.replace(f"<{sign}", f"<\u200b{sign}")
    return text
