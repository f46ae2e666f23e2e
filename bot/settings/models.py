"""The models that are asked, of every kind, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, model_validator

from bot.settings.section import Section, WebAddress


class EndpointSettings(Section):
    """A further model. What is not set is as under ``[model]``; its key, only where the address is that one's too."""

    name: str = Field(min_length=1)
    base_url: WebAddress | None = None
    api_key: SecretStr | None = None
    api_key_env: str | None = None
    context_window: int | None = Field(None, ge=2_048)
    timeout_s: float | None = Field(None, gt=0)
    stall_s: float | None = Field(None, gt=0)
    first_s: float | None = Field(None, gt=0)
    at_once: int | None = Field(None, ge=1)
    tools: Literal["full", "lean"] | None = None
    protocol: Literal["tools", "json"] | None = None
    temperature: float | None = Field(None, ge=0, allow_inf_nan=False)
    vision: bool | None = None
    extra: Mapping[str, Any] = Field(default_factory=dict)


class ModelSettings(Section):
    kind: Literal["offline", "openai"] = "offline"
    name: str = Field("gpt-5-mini", min_length=1)
    base_url: WebAddress | None = None
    api_key: SecretStr | None = None
    context_window: int = Field(16_384, ge=2_048)
    reply_reserve: int = Field(2_048, ge=256)
    timeout_s: float = Field(120.0, gt=0)
    stall_s: float = Field(45.0, gt=0)
    first_s: float | None = Field(None, gt=0)
    at_once: int | None = Field(None, ge=1)
    retries: int = Field(4, ge=0)
    tools: Literal["full", "lean"] = "full"
    protocol: Literal["tools", "json"] = "tools"
    temperature: float | None = Field(None, ge=0, allow_inf_nan=False)
    vision: bool = False
    extra: Mapping[str, Any] = Field(default_factory=dict)
    fallbacks: tuple[str | EndpointSettings, ...] = ()

    @property
    def is_lean(self) -> bool:
        """Whether it is asked in one of the forms for small models."""
        return self.tools == "lean" or self.protocol == "json"

    @property
    def reserve(self) -> int:
        """Tokens that are kept free for the reply: of a small window an eighth, if nothing is set."""
        return self.reserve_of(self.context_window)

    def reserve_of(self, window: int) -> int:
        """The same in another window."""
        told = "reply_reserve" in self.model_fields_set
        return self.reply_reserve if told else min(self.reply_reserve, window // 8)


class EmbedderSettings(Section):
    kind: Literal["auto", "multilingual", "english", "openai", "none"] = "auto"
    name: str = "text-embedding-3-small"
    base_url: WebAddress | None = None
    api_key: SecretStr | None = None


class AudioSettings(Section):
    name: str | None = None
    base_url: WebAddress | None = None
    api_key: SecretStr | None = None
    timeout_s: float = Field(60.0, gt=0, le=600)
    speak: bool = False
    speech_name: str = "gpt-4o-mini-tts"
    voice: str = "alloy"

    @property
    def hears(self) -> bool:
        """Whether anything is set up that writes down what is spoken."""
        return self.name is not None or self.base_url is not None


class ImagesSettings(Section):
    name: str | None = None
    base_url: WebAddress | None = None
    api_key: SecretStr | None = None
    size: str | None = None
    timeout_s: float = Field(120.0, gt=0, le=600)


class PriceSettings(Section):
    """For a million tokens; of what makes pictures, speaks and hears: for a picture, for 1,000 characters, for a
    minute."""

    input: float | None = Field(None, ge=0)
    output: float | None = Field(None, ge=0)
    cached: float | None = Field(None, ge=0)
    picture: float | None = Field(None, ge=0)
    characters: float | None = Field(None, ge=0)
    minute: float | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if (self.input is None) != (self.output is None) or (self.input is None and self.cached is not None):
            raise ValueError("input and output are set together")
        if self.input is None and self.picture is None and self.characters is None and self.minute is None:
            raise ValueError("needs input and output, or picture, characters or minute")
        return self
