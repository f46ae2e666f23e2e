"""Socket Mode: what Slack tells comes over a connection of ours (docs.slack.dev, "Using Socket Mode")."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from adapters.faults import fault
from adapters.slack.door import STRANGE, Door
from adapters.slack.errors import DEAD, code
from bot.errors import AdapterError
from bot.ports import Clock

log = logging.getLogger(__name__)

_PING_S = 2
_LOOK_S = 0.25
_AWAY_S = 1.0  # that the SDK is given to mend a connection; it may ask a dead address for ever
_DEAF_S = 60.0


class SocketMode:
    """``app_token`` opens connections."""

    def __init__(self, door: Door, client: AsyncWebClient, app_token: str, clock: Clock) -> None:
        self._door = door
        self._client = client
        self._token = app_token
        self._clock = clock

    async def check(self) -> None:
        """Raises `AdapterError` for a token that opens nothing: the SDK would try it for ever, and say nothing."""
        try:
            await self._client.apps_connections_open(app_token=self._token)
        except SlackApiError as error:
            if code(error) in (*DEAD, "missing_scope"):
                raise AdapterError(
                    f"Slack refuses the app token ({code(error)}): set SLACK_APP_TOKEN (or slack.app_token) to an "
                    "xapp- token with the scope connections:write."
                ) from None
            raise

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[AsyncIterator[bool]]:
        """A connection, which the SDK mends; what it gives tells now and then whether it lives, and ends when it does
        not come back by itself. Raises TimeoutError when there is none to be had."""
        handler = _Handler(self._door, self._token, self._client)
        try:
            async with asyncio.timeout(_DEAF_S):
                await handler.connect_async()  # type: ignore[no-untyped-call]
            async with aclosing(self._watched(handler)) as watched:
                yield watched
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]

    async def _watched(self, handler: _Handler) -> AsyncGenerator[bool, None]:
        away = 0.0
        while away < _AWAY_S:
            await self._clock.sleep(_LOOK_S)
            alive = await handler.client.is_connected()
            away = 0.0 if alive else away + _LOOK_S
            yield alive


class _Handler(AsyncSocketModeHandler):
    """Bolt's, but for events."""

    def __init__(self, door: Door, app_token: str, client: AsyncWebClient) -> None:
        super().__init__(door.app, app_token, web_client=client, ping_interval=_PING_S)
        self._door = door

    async def handle(self, client: Any, req: Any) -> None:
        try:
            if req.type != "events_api":
                await super().handle(client, req)
            elif await self._door.event(req.payload):
                await client.send_socket_mode_response(SocketModeResponse(envelope_id=req.envelope_id))
        except ConnectionError:
            log.info("Slack: the connection broke before an acknowledgement: it will be told again.")
        except STRANGE as error:
            log.error("Slack: an interaction could not be handled (%s)", fault(error))
