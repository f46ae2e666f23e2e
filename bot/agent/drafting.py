"""What the model is writing to the person, shown while it is written. What is shown and not committed is taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from bot.agent.context import SEND
from bot.agent.partial_json import MOST, PartialText
from bot.events import clean
from bot.ports import Draft, Form

_MARKUP = re.compile(r"[<\[{◁]")
"""With these begin reasoning and calls that are written as text: from there on a small model's text is not shown."""
_SAID_BY = {Form.FULL: "message", Form.JSON: "answer"}


class Drafting:
    """A `bot.ports.Hearer` for one turn: picks out what is said to the person."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._form = Form.FULL
        self._texts: dict[int, PartialText] = {}
        self._plain = ""
        self._shown = ""

    @contextmanager
    def step(self) -> Iterator[None]:
        """To be held during a step: what was shown in it is dropped at its end, unless it is kept."""
        try:
            yield
        finally:
            self._void()

    def keep(self) -> None:
        """The step was committed, and what it says is on its way."""
        self._shown = ""

    def begins(self, form: Form) -> None:
        self._void()
        self._form = form

    def wrote(self, text: str) -> None:
        if self._form is Form.JSON:
            self._read(0, text)
        elif self._form is Form.LEAN and len(self._plain) < MOST and not _MARKUP.search(self._plain):
            self._plain += text
            self._show(_MARKUP.split(self._plain, maxsplit=1)[0])

    def called(self, number: int, name: str, arguments: str) -> None:
        if self._form is Form.FULL and name == SEND:
            self._read(number, arguments)

    def _read(self, number: int, more: str) -> None:
        part = self._texts.setdefault(number, PartialText(_SAID_BY[self._form]))
        part.add(more)
        self._show("\n\n".join(text for each in self._texts.values() if (text := each.text.strip())))

    def _show(self, text: str) -> None:
        text = clean(text)
        if text.strip() and text != self._shown:
            self._shown = text
            self._draft.show(text)

    def _void(self) -> None:
        if self._shown:
            self._draft.drop()
        self._texts, self._plain, self._shown = {}, "", ""
