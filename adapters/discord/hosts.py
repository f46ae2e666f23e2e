"""Where requests may go: tokens and people's words to Discord alone, encrypted; files come from its CDN alone.

The hosts are those of the API reference ("Base URL", "Image Formatting"; the gateway names itself at ``*.discord.gg``).
On a loopback address another server may stand in for Discord: then its own origins are taken, and no other.
"""

from __future__ import annotations

import ipaddress
from importlib.metadata import version
from typing import Any

import aiohttp
import discord
import yarl

from bot.errors import AdapterError

USER_AGENT = (  # as Discord wants to be asked (API reference, "User Agent")
    f"DiscordBot (https://github.com/Rapptz/discord.py, {discord.__version__}) everbot/{version('everbot')}"
)
_API = ("discord.com", "discordapp.com")
_GATEWAY = ("discord.gg",)
_FILES = ("cdn.discordapp.com", "media.discordapp.net")
_SECURE = ("https", "wss")


class Elsewhere(aiohttp.ClientError):
    """A request that would go to a host that it is not meant for; nothing was sent."""


class Hosts:
    """Raises `AdapterError` when the configured addresses are not Discord's, nor on this machine."""

    def __init__(self, api_url: str, gateway_url: str = "") -> None:
        self._local: set[yarl.URL] = set()
        self._configured("discord.api_url", api_url, _API)
        if gateway_url:
            self._configured("discord.gateway_url", gateway_url, _GATEWAY)

    def _configured(self, setting: str, value: str, own: tuple[str, ...]) -> None:
        try:
            url = yarl.URL(value)
        except ValueError:
            url = yarl.URL()
        if _is_local(url.host):
            self._local.add(url.origin())
        elif not _is_own(url, own):
            raise AdapterError(
                f"{setting} must be an encrypted address of Discord's ({own[0]}), or one of this machine: "
                f"the bot's token would go there. Take the line out of the configuration."
            )

    def may_have_token(self, url: yarl.URL) -> bool:
        return _is_own(url, (*_API, *_GATEWAY)) or self._is_local(url)

    def may_give_files(self, url: yarl.URL) -> bool:
        return (url.scheme == "https" and url.host in _FILES) or self._is_local(url)

    def _is_local(self, url: yarl.URL) -> bool:
        return url.is_absolute() and bool(url.host) and url.origin() in self._local

    def trace(self) -> aiohttp.TraceConfig:
        """What keeps a session's requests where they should be, whoever makes them: discord.py sends its token to
        whatever address the gateway names, and follows redirects."""
        kept = aiohttp.TraceConfig()

        async def started(_: Any, __: Any, params: aiohttp.TraceRequestStartParams) -> None:
            if not self.may_have_token(params.url):
                raise Elsewhere(f"{params.url.host} is not Discord's")
            # discord.py's answers to interactions do not say who asks.
            params.headers.setdefault("User-Agent", USER_AGENT)

        async def redirected(_: Any, __: Any, params: aiohttp.TraceRequestRedirectParams) -> None:
            params.response.close()
            raise Elsewhere("Discord's address answers with a redirect")

        kept.on_request_start.append(started)
        kept.on_request_redirect.append(redirected)
        return kept


def _is_own(url: yarl.URL, domains: tuple[str, ...]) -> bool:
    host = url.host or ""
    return url.scheme in _SECURE and any(host == own or host.endswith(f".{own}") for own in domains)


def _is_local(host: str | None) -> bool:
    if host is None:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
