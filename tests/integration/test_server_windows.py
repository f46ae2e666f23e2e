"""How much a server reads at once is compared with what everbot sends: by doctor, and when everbot starts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.cli.doctor import examine
from bot.models.openai import OpenAIModel
from tests.fakes.clock import FakeClock
from tests.fakes.openai_server import Answer, Fault, OpenAIServer, Script
from tests.fakes.parlour import opened
from tests.fakes.small_model import SmallModel, in_object
from tests.integration.openai_bench import lines
from tests.patience import PATIENCE_S

Json = dict[str, Any]


def listing(name: str = "m", **more: Any) -> Json:
    return {
        "object": "list",
        "data": [{"id": "other", "max_model_len": 7}, {"id": name, "object": "model", **more}],
    }


WINDOWS: Mapping[str, tuple[dict[str, Json], int | None, str]] = {
    "llama.cpp": ({"/v1/models": listing(meta={"n_ctx": 2048, "n_ctx_train": 32768})}, 2048, "-c 9000"),
    "llama.cpp, older": ({"/props": {"default_generation_settings": {"n_ctx": 4096}}}, 4096, "-c 9000"),
    "Ollama, loaded": (
        {"/v1/models": listing(), "/api/ps": {"models": [{"name": "m:latest", "context_length": 4096}]}},
        4096,
        "OLLAMA_CONTEXT_LENGTH=9000",
    ),
    "Ollama, by its Modelfile": (
        {"/api/ps": {"models": []}, "/api/show": {"parameters": 'stop "x"\nnum_ctx      8192'}},
        8192,
        "OLLAMA_CONTEXT_LENGTH=9000",
    ),
    "Ollama, not loaded": (
        {"/api/ps": {"models": []}, "/api/show": {"parameters": "", "model_info": {"qwen2.context_length": 32768}}},
        None,
        "",
    ),
    "vLLM": ({"/v1/models": listing(max_model_len=8192)}, 8192, "--max-model-len 9000"),
    "LM Studio": (
        {
            "/v1/models": listing(),
            "/api/v0/models": listing(state="loaded", max_context_length=131072, loaded_context_length=4096),
        },
        4096,
        "9000 in LM Studio",
    ),
    "OpenRouter": (
        {"/v1/models": listing(context_length=131072, top_provider={"context_length": 65536})},
        65536,
        "",
    ),
    "Groq": ({"/v1/models": listing(context_window=32768)}, 32768, ""),
    "nothing is told": ({"/v1/models": listing()}, None, ""),
    "nonsense is told": ({"/v1/models": listing(max_model_len="many", meta=7), "/props": {"n_ctx": 1}}, None, ""),
}  # fmt: skip


@asynccontextmanager
async def telling(answers: Mapping[str, Json]) -> AsyncIterator[str]:
    """A server that knows nothing but these."""

    async def answer(request: web.Request) -> web.Response:
        known = request.path in answers
        return web.json_response(
            answers.get(request.path, {"error": "not found"}), status=200 if known else 404
        )

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("server", WINDOWS)
async def test_each_server_tells_in_its_own_way(server: str) -> None:
    answers, tokens, more = WINDOWS[server]
    async with telling(answers) as url:
        model = OpenAIModel(name="m", base_url=f"{url}/v1", clock=FakeClock())
        window = await model.window(own=True)
        await model.aclose()
    assert (window and window.tokens) == tokens
    assert window is None or more in window.more.format(wanted=9000)


async def test_servers_of_others_are_asked_for_their_list_alone() -> None:
    async with telling({"/props": {"default_generation_settings": {"n_ctx": 4096}}}) as url:
        model = OpenAIModel(name="m", base_url=f"{url}/v1", clock=FakeClock())
        assert await model.window(own=False) is None
        await model.aclose()


def configured(tmp_path: Path, url: str, more: str = "") -> Path:
    config = tmp_path / "config.toml"
    config.write_text(
        f'data_dir = "{tmp_path / "data"}"\n[embedder]\nkind = "none"\n'
        f'[model]\nkind = "openai"\nname = "m"\nbase_url = "{url}"\nretries = 0\n{more}\n',
        encoding="utf-8",
    )
    return config


async def examined(config: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    capsys.readouterr()
    async with asyncio.timeout(PATIENCE_S):
        code = await examine(config)
    return code, [line for line in capsys.readouterr().out.splitlines() if " model" in line[:11]]


CALL = '```json\n{"name": "send_message", "arguments": {"message": "Hello!"}}\n```'
TRIALS: Mapping[str, tuple[Script, str, int, str]] = {
    "it calls": (lines(Answer(calls=[("send_message", {"message": "Hello!"})])), "", 0, "calls functions."),
    "JSON in the text": (
        lines(Answer(text=CALL)), "", 0, 'answers with JSON in its text, which is read. Small models do better with '
        '[model] protocol = "json".',
    ),
    "no tools at all": (
        lines(Fault(kind="status", status=400, message="m does not support tools"), Answer(text="Hello!")), "", 1,
        'set [model] protocol = "json"',
    ),
    "tools are dropped": (lines(Answer(text="Hello!")), 'tools = "lean"', 1, "neither calls functions nor writes"),
    "JSON, as asked for": (lines(in_object([], "Hello!")), 'protocol = "json"', 0, "answers with JSON, as"),
    "no JSON, though asked for": (
        lines(Answer(text="Hello!")), 'protocol = "json"', 1, "does not answer with the JSON",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", TRIALS)
async def test_doctor_has_the_model_make_one_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    script, more, bad, told = TRIALS[how]
    async with OpenAIServer(script, models=["m"]) as server:
        code, found = await examined(configured(tmp_path, server.url, more), capsys)
    [line] = [line for line in found if "its calls" in line]
    assert (code, line.startswith("FAIL")) == (bad, bool(bad))
    assert told in line


async def test_doctor_looks_at_every_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    called = Answer(calls=[("send_message", {"message": "Hello!"})])
    async with OpenAIServer(lines(called), models=["m", "n"]) as one:
        async with OpenAIServer(SmallModel(in_object), models=["small"]) as other:
            reserve = f'{{ name = "small", base_url = "{other.url}", protocol = "json" }}'
            more = f'fallbacks = [{reserve}]\n[models]\ncheap = {{ name = "n" }}\nnone = {{ name = "x" }}'
            code, found = await examined(configured(tmp_path, one.url, more), capsys)
    assert code == 1
    assert [line.split(":")[0].split(" ", 1)[1].strip() for line in found] == [
        "model", "model, its calls", "model small", "model small, its calls", "model cheap", "model cheap, its calls",
        "model none",
    ]  # fmt: skip
    assert found[-1].startswith("FAIL")


@pytest.mark.parametrize(
    ("tokens", "more", "told"),
    [
        (
            4_096,
            'protocol = "json"',
            "server window 4096, but [model] context_window is 16384: set it to 4096, or start",
        ),
        (2_048, "", "server window 2048, everbot needs at least "),
        (
            8_192,
            'tools = "lean"',
            "server window 8192, but [model] context_window is 16384: set it to 8192, or start",
        ),
        (32_768, "", "server window 32768, [model] context_window 16384."),
    ],
)
async def test_a_window_is_told_by_doctor_and_at_the_start(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    tokens: int,
    more: str,
    told: str,
) -> None:
    answers = {"/v1/models": listing(meta={"n_ctx": tokens}), "/v1/chat/completions": {"choices": []}}
    async with telling(answers) as url:
        small = {name: value.strip('"') for name, _, value in [more.partition(" = ")] if name}
        caplog.set_level(logging.INFO, "bot.backends.models")
        async with opened(
            tmp_path / "a", None, model={"kind": "openai", "name": "m", "base_url": f"{url}/v1", **small}
        ):
            async with asyncio.timeout(PATIENCE_S):
                while not caplog.messages:
                    await asyncio.sleep(0.01)
        [record] = [record for record in caplog.records if "window" in record.message]
        assert f"The model m: {told}" in record.message
        assert record.levelno == (logging.INFO if tokens > 16_384 else logging.WARNING)
    called = Answer(calls=[("send_message", {"message": "Hello!"})])
    async with OpenAIServer(lines(called), models=["m"]) as server:
        server.about["m"] = {"meta": {"n_ctx": tokens}}
        code, found = await examined(configured(tmp_path, server.url, more), capsys)
    assert told in found[-1]
    assert code == (0 if tokens > 16_384 else 1)


async def test_a_server_that_does_not_answer_holds_nothing_up(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def never(request: web.Request) -> web.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    app = web.Application()
    app.router.add_get("/v1/models", never)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    async with asyncio.timeout(PATIENCE_S):
        async with opened(tmp_path, None, model={"kind": "openai", "name": "m", "base_url": url}):
            await asked.wait()
    await runner.cleanup()
