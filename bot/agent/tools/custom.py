"""Custom tools: the functions that a configured module lists in ``TOOLS``. See docs/custom-tools.md.

They follow the same schema rule and run through the same executor, each call apart and under a time-out. What they do
outside everbot happens at least once: a step that is killed before its commit runs again with the same ``desk.key``,
which an outside service can use to tell a repetition.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from bot.agent.tools.registry import Tool, tool
from bot.errors import SettingsError
from memory.errors import where

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # of a function in the chat-completions protocol


def custom_tools(modules: Sequence[str]) -> list[Tool]:
    """The tools of the modules named in ``agent.tools``: names, or paths of files. Raises `SettingsError` naming the
    module, and the function where one is wrong."""
    return [made for name in modules for made in _of_module(name)]


def _of_module(name: str) -> list[Tool]:
    try:
        functions = list((_file(Path(name)) if name.endswith(".py") else importlib.import_module(name)).TOOLS)
    except (Exception, SystemExit) as error:
        # Importing runs somebody's code: whatever it raises is theirs to mend.
        missing = isinstance(
            error, ImportError | AttributeError | SyntaxError | TypeError | ValueError | OSError
        )
        why = str(error) if missing else where(error)
        raise SettingsError(
            f"agent.tools: the module {name!r} cannot be used ({why}); it must define TOOLS."
        ) from error
    return [_tool(function, name) for function in functions]


def _tool(function: object, module: str) -> Tool:
    if not inspect.isroutine(function):
        raise SettingsError(f"agent.tools: TOOLS of {module!r} lists {function!r:.80}, which is no function.")
    called = getattr(function, "__name__", "")
    if not _NAME.fullmatch(called):
        raise SettingsError(
            f"agent.tools: {called!r} in {module!r}: a tool's name is made of A-Z, a-z, 0-9 and _."
        )
    try:
        if not inspect.signature(function).parameters:
            raise SettingsError(
                f"agent.tools: {called} in {module!r} takes nothing; its first parameter is the desk."
            )
        return tool(function, custom=True)
    except (NameError, TypeError, ValueError) as error:
        raise SettingsError(f"agent.tools: {called} in {module!r} has no schema ({error}).") from error


def _file(path: Path) -> ModuleType:
    """The module of a file, which finds what lies beside it."""
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    name = (
        f"{path.stem}_{sha256(str(path).encode()).hexdigest()[:8]}"  # two files of one name are two modules
    )
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
