"""The prompts, as Markdown files that people can read."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Ready:
    """A persona that comes with everbot: its block, and what stands beside it, as TOML."""

    text: str
    beside: str


def read(name: str) -> str:
    """The text of ``bot/prompts/<name>.md``, without surrounding blank lines."""
    return files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8").strip()


def personas() -> dict[str, Ready]:
    """The personas that come with everbot, by name: ``personas/<name>.md``, and ``<name>.toml`` beside it."""
    folder = files(__name__).joinpath("personas")
    texts = {entry.name: entry.read_text(encoding="utf-8").strip() for entry in folder.iterdir()}
    return {
        name.removesuffix(".md"): Ready(text, texts.get(name.removesuffix(".md") + ".toml", ""))
        for name, text in sorted(texts.items())
        if name.endswith(".md")
    }
