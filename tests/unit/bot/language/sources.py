"""The sources as trees, and the literal texts in them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

MARKS = ("gettext", "ngettext", "pgettext", "marked")
ROOT = Path(__file__).resolve().parents[4]


def sources(*places: str) -> list[Path]:
    """Files, and all in folders, in order."""
    found: list[Path] = []
    for place in places:
        path = ROOT / place
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return found


@cache
def parsed(source: Path) -> ast.Module:
    """A file that speaks with people, or makes what they see; others are empty."""
    text = source.read_text(encoding="utf-8")
    return ast.parse(text if "bot.language" in text or "bot.events" in text or "bot.errors" in text else "")


def marks(node: ast.AST) -> Iterator[tuple[str, list[str]]]:
    """What is marked there as text for people: by which function, and the literals that it is given."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and named(inner.func) in MARKS:
            given = [one.value for one in inner.args if isinstance(one, ast.Constant)]
            texts = [text for text in given if isinstance(text, str)]
            if texts:
                yield named(inner.func), texts


def named(function: ast.expr) -> str:
    """How a function is called: ``log.info`` is ``info`` of ``log``."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
