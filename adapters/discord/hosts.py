"""Where requests to Discord may go (API reference, "Base URL", "Image Formatting"; the gateway names itself at
``*.discord.gg``)."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import aiohttp
import discord

from adapters import hosts

USER_AGENT = (  # as Discord wants to be asked (API reference, "User Agent")
    f"DiscordBot (https://github.com/Rapptz/discord.py, {discord.__version__}) everbot/{version('everbot')}"
)
API = ("discord.com", "discordapp.com")
_GATEWAY = ("discord.gg",)
_FILES = ("cdn.discordapp.com", "media.discordapp.net")


class Hosts(hosts.Hosts):
    """Raises `AdapterError` when the configured addresses are not Discord's, nor on this machine."""

    def __init__(self, api_url: str, gateway_url: str = "") -> None:
        settings: dict[str, tuple[str, tuple[str, ...]]] = {"discord.api_url": (api_url, API)}
        if gateway_url:
            settings["discord.gateway_url"] = (gateway_url, _GATEWAY)
        super().__init__("Discord", settings, _FILES)

    def trace(self) -> aiohttp.TraceConfig:
        kept = super().trace()

        async def named(_: Any, __: Any, params: aiohttp.TraceRequestStartParams) -> None:
            # discord.py's answers to interactions do not say who asks.
            params.headers.setdefault("User-Agent", USER_AGENT)

        kept.on_request_start.append(named)
        return kept
