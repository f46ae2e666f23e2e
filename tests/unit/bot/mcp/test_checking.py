"""What `everbot doctor` says of servers of tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.mcp.checking import Finding, examine
from tests.fakes.mcp_server import Told, calendar, serving
from tests.fakes.parlour import settings_at

GONE = "http://127.0.0.1:9/mcp"  # the port of "discard": nobody listens


async def found(folder: Path, web: dict[str, Any] | None = None, **server: Any) -> list[Finding]:
    settings = settings_at(folder, mcp={"servers": {"calendar": server}}, web=web)
    return [finding async for finding in examine(settings)]


async def test_a_server_that_answers_is_told_with_its_tools(tmp_path: Path) -> None:
    told = Told()
    async with serving(calendar(told, more=10), told) as url:
        [(good, name, said)] = await found(tmp_path, url=url)
        assert (good, name) == (True, "tools of calendar")
        assert said.startswith("weather, delete_event, broken")
        assert said.endswith("and 5 more")
        [(good, _, said)] = await found(tmp_path, url=url, tools=["nothing"])
        assert not good
        assert said.startswith("it has no tool 'nothing' (mcp.servers.calendar); it has: weather")
        [(good, _, said)] = await found(tmp_path, url=url, ask_first=["nothing"])
        assert not good


async def test_a_server_that_wants_credentials_names_who_is_to_give_them(tmp_path: Path) -> None:
    told = Told(accepted={"right"})
    async with serving(calendar(told), told) as url:
        [(good, _, said)] = await found(tmp_path, url=url)
        assert not good
        assert said.endswith("set mcp.servers.calendar.token.")
        [(good, _, said)] = await found(tmp_path, url=url, token="right")
        assert good, said
        [(good, _, said)] = await found(tmp_path, url=url, auth="token", per_person=True)
        assert good
        assert said == "it answers, and wants credentials of each person (/connect calendar)"


@pytest.mark.parametrize(
    ("server", "word"),
    [
        ({"url": GONE}, "see mcp.servers.calendar."),
        ({"command": "/no/such/program"}, "its command cannot be started"),
        ({"url": GONE, "auth": "oauth"}, "set web.listen and web.public_url"),
    ],
)
async def test_what_is_wrong_names_its_setting(tmp_path: Path, server: dict[str, Any], word: str) -> None:
    [(good, _, said)] = await found(tmp_path, **server)
    assert not good
    assert word in said


async def test_a_key_that_cannot_seal_credentials_is_told(tmp_path: Path) -> None:
    told = Told(accepted=set())
    (tmp_path / "secret.key").write_bytes(b"too short")
    async with serving(calendar(told), told) as url:
        first, second = await found(tmp_path, url=url, auth="token", per_person=True)
    assert first[0]
    assert second[:2] == (False, "credentials")
