"""How people, bots, groups of people and public channels are called: asked for when they are named, and kept."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from contextlib import suppress

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.chores import Chores
from adapters.slack.errors import BROKEN, code, reason
from adapters.slack.markup import Names
from adapters.slack.places import Places
from adapters.wire import record, records, text
from bot.cache import Cache
from bot.ports import Clock

log = logging.getLogger(__name__)

_KEPT = 10_000
_ASKED = 20  # names that are asked for at once
_WAIT_S = 0.25  # that an event waits for names before it is acknowledged
_AGAIN_S = 600.0  # after which somebody who could not be named is asked for once more
_ROLE_S = 300.0  # that an admin's role is believed
_GROUPS_S = 300.0  # that the list of groups is believed


class People:
    """``names`` are those that are known; who is not in it could not be asked for yet."""

    def __init__(self, client: AsyncWebClient, chores: Chores, places: Places, clock: Clock) -> None:
        self._client = client
        self._chores = chores
        self._places = places
        self._clock = clock
        self._names: Cache[str, str] = Cache(_KEPT)
        self._locales: Cache[str, str] = Cache(_KEPT)
        self._vain: Cache[str, float] = Cache(
            _KEPT
        )  # who could not be named, and until when they are not asked for
        self._admins: Cache[str, tuple[float, bool]] = Cache(_KEPT)  # until when it is believed
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._groups_until = 0.0

    @property
    def names(self) -> Names:
        return self._names

    async def name(self, who: str) -> str:
        """What somebody is called: the id, when Slack does not say it at once."""
        await self.learn([who])
        return self._names.get(who, who)

    async def locale(self, user: str) -> str:
        """The language that somebody has chosen on Slack; empty when that is not told at once."""
        await self.learn([user])
        return self._locales.get(user, "")

    async def is_admin(self, user: str) -> bool:
        """Whether the workspace counts them among its admins, asked once in a while."""
        until, is_one = self._admins.get(user, (0.0, False))
        if until < time.monotonic():
            try:
                told = record((await self._client.users_info(user=user)).get("user"))
            except BROKEN as error:
                log.warning("Slack: who is an admin could not be asked (%s).", reason(error))
                return False
            is_one = told.get("is_admin") is True or told.get("is_owner") is True
            self._admins[user] = (time.monotonic() + _ROLE_S, is_one)
        return is_one

    async def learn(self, ids: Iterable[str]) -> None:
        """Ask for the names of those who are not known, and wait a little."""
        now = time.monotonic()
        strangers = [
            one for one in dict.fromkeys(ids) if one not in self._names and self._vain.get(one, 0.0) < now
        ]
        for one in strangers[:_ASKED]:
            if one not in self._asking and (task := self._chores.begin(self._ask(one))) is not None:
                self._asking[one] = task
        waited = [self._asking[one] for one in strangers if one in self._asking]
        if waited:
            with suppress(TimeoutError):
                async with self._clock.timeout(_WAIT_S):
                    await asyncio.wait(waited)

    async def _ask(self, one: str) -> None:
        name = ""
        try:
            if one[:1] in ("U", "W"):
                name = await self._user(one)
            elif one.startswith("B"):
                name = text(record((await self._client.bots_info(bot=one)).get("bot")).get("name"))
            elif one.startswith("S"):
                await self._groups()
                return
            elif one[:1] in ("C", "G"):
                name = await self._places.name_of(one)
        except SlackApiError as error:
            if code(error) == "ratelimited":
                return
        finally:
            self._asking.pop(one, None)
            if name:
                self._names[one] = name
            elif one not in self._names:
                self._vain[one] = time.monotonic() + _AGAIN_S

    async def _user(self, one: str) -> str:
        told = record((await self._client.users_info(user=one, include_locale=True)).get("user"))
        self._locales[one] = text(told.get("locale"))
        profile = record(told.get("profile"))
        found = (
            profile.get("display_name"),
            told.get("real_name"),
            profile.get("real_name"),
            told.get("name"),
        )
        return next(filter(None, map(text, found)), "")

    async def _groups(self) -> None:
        """All groups at once: Slack tells of none alone. Their handles need the scope usergroups:read."""
        if self._groups_until > time.monotonic():
            return
        self._groups_until = time.monotonic() + _GROUPS_S
        for group in records((await self._client.usergroups_list()).get("usergroups")):
            if name := text(group.get("handle")) or text(group.get("name")):
                self._names[text(group.get("id"))] = name
