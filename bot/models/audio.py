"""Hearing and speaking by an OpenAI-compatible server: ``/audio/transcriptions`` and ``/audio/speech``."""

from __future__ import annotations

from bot.models import ogg
from bot.models.endpoint import Endpoint
from bot.ports import Heard, Spoken

_USUAL = 4_000  # bytes of a second of speech, where nothing tells how long it is: 32 kbit/s
_LONGEST = 4_096  # characters that are spoken at once (OpenAI's reference, "Create speech")


class AudioEndpoint:
    """`bot.ports.Ears` and `bot.ports.Mouth`. ``speech`` is the model that speaks, ``voice`` its voice."""

    def __init__(self, endpoint: Endpoint, speech: str, voice: str) -> None:
        self._endpoint = endpoint
        self.model, self.speech, self.longest = endpoint.name, speech, _LONGEST
        self._voice = voice
        self.place = endpoint.place

    async def transcribe(self, name: str, media_type: str, sound: bytes) -> Heard:
        heard = await self._endpoint.asked(
            lambda client: client.audio.transcriptions.create(
                file=(name, sound, media_type), model=self._endpoint.name
            )
        )
        text = heard if isinstance(heard, str) else getattr(heard, "text", "")
        told = getattr(getattr(heard, "usage", None), "seconds", None) or getattr(heard, "duration", None)
        seconds = told if isinstance(told, int | float) and told > 0 else _seconds(sound)
        return Heard(text.strip() if isinstance(text, str) else "", seconds)

    async def speak(self, text: str) -> Spoken:
        said = await self._endpoint.asked(
            lambda client: client.audio.speech.create(
                input=text[:_LONGEST], model=self.speech, voice=self._voice, response_format="opus"
            )
        )
        sound = ogg.opus(said.content)
        return Spoken(said.content, sound.seconds, sound.waveform) if sound else Spoken(said.content)

    async def aclose(self) -> None:
        await self._endpoint.aclose()


def _seconds(sound: bytes) -> float:
    """How long a sound is whose server does not tell; of what is no Opus in Ogg an estimate."""
    found = ogg.opus(sound)
    return found.seconds if found else len(sound) / _USUAL
