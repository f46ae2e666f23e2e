"""Posts on Discord: as the bot, or as a persona; and whether one that is in doubt is there."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

import discord

from adapters.discord.history import is_guilds, readable
from adapters.discord.reading import BROKEN, Us
from adapters.discord.webhooks import NAME, Webhooks, may_have_webhooks
from bot.errors import DeliveryDoubtful, DeliveryError, DeliveryRefused
from bot.events import Reply
from bot.ports import Clock, Found

log = logging.getLogger(__name__)

LIMIT = 2_000 - len("****\n") - NAME  # Discord's, less a persona's name before the text
_NONCE = timedelta(seconds=60)  # how long Discord surely knows a nonce ("a few minutes")
_SKEW = timedelta(seconds=60)  # between Discord's clock and ours


class Posting:
    def __init__(self, client: discord.Client, us: Us, webhooks: Webhooks, clock: Clock) -> None:
        self._client = client
        self._us = us
        self._webhooks = webhooks
        self._clock = clock

    async def send(self, reply: Reply) -> str:
        """Returns the message's id. Raises as `bot.ports.Adapter.send`."""
        channel_id = int(reply.address.partition(":")[2])
        channel = self._client.get_channel(channel_id)
        if reply.speaker is not None:
            if channel is None and not self._client.is_ready():
                raise DeliveryError("Discord has not told of all guilds yet", retry_after=0.5)
            if is_guilds(channel):
                receipt = await self._webhooks.send(channel, self._us, reply, reply.speaker)
                if receipt is not None:
                    return receipt
        more: dict[str, Any] = {}
        if is_guilds(channel) and reply.id.endswith("/0") and readable(channel):
            more = _answered(reply, channel)
        try:
            place = self._client.get_partial_messageable(channel_id)
            sent = await place.send(as_bot(reply), nonce=reply.nonce, **more)
        except (discord.Forbidden, discord.NotFound) as error:
            raise DeliveryRefused(f"Discord: {error.text or error.status}") from None
        except discord.RateLimited as error:
            raise DeliveryError("Discord's rate limit", error.retry_after) from None
        except discord.DiscordServerError as error:
            raise DeliveryDoubtful(f"Discord answered {error.status}") from None
        except discord.HTTPException as error:
            if error.status in (401, 429):
                raise DeliveryError(f"Discord answered {error.status}") from None
            raise DeliveryRefused(f"Discord: {error.text or error.status}") from None
        except BROKEN as error:
            raise DeliveryDoubtful(f"Discord: {type(error).__name__}") from None
        return str(sent.id)

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        """As `bot.ports.Adapter.find`. A webhook's posts have no nonce: they are looked for at once."""
        client, channel_id = self._client, int(reply.address.partition(":")[2])
        known, ready = client.get_channel(channel_id), client.is_ready()
        if reply.speaker is not None and not ready:
            raise DeliveryError("Discord has not told of all guilds yet", retry_after=0.5)
        by_webhook = reply.speaker is not None and may_have_webhooks(known)
        if not by_webhook and self._clock.now() - claimed_at < _NONCE:
            return Found.ABSENT  # Discord still knows the nonce: sent again, it gives the same message
        if not ready:
            raise DeliveryError("Discord has not told of all guilds yet", retry_after=0.5)
        if is_guilds(known) and not readable(known):
            return Found.UNKNOWN  # Discord would show an empty history
        channel = client.get_partial_messageable(channel_id)
        since = discord.utils.time_snowflake(claimed_at - _SKEW)
        since = max(since, int(after)) if after and after.isdecimal() else since
        texts = {reply.text.strip(), as_bot(reply).strip()}
        try:
            async for message in channel.history(limit=500, after=discord.Object(since), oldest_first=True):
                if message.content.strip() in texts and self._us.said(message):
                    return Found.POSTED
        except (discord.Forbidden, discord.NotFound):
            return Found.UNKNOWN
        except (discord.DiscordException, *BROKEN) as error:
            raise DeliveryError(f"Discord: {type(error).__name__}") from None
        return Found.ABSENT


def as_bot(reply: Reply) -> str:
    """The text as the bot itself posts it: a persona's name stands before what it says."""
    if reply.speaker is None or not reply.id.endswith("/0"):
        return reply.text
    name = discord.utils.escape_markdown(" ".join(reply.speaker.name.split()))[:NAME].rstrip("\\")
    return f"**{name}**\n{reply.text}"


def _answered(reply: Reply, channel: Any) -> dict[str, discord.MessageReference]:
    """Which message is answered, for people to see."""
    for key in reversed(reply.in_reply_to):
        number = key.partition(":")[2]
        if key.startswith("discord:") and number.isdecimal():
            reference = discord.MessageReference(
                message_id=int(number), channel_id=channel.id, fail_if_not_exists=False
            )
            return {"reference": reference}
    return {}
