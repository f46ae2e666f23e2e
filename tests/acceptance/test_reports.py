"""A person reports an answer: whoever runs the bot sees what they chose to send, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli import operating
from tests.acceptance.test_crisis import kind
from tests.acceptance.test_secrets import command, nowhere
from tests.fakes.parlour import opened


async def test_the_operator_sees_what_was_sent_and_it_goes_with_its_author(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with opened(tmp_path, kind, safety={"reports": True}) as house:
        assert "not said anything" in await command(house, "report answer it was rude")
        await house.say("ada", "a private matter of mine")
        assert "Say why" in await command(house, "report")
        assert (await command(house, "report reason it was rude")).endswith("nothing else.")
        assert "my last answer" in await command(house, "report answer not what I asked")
        found = house.rows("SELECT account, reason, answer FROM reports ORDER BY id")
        assert found == [
            ("parlour:ada", "it was rude", ""),
            ("parlour:ada", "not what I asked", "I am here."),
        ]
        await operating.reports(house.settings, as_json=True)
        shown = capsys.readouterr().out
        assert "not what I asked" in shown
        assert "private matter" not in shown
        await command(house, "forget yes")
        assert house.rows("SELECT * FROM reports") == []
        nowhere(house, "not what I asked", "it was rude")


async def test_it_is_off_unless_it_is_set(tmp_path: Path) -> None:
    async with opened(tmp_path, kind) as house:
        assert "no command /report" in await command(house, "report reason it was rude")
