"""What every section of config.toml is made of, and the kinds of values that several have."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict

from bot.errors import SettingsError


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def url_of(*schemes: str) -> AfterValidator:
    def check(text: str) -> str:
        if any(sign.isspace() for sign in text):
            raise ValueError("is not an address: there is a space in it")
        try:
            parts = urlsplit(text)
            good = parts.scheme in schemes and parts.hostname and (parts.port is None or parts.port >= 0)
        except ValueError:  # no port, no address
            good = False
        if not good:
            raise ValueError(f"is not an address that begins with {' or '.join(f'{s}://' for s in schemes)}")
        return text

    return AfterValidator(check)


def like(pattern: str, what: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"is not {what}")
        return text

    return AfterValidator(check)


WebAddress = Annotated[str, url_of("http", "https")]
Hours = Annotated[
    str, like(r"\s*([01]?\d|2[0-3])\s*-\s*([01]?\d|2[0-4])\s*", "a range of hours such as 9-21")
]
Account = Annotated[
    str,
    like(
        r"discord:\d+|slack:[^/\s]+/[^/\s]+|(?!discord:|slack:)\w+:\S(.*\S)?",
        'an account such as "discord:123" or "slack:T1/U1" (/whoami tells one\'s own)',
    ),
]


def address(listen: str, setting: str) -> tuple[str, int]:
    """Host and port of ``host:port``. Raises `SettingsError` naming the setting."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise SettingsError(f"{setting}: {listen!r} is not host:port, such as 127.0.0.1:8080.")
    return host.strip("[]"), int(port)
