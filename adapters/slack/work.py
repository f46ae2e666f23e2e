"""That an answer is on its way, shown in its thread, and what can be asked, shown beside an empty conversation."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.chores import Chores
from adapters.slack.errors import BROKEN, code
from adapters.slack.reading import place_of
from bot.cache import Cache
from bot.events import Address
from bot.language import ENGLISH, gettext, marked, nearest, spoken

log = logging.getLogger(__name__)

_KEPT = 10_000
_TITLE = 200
_UNKNOWN = ("unknown_method", "missing_scope", "not_allowed_token_type", "feature_not_enabled")
_PROMPTS = (
    (marked("What do you remember of me?"), marked("What do you remember about me?")),
    (marked("Remember something"), marked("Please remember this:")),
    (marked("What can you do?"), marked("What can you do, and how does your memory work?")),
)


class _Asked(NamedTuple):
    """The message to show work at, its title, and the locale of who wrote it."""

    message: str
    title: str
    locale: str


class Work:
    def __init__(self, client: AsyncWebClient, chores: Chores) -> None:
        self._client = client
        self._chores = chores
        self._asked: Cache[Address, _Asked] = Cache(_KEPT)
        self._ways = ["agents", "assistant"]  # best first, until one is refused

    def asked(self, address: Address, message: str, title: str, locale: str) -> None:
        """By which message the place's next work is asked for, in which language."""
        self._asked[address] = _Asked(message, title, locale)

    @asynccontextmanager
    async def shown(self, address: Address) -> AsyncIterator[None]:
        self._chores.begin(self._show(address, working=True))
        try:
            yield
        finally:
            self._chores.begin(self._show(address, working=False))

    async def _show(self, address: Address, *, working: bool) -> None:
        channel, thread = place_of(address)
        asked = self._asked.get(address, _Asked(thread or "", "", ""))
        if not asked.message:
            return
        for way in list(self._ways):
            try:
                await self._show_by(way, channel, asked, working=working)
                return
            except SlackApiError as error:
                if code(error) in _UNKNOWN:
                    log.info("Slack: work is not shown by %s (%s).", way, code(error))
                    with suppress(ValueError):
                        self._ways.remove(way)
            except BROKEN:
                return

    async def _show_by(self, way: str, channel: str, asked: _Asked, *, working: bool) -> None:
        if way == "agents":
            await self._client.agents_sessions_setStatus(
                channel_id=channel,
                thread_ts=asked.message,
                status="processing" if working else "active",
                title=asked.title[:_TITLE] or None,
            )
        else:
            with spoken(nearest(asked.locale) or ENGLISH):
                status = gettext("is thinking …") if working else ""
            await self._client.assistant_threads_setStatus(
                channel_id=channel, thread_ts=asked.message, status=status
            )

    async def suggest(self, channel: str, locale: str) -> None:
        """What somebody with that locale may ask."""
        with spoken(nearest(locale) or ENGLISH):
            prompts = [{"title": gettext(title), "message": gettext(ask)} for title, ask in _PROMPTS]
        with suppress(*BROKEN):
            await self._client.assistant_threads_setSuggestedPrompts(channel_id=channel, prompts=prompts)
