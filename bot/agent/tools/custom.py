"""Custom tools: the async functions that a configured module lists in ``TOOLS``.

They follow the same schema rule and run through the same executor, under a time-out. What they do outside
everbot happens at least once: a step that is killed before its commit runs again with the same
``desk.key``, which an outside service can use to tell a repetition.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from bot.agent.tools.registry import Tool, tool
from bot.errors import SettingsError


def custom_tools(modules: Sequence[str]) -> list[Tool]:
    """The tools of the modules named in ``agent.tools``. Raises `SettingsError` naming the module."""
    tools = []
    for name in modules:
        try:
            functions = importlib.import_module(name).TOOLS
        except (ImportError, AttributeError, SyntaxError, TypeError, ValueError) as error:
            raise SettingsError(
                f"agent.tools: the module {name!r} cannot be used ({error}); it must define TOOLS."
            ) from error
        tools += [tool(function, custom=True) for function in functions]
    return tools
