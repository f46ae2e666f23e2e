"""Whether everbot is ready, as whoever watches over the process is told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.backends.watched import WatchedModel
from bot.cli.health import health as ask
from bot.errors import ModelDenied, ModelOverflow, ModelRefused, ModelUnavailable, SettingsError
from bot.health import health
from bot.ports import ModelRequest
from bot.settings import Settings
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import Parlour, opened
from tests.fakes.ports import free_port
from tests.fakes.scripted_model import ScriptedModel, say

ASKED = ModelRequest(key="a/0", messages=[])


async def readiness(listen: str) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.get(f"http://{listen}/readyz") as answer:
        return answer.status, await answer.json()


async def test_a_model_that_does_not_answer_is_not_ready_until_it_does(tmp_path: Path) -> None:
    parlour, listen, up = Parlour(), f"127.0.0.1:{free_port()}", [True]

    def play(_: ModelRequest) -> Any:
        return say("Hi") if up[0] else ModelUnavailable("The model server 10.0.0.7 is down.")

    async with opened(tmp_path, play, parlour=parlour) as house, health(listen, [parlour], house.app.ready):
        assert await readiness(listen) == (200, {"parlour": "ready", "model": "ready"})
        await house.say("ada", "Hello")
        up[0] = False
        await house.app.inbound.submit(house.message("ada", "Are you there?"))
        await house.app.inbound.settled("parlour:ada")
        assert await readiness(listen) == (503, {"parlour": "ready", "model": "does not answer"})
        up[0] = True
        await house.settled("parlour:ada")
        assert (await readiness(listen))[0] == 200


@pytest.mark.parametrize(
    ("error", "ready"),
    [
        (ModelUnavailable("down"), False),
        (ModelDenied("wrong key"), False),
        (ModelRefused("not this"), True),
        (ModelOverflow("too long"), True),
    ],
)
async def test_only_what_concerns_every_request_counts(error: Exception, ready: bool) -> None:
    clock = FakeClock()
    model = WatchedModel(ScriptedModel([error]), clock)
    with pytest.raises(type(error)):
        await model.complete(ASKED)
    assert (model.ready() is None) is ready
    clock.advance(601)  # nobody has asked it since: nothing is known
    assert model.ready() is None


async def test_whoever_watches_over_a_container_asks_with_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # is not asked
    port, gone = free_port(), Parlour()
    everywhere = Settings.model_validate({"run": {"health": f"0.0.0.0:{port}"}})

    def asked(*, ready: bool) -> int:
        return ask(everywhere, ready=ready)

    assert await asyncio.to_thread(asked, ready=False) == 1
    assert "everbot run" in capsys.readouterr().err
    missing: list[str | None] = ["has no connection", None]
    gone.ready = lambda: missing[0]  # type: ignore[method-assign]
    async with health(everywhere.run.health, [gone]):
        assert await asyncio.to_thread(asked, ready=False) == 0
        assert await asyncio.to_thread(asked, ready=True) == 1
        assert "has no connection" in capsys.readouterr().err
        missing.pop(0)
        assert await asyncio.to_thread(asked, ready=True) == 0
    with pytest.raises(SettingsError, match=r"run\.health"):
        ask(Settings.model_validate({"run": {"health": ""}}), ready=False)
