"""The app's description, held against Slack's own schema of such."""

from __future__ import annotations

import pytest

from adapters.slack.manifest import EVENTS, SCOPES, WISHED, manifest
from tests.fakes import slack_facts
from tests.fakes.slack_events import SUBSCRIPTIONS
from tests.fakes.slack_state import SCOPES as KNOWN


@pytest.mark.parametrize("mode", ["socket", "http"])
def test_the_manifest_is_one_that_slack_takes(mode: str) -> None:
    told = manifest(mode, "https://bot.example/slack/events")
    assert slack_facts.manifest(told) == []
    assert ("url" in told["features"]["slash_commands"][0]) is (mode == "http")
    assert told["settings"]["socket_mode_enabled"] is (mode == "socket")
    assert set(told["oauth_config"]["scopes"]["bot"]).isdisjoint(
        told["oauth_config"]["scopes"]["bot_optional"]
    )


def test_it_asks_for_what_is_used() -> None:
    assert {*SCOPES, *WISHED} == KNOWN
    assert set(EVENTS) == SUBSCRIPTIONS


def test_a_manifest_that_slack_does_not_take_is_told_so() -> None:
    told = manifest("socket", "")
    told["display_information"] |= {"name": "e" * 36, "colour": "red"}
    told["settings"]["event_subscriptions"]["bot_events"] = ["x"] * 101
    assert len(slack_facts.manifest(told)) == 3
