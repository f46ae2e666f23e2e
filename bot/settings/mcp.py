"""Servers of tools (docs/tools.md)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from bot.settings.section import Account, Section, WebAddress


class McpServerSettings(Section):
    """A server of tools (docs/tools.md): ``command`` starts one, ``url`` is where one is."""

    about: str = ""
    command: str | None = None
    args: tuple[str, ...] = ()
    env: Mapping[str, SecretStr] = Field(default_factory=dict)
    cwd: Path | None = None
    url: WebAddress | None = None
    headers: Mapping[str, SecretStr] = Field(default_factory=dict)
    token: SecretStr | None = None
    token_env: str | None = None
    auth: Literal["none", "token", "oauth"] = "none"
    client_id: str | None = None
    client_secret: SecretStr | None = None
    scope: str | None = None
    per_person: bool = False
    personas: tuple[str, ...] = ()
    communities: tuple[str, ...] = ()
    people: tuple[Account, ...] = ()
    tools: tuple[str, ...] = ()
    ask_first: Literal["marked", "all", "none"] | tuple[str, ...] = "marked"
    connect_s: float = Field(20.0, gt=0, le=600)
    timeout_s: float = Field(30.0, gt=0, le=600)
    result_chars: int = Field(20_000, ge=200, le=1_000_000)

    @property
    def wants_token(self) -> bool:
        """Whether a person connects with a token of their own."""
        return self.per_person and self.auth != "oauth"


class McpSettings(Section):
    shown: int = Field(20, ge=1, le=200)
    servers: Mapping[str, McpServerSettings] = Field(default_factory=dict)
