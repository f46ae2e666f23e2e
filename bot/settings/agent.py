"""How an agent thinks, remembers, wakes and speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from bot.settings.section import Hours, Section


class AgentSettings(Section):
    max_steps: int = Field(12, ge=2)
    max_calls: int = Field(64, ge=1)
    max_posts: int = Field(20, ge=1)
    page_size: int = Field(5, ge=1, le=50)
    block_limit: int = Field(2_000, ge=100)
    debounce_s: float = Field(1.0, ge=0, le=600)
    expire_hours: float = Field(24.0, gt=0, le=8_760)
    concurrent_turns: int = Field(64, ge=1)
    timezone: str = "UTC"
    tools: tuple[str, ...] = ()
    tool_timeout_s: float = Field(30.0, gt=0)


class MemorySettings(Section):
    surface_tokens: int = Field(300, ge=0, le=4_000)
    documents: int = Field(200, ge=0, le=10_000)
    summary_model: str | None = None
    caption_model: str | None = None


class EventSettings(Section):
    first_contact: bool = True
    return_after_days: float = Field(7.0, ge=0, le=36_500)
    documents: bool = True
    reactions: bool = True
    memory_pressure: bool = True


class BeatRules(Section):
    every_hours: float | None = Field(None, ge=0.5, le=168)
    speak_first: bool | None = None
    daily_beats: int | None = Field(None, ge=0)
    daily_messages: int | None = Field(None, ge=0)
    daily_tokens: int | None = Field(None, ge=0)


class HeartbeatSettings(Section):
    enabled: bool = True
    every_hours: float = Field(4.0, ge=0.5, le=168)
    speak_first: bool = False
    hours: Hours = "9-21"
    daily_beats: int = Field(6, ge=0)
    daily_messages: int = Field(3, ge=0)
    daily_tokens: int = Field(50_000, ge=0)
    model: str | None = None
    max_steps: int = Field(6, ge=2)
    communities: Mapping[str, BeatRules] = Field(default_factory=dict)


class PersonaSettings(Section):
    default: str = "ever"
    on_removal: Literal["keep", "delete"] = "keep"
    removal_days: float = Field(30.0, ge=0, le=36_500)
