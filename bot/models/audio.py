"""Hearing by an OpenAI-compatible server: ``/audio/transcriptions``."""

from __future__ import annotations

from bot.models.endpoint import Endpoint


class AudioEndpoint:
    """`bot.ports.Ears`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.place = endpoint.place

    async def transcribe(self, name: str, media_type: str, sound: bytes) -> str:
        heard = await self._endpoint.asked(
            lambda client: client.audio.transcriptions.create(
                file=(name, sound, media_type), model=self._endpoint.name
            )
        )
        text = heard if isinstance(heard, str) else getattr(heard, "text", "")
        return text.strip() if isinstance(text, str) else ""

    async def aclose(self) -> None:
        await self._endpoint.aclose()
