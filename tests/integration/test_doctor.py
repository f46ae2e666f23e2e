"""`everbot doctor` finds what `everbot run` would refuse, says which value comes from where, and never breaks off."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from importlib.metadata import version
from pathlib import Path

import pytest
from aiohttp import web

from bot import logs
from bot.__main__ import sentence_of
from bot.cli.doctor import examine, versions
from bot.cli.run import serve
from bot.errors import EverbotError
from bot.settings import load
from tests.fakes.empty_database import lay
from tests.fakes.ports import free_port
from tests.patience import PATIENCE_S

CLOSED = "http://127.0.0.1:9"  # the port of "discard": nobody listens
QUIET = '[embedder]\nkind = "none"\n'
DISCORD = f'[discord]\ntoken = "x"\napi_url = "{CLOSED}"\ngateway_url = "ws://127.0.0.1:9"\n'

WRONG = {
    "agent.tools": '[agent]\ntools = ["nowhere"]\n',
    "context_window": "[model]\ncontext_window = 4096\n",
    "personas.default": '[personas]\ndefault = "nobody"\n',
    "privacy.keep_messages_days": "[privacy]\nkeep_messages_days = 10000000000\n",
    "log.file": '[log]\nfile = "/nowhere/at/all.log"\n',
    "heartbeat.hours": '[heartbeat]\nhours = "all day"\n',
    "run.health": '[run]\nhealth = "8080"\n',
    "slack.listen": '[slack]\nlisten = "3000"\n',
    "SLACK_APP_TOKEN": f'[slack]\nbot_token = "x"\napi_url = "{CLOSED}/"\n',
    "web.listen": '[web]\nlisten = "8082"\n',
    "slack.listen are the same": '[web]\nlisten = "127.0.0.1:3000"\n[slack]\nmode = "http"\n',
    "web.discord": '[web]\nlisten = "127.0.0.1:8082"\n[web.discord]\nclient_id = "1"\nclient_secret = "s"\n',
    "access.owners": '[access]\nowners = ["4711"]\n',
    "model.base_url": '[model]\nbase_url = "localhost:11434"\n',
    "nowhere_send_message": '[agent]\ntools = ["mine"]\n',
}


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "mine.py").write_text(
        "def send_message(desk): ...\nTOOLS = [send_message]\n", encoding="utf-8"
    )
    lay(tmp_path / "data" / "everbot.db")
    config = tmp_path / "config.toml"
    config.write_text(f'data_dir = "{tmp_path / "data"}"\n{text}', encoding="utf-8")
    return config


async def examined(config: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    capsys.readouterr()
    async with asyncio.timeout(PATIENCE_S):
        code = await examine(config)
    return code, capsys.readouterr().out.splitlines()


async def refused(config: Path) -> str:
    """The sentence with which `everbot run` ends."""
    try:
        settings = load(config, {})
        logs.check(settings)
        async with asyncio.timeout(PATIENCE_S):
            await serve(settings)
    except (EverbotError, ExceptionGroup) as error:
        return sentence_of(error)
    raise AssertionError("it ran")


@pytest.mark.parametrize("setting", WRONG)
async def test_what_run_would_refuse_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str
) -> None:
    platform = "" if "[slack]" in WRONG[setting] else DISCORD
    config = written(tmp_path, f"{WRONG[setting]}{QUIET}{platform}")
    sentence = await refused(config)
    code, lines = await examined(config, capsys)
    assert code == 1
    assert any(line.startswith("FAIL") and line.endswith(sentence) for line in lines), lines
    assert setting.removeprefix("nowhere_") in sentence


async def test_a_busy_port_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        config = written(tmp_path, f'[run]\nhealth = "{listen}"\n{QUIET}{DISCORD}')
        assert listen in await refused(config)
        _, lines = await examined(config, capsys)
    assert any(
        line.startswith("FAIL") and f"run.health: {listen} cannot be listened on" in line for line in lines
    )


async def test_an_embeddings_endpoint_that_does_not_answer_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = written(tmp_path, f'[embedder]\nkind = "openai"\nbase_url = "{CLOSED}"\n')
    code, lines = await examined(config, capsys)
    assert code == 1
    assert any(line.startswith("FAIL index: ") for line in lines)


async def test_it_is_told_what_beats_what(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = written(tmp_path, f'[model]\nbase_url = "{CLOSED}"\nkind = "offline"\n{QUIET}')
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("EVERBOT_MODEL__BASE_URL", "http://other")
    code, (first, *_) = await examined(config, capsys)
    assert code == 0
    assert f"model.base_url is set by EVERBOT_MODEL__BASE_URL, not by {config}" in first
    assert "model.api_key is set by OPENAI_API_KEY" in first
    assert 'model.kind is "offline"' in first
    assert "sk-secret" not in first


@asynccontextmanager
async def answering(body: str, media_type: str) -> AsyncIterator[str]:
    """A server that gives the same answer to everything."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type=media_type)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ("[]", "application/json"),
        ('{"ok": true}', "application/json"),
        ("<html>", "text/html"),
        ("", "text/plain"),
    ],
)
async def test_servers_that_answer_nonsense_are_a_finding_and_no_crash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], body: str, media_type: str
) -> None:
    async with answering(body, media_type) as url:
        config = written(
            tmp_path,
            f'[model]\nkind = "openai"\nbase_url = "{url}"\nretries = 0\n'
            f'[embedder]\nkind = "openai"\nbase_url = "{url}"\n'
            f'[discord]\ntoken = "x"\napi_url = "{url}"\n'
            f'[slack]\nbot_token = "x"\napp_token = "x"\nconfig_token = "x"\napi_url = "{url}/"\n',
        )
        code, lines = await examined(config, capsys)
    assert code == 1
    assert all(line.startswith(("ok ", "FAIL")) for line in lines), lines
    assert {line.split(":")[0].split()[1] for line in lines if line.startswith("FAIL")} >= {"index", "model"}


def test_what_is_installed_is_listed_with_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    versions()
    lines = capsys.readouterr().out.splitlines()
    assert f"everbot=={version('everbot')}" in lines
    assert lines == sorted(lines, key=lambda line: line.partition("==")[0])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "ok   memory page: off"),
        ('[web]\nlisten = "127.0.0.1:{port}"\n', "ok   memory page: http://127.0.0.1:{port}"),
        (
            '[web]\nlisten = "0.0.0.0:{port}"\npublic_url = "http://bots.example.org"\n',
            "FAIL memory page: http://bots.example.org: what people read there would go in the clear",
        ),
        (
            '[web]\nlisten = "127.0.0.1:{port}"\npublic_url = "https://bots.example.org"\n'
            '[web.slack]\nclient_id = "1"\nclient_secret = "s"\n',
            "ok   memory page: https://bots.example.org, to be let in by /memory web, or with Slack",
        ),
        (
            '[web]\nlisten = "127.0.0.1:{port}"\n[web.widget]\norigins = ["https://www.example.org"]\n',
            "FAIL widget: http://127.0.0.1:{port}: in other sites' frames browsers keep its cookie over https only.",
        ),
        (
            '[web]\nlisten = "127.0.0.1:{port}"\n[web.widget]\nguests = true\n',
            "FAIL widget: web.widget.guests is on, and web.widget.origins names no site: nobody can come.",
        ),
        (
            '[web]\nlisten = "127.0.0.1:{port}"\n[web.widget]\norigins = ["http://www.example.org"]\n',
            "FAIL widget: http://www.example.org is not https: nobody can sign in there as themselves.",
        ),
        (
            '[web]\nlisten = "127.0.0.1:{port}"\nchat = false\n[web.widget]\norigins = ["https://www.example.org"]\n',
            "FAIL widget: web.widget.origins names sites, and web.chat is off: there is no widget.",
        ),
    ],
)
async def test_where_the_memory_page_is_and_whether_it_is_safe_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    port = str(free_port())
    _, lines = await examined(written(tmp_path, QUIET + text.replace("{port}", port)), capsys)
    assert [line for line in lines if line.startswith(told.replace("{port}", port))], lines
