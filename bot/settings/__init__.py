"""config.toml and the environment as frozen objects: a page for each part, all of them to be had from here.

Unknown keys fail. Every key is explained in config.example.toml. The environment beats the file: see `bot.environment`.
"""

from __future__ import annotations

from bot.settings.agent import (
    AgentSettings,
    BeatRules,
    EventSettings,
    HeartbeatSettings,
    MemorySettings,
    PersonaSettings,
)
from bot.settings.loading import Source, load, source
from bot.settings.mcp import McpServerSettings, McpSettings
from bot.settings.models import (
    AudioSettings,
    EmbedderSettings,
    EndpointSettings,
    ImagesSettings,
    ModelSettings,
    PriceSettings,
)
from bot.settings.people import (
    AccessSettings,
    LimitSettings,
    ModerationSettings,
    PrivacySettings,
    RoomSettings,
    SafetySettings,
)
from bot.settings.platforms import DiscordSettings, SlackSettings
from bot.settings.running import (
    BackupSettings,
    IndexSettings,
    LogSettings,
    RunSettings,
    StoreSettings,
    TelemetrySettings,
)
from bot.settings.section import Account, address
from bot.settings.settings import Settings
from bot.settings.web import (
    WebDiscordSettings,
    WebSettings,
    WebSignInSettings,
    WebSlackSettings,
    WidgetSettings,
)

__all__ = [
    "AccessSettings",
    "Account",
    "AgentSettings",
    "AudioSettings",
    "BackupSettings",
    "BeatRules",
    "DiscordSettings",
    "EmbedderSettings",
    "EndpointSettings",
    "EventSettings",
    "HeartbeatSettings",
    "ImagesSettings",
    "IndexSettings",
    "LimitSettings",
    "LogSettings",
    "McpServerSettings",
    "McpSettings",
    "MemorySettings",
    "ModelSettings",
    "ModerationSettings",
    "PersonaSettings",
    "PriceSettings",
    "PrivacySettings",
    "RoomSettings",
    "RunSettings",
    "SafetySettings",
    "Settings",
    "SlackSettings",
    "Source",
    "StoreSettings",
    "TelemetrySettings",
    "WebDiscordSettings",
    "WebSettings",
    "WebSignInSettings",
    "WebSlackSettings",
    "WidgetSettings",
    "address",
    "load",
    "source",
]
