"""`everbot setup`: asks for what is missing, tries it at once, writes it to config.toml, and offers to start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from bot.cli.setup.draft import Draft
from bot.cli.setup.model import ask_model
from bot.cli.setup.platforms import ask_discord, ask_slack
from bot.cli.setup.terminal import Terminal, agreed
from bot.settings import Settings

Start = Callable[[Settings, Literal["run", "chat"]], int]
"""Runs a command on these settings; gives its exit code."""

_CALLED_OFF = 130
_BEGUN = """\
Set up everbot. What you answer is tried at once, and written to
{path} at the end. Ctrl-C changes nothing."""
_INSTEAD = """\
everbot setup asks questions, and this is no terminal: nobody is here to answer.
Instead, set variables in the environment (OPENAI_API_KEY or OPENAI_BASE_URL,
EVERBOT_MODEL__NAME, DISCORD_BOT_TOKEN, SLACK_BOT_TOKEN with SLACK_APP_TOKEN), or
copy config.example.toml to config.toml and change it there. `everbot doctor`
tries what you set."""


def setup(path: Path | None, terminal: Terminal, start: Start) -> int:
    """Ask, write, start. Returns the exit code; whoever breaks off has changed nothing.

    Raises `SettingsError` for a configuration file that is wrong as it stands.
    """
    if not terminal.is_interactive():
        terminal.tell(_INSTEAD)
        return 1
    draft = Draft(path)
    draft.settings()
    terminal.tell(_BEGUN.format(path=draft.path))
    try:
        ask_model(draft, terminal)
        ask_discord(draft, terminal)
        ask_slack(draft, terminal)
        written = draft.write()
    except (KeyboardInterrupt, EOFError):
        terminal.tell("\nCalled off: nothing was changed.")
        return _CALLED_OFF
    told = f"Written to {draft.path}, which only you can read: {', '.join(written)}."
    terminal.tell(f"\n{told if written else 'Nothing was changed.'}")
    for key in written:
        if variable := draft.variable(key):
            terminal.tell(f"But {variable} in the environment beats {key} there.")
    return _started(draft, terminal, start)


def _started(draft: Draft, terminal: Terminal, start: Start) -> int:
    settings = draft.settings()
    served = settings.discord.token or settings.slack.bot_token
    command: Literal["run", "chat"] = "run" if served else "chat"
    try:
        if agreed(terminal, f"Start it now (`everbot {command}`)?", default=True):
            return start(settings, command)
    except (KeyboardInterrupt, EOFError):
        terminal.tell()
    terminal.tell(f"Whenever you like: everbot {command}")
    return 0
