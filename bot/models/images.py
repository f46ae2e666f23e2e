"""Pictures made by an OpenAI-compatible server: ``/images/generations``."""

from __future__ import annotations

import base64

from bot.errors import ModelRefused
from bot.models.endpoint import Endpoint


class ImagesEndpoint:
    """`bot.ports.Painter`. ``size`` is as the server names it; empty: its own."""

    def __init__(self, endpoint: Endpoint, size: str) -> None:
        self._endpoint = endpoint
        self._size = {"size": size} if size else {}
        self.place, self.model = endpoint.place, endpoint.name

    async def paint(self, prompt: str) -> bytes:
        # GPT image models always give base64; older ones give an address, which is not followed, unless they are told.
        name = self._endpoint.name
        older = {} if name.startswith(("gpt-image", "chatgpt-image")) else {"response_format": "b64_json"}
        body = {"model": name, "prompt": prompt, "n": 1, **self._size, **older}
        made = await self._endpoint.asked(
            lambda client: client.post("/images/generations", body=body, cast_to=object)
        )
        try:
            return base64.b64decode(made["data"][0]["b64_json"])  # type: ignore[index]
        except (KeyError, IndexError, TypeError, ValueError):
            raise ModelRefused(f"{self.place} gave no picture.") from None

    async def aclose(self) -> None:
        await self._endpoint.aclose()
