"""Posts on Discord: as the bot, or as a persona; and whether one that is in doubt is there."""

from __future__ import annotations

import base64
import io
import logging
from datetime import datetime, timedelta
from typing import Any

import discord
from discord.http import handle_message_parameters

from adapters.discord import threads, wire
from adapters.discord.afar import Afar, Spot, held
from adapters.discord.answers import buttons
from adapters.discord.errors import BROKEN
from adapters.discord.markup import inert
from adapters.discord.message import Message, message_of
from adapters.discord.places import channel_in
from adapters.discord.presence import Shut
from adapters.discord.reading import Us
from adapters.discord.webhooks import NAME, Webhooks
from bot.errors import DeliveryDoubtful, DeliveryError, DeliveryRefused
from bot.events import FILE, REACTION, THREAD, VOICE, File, Reply, View
from bot.ports import Clock, Found

log = logging.getLogger(__name__)

LIMIT = 2_000 - len("****\n") - NAME  # Discord's, less a persona's name before the text
_NONCE = timedelta(seconds=60)  # how long Discord surely knows a nonce ("a few minutes")
_SKEW = timedelta(minutes=10)  # between Discord's clock and ours
_PAGE, _PAGES = 100, 5  # of a history that is searched


async def say(client: discord.Client, channel: int, text: str, **more: Any) -> str:
    """Post as the bot: it calls nobody, and shows no link's preview. Returns the message's id; what else Discord
    answers is not read."""
    calm = discord.MessageFlags(suppress_embeds=True)
    mentions = discord.AllowedMentions.none()
    with handle_message_parameters(inert(text), flags=calm, allowed_mentions=mentions, **more) as params:
        return str(
            wire.snowflake(wire.record(await client.http.send_message(channel, params=params)).get("id"))
        )


class VoiceFile(discord.File):
    """The one attachment of a voice message (Discord's reference, "Voice Messages")."""

    def __init__(self, file: File) -> None:
        super().__init__(io.BytesIO(file.data), filename=file.name)
        self._seconds, self._waveform = file.seconds, file.waveform

    def to_dict(self, index: int) -> dict[str, Any]:
        waveform = base64.b64encode(self._waveform).decode()
        return {**super().to_dict(index), "duration_secs": self._seconds, "waveform": waveform}


async def speak(client: discord.Client, channel: int, file: File, **more: Any) -> str:
    """Post a voice message, which has nothing else in it. Returns the message's id."""
    flags = discord.MessageFlags(voice=True)
    with handle_message_parameters(file=VoiceFile(file), flags=flags, **more) as params:
        return str(
            wire.snowflake(wire.record(await client.http.send_message(channel, params=params)).get("id"))
        )


class Posting:
    """``afar`` knows the places that ``client`` never hears of; None: there are none."""

    def __init__(
        self,
        client: discord.Client,
        us: Us,
        webhooks: Webhooks,
        clock: Clock,
        shut: Shut,
        afar: Afar | None,
    ) -> None:
        self._client = client
        self._afar = afar
        self._us = us
        self._webhooks = webhooks
        self._clock = clock
        self._shut = shut

    async def send(self, reply: Reply) -> str:
        """Returns the message's id. Raises as `bot.ports.Adapter.send`."""
        channel_id = channel_in(reply.address)
        known, spot = await self._spot(channel_id)
        if reply.speaker is not None and reply.kind not in (REACTION, THREAD) and reply.file is None:
            spot = spot or held(await self._thread(reply))
            if spot is None and not known:
                raise DeliveryError("Discord has not told of all guilds yet", retry_after=0.5)
            if spot is not None:
                receipt = await self._webhooks.send(spot, self._us, reply, reply.speaker)
                if receipt is not None:
                    return receipt
        answered = _answered(reply) if spot is not None and spot.readable else {}
        try:
            if reply.kind == THREAD:
                return await threads.make(self._client, reply)
            if reply.kind == REACTION:
                return await self._reacted(reply, channel_id)
            receipt = await self._said(reply, channel_id, answered)
            self._shut.note(channel_id, None)
            return receipt
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

    async def _spot(self, channel_id: int) -> tuple[bool, Spot | None]:
        """Whether all is known that there is to know of a place, and what that is of a guild's."""
        spot = held(self._client.get_channel(channel_id))
        if spot is None and self._afar is not None:
            try:
                known, spot = await self._afar.spot(self._client, channel_id)
            except (discord.NotFound, discord.Forbidden):
                known = True  # what is posted there will be refused
            if known:
                return True, spot
        return self._client.is_ready(), spot

    async def _thread(self, reply: Reply) -> Any:
        """The thread that was made for this answer, of which the gateway may not have told yet."""
        if not self._client.is_ready() or _number(reply) != str(channel_in(reply.address)):
            return None
        try:
            return await self._client.fetch_channel(channel_in(reply.address))
        except (discord.DiscordException, *BROKEN):
            return None

    async def _said(self, reply: Reply, channel: int, answered: dict[str, Any]) -> str:
        try:
            return await self._say(reply, channel, answered)
        except discord.HTTPException as error:
            self._shut.note(channel, error)
            if not answered or error.status != 400:
                raise
            # What is answered may be of a kind that Discord takes no reply to: the answer goes without it.
            log.info("An answer was posted without what it answers: %s", error.code)
        return await self._say(reply, channel, {})

    async def _reacted(self, reply: Reply, channel: int) -> str:
        """As the bot itself: a webhook can't. Done twice it is done once ("Create Reaction")."""
        message = _number(reply)
        if message is None:
            raise DeliveryRefused("Discord: there is no message to react to")
        await self._client.http.add_reaction(channel, message, reply.text)
        return f"reaction/{message}/{reply.text}"

    async def _say(self, reply: Reply, channel: int, more: dict[str, Any]) -> str:
        more = {**more, "view": buttons(View(text="", actions=reply.actions))} if reply.actions else more
        if reply.kind == VOICE and reply.file is not None and reply.file.seconds:
            try:
                return await speak(self._client, channel, reply.file, nonce=reply.nonce, **more)
            except discord.HTTPException as error:
                if error.status not in (400, 403):
                    raise
                log.info(
                    "A voice message was posted as a file: %s", error.code
                )  # 50173: they may not be sent there
        if reply.file is not None:  # a webhook's posts have no nonce: a file comes once, from the bot itself
            more["file"] = discord.File(io.BytesIO(reply.file.data), filename=reply.file.name)
        text = "" if reply.file is not None else as_bot(reply)
        return await say(self._client, channel, text, nonce=reply.nonce, **more)

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        """As `bot.ports.Adapter.find`. A webhook's posts have no nonce: they are looked for at once."""
        if reply.kind in (REACTION, THREAD):
            return Found.ABSENT  # it may be made again
        channel_id = channel_in(reply.address)
        ready, spot = await self._spot(channel_id)
        if reply.speaker is not None and not ready:
            raise DeliveryError("Discord has not told of all guilds yet", retry_after=0.5)
        filed = reply.kind in (FILE, VOICE)
        by_webhook = reply.speaker is not None and not filed and spot is not None and spot.may_have_webhooks
        age = self._clock.now() - claimed_at  # less than nothing where the clock was set back
        if not by_webhook and timedelta() <= age < _NONCE:
            return Found.ABSENT  # Discord still knows the nonce: sent again, it gives the same message
        if not ready:
            raise DeliveryError("Discord has not told of all guilds yet", retry_after=0.5)
        if spot is not None and not spot.readable:
            return Found.UNKNOWN  # Discord would show an empty history
        since = discord.utils.time_snowflake(claimed_at - _SKEW) if age >= timedelta() else 0
        since = (
            int(after) if after and after.isdecimal() else since
        )  # Discord's own order needs no clock of ours
        texts = {inert(text).strip() for text in (reply.text, as_bot(reply))}
        try:
            names = {reply.file.name} if reply.file is not None else set()
            return Found.POSTED if await self._stands(channel_id, since, texts, names) else Found.ABSENT
        except (discord.Forbidden, discord.NotFound):
            return Found.UNKNOWN
        except (discord.DiscordException, *BROKEN) as error:
            raise DeliveryError(f"Discord: {type(error).__name__}") from None

    async def _stands(self, channel: int, since: int, texts: set[str], names: set[str]) -> bool:
        """Whether we said one of these there after a message, or sent a file of one of these names, as far as the
        newest of it are read."""
        before = None
        for _ in range(_PAGES):
            told = wire.records(await self._client.http.logs_from(channel, _PAGE, before=before))
            page = [
                message for message in map(message_of, told) if message is not None and message.id > since
            ]
            if any(self._us.said(m) and _is_of(m, texts, names) for m in page):
                return True
            if len(told) < _PAGE or not page:
                return False
            before = min(message.id for message in page)
        return False


def _is_of(message: Message, texts: set[str], names: set[str]) -> bool:
    sent = {file.name for file in message.own_files}
    said = message.content.strip()
    return bool(sent & names) or (bool(said) and said in texts)


def as_bot(reply: Reply) -> str:
    """The text as the bot itself posts it: a persona's name stands before what it says."""
    if reply.speaker is None or not reply.id.endswith("/0"):
        return reply.text
    name = discord.utils.escape_markdown(" ".join(reply.speaker.name.split()))[:NAME].rstrip("\\")
    return f"**{name}**\n{reply.text}"


def _answered(reply: Reply) -> dict[str, Any]:
    """Which message is answered, for people to see."""
    number = _number(reply) if reply.id.endswith("/0") else None
    if number is None or number == str(channel_in(reply.address)):  # it stands at the head of the thread
        return {}
    return {"message_reference": {"type": 0, "message_id": number, "fail_if_not_exists": False}}


def _number(reply: Reply) -> str | None:
    """The id of the newest message that is answered."""
    keys = [key.partition(":")[2] for key in reversed(reply.in_reply_to) if key.startswith("discord:")]
    return next((number for number in keys if number.isdecimal()), None)
