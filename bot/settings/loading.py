"""config.toml and the environment, parsed once."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot import environment
from bot.errors import SettingsError, refused
from bot.settings.consistency import check
from bot.settings.settings import Settings


@dataclass(frozen=True)
class Source:
    """Where a configuration comes from: a file, and what the environment says of which keys."""

    path: Path
    there: bool  # whether there is such a file
    data: dict[str, Any] = field(repr=False)
    variables: Mapping[str, tuple[str, Any]] = field(repr=False)

    def beaten(self) -> list[str]:
        """The keys that the environment sets, each with the variable and what it beats, for people."""
        return [
            f"{key} is set by {variable}"
            + (f", not by {self.path}" if environment.has(self.data, key) else "")
            for key, (variable, _) in sorted(self.variables.items())
        ]

    @property
    def wishes(self) -> list[str]:
        """Variables that ask for a real model, where nothing says which kind it is to be."""
        asking = [
            self.variables[key][0] for key in ("model.api_key", "model.base_url") if key in self.variables
        ]
        return [] if "model.kind" in self.variables else asking


def source(path: Path | None = None, env: Mapping[str, str] | None = None, *, new: bool = False) -> Source:
    """A configuration as it was written (default: config.toml in the working directory, if there is one).

    ``new``: nor need there be a file of that path yet. Raises `SettingsError`.
    """
    env = os.environ if env is None else env
    needed = path is not None and not new
    path = path or Path("config.toml")
    there = needed or path.exists()
    return Source(path, there, _read(path) if there else {}, environment.told(env, Settings))


def load(
    path: Path | None = None,
    env: Mapping[str, str] | None = None,
    changes: Mapping[str, Any] | None = None,
    *,
    new: bool = False,
) -> Settings:
    """The settings of a file (default: config.toml in the working directory, if there is one).

    The environment beats the file. ``changes`` beat both: keys as in the file, a section's keys are replaced one
    by one. ``new``: there need be no such file yet. Raises `SettingsError` with one sentence that names the key.
    """
    found = source(path, env, new=new)
    data = deepcopy(found.data)
    for key, (_, value) in found.variables.items():
        environment.put(data, key, value)
    if found.wishes and isinstance(data["model"], dict):
        # A key or an endpoint in the environment is a wish to use it, unless the file says otherwise.
        data["model"].setdefault("kind", "openai")
    for key, value in (changes or {}).items():
        known = data.get(key)
        data[key] = {**known, **value} if isinstance(known, dict) and isinstance(value, Mapping) else value
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        raise SettingsError(_sentence(error, found)) from None
    check(settings)
    agent = settings.agent.model_copy(update={"tools": tuple(_beside(found.path, settings.agent.tools))})
    data_dir = settings.data_dir.expanduser().absolute()
    return settings.model_copy(update={"data_dir": data_dir, "agent": agent})


def _beside(path: Path, modules: Sequence[str]) -> Iterator[str]:
    """Modules of tools, those that lie beside the configuration file as paths of their files."""
    folder = path.absolute().parent
    for name in modules:
        file = folder / (name if name.endswith(".py") else f"{name.replace('.', '/')}.py")
        yield str(file) if name.endswith(".py") or (name and file.is_file()) else name


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"There is no configuration file {path} (--config).") from None
    except OSError as error:
        raise SettingsError(
            f"The configuration file {path} (--config) cannot be read: {refused(error)}."
        ) from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from None


def _sentence(error: ValidationError, found: Source) -> str:
    """pydantic's first complaint, in one sentence that names the key and where it is set, and never shows a value."""
    first = error.errors(include_input=False, include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    parts = key.split(".")
    prefixes = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    variable, _ = next((told for name in prefixes if (told := found.variables.get(name))), ("", None))
    where = f"The environment variable {variable}" if variable else str(found.path)
    if first["type"] == "extra_forbidden":
        return f"{where}: the key {key!r} is unknown. config.example.toml lists all of them."
    why = first["msg"].removeprefix("Value error, ")
    if variable and first["type"] in ("tuple_type", "dict_type", "mapping_type", "list_type"):
        why = f"{why} (a list or a table is written as JSON)"
    return f"{where}: {key}{'' if why.startswith('is not') else ':'} {why}."
