"""Slack by signed HTTP: who may knock, and what is taken."""

from __future__ import annotations

import io
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from bot.errors import SettingsError
from tests.acceptance.crowd import tell, texts
from tests.acceptance.slack_stage import at_home, over_http, quiet, refusing, with_slack
from tests.fakes.slack_delivery import signature
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import Town, echo


@pytest.fixture
async def server() -> AsyncIterator[SlackServer]:
    async with SlackServer(pace=Pace(post_s=0.0)) as server:
        yield server


async def test_signed_requests_are_heard_and_others_refused(server: SlackServer, tmp_path: Path) -> None:
    ada, dm, general = at_home(server)
    async with over_http(server, tmp_path):
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


async def test_a_signed_request_that_is_sent_again_does_nothing_again(
    server: SlackServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    async with over_http(server, tmp_path):
        used = await server.slash(ada, dm, "/everbot", "memory add Likes tea.")
        assert used.envelope is not None
        for _ in range(3):
            assert (await server.knock(used.envelope.payload))[0] == 200
        shown = await server.slash(ada, dm, "/everbot", "memory notes")
    assert shown.replies[0]["text"].count("Likes tea.") == 1


async def test_no_body_of_whatever_shape_shuts_the_door(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    form, as_json = "application/x-www-form-urlencoded", "application/json"
    bodies = [b"", b"[]", b"7", b"null", b"{", b"{" * 100_000, b"\xff\xfe", b"payload=%7B%7D", b"payload=5"]
    bodies += [b"payload=[]", b'{"type":"event_callback"}', b'{"type":"event_callback","event":[]}', b"{}"]
    bodies += [b'{"type":"block_actions","user":null,"actions":5}', b'{"type":7}', b"command=/everbot"]
    async with over_http(server, tmp_path) as url, aiohttp.ClientSession() as anybody:
        for body in bodies:
            for kind in (form, as_json):
                at = int(time.time())
                told = body.decode("utf-8", "replace")
                head = {"Content-Type": kind, "X-Slack-Request-Timestamp": str(at)}
                signed = {**head, "X-Slack-Signature": signature(server.signing_secret, at, told)}
                async with anybody.post(url, data=body, headers=signed) as answer:
                    assert answer.status <= 500, body[:40]
                async with anybody.post(url, data=body, headers=head) as answer:
                    assert answer.status == 401
        for stamp in ("x", "-1", "99999999999999", ""):
            head = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=\u00e4"}
            async with anybody.post(url, data=b"{}", headers=head) as answer:
                assert answer.status == 401
        async with anybody.post(url, data=io.BytesIO(b"x" * 5_000_000)) as answer:
            assert answer.status == 413
        assert await tell(server, ada, dm, "Hello") == "You said: Hello"
    assert texts(server.answers(dm)) == ["You said: Hello"]


@pytest.mark.parametrize("secret", ["", "  "])
async def test_an_empty_secret_is_refused_at_the_start(
    server: SlackServer, tmp_path: Path, secret: str
) -> None:
    """Anybody could sign with it."""
    town = with_slack(Town(tmp_path, echo, slack=server), mode="http", signing_secret=SecretStr(secret))
    with pytest.raises(SettingsError, match="SLACK_SIGNING_SECRET"):
        await town.__aenter__()


async def test_over_http_a_failed_commit_comes_again_too(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    async with over_http(server, tmp_path):
        await tell(server, ada, dm, "Hello")
        async with refusing(tmp_path, "inbox"):
            await server.say(ada, dm, "Take this")
            lost = server.envelopes[-1]
            await server.until(lambda: len(lost.attempts) > 1)
        await server.until(lambda: len(server.answers(dm)) == 2)
    assert texts(server.answers(dm)) == ["You said: Hello", "You said: Take this"]
