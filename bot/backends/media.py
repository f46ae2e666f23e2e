"""The configured servers that hear, speak, make pictures, and judge texts."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator

from bot.errors import ModelError
from bot.models.audio import AudioEndpoint
from bot.models.endpoint import Endpoint
from bot.models.images import ImagesEndpoint
from bot.models.moderation import ModerationEndpoint
from bot.ports import Clock
from bot.safety.refusing import Refusing
from bot.settings import AudioSettings, ImagesSettings, ModerationSettings, Settings

_HEARS, _JUDGES = "whisper-1", "omni-moderation-latest"
Finding = tuple[bool, str, str]
"""Good or not, of what, told to people."""


class Media:
    """What is set up; None where nothing is."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.audio = choose_audio(settings, clock)
        self.images = choose_images(settings, clock)
        self.moderator = choose_moderator(settings, clock)
        self.mouth = self.audio if settings.audio.speak else None
        self.refusing = refusing(settings, self.moderator, clock)

    async def examine(self) -> AsyncIterator[Finding]:
        """What `everbot doctor` tells of each. No picture is made to try it: that costs."""
        made = (
            f"made by {self.images.place}."
            if self.images
            else "none are made; [images] name sets what makes them."
        )
        yield True, "pictures", made
        if self.moderator is not None:
            yield await self._moderates()
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

    async def _moderates(self) -> Finding:
        assert self.moderator is not None
        try:
            await self.moderator.flagged("Hello")
        except ModelError as error:
            return False, "safety", str(error)
        return True, "safety", f"{self.moderator.place} judges what is said."

    async def aclose(self) -> None:
        for each in (self.audio, self.images, self.moderator):
            if each is not None:
                await each.aclose()


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
    """None where nothing is set up."""
    audio = settings.audio
    if not audio.hears:
        return None
    endpoint = _endpoint("audio", audio.name or _HEARS, audio, settings, clock)
    return AudioEndpoint(endpoint, audio.speech_name, audio.voice)


def choose_images(settings: Settings, clock: Clock) -> ImagesEndpoint | None:
    """None where nothing is set up."""
    images = settings.images
    if images.name is None:
        return None
    return ImagesEndpoint(_endpoint("images", images.name, images, settings, clock), images.size or "")


def choose_moderator(settings: Settings, clock: Clock) -> ModerationEndpoint | None:
    """None where nothing is set up."""
    moderation = settings.safety.moderation
    if not moderation.judges:
        return None
    endpoint = _endpoint("safety.moderation", moderation.name or _JUDGES, moderation, settings, clock)
    return ModerationEndpoint(endpoint, moderation.categories)


def refusing(settings: Settings, moderator: ModerationEndpoint | None, clock: Clock) -> Refusing:
    """The rules as they are set, with the server that judges by them."""
    safety = settings.safety
    return Refusing(
        safety.words,
        moderator,
        clock,
        timeout_s=safety.moderation.timeout_s,
        when_down=safety.moderation.when_down == "pass",
        heard="heard" in safety.refuse,
        said="said" in safety.refuse,
    )


_Placed = AudioSettings | ImagesSettings | ModerationSettings


def _endpoint(section: str, name: str, place: _Placed, settings: Settings, clock: Clock) -> Endpoint:
    """Its address and key are those of ``[model]``, where it has none of its own."""
    main = settings.model
    own = place.base_url is not None and place.base_url != main.base_url
    key = place.api_key or (None if own else main.api_key)
    return Endpoint(
        section=section,
        name=name,
        base_url=place.base_url or main.base_url,
        api_key=key.get_secret_value() if key else None,
        timeout_s=place.timeout_s,
        clock=clock,
    )
