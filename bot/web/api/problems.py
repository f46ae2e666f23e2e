"""Errors as programs read them: problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

MEDIA_TYPE = "application/problem+json"
PATHS = ("/v1/memory", "/v1/openapi.json")
"""How the paths begin where errors are told so."""
_KEPT = ("Allow", "Retry-After", "WWW-Authenticate")


class Problem(Exception):
    """The request is answered with an error of that ``status``; ``headers`` go with it."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers or {}


def answer(status: int, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """The problem as it is sent."""
    told: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    kept = {name: value for name, value in (headers or {}).items() if name in _KEPT}
    return web.json_response(told | {"detail": detail}, status=status, headers=kept, content_type=MEDIA_TYPE)


def is_told_so(request: web.Request) -> bool:
    return request.path.startswith(PATHS)
