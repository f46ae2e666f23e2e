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
        us, now = self._us, self._clock.now()
        newest = {address: reading.moment(key.split("/")[2]) for address, key in known.items()}
        since = max(max(newest.values()) - _OVERLAP, now - self._catch_up)
        kinds = {channel["id"]: reading.kind_of(channel) for channel in await self._channels()}
        found: Found = []
        for channel, kind in kinds.items():
            found += await self._said("conversations_history", kind, channel=channel, oldest=_ts(since))
        for address, at in newest.items():
            if not address.startswith(us.address("")):
                continue
            channel, thread = place_of(address)
            if thread and channel in kinds and at > now - _THREADS:
                oldest = _ts(max(at - _OVERLAP, now - self._catch_up))
                where = {"channel": channel, "ts": thread, "oldest": oldest}
                found += await self._said("conversations_replies", kinds[channel], **where)
        said = [(message, kind) for message, kind in found if message.get("subtype") in reading.SAID]
        others = [(message, kind) for message, kind in said if not us.is_own(message)]
        return sorted(others, key=lambda one: float(one[0]["ts"]))

    async def _channels(self) -> list[dict[str, Any]]:
        types = "public_channel,private_channel,mpim,im"
        ask = partial(self._ask, "users_conversations")
        told = pages(ask, types=types, limit=200, exclude_archived=True)
        return [channel async for answer in told for channel in answer.get("channels") or ()]

    async def _said(self, method: str, kind: str, *, channel: str, **where: Any) -> Found:
        found: Found = []
        try:
            async for answer in pages(partial(self._ask, method), limit=200, channel=channel, **where):
                found += [({**m, "channel": channel}, kind) for m in answer.get("messages") or ()]
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
