"""Who can see a channel, asked of Slack, and never guessed: a place of which nothing is known is a closed one."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.errors import BROKEN, reason
from adapters.wire import Json, record, text
from bot.cache import Cache

log = logging.getLogger(__name__)

IM, CHANNEL, GROUP, MPIM, EXT, CLOSED = "im", "channel", "group", "mpim", "ext", "closed"
"""Types of channels: ``ext`` is seen by people of other workspaces, of a ``closed`` one nothing is known."""
_TOLD = (IM, CHANNEL, GROUP, MPIM)  # what an event's channel_type may be
_KEPT = 10_000
_BELIEVED_S = 60.0  # that a channel's type is believed; it may be made private


@dataclass(frozen=True)
class _Known:
    kind: str
    name: str
    at: float  # by time.monotonic


class Places:
    """The channels that were heard of, and what they were then."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._known: Cache[str, _Known] = Cache(_KEPT)

    async def heard(self, channel: str, kind: object, is_shared: object) -> str:
        """The type of an event's channel, from what the event tells of it; what it does not tell is asked."""
        if kind not in _TOLD or not (isinstance(is_shared, bool) or kind == IM):
            return await self.kind_of(channel)
        known = self._known.get(channel)
        kind = EXT if is_shared is True and kind != IM else str(kind)
        self._known[channel] = _Known(kind, known.name if known else "", time.monotonic())
        return kind

    async def kind_of(self, channel: str) -> str:
        """A channel's type; `CLOSED` where Slack does not tell it, as of places where we are no member."""
        known = self._known.get(channel)
        if known is not None and (known.kind == IM or time.monotonic() - known.at < _BELIEVED_S):
            return known.kind  # a direct message stays one
        return (await self._asked(channel)).kind

    async def name_of(self, channel: str) -> str:
        """How a public channel is called; empty for any other: not everybody may know of it."""
        known = self._known.get(channel)
        if known is None or not known.name:
            known = await self._asked(channel)
        return known.name if known.kind == CHANNEL else ""

    async def _asked(self, channel: str) -> _Known:
        try:
            told = record((await self._client.conversations_info(channel=channel)).get("channel"))
        except BROKEN as error:
            log.info("Slack: a place that is not known counts as a closed one (%s).", reason(error))
            return _Known(CLOSED, "", time.monotonic())
        return self.told(channel, told)

    def told(self, channel: str, description: Json) -> _Known:
        """What Slack describes it as (docs.slack.dev, "Conversation object")."""
        known = _Known(kind_of(description), text(description.get("name")), time.monotonic())
        self._known[channel] = known
        return known


def kind_of(channel: Json) -> str:
    """The type of a channel as ``conversations.info`` describes it."""
    if channel.get("is_im") is True:
        return IM
    if channel.get("is_mpim") is True:
        return MPIM
    if channel.get("is_ext_shared") is True:
        return EXT
    if channel.get("is_private") is True or channel.get("is_group") is True:
        return GROUP
    return CHANNEL if channel.get("is_private") is False and channel.get("is_channel") is True else CLOSED
