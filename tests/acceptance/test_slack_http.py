"""Slack by signed HTTP: who may knock, and what is taken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.crowd import tell, texts
from tests.acceptance.slack_stage import free_port, quiet, refusing, with_slack
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import Town, echo


@pytest.fixture
async def server() -> AsyncIterator[SlackServer]:
    async with SlackServer(pace=Pace(post_s=0.0)) as server:
        yield server


async def test_signed_requests_are_heard_and_others_refused(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm, general = server.im(ada), server.channel("general", [ada])
    port = free_port()
    server.deliver_to(f"http://127.0.0.1:{port}/slack/events")
    town = Town(tmp_path, echo, slack=server)
    async with with_slack(town, mode="http", listen=f"127.0.0.1:{port}"):
        assert await server.verify_url()
        assert await tell(server, ada, dm, "Hello") == "You said: Hello"
        assert await tell(server, ada, general, "hi") == "You said: hi"
        used = await server.slash(ada, general, "/everbot", "memory")
        assert used.replies
        pressed = await server.press(ada, used.replies[0], "everbot memory edit human")
        assert pressed.views
        assert (await server.submit(pressed.views[0], {"value": "Likes tea."})).acked
        await quiet(server)

        told = server.envelopes[0].payload
        again = await server.knock(told)
        assert again[0] == 200
        forged = {**told, "event": {**told["event"], "ts": "1700000000.000100", "text": "Forged"}}
        assert (await server.knock(forged, secret="wrong"))[0] == 401
        assert (await server.knock(forged, age_s=600))[0] == 401
        assert await tell(server, ada, dm, "Bye") == "You said: Bye"
    assert texts(server.answers(dm)) == ["You said: Hello", "You said: Bye"]
    assert server.connections == 0


async def test_over_http_a_failed_commit_comes_again_too(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    port = free_port()
    server.deliver_to(f"http://127.0.0.1:{port}/slack/events")
    town = Town(tmp_path, echo, slack=server)
    async with with_slack(town, mode="http", listen=f"127.0.0.1:{port}"):
        await tell(server, ada, dm, "Hello")
        async with refusing(tmp_path, "inbox"):
            await server.say(ada, dm, "Take this")
            lost = server.envelopes[-1]
            await server.until(lambda: len(lost.attempts) > 1)
        await server.until(lambda: len(server.answers(dm)) == 2)
    assert texts(server.answers(dm)) == ["You said: Hello", "You said: Take this"]
