"""An OpenAI-compatible server that is asked for something else than chat: sound, pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from bot.errors import ModelDenied
from bot.models.openai import host_of, trusted
from bot.models.openai_errors import ErrorMap, caught
from bot.ports import Clock

if TYPE_CHECKING:
    from openai import AsyncOpenAI

T = TypeVar("T")
_RETRIES = 2


class Endpoint:
    """``section`` is that of the settings which names it, for the sentences of its errors. No redirect is followed. The
    SDK is loaded at the first question, off the event loop."""

    def __init__(
        self,
        *,
        section: str,
        name: str,
        base_url: str | None,
        api_key: str | None,
        timeout_s: float,
        clock: Clock,
    ) -> None:
        self.name = name
        self.place = host_of(base_url) if base_url else "api.openai.com"
        self._section = section
        self._base_url = base_url
        self._api_key = (api_key or "").strip()
        self._timeout_s = timeout_s
        self._clock = clock
        self._errors = ErrorMap(model=name, place=self.place, secret=self._api_key, section=section)
        self._client: AsyncOpenAI | None = None
        self._opening = asyncio.Lock()

    async def asked(self, ask: Callable[[AsyncOpenAI], Awaitable[T]]) -> T:
        """What ``ask`` gives. Raises `ModelError`, whatever goes wrong."""
        async with self._opening:
            if self._client is None:
                self._client = await asyncio.to_thread(self._build)
        # The last two: an answer of another shape.
        errors: tuple[type[Exception], ...] = (*caught(), TypeError, AttributeError)
        try:
            async with asyncio.timeout((_RETRIES + 1) * self._timeout_s):
                return await ask(self._client)
        except errors as error:
            raise self._errors.of(error, self._clock.now()) from None

    async def aclose(self) -> None:
        """Close all connections. A later question opens them anew."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _build(self) -> AsyncOpenAI:
        import openai

        if not self._api_key and self._base_url is None:
            raise ModelDenied(f"No API key is set; set OPENAI_API_KEY or [{self._section}] api_key.")
        return openai.AsyncOpenAI(
            base_url=self._base_url,
            api_key=self._api_key or "none",
            max_retries=_RETRIES,
            timeout=self._timeout_s,
            http_client=openai.DefaultAsyncHttpxClient(verify=trusted(), follow_redirects=False),
        )
