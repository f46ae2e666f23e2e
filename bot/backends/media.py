"""The configured servers that hear what people say."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator

from bot.errors import ModelError
from bot.models.audio import AudioEndpoint
from bot.models.endpoint import Endpoint
from bot.ports import Clock
from bot.settings import Settings

_HEARS = "whisper-1"
Finding = tuple[bool, str, str]
"""Good or not, of what, told to people."""


class Media:
    """What is set up; None where nothing is."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.audio = choose_audio(settings, clock)

    async def examine(self) -> AsyncIterator[Finding]:
        """What `everbot doctor` tells of each."""
        if self.audio is None:
            yield (
                True,
                "voice",
                "voice messages are not heard. [audio] base_url, or name, sets a server that does.",
            )
            return
        try:
            await self.audio.transcribe("silence.wav", "audio/wav", _silence())
            yield True, "voice", f"{self.audio.place} writes down what is spoken."
        except ModelError as error:
            yield False, "voice", str(error)

    async def aclose(self) -> None:
        if self.audio is not None:
            await self.audio.aclose()


def _silence() -> bytes:
    """Half a second of it, as WAV."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(16_000))
    return file.getvalue()


def choose_audio(settings: Settings, clock: Clock) -> AudioEndpoint | None:
    """None where nothing is set up. Its address and key are those of ``[model]``, where it has none of its own."""
    audio, main = settings.audio, settings.model
    if not audio.hears:
        return None
    own = audio.base_url is not None and audio.base_url != main.base_url
    key = audio.api_key or (None if own else main.api_key)
    endpoint = Endpoint(
        section="audio",
        name=audio.name or _HEARS,
        base_url=audio.base_url or main.base_url,
        api_key=key.get_secret_value() if key else None,
        timeout_s=audio.timeout_s,
        clock=clock,
    )
    return AudioEndpoint(endpoint)
