"""That an answer is on its way, shown in its thread, and what can be asked, shown beside an empty conversation."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

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


class Work:
    def __init__(self, client: AsyncWebClient, chores: Chores) -> None:
        self._client = client
        self._chores = chores
        self._asked: Cache[Address, tuple[str, str]] = Cache(
            _KEPT
        )  # the message to show it at, and its title
        self._ways = ["agents", "assistant"]  # best first, until one is refused

    def asked(self, address: Address, message: str, title: str) -> None:
        """By which message the place's next work is asked for."""
        self._asked[address] = (message, title)

    @asynccontextmanager
    async def shown(self, address: Address) -> AsyncIterator[None]:
        self._chores.begin(self._show(address, working=True))
        try:
            yield
        finally:
            self._chores.begin(self._show(address, working=False))

    async def _show(self, address: Address, *, working: bool) -> None:
        channel, thread = place_of(address)
        message, title = self._asked.get(address, (thread or "", ""))
        if not message:
            return
        for way in list(self._ways):
            try:
                await self._show_by(way, channel, message, title, working=working)
                return
            except SlackApiError as error:
                if code(error) in _UNKNOWN:
                    log.info("Slack: work is not shown by %s (%s).", way, code(error))
                    with suppress(ValueError):
                        self._ways.remove(way)
            except BROKEN:
                return

    async def _show_by(self, way: str, channel: str, message: str, title: str, *, working: bool) -> None:
        if way == "agents":
            await self._client.agents_sessions_setStatus(
                channel_id=channel,
                thread_ts=message,
                status="processing" if working else "active",
                title=title[:_TITLE] or None,
            )
        else:
            await self._client.assistant_threads_setStatus(
                channel_id=channel, thread_ts=message, status="is thinking …" if working else ""
            )

    async def suggest(self, channel: str, locale: str) -> None:
        """What somebody with that locale may ask."""
        with spoken(nearest(locale) or ENGLISH):
            prompts = [{"title": gettext(title), "message": gettext(ask)} for title, ask in _PROMPTS]
        with suppress(*BROKEN):
            await self._client.assistant_threads_setSuggestedPrompts(channel_id=channel, prompts=prompts)
