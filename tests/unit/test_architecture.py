"""The map of the house shows what is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAP = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


def test_every_file_on_the_map_exists() -> None:
    named = set(re.findall(r"`((?:bot|memory|adapters|tests|docs)/[\w/.]*)`", MAP))
    assert len(named) > 40
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_room_is_on_the_map() -> None:
    halves = dict(zip(("bot", "memory"), MAP.split("| `memory/` |"), strict=True))
    for package, shown in halves.items():
        named = {name.removesuffix("/").removesuffix(".py") for name in re.findall(r"`([\w./]+)`", shown)}
        rooms = {path.stem for path in (ROOT / package).iterdir() if path.suffix in ("", ".py")}
        assert rooms - named == {"__init__", "__pycache__"} & rooms


def test_every_test_that_is_named_for_an_attack_exists() -> None:
    table = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:unit|integration|acceptance)/[\w/.]+)`", table))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / "tests" / name).exists()] == []
