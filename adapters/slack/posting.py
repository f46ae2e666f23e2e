"""Posts on Slack: one a second in a channel, each with the outbox id as metadata, by which it is found again.

Nothing that is posted calls anybody, and every link shows where it leads. What Slack will not show as it was asked to
is posted once more as plain text.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import views
from adapters.slack.emojis import name_of
from adapters.slack.errors import (
    BROKEN,
    RENDERING,
    UNTHREADED,
    code,
    delivery_error,
    pages,
    reason,
    retry_after,
)
from adapters.slack.markup import escaped, harmless
from adapters.slack.reading import place_of, ts_of
from adapters.wire import Json, record, records, text
from bot.cache import Cache
from bot.errors import DeliveryDoubtful, DeliveryError, DeliveryRefused
from bot.events import REACTION, File, Reply, Speaker
from bot.language import gettext
from bot.ports import Clock, Found

log = logging.getLogger(__name__)

LIMIT = 3_900  # Slack advises at most 4,000 characters
METADATA = "everbot_reply"
_UNREADABLE = ("missing_scope", "channel_not_found", "not_in_channel", "thread_not_found", "no_permission")
_SKEW = timedelta(seconds=60)
_CHANNELS = 5_000
_NAME = 80
_PLAIN = str.maketrans(dict.fromkeys("*_~`<>", ""))  # signs of markup


class Posting:
    """Sends, uploads, and finds posts. ``interval_s`` lies between two posts in one channel; what is posted for all to
    see is ``spelled`` first."""

    def __init__(
        self, client: AsyncWebClient, clock: Clock, interval_s: float, spelled: Callable[[str], str]
    ) -> None:
        self._client = client
        self._clock = clock
        self._interval = interval_s
        self._spelled = spelled
        self._faceless = False  # the app lacks the scope to speak under other names
        self._free: Cache[str, float] = Cache(_CHANNELS)  # when a channel takes the next post

    async def send(self, reply: Reply) -> str:
        """Returns ``<channel>/<ts>``. Raises as `bot.ports.Adapter.send`."""
        if reply.kind == REACTION:
            return await self._reacted(reply)
        await self._turn(place_of(reply.address)[0])
        try:
            if reply.file is not None:
                return await self._sent(reply, reply.file)
            answer = await self._post(reply)
        except SlackApiError as error:
            raise delivery_error(error) from None
        except BROKEN as error:
            raise DeliveryDoubtful(f"Slack: {type(error).__name__}") from None
        return f"{answer['channel']}/{answer['ts']}"

    async def _sent(self, reply: Reply, file: File) -> str:
        """A file, by the flow of uploads (docs.slack.dev, "Working with files"): nobody sees it until the last call,
        whose answer tells no message. Its post is found by the file's name and size."""
        channel, thread = place_of(reply.address)
        answer = await self._client.files_upload_v2(
            channel=channel, thread_ts=thread, filename=file.name, title=file.name, content=file.data
        )
        return f"file/{text(record(answer.get('file')).get('id'))}"

    async def _reacted(self, reply: Reply) -> str:
        """Done twice it is done once. What Slack does not take is no loss: it is not tried again."""
        channel, name = place_of(reply.address)[0], name_of(reply.text)
        said = [ts for key in reply.in_reply_to if (ts := ts_of(key))]
        if name is None or not said:
            raise DeliveryRefused("Slack: it knows no such emoji, or there is no message to react to")
        try:
            await self._client.reactions_add(channel=channel, timestamp=said[-1], name=name)
        except SlackApiError as error:
            if code(error) != "already_reacted":
                failure = delivery_error(error)
                later = isinstance(failure, DeliveryDoubtful) or failure.retry_after is not None
                raise failure if later else DeliveryRefused(str(failure)) from None
        except BROKEN as error:
            raise DeliveryDoubtful(f"Slack: {type(error).__name__}") from None
        return f"reaction/{said[-1]}/{name}"

    async def _post(self, reply: Reply) -> Any:
        """As the speaker, or as the app, with the speaker's name before the text, where that is not allowed."""
        if reply.speaker is not None and not self._faceless:
            try:
                return await self._posted(reply, reply.text, _look(reply.speaker))
            except SlackApiError as error:
                if code(error) != "missing_scope":
                    raise
            self._faceless = True
            log.warning(
                "Slack: the app lacks the scope chat:write.customize: personas speak as the app, with their name "
                "before the text. Install the app again with the manifest of `everbot slack manifest`."
            )
        return await self._posted(reply, _as_app(reply), {})

    async def _posted(self, reply: Reply, text: str, look: dict[str, str]) -> Any:
        channel, thread = place_of(reply.address)
        text = self._spelled(text)
        message: Json = {
            "channel": channel,
            "thread_ts": thread,
            "text": escaped(text),
            "blocks": [{"type": "markdown", "text": harmless(text)}, *views.buttons(reply.actions)],
            "metadata": {"event_type": METADATA, "event_payload": {"id": reply.id}},
            "unfurl_links": False,
            "unfurl_media": False,
            **look,
        }
        return await taken(self._client.chat_postMessage, message)

    async def notice(self, channel: str, thread: str | None, text: str) -> None:
        """What is said about a message rather than in answer to it; it is in no outbox."""
        await self._client.chat_postMessage(
            channel=channel,
            thread_ts=thread,
            text=escaped(self._spelled(text)),
            unfurl_links=False,
            unfurl_media=False,
        )

    async def whisper(
        self, channel: str, user: str, thread: str | None, text: str, blocks: list[Json] | None = None
    ) -> None:
        """What only this person sees, in a place where we are a member."""
        message = {
            "channel": channel,
            "user": user,
            "thread_ts": thread,
            "text": escaped(text),
            "blocks": blocks,
        }
        await taken(self._client.chat_postEphemeral, message)

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        """As `bot.ports.Adapter.find`: by the metadata of what was posted since."""
        if reply.kind == REACTION:
            return Found.ABSENT  # it may be made again
        channel, thread = place_of(reply.address)
        since = f"{(min(claimed_at, self._clock.now()) - _SKEW).timestamp():.6f}"
        if after and after.startswith(f"{channel}/"):
            since = after.partition("/")[2]  # Slack's own order needs no clock of ours
        client: Any = self._client
        ask = client.conversations_replies if thread else client.conversations_history
        where = {"channel": channel, **({"ts": thread} if thread else {})}
        try:
            async for answer in pages(ask, **where, oldest=since, limit=200, include_all_metadata=True):
                for message in records(answer.get("messages")):
                    payload = record(record(message.get("metadata")).get("event_payload"))
                    if payload.get("id") == reply.id or _brought(message, reply.file):
                        return Found.POSTED
            return Found.ABSENT
        except SlackApiError as error:
            if code(error) in _UNREADABLE:
                return Found.UNKNOWN
            raise DeliveryError(f"Slack: {code(error)}", retry_after(error)) from None
        except BROKEN as error:
            raise DeliveryError(f"Slack: {type(error).__name__}") from None

    async def upload(self, user: str, files: Sequence[File], comment: str) -> str:
        """Files to a person's direct messages; returns what to tell them, in the language that is spoken."""
        comment = escaped(comment)
        try:
            opened = await self._client.conversations_open(users=user)
            channel = opened["channel"]["id"]
            for file in files:
                await self._client.files_upload_v2(
                    channel=channel, filename=file.name, content=file.data, initial_comment=comment
                )
                comment = ""
        except BROKEN as error:
            log.warning("A file was not delivered: %s", reason(error))
            return gettext("I could not send you all of it. Please try again later.")
        return gettext("I sent it to you as a direct message.")

    async def _turn(self, channel: str) -> None:
        """Wait until the channel takes another post."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        free = max(now, self._free.get(channel, 0.0))
        self._free[channel] = free + self._interval
        if free > now:
            await self._clock.sleep(free - now)


async def taken(post: Callable[..., Awaitable[Any]], message: Json) -> Any:
    """A message as Slack takes it: whole, else without its blocks, else beside the thread that takes no reply.

    Raises `SlackApiError` when it takes it in no way.
    """
    message = {key: value for key, value in message.items() if value is not None}
    try:
        return await post(**message)
    except SlackApiError as error:
        without = _refused_part(code(error), message)
        if without is None:
            raise
        log.warning("Slack: a message is posted without its %s (%s).", without, code(error))
    del message[without]
    return await taken(post, message)


def _refused_part(name: str, message: Json) -> str | None:
    part = "blocks" if name in RENDERING else "thread_ts" if name in UNTHREADED else None
    return part if part in message else None


def _brought(message: Json, file: File | None) -> bool:
    """Whether a message of an app brought this file."""
    if file is None or not message.get("bot_id"):
        return False
    sent = [each for each in records(message.get("files")) if each.get("name") == file.name]
    return any(not file.data or each.get("size") == len(file.data) for each in sent)


def _look(speaker: Speaker) -> dict[str, str]:
    """Name and picture of a post; a picture is shown only from where it lies for everybody."""
    icon = {"icon_url": speaker.avatar_url} if speaker.avatar_url.startswith("https://") else {}
    return {"username": " ".join(speaker.name.split())[:_NAME]} | icon


def _as_app(reply: Reply) -> str:
    if reply.speaker is None or not reply.id.endswith("/0"):
        return reply.text
    return f"**{' '.join(reply.speaker.name.split())[:_NAME].translate(_PLAIN)}**\n{reply.text}"
