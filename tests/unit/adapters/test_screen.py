"""What a terminal is shown: readable on light and dark, in narrow windows, without colours, and steered by nobody."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from adapters.console.screen import Screen

STYLE = re.compile(r"\x1b\[([0-9;]*)m")
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
TEXT = """# Title
A **bold** word, `code`, *italics*, a [link](https://example.com), and 日本語の長い文章はここで折り返されるべき 🦊🦊.

1. One
- Two

> A quote

```python
def f(): return "coloured?"
```

| a | b |
|---|---|
| 1 | 2 |
"""


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", "FORCE_COLOR": "1", "COLUMNS": "40", "LINES": "12"}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    """What a screen shows of everything that it can show."""
    screen = Screen()
    screen.line("A line, which is longer than forty columns are wide.", "red")
    screen.thinking("thinking")
    screen.write("ever", "Half a")
    screen.write("ever", TEXT)
    screen.said("ever", TEXT)
    screen.write("ever", "Never said")
    screen.drop("(Not said.)")
    screen.thinking("")
    return capsys.readouterr().out


def codes(text: str) -> set[str]:
    return {code for found in STYLE.findall(text) for code in found.split(";")}


def test_colours_can_be_read_on_light_and_dark(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    used = codes(shown(capsys))
    assert {"31", "1", "3"} <= used
    assert used.isdisjoint(
        {"2", "38", "48"} | {str(n) for n in range(90, 108)}
    )  # dim, own colours, bright ones
    alone = {found for found in STYLE.findall(shown(capsys)) if found and not re.search(r"\b4\d\b", found)}
    assert codes("".join(f"\x1b[{found}m" for found in alone)) <= {"0", "1", "3", "4", "31", "35"}


def test_without_colours(terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.setenv("NO_COLOR", "1")
    assert codes(shown(capsys)) <= {"", "0", "1", "3", "4"}


def test_everything_fits_forty_columns(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (
        SEQUENCE.sub("", re.sub(r"\x1b\]8;[^\x1b]*\x1b\\", "", shown(capsys))).replace("\r", "\n").split("\n")
    )
    assert max(map(cell_len, lines)) <= 40
    assert any("forty" in line and "columns" not in line for line in lines)  # wrapped between words


def test_a_name_has_a_colour_of_its_own(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen, tags = Screen(), {}
    for name in ("ever", "otto", "ever"):
        screen.said(name, "Hello")
        tags.setdefault(name, set()).add(STYLE.findall(capsys.readouterr().out)[0])
    assert all(len(seen) == 1 for seen in tags.values())
    assert tags["ever"] != tags["otto"]


def test_a_reply_takes_the_place_of_what_was_shown_of_it(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Screen()
    screen.write("ever", "Half a rep\x1b]0;PWNED\x07")
    assert "Half a rep" in (drawn := capsys.readouterr().out)
    assert "\x1b]0" not in drawn
    screen.said("ever", "Half a reply.")
    after = capsys.readouterr().out
    assert "\x1b[2K" in after.partition("Half a reply.")[0]  # the lines that were drawn are cleared first
    screen.drop("(Not said.)")
    assert capsys.readouterr().out == ""


def test_what_was_shown_and_will_not_be_said_is_marked(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Screen()
    screen.write("ever", "Half a rep")
    capsys.readouterr()
    screen.drop("(Not said.)")
    told = SEQUENCE.sub("", capsys.readouterr().out)
    assert told.rstrip().endswith("Half a rep\n(Not said.)")


def test_the_end_of_a_long_reply_is_drawn(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Screen()
    screen.write("ever", "\n\n".join(f"Paragraph {n}" for n in range(100)))
    drawn = capsys.readouterr().out
    screen.thinking("")
    screen.said("ever", "Said.")
    assert "Paragraph 99" in drawn
    assert "Paragraph 50" not in drawn


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_nothing_is_drawn_while_somebody_types_or_where_it_cannot_be_taken_back(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], term: str
) -> None:
    terminal.setenv("TERM", term)
    screen = Screen()
    screen.typing(term != "dumb")
    screen.thinking("thinking")
    screen.write("ever", "Half a")
    screen.drop("(Not said.)")
    assert capsys.readouterr().out == ""
    screen.said("ever", "Whole.")
    assert "Whole." in capsys.readouterr().out
