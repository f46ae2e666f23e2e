"""Slack's names of emojis."""

from __future__ import annotations

import pytest

from adapters.slack.emojis import name_of


@pytest.mark.parametrize(
    ("sign", "name"),
    [
        ("👍", "+1"),
        ("👍🏿", "+1::skin-tone-6"),
        ("❤", "heart"),
        ("❤️", "heart"),
        ("👀", "eyes"),
        ("🫠", "melting_face"),
    ],
)
def test_a_sign_has_a_name(sign: str, name: str) -> None:
    assert name_of(sign) == name


def test_what_is_no_emoji_of_slacks() -> None:
    assert name_of("x") is None
    assert name_of("") is None
