"""Texts of the wizard on a narrow screen."""

from __future__ import annotations

import pytest

from bot.cli.screen import folded
from bot.cli.setup.model import _INTRODUCED
from bot.cli.setup.platforms import _DISCORD, _INSTALL, _SLACK, _SOCKET
from bot.cli.setup.wizard import _INSTEAD

TEXTS = [
    _INTRODUCED,
    _DISCORD,
    _SLACK,
    _SOCKET + _INSTALL,
    _INSTEAD,
    "Key (it is not shown; Enter: the one that is there): ",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("width", [1, 20, 40, 79])
def test_no_word_is_broken(text: str, width: int) -> None:
    shown = folded(text, width)
    assert shown.split() == text.split()
    for line in shown.split("\n"):
        assert len(line.rstrip()) <= width or len(line.split()) == 1, line
    assert shown[-1:].isspace() == text[-1:].isspace()


@pytest.mark.parametrize("text", TEXTS)
def test_on_a_wide_one_it_stands_as_it_was_written(text: str) -> None:
    assert folded(text, 80) == text


def test_steps_stand_apart_and_what_belongs_together_is_joined() -> None:
    lines = folded(_DISCORD, 40).split("\n")
    assert [line for line in lines if line[2:4] in ("1.", "2.")] == [
        "  1. Open",
        "  2. On its page Bot, press Reset Token",
    ]
    assert "     press New Application, give it the" in lines
