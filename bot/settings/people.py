"""Who may talk, how much, and what is done for their privacy and safety."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from bot.settings.section import Account, Section, WebAddress, like


class AccessSettings(Section):
    dm_policy: Literal["open", "allowlist", "pairing", "disabled"] = "open"
    people: tuple[Account, ...] = ()
    denied: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    require_mention: bool = True
    free_response: tuple[str, ...] = ()
    bots: bool = False
    owners: tuple[Account, ...] = ()
    admins: Mapping[str, tuple[Account, ...]] = Field(default_factory=dict)


class RoomSettings(Section):
    answers_per_hour: int = Field(60, ge=0)


class LimitSettings(Section):
    messages_per_minute: int = Field(20, ge=0)
    commands_per_minute: int = Field(30, ge=0)
    user_tokens_per_day: int = Field(0, ge=0)
    tokens_per_day: int = Field(0, ge=0)
    reminders: int = Field(50, ge=0)
    reminders_per_day: int = Field(24, ge=0)


class PrivacySettings(Section):
    keep_messages_days: int = Field(0, ge=0, le=36_500)
    keep_logs_days: int = Field(14, ge=1, le=36_500)


class ModerationSettings(Section):
    name: str | None = None
    base_url: WebAddress | None = None
    api_key: SecretStr | None = None
    timeout_s: float = Field(5.0, gt=0, le=60)
    categories: tuple[str, ...] = ()
    when_down: Literal["pass", "refuse"] = "pass"

    @property
    def judges(self) -> bool:
        """Whether anything is set up that judges texts."""
        return self.name is not None or self.base_url is not None


class SafetySettings(Section):
    secrets: Literal["mask", "keep"] = "mask"
    words: tuple[str, ...] = ()
    refuse: tuple[Literal["heard", "said"], ...] = ("heard", "said")
    adults: tuple[str, ...] = ()
    reports: bool = False
    crisis: bool = False
    crisis_region: Annotated[str, like(r"[A-Z]{2}", "a country's two letters, such as DE")] | None = None
    crisis_lines: Mapping[str, str] = Field(default_factory=dict)
    moderation: ModerationSettings = ModerationSettings()
