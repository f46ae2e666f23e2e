"""What travels together becomes one object: nothing is called with more than eight things."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST = 8


def crowded(source: str) -> list[str]:
    """The functions that take more, as ``name (how many)``; ``self`` and ``cls`` do not count."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            count = sum(argument.arg not in ("self", "cls") for argument in taken)
            if count > MOST:
                found.append(f"{node.name} ({count})")
    return found


@pytest.mark.parametrize("folder", ["bot", "memory", "adapters"])
def test_no_function_or_constructor_takes_more_than_eight_parameters(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    found = {str(file.relative_to(ROOT)): crowded(file.read_text(encoding="utf-8")) for file in files}
    assert {name: crowd for name, crowd in found.items() if crowd} == {}


def test_positional_and_keyword_parameters_count_alike() -> None:
    eight = "class A:\n    def __init__(self, a, b, /, c, d, *, e, f, g, h): ..."
    assert crowded(eight) == []
    assert crowded(eight.replace("h)", "h, i)")) == ["__init__ (9)"]
