"""All of config.toml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field, SecretStr

from bot.settings.agent import (
    AgentSettings,
    EventSettings,
    HeartbeatSettings,
    MemorySettings,
    PersonaSettings,
)
from bot.settings.mcp import McpSettings
from bot.settings.models import (
    AudioSettings,
    EmbedderSettings,
    EndpointSettings,
    ImagesSettings,
    ModelSettings,
    PriceSettings,
)
from bot.settings.people import AccessSettings, LimitSettings, PrivacySettings, RoomSettings, SafetySettings
from bot.settings.platforms import DiscordSettings, SlackSettings
from bot.settings.running import (
    BackupSettings,
    IndexSettings,
    LogSettings,
    RunSettings,
    StoreSettings,
    TelemetrySettings,
)
from bot.settings.section import Section
from bot.settings.web import WebSettings


class Settings(Section):
    """All of config.toml. Paths are absolute."""

    data_dir: Path = Field(default_factory=lambda: user_data_path("everbot", appauthor=False))
    secret_key: SecretStr | None = None
    model: ModelSettings = ModelSettings()
    models: Mapping[str, EndpointSettings] = Field(default_factory=dict)
    embedder: EmbedderSettings = EmbedderSettings()
    store: StoreSettings = StoreSettings()
    audio: AudioSettings = AudioSettings()
    images: ImagesSettings = ImagesSettings()
    index: IndexSettings = IndexSettings()
    agent: AgentSettings = AgentSettings()
    access: AccessSettings = AccessSettings()
    rooms: RoomSettings = RoomSettings()
    limits: LimitSettings = LimitSettings()
    prices: Mapping[str, PriceSettings] = Field(default_factory=dict)
    currency: str = "USD"
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    privacy: PrivacySettings = PrivacySettings()
    safety: SafetySettings = SafetySettings()
    events: EventSettings = EventSettings()
    run: RunSettings = RunSettings()
    web: WebSettings = WebSettings()
    mcp: McpSettings = McpSettings()
    discord: DiscordSettings = DiscordSettings()
    slack: SlackSettings = SlackSettings()
    memory: MemorySettings = MemorySettings()
    backup: BackupSettings = BackupSettings()
    log: LogSettings = LogSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    personas: PersonaSettings = PersonaSettings()

    @property
    def sees(self) -> bool:
        """Whether pictures that people send are looked at by any model."""
        return self.model.vision or self.memory.caption_model is not None
