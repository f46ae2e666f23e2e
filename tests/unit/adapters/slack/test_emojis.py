"""Slack's names of emojis."""

from __future__ import annotations

import pytest

from adapters.slack.emojis import name_of, sign_of


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
def test_a_sign_has_a_name_and_a_name_a_sign(sign: str, name: str) -> None:
    assert name_of(sign) == name
    assert sign_of(name).replace("\ufe0f", "") == sign.replace("\ufe0f", "")


def test_other_names_of_a_sign_are_known() -> None:
    assert sign_of("thumbsup") == "👍"
    assert sign_of("flag-de") == "🇩🇪"


def test_what_is_no_emoji_of_slacks() -> None:
    assert name_of("x") is None
    assert name_of("") is None
    assert sign_of("party_parrot") == ":party_parrot:"
