"""The whole house with servers of tools that others wrote, over both transports."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.acceptance.test_forgetting import command
from tests.acceptance.test_tools import doing, names, question
from tests.fakes.parlour import Stage, opened
from tests.patience import PATIENCE_S

SERVERS = json.loads(os.environ["MCP_SERVERS"])
"""By the server's name the command that starts it; only those that could be installed here."""


def needs(name: str) -> Any:
    return pytest.mark.skipif(name not in SERVERS, reason=f"{name} could not be installed here")


def settings(name: str, *more: str, **others: Any) -> dict[str, Any]:
    command, *args = SERVERS[name]
    server = {"command": command, "args": [*args, *more], "connect_s": 120, "timeout_s": 120, **others}
    return {"servers": {name: server}}


@needs("time")
async def test_the_time_is_told(tmp_path: Path) -> None:
    stage = Stage(doing("time__get_current_time", timezone="Europe/Berlin"))
    async with opened(tmp_path, stage, mcp=settings("time")) as house:
        [reply] = await house.say("ada", "What time is it in Berlin?")
    assert "Europe/Berlin" in reply.text
    assert {"time__get_current_time", "time__convert_time"} <= set(names(stage.requests[0]))


@needs("time")
async def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    play = doing("time__get_current_time", timezone="Nowhere/None")
    async with opened(tmp_path, play, mcp=settings("time")) as house:
        [reply] = await house.say("ada", "What time is it?")
    assert "Nowhere/None" in reply.text


@needs("fetch")
async def test_a_page_is_read_once_it_is_allowed(tmp_path: Path) -> None:
    async def page(request: web.Request) -> web.Response:
        text = "<html><body><article><h1>Bees</h1><p>There are bees in Rome.</p></article></body></html>"
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/bees", page)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        url = f"http://{host}:{port}/bees"
        mcp = settings("fetch", "--ignore-robots-txt", "--allow-private-ips", ask_first=["fetch"])
        async with opened(tmp_path, doing("fetch__fetch", url=url), mcp=mcp) as house:
            asked, ask = question(await house.say("ada", "What is on that page?"))
            assert url in asked.text
            await command(house, "ada", f"allow {ask} yes")
            await house.settled("parlour:ada")
            told = house.parlour.posted[-1].text
    finally:
        await runner.cleanup()
    assert "There are bees in Rome." in told


@needs("everything")
async def test_everything_over_pipes(tmp_path: Path) -> None:
    stage = Stage(doing("everything__echo", message="bees"))
    mcp = {**settings("everything", "stdio"), "shown": 5}  # it has more
    async with opened(tmp_path, stage, mcp=mcp) as house:
        [reply] = await house.say("ada", "Say bees")
    assert "bees" in reply.text
    assert {"find_tools", "use_tool"} <= set(names(stage.requests[0]))


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """The server's address, over streamable HTTP."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "PORT": str(port)}
    program = await asyncio.create_subprocess_exec(
        *SERVERS["everything"], "streamableHttp", env=env, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        writer.close()
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        program.terminate()
        await program.wait()


@needs("everything")
async def test_everything_over_http(tmp_path: Path) -> None:
    async with served() as url:
        mcp = {"servers": {"everything": {"url": url, "connect_s": 120, "timeout_s": 120}}}
        async with opened(tmp_path, doing("everything__echo", message="bees"), mcp=mcp) as house:
            [reply] = await house.say("ada", "Say bees")
    assert "bees" in reply.text
