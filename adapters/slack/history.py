"""What was said on Slack while we were away: Slack gives up telling after some minutes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.hosts import Hosts
from adapters.slack import reading
from adapters.slack.errors import BROKEN, pages, reason, retry_after
from adapters.slack.places import Places
from adapters.slack.reading import Workspace, place_of
from adapters.wire import Json, records, text
from bot.events import Address
from bot.ports import Clock

log = logging.getLogger(__name__)

_OVERLAP = timedelta(minutes=10)
_THREADS = timedelta(days=30)  # that nobody wrote to us in a thread, and it is still read after an outage
_TRIES = 6
_TYPES = ("public_channel", "private_channel", "mpim", "im")

Found = list[tuple[Json, str]]  # messages, each with its channel's type


class History:
    """``catch_up`` is how far back it is read."""

    def __init__(
        self,
        client: AsyncWebClient,
        clock: Clock,
        hosts: Hosts,
        us: Workspace,
        places: Places,
        catch_up: timedelta,
    ) -> None:
        self._client = client
        self._clock = clock
        self._hosts = hosts
        self._us = us
        self._places = places
        self._catch_up = catch_up

    async def missed(self, known: Mapping[Address, str]) -> Found:
        """What was said since we last heard of it, in every conversation and channel, in the order of time."""
        if not known:
            return []
        ours = self._clock.now()
        now = min(ours, self._hosts.now(ours))  # our clock may be wrong by days
        floor = now - self._catch_up
        newest = {address: reading.said_at(key) for address, key in known.items()}
        since = max((at - _OVERLAP for at in newest.values() if at is not None), default=floor)
        kinds = await self._channels()
        found: Found = []
        for channel, kind in kinds.items():
            oldest = _ts(max(since, floor))
            found += await self._said("conversations_history", kind, channel=channel, oldest=oldest)
        for address, at in newest.items():
            if at is None or not address.startswith(self._us.address("")):
                continue
            channel, thread = place_of(address)
            if thread and channel in kinds and at > now - _THREADS:
                where = {"channel": channel, "ts": thread, "oldest": _ts(max(at - _OVERLAP, floor))}
                found += await self._said("conversations_replies", kinds[channel], **where)
        return sorted(found, key=lambda one: float(one[0]["ts"]))

    async def _channels(self) -> dict[str, str]:
        """Where we are a member, with its type; each type of channel is asked for alone, for one scope that lacks
        refuses a question whole."""
        ask, kinds = partial(self._ask, "users_conversations"), {}
        for types in _TYPES:
            try:
                async for answer in pages(ask, types=types, limit=200, exclude_archived=True):
                    for channel in records(answer.get("channels")):
                        if text(channel.get("id")):
                            kinds[channel["id"]] = self._places.told(channel["id"], channel).kind
            except SlackApiError as error:
                log.warning("Slack: no %s could be looked through (%s).", types, reason(error))
        return kinds

    async def _said(self, method: str, kind: str, *, channel: str, oldest: str, **where: Any) -> Found:
        found: Found = []
        where |= {"limit": 200, "channel": channel, "oldest": oldest}
        try:
            async for answer in pages(partial(self._ask, method), **where):
                for message in records(answer.get("messages")):
                    # A thread's head is in every answer, however old it is (docs.slack.dev: conversations.replies).
                    if reading.stamp(message.get("ts")) and float(message["ts"]) > float(oldest):
                        found.append(({**message, "channel": channel}, kind))
        except BROKEN as error:
            log.warning("Slack: what came while away could not be read in one place (%s).", reason(error))
        return found

    async def _ask(self, method: str, **arguments: Any) -> Any:
        """A question that waits while Slack says that we ask too much, or has trouble."""
        for wait in (*(2.0**n / 2 for n in range(_TRIES - 1)), None):
            try:
                return await getattr(self._client, method)(**arguments)
            except SlackApiError as error:
                asked_too_much = retry_after(error)
                if asked_too_much is not None:
                    await self._clock.sleep(asked_too_much)
                    continue
                if wait is None or getattr(error.response, "status_code", 0) < 500:
                    raise
            except BROKEN:
                if wait is None:
                    raise
            await self._clock.sleep(wait)
        raise TimeoutError(f"{method} was not answered")


def _ts(at: datetime) -> str:
    return f"{at.timestamp():.6f}"
