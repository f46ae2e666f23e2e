"""What many commands are given, and how they begin."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bot.settings import Settings

Config = Annotated[Path | None, typer.Option("--config", help="The configuration file.", metavar="PATH")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]


def settings_of(config: Path | None) -> Settings:
    """The settings, and the log begun by them. Raises `SettingsError`."""
    from bot import logs
    from bot.settings import load

    settings = load(config)
    logs.begin(settings)
    return settings


def myself() -> str:
    """Who sits at this machine."""
    return (os.environ.get("USER") or getpass.getuser()).strip() or "me"
