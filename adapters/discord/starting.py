"""What Discord says of starting sessions: into how many shards it would divide the guilds, and how many may begin
(its documentation, "Get Gateway Bot", "Session Start Limit Object")."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
import discord

from adapters.discord import wire
from adapters.discord.hosts import USER_AGENT

_TIMEOUT = aiohttp.ClientTimeout(total=30)


@dataclass(frozen=True)
class Start:
    """``concurrency``: so many may begin at once, each with another rate limit key. ``left`` may begin until
    ``again_s`` seconds from now."""

    shards: int
    concurrency: int
    left: int
    again_s: float


class Starting:
    """Asks Discord at ``api_url``."""

    def __init__(self, session: aiohttp.ClientSession, api_url: str, token: str) -> None:
        self._session = session
        self._url = f"{api_url}/gateway/bot"
        self._headers = {"Authorization": f"Bot {token.strip()}", "User-Agent": USER_AGENT}

    async def asked(self) -> Start:
        """Raises `discord.LoginFailure` for a token that is refused, `aiohttp.ClientError` or TimeoutError when there
        is no answer."""
        async with self._session.get(
            self._url, headers=self._headers, timeout=_TIMEOUT, allow_redirects=False
        ) as answer:
            if answer.status == 401:
                raise discord.LoginFailure("the token is refused")
            answer.raise_for_status()
            try:
                told = wire.record(await answer.json(content_type=None))
            except ValueError:
                told = {}
        limit = wire.record(told.get("session_start_limit"))
        left = wire.number(limit.get("remaining")) if "remaining" in limit else 1_000
        return Start(
            shards=max(1, wire.number(told.get("shards"))),
            concurrency=max(1, wire.number(limit.get("max_concurrency"))),
            left=left,
            again_s=wire.number(limit.get("reset_after")) / 1_000,
        )
