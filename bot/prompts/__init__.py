"""The prompts, as Markdown files that people can read."""

from __future__ import annotations

from importlib.resources import files


def read(name: str) -> str:
    """The text of ``bot/prompts/<name>.md``, without surrounding blank lines."""
    return files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8").strip()


def personas() -> dict[str, str]:
    """The personas that come with everbot, by name."""
    folder = files(__name__).joinpath("personas")
    return {
        entry.name.removesuffix(".md"): entry.read_text(encoding="utf-8").strip()
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
    }
