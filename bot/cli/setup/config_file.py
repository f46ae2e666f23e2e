"""A configuration file in which single keys are set; comments, order and everything else stay as they are."""

from __future__ import annotations

import contextlib
import os
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from bot.environment import put
from bot.errors import SettingsError

_HEAD = (
    "everbot's configuration, written by `everbot setup`, which may be run again. It holds",
    "secrets: keep it to yourself. Every other key is explained in config.example.toml.",
)


def changed(text: str, values: Mapping[str, object], words: Mapping[str, str]) -> str:
    """The text of a file with keys (``section.key``) set to these values, None: taken out; ``words`` stand as a comment
    above what is new. Raises `SettingsError` for a file that cannot be changed like that."""
    wanted: dict[str, Any] = tomllib.loads(text)
    try:
        document = tomlkit.parse(text) if text.strip() else _begun()
        for key, value in values.items():
            _set(document, key, value, words.get(key, ""))
            put(wanted, key, value)
        written = tomlkit.dumps(document)
        found = tomllib.loads(written)
    except (TOMLKitError, tomllib.TOMLDecodeError, TypeError, ValueError):
        found = None
    if found != _without_none(wanted):
        raise SettingsError(f"The file cannot be changed in place: set {', '.join(values)} by hand.")
    return written


def write(path: Path, text: str) -> None:
    """Put it in the file's place, whole or not at all, readable by its owner alone. Raises OSError."""
    path = path.resolve()
    before = path.stat() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # of mode 600
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if before is not None:
            with contextlib.suppress(OSError, AttributeError):  # no right to it, or no such thing (Windows)
                os.chown(name, before.st_uid, before.st_gid)
        os.replace(name, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)


def _begun() -> tomlkit.TOMLDocument:
    document = tomlkit.document()
    for line in _HEAD:
        document.add(tomlkit.comment(line))
    return document


def _set(document: tomlkit.TOMLDocument, key: str, value: object, words: str) -> None:
    *sections, name = key.split(".")
    place: Any = document
    for section in sections:
        if section not in place:
            if value is None:
                return
            place.add(tomlkit.nl())
            place.add(section, tomlkit.table())
        place = place[section]
    if value is None:
        place.pop(name, None)
    elif name in place:
        place[name] = value
    else:
        if words and isinstance(place, Table):
            place.add(tomlkit.comment(words))
        place.add(name, value)


def _without_none(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    return {key: _without_none(value) for key, value in data.items() if value is not None}
