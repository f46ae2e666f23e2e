"""How the process runs: its database, copies of it, its log, and what it tells of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from bot.settings.section import Section, WebAddress


def _database(url: SecretStr) -> SecretStr:
    if url.get_secret_value() and not url.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("is not an address that begins with postgresql://")
    return url


class StoreSettings(Section):
    # What is wrong with it is never told with it: it may hold a password.
    url: Annotated[SecretStr, AfterValidator(_database)] | None = None
    workers: bool = True
    keys: Path | None = None

    @property
    def shared(self) -> bool:
        """Whether several processes share the work: on PostgreSQL only, for no other reaches what is in data_dir."""
        return self.workers and bool(self.url and self.url.get_secret_value())


class IndexSettings(Section):
    chroma_url: WebAddress | None = None


class RunSettings(Section):
    health: str = "127.0.0.1:8080"
    drain_s: float = Field(15.0, ge=0, le=19)
    catch_up_hours: float = Field(12.0, ge=0, le=8_760)
    context_lines: int = Field(6, ge=0, le=50)


class BackupSettings(Section):
    keep: int = Field(0, ge=0, le=10_000)
    every_hours: float = Field(24.0, ge=0.1, le=8_760)
    folder: Path | None = None


class TelemetrySettings(Section):
    metrics: bool = True
    traces: bool = False
    endpoint: WebAddress = "http://127.0.0.1:4318"
    texts: bool = False


class LogSettings(Section):
    file: Path | None = None
    level: Literal["debug", "info", "warning", "error"] = "warning"
    format: Literal["text", "json"] = "text"
