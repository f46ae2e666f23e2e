"""What a terminal is shown: lines, replies, and a reply while it is being written. SDK: Rich.

Colours are few, and can be read on a light and on a dark background: red and magenta alone, and names, which bring a
background of their own. Rich leaves them out where NO_COLOR is set (no-color.org), and wraps by words, in cells.
"""

from __future__ import annotations

import os
import shutil
import sys
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.markdown import CodeBlock, Markdown
from rich.padding import Padding
from rich.segment import Segment
from rich.spinner import Spinner
from rich.text import Text
from rich.theme import Theme

from bot.events import printable

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, RenderResult

_NAMES = ("white on blue", "white on magenta", "black on cyan", "black on green")
_THEME = Theme(
    {
        "markdown.code": "bold",
        "markdown.item.bullet": "bold",
        "markdown.item.number": "bold",
        "markdown.block_quote": "italic",
        "markdown.hr": "none",
        "markdown.h2": "bold",
        "markdown.h3": "bold",
        "markdown.h4": "bold italic",
        "markdown.h7": "italic",
        "markdown.link": "underline",
        "markdown.link_url": "underline",
        "markdown.table.border": "none",
        "markdown.table.header": "bold",
        "progress.spinner": "none",
        "status.spinner": "none",
    }
)
_PER_S = 12  # times that a reply is drawn while it is written


class Screen:
    """Standard output, as a terminal. A reply that is being written is drawn below all else, and is gone when it is
    said, or dropped. While somebody types nothing is drawn there."""

    def __init__(self) -> None:
        # Rich takes a terminal that can do nothing for one of 80 columns.
        columns, lines = shutil.get_terminal_size()
        dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown")
        self._console = Console(theme=_THEME, width=columns if dumb else None, height=lines if dumb else None)
        self._live: Live | None = None
        self._written = _Written()
        self._typing = False

    def line(self, text: str, style: str = "") -> None:
        """A text as it stands."""
        self._console.print(printable(text), style=style, markup=False, highlight=False)

    def said(self, name: str, text: str) -> None:
        """A reply, whole, in the place of what was drawn of it."""
        self._written.text = ""
        self._draw()
        self._console.print(_tag(name), _Reply(printable(text)), sep="\n")

    def thinking(self, label: str) -> None:
        """Show that there is something to wait for; nothing any more, if the label is empty."""
        self._written.label = label
        self._draw()

    def write(self, name: str, text: str) -> None:
        """What is written of a reply so far."""
        self._written.name, self._written.text = name, printable(text)
        self._draw()

    def drop(self, mark: str) -> None:
        """What was drawn of a reply will not be said: it stays on the screen, with the mark below."""
        name, text = self._written.name, self._written.text
        self._written.text = ""
        if text and self._live is not None:
            self._draw()
            self._console.print(_tag(name), Text(text, style="italic"), sep="\n")
            self.line(mark, "red")

    def typing(self, begins: bool) -> None:
        """Somebody begins, or ends, to type where a reply would be drawn."""
        self._typing = begins
        self._draw()

    def _draw(self) -> None:
        able = self._console.is_terminal and not (self._console.is_dumb_terminal or self._typing)
        if not (able and (self._written.text or self._written.label)):
            if self._live is not None:
                self._live.stop()
                self._live = None
            return
        if self._live is None:
            self._live = Live(
                self._written,
                console=self._console,
                transient=True,
                refresh_per_second=_PER_S,
                redirect_stderr=sys.stderr.isatty(),  # the log, if it is shown here, goes above
            )
            self._live.start(refresh=True)


class _Written:
    """A reply while it is written: as much of its end as fits on the screen, and that it goes on."""

    name = text = label = ""

    def __init__(self) -> None:
        self._goes_on = Spinner("dots")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text = self.text
        if text:
            height = max(console.height - 4, 1)
            end = text[-height * options.max_width :]
            lines = console.render_lines(_Reply(end), options.update(height=None), pad=False)
            yield _tag(self.name)
            for line in lines[-height:]:
                yield from line
                yield Segment.line()
        if self.label:
            self._goes_on.update(text=self.label)
            yield self._goes_on


class _Code(CodeBlock):
    """Code without colours, which are made for one background or another."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Padding]:
        yield Padding(Text(str(self.text).rstrip()), (0, 0, 0, 2))


class _Reply(Markdown):
    elements = Markdown.elements | {"fence": _Code, "code_block": _Code}


def _tag(name: str) -> Text:
    """A name, always in its own colour."""
    colour = _NAMES[zlib.crc32(name.encode()) % len(_NAMES)]
    return Text(f" {printable(name)} ", style=f"bold {colour}", end="\n")
