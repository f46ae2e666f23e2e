from __future__ import annotations

from typing import Any

import pytest

from bot.agent.tools.outside import Asker
from bot.mcp.servers import allows
from bot.settings import McpServerSettings
from memory.records import PRIVATE, Agent, community_audience, place_audience

ADA = Agent(id=1, user_id=1, persona_id=1, name="ada", archive_id=1, paused_until=None)
PUBLIC = community_audience("slack:T1")
DEN = place_audience("slack:T1", "C9")


@pytest.mark.parametrize(
    ("rules", "audience", "address", "allowed"),
    [
        ({}, PRIVATE, "discord:1", True),
        ({"personas": ["ever"]}, PRIVATE, "discord:1", True),
        ({"personas": ["other"]}, PRIVATE, "discord:1", False),
        ({"people": ["discord:7"]}, PRIVATE, "discord:1", True),
        ({"people": ["discord:8"]}, PRIVATE, "discord:1", False),
        ({"communities": ["slack:T1"]}, PUBLIC, "slack:T1/C1", True),
        ({"communities": ["slack:T1"]}, DEN, "slack:T1/C9", True),
        ({"communities": ["slack:T1"]}, PRIVATE, "slack:T1/D1", True),
        ({"communities": ["slack:T1"]}, PRIVATE, "discord:1", False),
        ({"communities": ["slack:T2"]}, PUBLIC, "slack:T1/C1", False),
    ],
)
def test_a_server_is_there_for_whom_it_is_meant(
    rules: dict[str, Any], audience: str, address: str, allowed: bool
) -> None:
    server = McpServerSettings(url="http://x", **rules)
    asker = Asker(agent=ADA, persona="ever", address=address, audience=audience, waits=True)
    assert allows(server, asker, ["discord:7"]) is allowed


def test_where_nobody_waits_nothing_may_be_used() -> None:
    asker = Asker(agent=ADA, persona="ever", address="discord:1", audience=PRIVATE, waits=False)
    assert not allows(McpServerSettings(url="http://x"), asker, [])
