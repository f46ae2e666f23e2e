"""The web pages, the widget, and signing in."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from bot.settings.section import Section, WebAddress


class WebSignInSettings(Section):
    client_id: str | None = None
    client_secret: SecretStr | None = None


class WebDiscordSettings(WebSignInSettings):
    authorize_url: WebAddress = "https://discord.com/oauth2/authorize"
    api_url: WebAddress = "https://discord.com/api/v10"


class WebSlackSettings(WebSignInSettings):
    authorize_url: WebAddress = "https://slack.com/openid/connect/authorize"
    api_url: WebAddress = "https://slack.com/api/"


_ORIGIN = r"^https?://[A-Za-z0-9.-]+(:\d+)?$"  # RFC 6454; nothing else gets into a header


def _as_browsers_name_it(origin: str) -> str:
    """In small letters, and without the port that goes without saying (RFC 6454, 6.2)."""
    small = origin.lower()
    return small.removesuffix(":443" if small.startswith("https:") else ":80")


class WidgetSettings(Section):
    origins: tuple[Annotated[str, Field(pattern=_ORIGIN), AfterValidator(_as_browsers_name_it)], ...] = ()
    session_days: float = Field(1.0, gt=0, le=30)
    guests: bool = False
    guest_days: float = Field(7.0, gt=0, le=365)
    guests_per_hour: int = Field(20, ge=1)
    guest_tokens_per_day: int = Field(200_000, ge=1)


class WebSettings(Section):
    listen: str | None = None
    public_url: WebAddress | None = None
    proxies: int = Field(1, ge=0, le=8)
    session_days: float = Field(30.0, gt=0, le=400)
    requests_per_minute: int = Field(240, ge=1)
    chat: bool = True
    programs: bool = False
    discord: WebDiscordSettings = WebDiscordSettings()
    slack: WebSlackSettings = WebSlackSettings()
    widget: WidgetSettings = WidgetSettings()

    @property
    def url(self) -> str:
        """Of the page, without a stroke at its end; empty where there is no page."""
        return (self.public_url or f"http://{self.listen}").rstrip("/") if self.listen else ""
