"""Where people chat."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from bot.settings.section import Section, WebAddress, url_of


class DiscordSettings(Section):
    token: SecretStr | None = None
    message_content: bool = False
    shards: int = Field(0, ge=0, le=10_000)
    guilds_wait_s: float = Field(0.5, ge=0)
    api_url: WebAddress = "https://discord.com/api/v10"
    gateway_url: Annotated[str, url_of("ws", "wss")] = "wss://gateway.discord.gg/"


class SlackSettings(Section):
    bot_token: SecretStr | None = None
    app_token: SecretStr | None = None
    signing_secret: SecretStr | None = None
    config_token: SecretStr | None = None
    mode: Literal["socket", "http"] = "socket"
    sockets: int = Field(1, ge=1, le=10)
    listen: str = "127.0.0.1:3000"
    api_url: WebAddress = "https://slack.com/api/"
    post_interval_s: float = Field(1.0, ge=0)
