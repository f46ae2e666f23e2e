"""Speaking as a persona: through webhooks of ours, which have a name and a picture of their own.

A channel has one of ours per persona. It is found again by who made it and by its name, which ends in a mark of the
picture. Looks give way to words: where a webhook can't be had, or refuses, nothing was posted, and the bot says it
itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from typing import Any
from weakref import WeakValueDictionary

import aiohttp
import discord

from adapters.discord.afar import Spot
from adapters.discord.errors import BROKEN, UNREAD
from adapters.discord.markup import inert
from adapters.discord.reading import Us
from bot.cache import Cache
from bot.errors import DeliveryDoubtful, DeliveryError
from bot.events import Reply, Speaker

log = logging.getLogger(__name__)

NAME = 80  # characters of a webhook's name
_MARK = 8
_KEPT = 5_000
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_DENIED = re.compile("(d)(iscord)|(c)(lyde)", re.IGNORECASE)
_UNKNOWN_WEBHOOK, _INVALID_TOKEN = 10015, 50027

Hook = tuple[int, str]  # id and token


class _Refused(Exception):
    """Nothing was posted, for this reason; ``gone``: the webhook is no more."""

    def __init__(self, why: str, *, gone: bool = False) -> None:
        super().__init__(why)
        self.gone = gone


class Webhooks:
    """``api_url`` is Discord's; ``session`` names us as Discord wants to be asked (API reference, "User Agent").
    Webhooks are remembered until Discord says that they are gone."""

    def __init__(self, api_url: str, session: aiohttp.ClientSession) -> None:
        self._api_url = api_url
        self._session = session
        self._hooks: Cache[tuple[int, str], Hook] = Cache(_KEPT)
        self._told: Cache[tuple[int, str], None] = Cache(_KEPT)
        self._orders: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def send(self, spot: Spot, us: Us, reply: Reply, speaker: Speaker) -> str | None:
        """Post as the speaker in a guild's channel or thread; the message's id, or None when nothing was posted
        and the bot must say it. Raises `DeliveryError` and `DeliveryDoubtful` as `bot.ports.Adapter.send`."""
        home = spot.home
        if not hasattr(home, "create_webhook") or not spot.may_speak:
            return None  # as the bot it is refused as it should be: a webhook would speak behind closed doors
        try:
            if not spot.may_have_webhooks:
                raise _Refused("the bot lacks the permission Manage Webhooks")
            for _ in range(2):
                hook = await self._hook(home, us, speaker)
                try:
                    return await self._execute(hook, spot.id if spot.thread else None, reply, speaker)
                except _Refused as refusal:
                    if not refusal.gone:
                        raise
                    self._hooks.pop((home.id, hook_name(speaker)), None)  # deleted by an admin: made anew
            raise _Refused("its webhook is deleted again and again")
        except _Refused as refusal:
            self._tell(home.id, str(refusal))
            return None

    def _tell(self, channel: int, why: str) -> None:
        """The operator hears of it once."""
        if (channel, why) not in self._told:
            self._told[channel, why] = None
            log.warning(
                "Discord: in channel %d personas speak as the bot, with their name before the text: %s.",
                channel,
                why,
            )

    async def _hook(self, home: Any, us: Us, speaker: Speaker) -> Hook:
        key = (home.id, hook_name(speaker))
        order = self._orders.get(home.id)
        if order is None:
            order = self._orders[home.id] = asyncio.Lock()
        async with order:  # a channel's threads speak through the same webhooks
            if key not in self._hooks:
                try:
                    self._hooks[key] = await _asked(home, us, speaker)
                except _Refused:
                    if not speaker.avatar:
                        raise
                    # Perhaps it is the picture that Discord does not like: a name is better than neither.
                    self._hooks[key] = await _asked(home, us, Speaker(name=speaker.name))
            return self._hooks[key]

    async def _execute(self, hook: Hook, thread: int | None, reply: Reply, speaker: Speaker) -> str:
        """Not by discord.py's own way: that posts again after an error of the server, and a webhook's post has no
        nonce by which Discord would know it."""
        body: dict[str, Any] = {"content": inert(reply.text), "username": mended(speaker.name)}
        body |= {"allowed_mentions": {"parse": []}, "flags": discord.MessageFlags(suppress_embeds=True).value}
        if speaker.avatar_url and not speaker.avatar:
            body["avatar_url"] = speaker.avatar_url
        where = {"wait": "true"} | ({"thread_id": str(thread)} if thread is not None else {})
        url = f"{self._api_url}/webhooks/{hook[0]}/{hook[1]}"
        try:
            # No redirect is followed: the webhook's token stands in the address.
            async with self._session.post(
                url, json=body, params=where, timeout=_TIMEOUT, allow_redirects=False
            ) as answer:
                return _receipt(answer.status, await _json(answer))
        except BROKEN as error:
            raise DeliveryDoubtful(f"Discord: {type(error).__name__}") from None


def hook_name(speaker: Speaker) -> str:
    mark = f" {hashlib.blake2b(speaker.avatar, digest_size=_MARK // 2).hexdigest()}" if speaker.avatar else ""
    return mended(speaker.name)[: NAME - len(mark)].rstrip() + mark


def mended(name: str) -> str:
    """The name as Discord takes it for a webhook: not with "discord" or "clyde" in it, and no longer than 80."""
    taken = _DENIED.sub(lambda match: "-".join(filter(None, match.groups())), " ".join(name.split()))
    return taken[:NAME].rstrip()


async def _asked(home: Any, us: Us, speaker: Speaker) -> Hook:
    try:
        return await _found_or_made(home, us, speaker)
    except ValueError:  # discord.py knows no picture of that kind
        raise _Refused("its picture is none that Discord takes") from None
    except UNREAD as error:
        raise _Refused(f"its webhook could not be read ({type(error).__name__})") from None
    except (discord.DiscordException, *BROKEN) as error:
        if isinstance(error, discord.HTTPException) and error.status in (400, 403, 404):
            raise _Refused(f"Discord: {error.text or error.status}") from None
        raise DeliveryError(f"Discord: {type(error).__name__}") from None


async def _found_or_made(home: Any, us: Us, speaker: Speaker) -> Hook:
    """The speaker's webhook in this channel; one that has an older picture of the same name gets the new one."""
    name = hook_name(speaker)
    ours = [h for h in await home.webhooks() if h.token and h.user is not None and h.user.id == us.user]
    for hook in ours:
        if hook.name == name:
            return hook.id, hook.token
    bare = hook_name(Speaker(name=speaker.name))
    for hook in ours:
        if speaker.avatar and re.fullmatch(re.escape(bare) + rf"( [0-9a-f]{{{_MARK}}})?", hook.name or ""):
            edited = await hook.edit(name=name, avatar=speaker.avatar)
            return edited.id, hook.token
    made = await home.create_webhook(name=name, avatar=speaker.avatar or None)
    return made.id, made.token


async def _json(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    try:
        told = await answer.json(content_type=None)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _receipt(status: int, told: dict[str, Any]) -> str:
    """The posted message's id; what else an answer means, raised."""
    if status == 200 and "id" in told:
        return str(told["id"])
    if status == 429:
        raise DeliveryError("Discord's rate limit", float(told.get("retry_after") or 1))
    if status < 400 or status >= 500:
        raise DeliveryDoubtful(f"Discord answered {status}")
    gone = told.get("code") in (_UNKNOWN_WEBHOOK, _INVALID_TOKEN)
    raise _Refused(f"Discord: {told.get('message') or status}", gone=gone)
