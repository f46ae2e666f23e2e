"""A process that stands by is alive, is not ready, says why, and ends when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from bot.cli.standby import CalledOff, Standby, workers
from bot.cli.worker import drain, even_out, move, roles_of
from bot.errors import SettingsError
from bot.settings import Settings, load
from memory.errors import StoreBusy
from tests.fakes.ports import free_port

BUSY = StoreBusy("The database is in use by everbot run, process 7 on a.")


async def asked(listen: str, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://{listen}{path}") as answer:
        return answer.status, await answer.text()


async def test_it_answers_while_it_waits_and_leaves_the_port_to_who_works() -> None:
    listen = f"127.0.0.1:{free_port()}"
    async with Standby(listen, asyncio.Event()) as standby:
        with pytest.raises(aiohttp.ClientConnectorError):
            await asked(listen, "/healthz")
        await standby.waits(BUSY)
        await standby.waits(BUSY)
        assert (await asked(listen, "/healthz"))[0] == 200
        status, told = await asked(listen, "/readyz")
        assert status == 503
        assert "process 7 on a" in told
        await standby.over()
        await standby.over()
        with pytest.raises(aiohttp.ClientConnectorError):
            await asked(listen, "/healthz")


async def test_it_ends_when_it_is_told_to() -> None:
    stop = asyncio.Event()
    async with Standby("", stop) as standby:
        await standby.waits(BUSY)
        stop.set()
        with pytest.raises(CalledOff):
            await standby.waits(BUSY)


def test_what_is_shared_is_a_database_of_postgresqls(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[store]\nworkers = true\n")
    assert not load(config, {}).store.shared
    assert load(config, {"EVERBOT_STORE__URL": "postgresql://a@b/c"}).store.shared
    config.write_text("[store]\nworkers = false\n")
    assert not load(config, {"EVERBOT_STORE__URL": "postgresql://a@b/c"}).store.shared
    config.write_text("[store]\nstandby = true\n")
    with pytest.raises(SettingsError, match=r"store\.standby"):
        load(config, {})


async def test_a_database_in_the_data_directory_is_shared_by_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await workers(Settings(data_dir=tmp_path), as_json=False)
    assert "one process uses it" in capsys.readouterr().out


def test_roles_are_for_those_that_share_agents(tmp_path: Path) -> None:
    alone = Settings(data_dir=tmp_path)
    assert roles_of(alone, "gateway,worker") == {"gateway", "worker"}
    with pytest.raises(SettingsError, match=r"store\.workers"):
        roles_of(alone, "worker")
    shared = Settings.model_validate({"store": {"url": "postgresql://a@b/c", "workers": True}})
    assert roles_of(shared, "worker") == {"worker"}
    for wrong, why in (("wroker", "no role 'wroker'"), (" , ", "name one")):
        with pytest.raises(SettingsError, match=why):
            roles_of(shared, wrong)


@pytest.mark.parametrize(
    ("order", "option"),
    [
        (lambda alone: drain(alone, "7 on a"), "--drain"),
        (lambda alone: move(alone, 3, "7 on a"), "--move"),
        (even_out, "--even"),
    ],
)
async def test_who_shares_with_nobody_is_given_no_order(
    tmp_path: Path, order: Callable[[Settings], Awaitable[None]], option: str
) -> None:
    with pytest.raises(SettingsError, match=rf"^{option} .*store\.workers"):
        await order(Settings(data_dir=tmp_path))
