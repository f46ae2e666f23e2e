"""Where requests may go: tokens and people's words to the platform alone, encrypted; files come from its hosts alone.

On a loopback address another server may stand in for the platform: then its own origin is taken, and no other.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from yarl import URL

from bot.errors import AdapterError

_SECURE = ("https", "wss")


class Elsewhere(aiohttp.ClientError):
    """A request that would go to a host that it is not meant for; nothing was sent."""


class Hosts:
    """``settings`` are the configured addresses by the names of their settings, each with the platform's domains that
    it may be of; ``files`` are the domains of files. A domain stands for all below it, too. Raises `AdapterError` for
    an address that is neither of its domains, nor on this machine."""

    def __init__(
        self, platform: str, settings: Mapping[str, tuple[str, Sequence[str]]], files: Sequence[str]
    ) -> None:
        self._platform = platform
        self._own = [domain for _, domains in settings.values() for domain in domains]
        self._files = files
        self.clock: datetime | None = None  # the platform's, when it last answered
        self._answered_at = 0.0
        self._local: set[URL] = set()
        for setting, (value, domains) in settings.items():
            url = _parsed(value)
            if _is_loopback(url.host):
                self._local.add(url.origin())
            elif not _is_of(url, domains):
                raise AdapterError(
                    f"{setting} must be an encrypted address of {platform}'s ({domains[0]}), or one of this machine: "
                    f"the bot's token would go there. Take the line out of the configuration."
                )

    def now(self, ours: datetime) -> datetime:
        """The time by the platform's clock, which its messages are dated by; ``ours`` as long as it has told none."""
        if self.clock is None:
            return ours
        return self.clock + timedelta(seconds=time.monotonic() - self._answered_at)

    def may_have_token(self, url: URL) -> bool:
        return _is_of(url, self._own) or self._is_local(url)

    def may_give_files(self, url: URL) -> bool:
        return (url.scheme == "https" and _is_of(url, self._files)) or self._is_local(url)

    def _is_local(self, url: URL) -> bool:
        return url.is_absolute() and bool(url.host) and url.origin() in self._local

    def trace(self) -> aiohttp.TraceConfig:
        """What keeps a session's requests where they should be, whoever makes them: SDKs follow redirects, with the
        token."""
        kept = aiohttp.TraceConfig()

        async def started(_: Any, __: Any, params: aiohttp.TraceRequestStartParams) -> None:
            if not (self.may_have_token(params.url) or self.may_give_files(params.url)):
                raise Elsewhere(f"{params.url.host} is not {self._platform}'s")

        async def redirected(_: Any, __: Any, params: aiohttp.TraceRequestRedirectParams) -> None:
            params.response.close()
            raise Elsewhere(f"{self._platform}'s address answers with a redirect")

        async def answered(_: Any, __: Any, params: aiohttp.TraceRequestEndParams) -> None:
            with suppress(ValueError, TypeError):
                self.clock = parsedate_to_datetime(params.response.headers.get("Date", "")).astimezone(UTC)
                self._answered_at = time.monotonic()

        kept.on_request_start.append(started)
        kept.on_request_end.append(answered)
        kept.on_request_redirect.append(redirected)
        return kept


def _parsed(value: str) -> URL:
    try:
        return URL(value)
    except ValueError:
        return URL()


def _is_of(url: URL, domains: Sequence[str]) -> bool:
    host = url.host or ""
    return url.scheme in _SECURE and any(host == own or host.endswith(f".{own}") for own in domains)


def _is_loopback(host: str | None) -> bool:
    try:
        return host is not None and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
