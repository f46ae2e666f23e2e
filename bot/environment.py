"""What environment variables say about settings: ``EVERBOT_MODEL__NAME`` is ``name`` under ``[model]``, and
``EVERBOT_MODELS__CHEAP__NAME`` ``name`` under ``[models.cheap]``. Pure.

Some settings have a second variable, by which other programs know them, such as ``OPENAI_API_KEY``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, get_args, get_origin

from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError

from bot.errors import SettingsError

PREFIX = "EVERBOT_"
_BETWEEN = "__"
KNOWN_ELSEWHERE = {
    "DISCORD_BOT_TOKEN": "discord.token",
    "SLACK_BOT_TOKEN": "slack.bot_token",
    "SLACK_APP_TOKEN": "slack.app_token",
    "SLACK_SIGNING_SECRET": "slack.signing_secret",
    "SLACK_CONFIG_TOKEN": "slack.config_token",
    "OPENAI_API_KEY": "model.api_key",
    "OPENAI_BASE_URL": "model.base_url",
}
"""Variables of other names, and the keys that they set. An ``EVERBOT_`` variable of the same key beats them."""


def variable_of(key: str) -> str:
    """The variable that sets a key, given as ``section.key``."""
    return PREFIX + key.upper().replace(".", _BETWEEN)


def told(env: Mapping[str, str], schema: type[BaseModel]) -> dict[str, tuple[str, Any]]:
    """By key (``section.key``): the variable that sets it, and its value as the configuration file would hold it.

    A text is taken as it stands; a list or a table is JSON, and what is in a table may have a variable of its own. An
    empty variable says nothing (``""``, with the quotes, is the empty text). Raises `SettingsError` for an ``EVERBOT_``
    variable with a section that names no key; one without is left alone: such are set by container platforms for a
    service of that name.
    """
    found: dict[str, tuple[str, Any]] = {}
    for variable, key in KNOWN_ELSEWHERE.items():
        if env.get(variable):
            found[key] = (variable, env[variable])
    for variable in sorted(env):
        if not variable.startswith(PREFIX) or not env[variable]:
            continue
        parts = [_name(part) for part in variable.removeprefix(PREFIX).split(_BETWEEN)]
        kind = _kind(parts, schema)
        if kind is not None:
            found[".".join(parts)] = (variable, _value(env[variable], kind))
        elif len(parts) > 1:
            raise SettingsError(
                f"The environment variable {variable} names no setting. config.example.toml lists all of them."
            )
    return found


def _name(part: str) -> str:
    """A key as the file has it. A place's id, such as ``slack:T1``, stands as it is."""
    return part if ":" in part else part.lower()


def put(data: dict[str, Any], key: str, value: object) -> None:
    """Set ``section.key`` in what was read of a file. A section that is no table is left: validation names it."""
    *sections, name = key.split(".")
    for section in sections:
        data = data.setdefault(section, {})
        if not isinstance(data, dict):
            return
    data[name] = value


def has(data: Mapping[str, Any], key: str) -> bool:
    """Whether the file sets ``section.key``."""
    found: Any = data
    for part in key.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return False
        found = found[part]
    return True


def _kind(parts: list[str], schema: type[BaseModel]) -> object | None:
    """The type of the key; None when there is no such key, or it is a whole section."""
    kind: Any = schema
    in_table = False
    for part in parts:
        if in_table := get_origin(kind) is Mapping:
            _, kind = get_args(kind)  # of whatever name
        elif _is_section(kind) and part in kind.model_fields:
            kind = kind.model_fields[part].annotation
        else:
            return None
    return None if _is_section(kind) and not in_table else kind


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _value(text: str, kind: Any) -> Any:
    """What fits as a text is a text; else it is JSON, where it can be read as such. So is what may be anything."""
    if text == '""':
        return ""
    if kind is not Any:
        with suppress(ValidationError, PydanticUserError):
            TypeAdapter(kind).validate_python(text)
            return text
    try:
        return json.loads(text)
    except ValueError:
        return text  # validation says what is wrong with it
