"""Who answers the wizard's questions: a person at a terminal."""

from __future__ import annotations

import getpass
import shutil
import sys
from typing import Protocol

from bot.cli.screen import folded, tell
from bot.events import printable


class Terminal(Protocol):
    """Its questions raise EOFError when nobody answers any more, KeyboardInterrupt on Ctrl-C."""

    def is_interactive(self) -> bool: ...

    def tell(self, text: str = "") -> None: ...

    def ask(self, question: str) -> str: ...

    def secret(self, question: str) -> str:
        """What is answered is shown nowhere."""
        ...


class ThisTerminal:
    """The terminal of this process."""

    def is_interactive(self) -> bool:
        return sys.stdin.isatty() and sys.stdout.isatty()

    def tell(self, text: str = "") -> None:
        tell(_fitted(text))

    def ask(self, question: str) -> str:
        return input(printable(_fitted(question)))

    def secret(self, question: str) -> str:
        return getpass.getpass(printable(_fitted(question)))


def _fitted(text: str) -> str:
    return folded(text, shutil.get_terminal_size().columns)


def agreed(terminal: Terminal, question: str, *, default: bool) -> bool:
    """A question of yes or no."""
    while True:
        answer = terminal.ask(f"{question} [{'Y/n' if default else 'y/N'}] ").strip().lower()
        if answer in ("", "y", "yes", "n", "no"):
            return default if not answer else answer.startswith("y")
        terminal.tell("Please answer y or n.")
