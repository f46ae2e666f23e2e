"""Signed HTTP: what Slack tells is posted to an address of ours (docs.slack.dev, "Verifying requests from Slack")."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from adapters.faults import fault
from adapters.slack.door import STRANGE, Door
from adapters.wire import Json, text
from bot.errors import AdapterError

log = logging.getLogger(__name__)

PATH = "/slack/events"
_LARGEST = 2 * 2**20  # bytes of a request
_BACKLOG = 1_024  # connections that wait to be taken: those that say nothing shut nobody out


class HttpMode:
    """``listen`` is host and port. Raises `AdapterError` for a secret that is none: anybody could sign."""

    def __init__(self, door: Door, signing_secret: str, listen: tuple[str, int]) -> None:
        if not signing_secret.strip():
            raise AdapterError(
                "SLACK_SIGNING_SECRET (or slack.signing_secret) is empty: anybody could sign with it."
            )
        self._door = door
        self._verifier = SignatureVerifier(signing_secret)
        self._listen = listen

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Raises `AdapterError` when the address cannot be had."""
        app = web.Application(client_max_size=_LARGEST)
        app.router.add_post(PATH, self._asked)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            host, port = self._listen
            try:
                await web.TCPSite(runner, host, port, backlog=_BACKLOG).start()
            except OSError as error:
                raise AdapterError(
                    f"slack.listen: {host}:{port} cannot be listened on ({error.strerror})."
                ) from None
            yield
        finally:
            await runner.cleanup()

    async def _asked(self, request: web.Request) -> web.Response:
        try:
            body = await request.read()
        except ConnectionError:  # whoever it was went away
            return web.Response(status=400)
        if not self._is_signed(body, request.headers):
            # Slack looks at our certificate unsigned, and wants no more than an answer.
            is_look = body.startswith(b"ssl_check=1") and b"payload" not in body
            return web.Response(status=200 if is_look else 401)
        payload = _payload(body.decode(), request.content_type)
        if payload is None:
            return web.Response(status=400)
        kind = payload.get("type")
        if kind == "url_verification":
            return web.json_response({"challenge": text(payload.get("challenge"))})
        if kind == "event_callback":
            return web.Response(status=200 if await self._door.event(payload) else 503)
        return await self._did(payload)

    def _is_signed(self, body: bytes, headers: Mapping[str, str]) -> bool:
        try:
            return self._verifier.is_valid_request(body, dict(headers))
        except (ValueError, TypeError):  # a time that is no number, signs that are no ASCII
            return False

    async def _did(self, payload: Json) -> web.Response:
        """What a person did to the app; of a shape that Bolt does not know it is refused."""
        try:
            # "socket_mode": the signature was looked at above, for all that comes in here.
            answer = await self._door.app.async_dispatch(AsyncBoltRequest(body=payload, mode="socket_mode"))
        except STRANGE as error:
            log.error("Slack: an interaction could not be handled (%s)", fault(error))
            return web.Response(status=400)
        return await to_aiohttp_response(answer)


def _payload(body: str, content_type: str) -> Json | None:
    """JSON, or a form that is the payload, or holds it as JSON; None for anything else."""
    try:
        if content_type == "application/json" or body.startswith("{"):
            found: Any = json.loads(body)
        else:
            form = dict(parse_qsl(body, keep_blank_values=True))
            found = json.loads(form["payload"]) if "payload" in form else form
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
