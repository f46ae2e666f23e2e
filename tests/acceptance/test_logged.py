"""Nobody's words are in the log, whoever listens: a handler of another program, on every logger, at debug."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.discord_server import DiscordServer
from tests.fakes.openai_server import Answer, Fault, OpenAIServer
from tests.fakes.openai_wire import Json, last_words
from tests.fakes.parlour import opened
from tests.fakes.slack_server import SlackServer
from tests.fakes.town import FAST, Town

WORDS = "quokkas-in-my-garden"


@pytest.fixture
def heard() -> Iterator[io.StringIO]:
    root, stream = logging.getLogger(), io.StringIO()
    level, handler = root.level, logging.StreamHandler(stream)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


async def test_another_program_that_logs_everything(tmp_path: Path, heard: io.StringIO) -> None:
    async with DiscordServer(**FAST) as discord, SlackServer() as slack:
        ada, eve = discord.user("ada"), slack.user("eve")
        async with Town(tmp_path, discord=discord, slack=slack):
            dm, im = discord.dm(ada), slack.im(eve)
            await discord.say(ada, dm, WORDS)
            await discord.until(lambda: [m for m in discord.messages(dm) if m.author is discord.bot])
            await slack.say(eve, im, WORDS, files=[("a.txt", WORDS.encode(), "text/plain")])
            await slack.until(lambda: slack.answers(im))
            await slack.slash(eve, im, "/everbot", f"attach {WORDS}")
            await discord.interactions.slash(ada, dm, "whoami", {})
            slack.delivery.pace = replace(slack.delivery.pace, ack_s=0.2)  # nobody answers what nobody knows
            await slack.slash(eve, im, "/unknown", WORDS)
    text = heard.getvalue()
    assert WORDS not in text
    for secret in (discord.token, slack.bot_token, slack.app_token):
        assert secret not in text


@pytest.mark.parametrize("status", [400, 403, 422, 429, 500, 503])
async def test_a_model_server_that_quotes_the_question(
    tmp_path: Path, heard: io.StringIO, status: int
) -> None:
    def quoting(request: Json, headers: object) -> Answer | Fault:
        if WORDS in last_words(request):
            return Fault(
                kind="status", status=status, message=f"blocked at messages.1: '{last_words(request)}'"
            )
        return Answer(text="ok")

    async with OpenAIServer(quoting, models=None) as server:
        model = {"kind": "openai", "base_url": server.url, "retries": 1}
        async with opened(tmp_path, None, model=model) as house:
            await house.app.inbound.submit(house.message("ada", f"I keep {WORDS}"))
            await house.app.inbound.settled()
    assert WORDS not in heard.getvalue()
    assert "quokka" not in heard.getvalue()
    assert "…" in heard.getvalue()
