"""What Prometheus is told of a running everbot, and that the dashboard asks for nothing else.

The first turn with a person is of the kind ``user_joined``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import aiohttp
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bot.errors import DeliveryRefused, ModelUnavailable
from bot.events import Reply
from bot.health import health
from bot.ports import ModelReply, ModelRequest
from bot.telemetry.metrics import Metrics
from tests.fakes.parlour import House, Parlour, opened
from tests.fakes.ports import free_port
from tests.fakes.scripted_model import calls, say

DOCS = Path(__file__).parents[4] / "docs"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(metrics: Metrics, house: House) -> Samples:
    page = await metrics.page(house.app.memory.store, house.clock.now())
    families = text_string_to_metric_families(page.decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"everbot_{name}", frozenset(labels.items())]


async def test_a_turn_is_counted_with_what_it_took_and_names_nobody(tmp_path: Path) -> None:
    metrics = Metrics()
    script = [
        calls(("archival_memory_insert", {"content": "Ada sails.", "request_heartbeat": True})),
        say("Noted, Ada."),
    ]

    async with opened(tmp_path, lambda _: script.pop(0), observer=metrics) as house:
        await house.say("ada", "Remember that I sail.")
        told = await scraped(metrics, house)
        page = (await metrics.page(house.app.memory.store, house.clock.now())).decode()

    here = {"platform": "parlour"}
    assert value(told, "events_total", kind="message", **here) == 1
    assert value(told, "turns_total", kind="user_joined", **here) == 1
    assert value(told, "steps_total", model="stage", **here) == 2
    assert value(told, "tokens_total", model="stage", direction="in", **here) == 200
    assert value(told, "tokens_total", model="stage", direction="out", **here) == 20
    assert value(told, "model_seconds_count", model="stage", **here) == 2
    assert value(told, "own_seconds_count", kind="user_joined", **here) == 1
    turn, own = (value(told, f"{name}_seconds_sum", kind="user_joined", **here) for name in ("turn", "own"))
    assert 0 < own < turn + 1
    assert value(told, "posts_total", outcome="sent", **here) == 1
    assert value(told, "tool_calls_total", tool="archival_memory_insert", outcome="ok") == 1
    assert value(told, "people") == value(told, "agents") == 1
    assert value(told, "unindexed_rows") == 3, "of two messages and a note, where there is no embedder"
    assert "ada" not in page.lower()
    assert "sail" not in page


async def test_what_waits_and_what_fails_is_seen_by_its_kind(tmp_path: Path) -> None:
    metrics, parlour = Metrics(), Parlour()

    def play(request: ModelRequest) -> ModelReply | Exception:
        return ModelUnavailable("down")

    async def refuse(reply: Reply) -> str:
        raise DeliveryRefused("the place is gone")

    parlour.send = refuse  # type: ignore[method-assign]
    async with opened(tmp_path, play, parlour=parlour, observer=metrics, expire_hours=8_760) as house:
        await house.app.inbound.submit(house.message("ada", "Hello?"))
        await house.app.inbound.settled("parlour:ada")
        told = await scraped(metrics, house)
    here = {"platform": "parlour"}
    assert value(told, "errors_total", kind="ModelUnavailable", model="stage", **here) >= 1
    assert value(told, "errors_total", kind="DeliveryRefused", model="", **here) == 1
    assert value(told, "posts_total", outcome="DeliveryRefused", **here) == 1
    assert value(told, "running_turns", **here) == 1
    assert ("everbot_turns_total", frozenset({**here, "kind": "user_joined"}.items())) not in told, "it waits"


async def test_tools_that_a_model_made_up_are_one_label(tmp_path: Path) -> None:
    metrics, script = Metrics(), [calls(("make_coffee_7f3a", {})), say("I can't.")]
    async with opened(tmp_path, lambda _: script.pop(0), observer=metrics) as house:
        await house.say("ada", "Coffee, please")
        told = await scraped(metrics, house)
    assert value(told, "tool_calls_total", tool="unknown", outcome="failed") == 1


async def test_metrics_are_served_beside_health_and_only_where_they_are_wanted(tmp_path: Path) -> None:
    metrics, listen = Metrics(), f"127.0.0.1:{free_port()}"
    async with (
        opened(tmp_path, lambda _: say("Hi"), observer=metrics) as house,
        aiohttp.ClientSession() as client,
    ):

        async def figures() -> bytes:
            return await metrics.page(house.app.memory.store, house.clock.now())

        async with health(listen, [], None, figures), client.get(f"http://{listen}/metrics") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            assert "everbot_people 0.0" in await answer.text()
        async with health(listen, []), client.get(f"http://{listen}/metrics") as answer:
            assert answer.status == 404


def names() -> set[str]:
    """Of all series that there are."""
    return {
        name
        for family in Metrics().registry.collect()
        for name in (
            [f"{family.name}_total"]
            if family.type == "counter"
            else [family.name, f"{family.name}_bucket", f"{family.name}_sum", f"{family.name}_count"]
        )
    }


def test_each_alarm_asks_for_metrics_that_there_are() -> None:
    [group] = yaml.safe_load((DOCS / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    known = names()
    for rule in group["rules"]:
        asked = set(re.findall(r"everbot_\w+", rule["expr"])) | set(re.findall(r"\bup\b", rule["expr"]))
        assert asked, rule["alert"]
        assert asked <= known | {"up"}, rule["alert"]
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert rule["annotations"]["summary"].endswith(".")
    assert len({rule["alert"] for rule in group["rules"]}) == len(group["rules"])


def test_the_dashboard_and_the_manual_ask_for_metrics_that_there_are() -> None:
    known = names()
    dashboard = json.loads((DOCS / "grafana.json").read_text(encoding="utf-8"))
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"everbot_\w+", target["expr"])
    }
    told = set(re.findall(r"`(everbot_\w+)", (DOCS / "operations.md").read_text(encoding="utf-8")))
    assert asked <= known
    assert told <= known
    bare = {re.sub("_(bucket|sum|count)$", "", name) for name in known}
    assert bare == {re.sub("_bucket$", "", name) for name in asked} == told, "each is drawn and explained"
