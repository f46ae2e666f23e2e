"""What was said on Slack while we were away: Slack gives up telling after some minutes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import reading
from adapters.slack.posting import BROKEN, pages, place_of, reason, retry_after
from adapters.slack.reading import Workspace
from bot.events import Address
from bot.ports import Clock

log = logging.getLogger(__name__)

_OVERLAP = timedelta(minutes=10)
_THREADS = timedelta(days=30)  # that nobody wrote to us in a thread, and it is still read after an outage
_TRIES = 6
_TYPES = ("public_channel", "private_channel", "mpim", "im")

Found = list[tuple[dict[str, Any], str]]  # messages, each with its channel's type


class History:
    """``catch_up`` is how far back it is read."""

    def __init__(self, client: AsyncWebClient, clock: Clock, us: Workspace, catch_up: timedelta) -> None:
        self._client = client
        self._clock = clock
        self._us = us
        self._catch_up = catch_up

    async def missed(self, known: Mapping[Address, str]) -> Found:
        """What was said since we last heard of it, in every conversation and channel, in the order of time."""
        if not known:
            return []
        us, floor = self._us, self._clock.now() - self._catch_up
        newest = {address: us.said_at(key) for address, key in known.items()}
        since = max((at - _OVERLAP for at in newest.values() if at is not None), default=floor)
        since = max(since, floor)
        kinds = {channel["id"]: reading.kind_of(channel) for channel in await self._channels()}
        found: Found = []
        for channel, kind in kinds.items():
            found += await self._said("conversations_history", kind, channel=channel, oldest=_ts(since))
        for address, at in newest.items():
            if at is None or not address.startswith(us.address("")):
                continue
            channel, thread = place_of(address)
            if thread and channel in kinds and at > self._clock.now() - _THREADS:
                where = {"channel": channel, "ts": thread, "oldest": _ts(max(at - _OVERLAP, floor))}
                found += await self._said("conversations_replies", kinds[channel], **where)
        said = [(message, kind) for message, kind in found if message.get("subtype") in reading.SAID]
        others = [(message, kind) for message, kind in said if not us.is_own(message)]
        return sorted(others, key=lambda one: float(one[0]["ts"]))

    async def _channels(self) -> list[dict[str, Any]]:
        """Where we are a member; each type is asked for alone, for one scope that lacks refuses a question whole."""
        ask, found = partial(self._ask, "users_conversations"), []
        for types in _TYPES:
            try:
                async for answer in pages(ask, types=types, limit=200, exclude_archived=True):
                    found += [channel for channel in answer.get("channels") or () if channel.get("id")]
            except SlackApiError as error:
                log.warning(
                    "Slack: what came while away could not be read in any %s (%s).", types, reason(error)
                )
        return found

    async def _said(self, method: str, kind: str, *, channel: str, oldest: str, **where: Any) -> Found:
        found: Found = []
        where |= {"limit": 200, "channel": channel, "oldest": oldest}
        try:
            async for answer in pages(partial(self._ask, method), **where):
                for message in answer.get("messages") or ():
                    # A thread's head is in every answer, however old it is (docs.slack.dev: conversations.replies).
                    if float(message["ts"]) > float(oldest):
                        found.append(({**message, "channel": channel}, kind))
        except (SlackApiError, *BROKEN) as error:
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
