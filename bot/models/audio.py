"""Hearing and speaking by an OpenAI-compatible server: ``/audio/transcriptions`` and ``/audio/speech``."""

from __future__ import annotations

from bot.models.endpoint import Endpoint

_LONGEST = 4_096  # characters that are spoken at once (OpenAI's reference, "Create speech")


class AudioEndpoint:
    """`bot.ports.Ears` and `bot.ports.Mouth`. ``speech`` is the model that speaks, ``voice`` its voice."""

    def __init__(self, endpoint: Endpoint, speech: str, voice: str) -> None:
        self._endpoint = endpoint
        self._speech = speech
        self._voice = voice
        self.place = endpoint.place

    async def transcribe(self, name: str, media_type: str, sound: bytes) -> str:
        heard = await self._endpoint.asked(
            lambda client: client.audio.transcriptions.create(
                file=(name, sound, media_type), model=self._endpoint.name
            )
        )
        text = heard if isinstance(heard, str) else getattr(heard, "text", "")
        return text.strip() if isinstance(text, str) else ""

    async def speak(self, text: str) -> bytes:
        said = await self._endpoint.asked(
            lambda client: client.audio.speech.create(
                input=text[:_LONGEST], model=self._speech, voice=self._voice, response_format="opus"
            )
        )
        return said.content

    async def aclose(self) -> None:
        await self._endpoint.aclose()
