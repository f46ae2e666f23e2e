"""Posts on Slack: one a second in a channel, each with the outbox id as metadata, by which it is found again."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import DeliveryDoubtful, DeliveryError, DeliveryRefused
from bot.events import File, Reply
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


class Posting:
    """Sends, uploads, and finds posts. ``interval_s`` lies between two posts in one channel."""

    def __init__(self, client: AsyncWebClient, clock: Clock, interval_s: float) -> None:
        self._client = client
        self._clock = clock
        self._interval = interval_s
        self._free: OrderedDict[str, float] = OrderedDict()  # when a channel takes the next post

    async def send(self, reply: Reply) -> str:
        """Returns ``<channel>/<ts>``. Raises as `bot.ports.Adapter.send`."""
        channel, thread = place_of(reply.address)
        await self._turn(channel)
        try:
            answer = await self._client.chat_postMessage(
                channel=channel,
                thread_ts=thread,
                text=escaped(reply.text),
                blocks=[{"type": "markdown", "text": harmless(reply.text)}],
                metadata={"event_type": METADATA, "event_payload": {"id": reply.id}},
                unfurl_links=False,
                unfurl_media=False,
            )
        except SlackApiError as error:
            raise delivery_error(error) from None
        except BROKEN as error:
            raise DeliveryDoubtful(f"Slack: {type(error).__name__}") from None
        return f"{answer['channel']}/{answer['ts']}"

    async def find(self, reply: Reply, claimed_at: datetime) -> Found:
        """As `bot.ports.Adapter.find`: by the metadata of what was posted since."""
        channel, thread = place_of(reply.address)
        since = f"{(claimed_at - _SKEW).timestamp():.6f}"
        asked: dict[str, Any] = {
            "channel": channel,
            "oldest": since,
            "limit": 200,
            "include_all_metadata": True,
        }
        try:
            while True:
                if thread:
                    answer = await self._client.conversations_replies(ts=thread, **asked)
                else:
                    answer = await self._client.conversations_history(**asked)
                for message in answer.get("messages") or ():
                    payload = (message.get("metadata") or {}).get("event_payload") or {}
                    if payload.get("id") == reply.id:
                        return Found.POSTED
                asked["cursor"] = (answer.get("response_metadata") or {}).get("next_cursor")
                if not asked["cursor"]:
                    return Found.ABSENT
        except SlackApiError as error:
            if code(error) in _UNREADABLE:
                return Found.UNKNOWN
            raise DeliveryError(f"Slack: {code(error)}", retry_after(error)) from None
        except BROKEN as error:
            raise DeliveryError(f"Slack: {type(error).__name__}") from None

    async def upload(self, user: str, file: File, comment: str) -> str:
        """A file to a person's direct messages; returns what to tell them."""
        try:
            opened = await self._client.conversations_open(users=user)
            channel = opened["channel"]["id"]
            await self._client.files_upload_v2(
                channel=channel, filename=file.name, content=file.data, initial_comment=comment
            )
        except (SlackApiError, *BROKEN) as error:
            log.warning(
                "A file was not delivered: %s", code(error) if isinstance(error, SlackApiError) else error
            )
            return "I could not send you the file. Please try again later."
        return "I sent it to you as a direct message."

    async def _turn(self, channel: str) -> None:
        """Wait until the channel takes another post."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        free = max(now, self._free.get(channel, 0.0))
        self._free[channel] = free + self._interval
        self._free.move_to_end(channel)
        while len(self._free) > _CHANNELS:
            self._free.popitem(last=False)
        if free > now:
            await self._clock.sleep(free - now)


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
