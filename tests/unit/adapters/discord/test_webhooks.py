from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adapters.discord.posting import LIMIT, as_bot
from adapters.discord.webhooks import hook_name, mended
from bot.events import Reply, Speaker
from tests.fakes.discord_rules import CONTENT, check_webhook_name


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("Mira", "Mira"),
        ("  Mira\n of the  Sea ", "Mira of the Sea"),
        ("Discord Dan", "D-iscord Dan"),
        ("myDISCORDbot", "myD-ISCORDbot"),
        ("Bonnie & Clyde", "Bonnie & C-lyde"),
        ("x" * 100, "x" * 80),
        ("x" * 79 + " y", "x" * 79),
    ],
)
def test_names_are_mended_as_discord_takes_them(name: str, taken: str) -> None:
    assert mended(name) == taken
    check_webhook_name("name", mended(name))


def test_a_webhook_is_named_after_its_persona_and_picture() -> None:
    names = {
        hook_name(Speaker(name=name, avatar=picture)) for name in ("A", "B") for picture in (b"", b"1", b"2")
    }
    assert len(names) == 6
    assert {"A", "B"} < names
    long = hook_name(Speaker(name="x" * 200, avatar=b"1"))
    assert len(long) == 80
    assert long != hook_name(Speaker(name="x" * 200, avatar=b"2"))


def reply(name: str, text: str = "Hello", part: int = 0) -> Reply:
    return Reply(
        id=f"turn/0/{part}",
        address="discord:1",
        kind="reply",
        text=text,
        in_reply_to=(),
        at=datetime.now(UTC),
        nonce="n",
        speaker=Speaker(name=name),
    )


def test_the_bot_says_it_with_the_name_before() -> None:
    assert as_bot(reply("Mira")) == "**Mira**\nHello"
    assert as_bot(reply("Mira", part=1)) == "Hello"
    assert as_bot(reply("a*b_c")) == "**a\\*b\\_c**\nHello"
    assert len(as_bot(reply("*" * 300, "x" * LIMIT))) <= CONTENT
    assert as_bot(reply("_" * 39 + "x" + "*" * 9)).splitlines()[0].endswith("x**"), (
        "no half of a sign is left"
    )
