"""What config.toml will say: what it says, and what was answered since."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.cli.setup import config_file
from bot.environment import has, put
from bot.errors import SettingsError, refused
from bot.settings import Settings, load, source

_WORDS = {
    "model.kind": 'Any server that speaks OpenAI\'s chat-completions protocol; "offline" is a stand-in for trying.',
    "model.name": "The model to ask for.",
    "model.base_url": "The server's address. Not set: OpenAI.",
    "model.api_key": "The key.",
    "discord.token": "The bot's token, of the page Bot at https://discord.com/developers/applications.",
    "discord.message_content": "Whether it reads channel messages that do not mention it (Message Content Intent).",
    "slack.bot_token": "The bot token (xoxb-), of the page Install App at https://api.slack.com/apps.",
    "slack.app_token": "The app-level token (xapp-), of the page Basic Information.",
    "slack.signing_secret": "The signing secret, of the page Basic Information.",
}


class Draft:
    """Nothing is written before `write`. ``path`` None: config.toml in the working directory."""

    def __init__(self, path: Path | None) -> None:
        self.path = path or Path("config.toml")
        self._said = source(self.path, new=True)
        self._answers: dict[str, object] = {}

    def settings(self, more: Mapping[str, object] | None = None) -> Settings:
        """As they would be, with ``more`` answers (by ``section.key``; None: not set). Raises `SettingsError`."""
        changes: dict[str, Any] = {}
        for key, value in (self._answers | dict(more or {})).items():
            put(changes, key, value)
        return load(self.path, changes=changes, new=True)

    def put(self, answers: Mapping[str, object]) -> None:
        self._answers |= answers

    def says(self, key: str) -> bool:
        """Whether the file or the environment sets a key."""
        return has(self._said.data, key) or key in self._said.variables

    def variable(self, key: str) -> str | None:
        """The environment variable that sets a key, and beats the file."""
        return self._said.variables[key][0] if key in self._said.variables else None

    def write(self) -> list[str]:
        """Write what was answered, if it is anything new; the keys. Raises `SettingsError` when that cannot be done:
        then the file is as it was."""
        if not self._answers:
            return []
        try:
            before = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
            after = config_file.changed(before, self._answers, _WORDS)
            if after == before:
                return []
            config_file.write(self.path, after)
        except OSError as error:
            raise SettingsError(f"{self.path} cannot be written ({refused(error)}).") from None
        return [key for key, value in self._answers.items() if value is not None]
