"""What the pages for people point to is there: links, settings, options, and examples that are taken as they stand."""

from __future__ import annotations

import re
import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

from bot.cli.main import app
from bot.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))
NAMED = ("models.", "mcp.servers.")  # tables by names of one's own
ENDINGS = ("py", "md", "toml", "jsonl", "db", "css", "js")  # of files, which look like keys


def settings(section: type[BaseModel] = Settings, before: str = "") -> Iterator[str]:
    """Every section and key, dotted."""
    for name, field in section.model_fields.items():
        yield before + name
        for kind in (field.annotation, *typing.get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from settings(kind, f"{before}{name}.")


SETTINGS = set(settings())
COMMANDS = typer.main.get_command(app)


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split(".")[:2])
    return path.is_dir() or path.with_suffix(".py").exists()


def headings(path: Path) -> set[str]:
    """As links name them."""
    found = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for link in re.findall(r"(?:\]\(|src=\")(?!https?:|mailto:)([^)\"\s]+)[)\"]", text):
        name, _, heading = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), link
        assert not heading or heading in headings(target), link


@pytest.mark.parametrize("page", [page for page in PAGES if page != "CHANGELOG.md"])  # it tells of old ones
def test_settings_that_are_named_are_settings(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    sections = {name.split(".")[0] for name in SETTINGS if "." in name}
    named = [
        ".".join(filter(None, found)) for found in re.findall(r"`\[([a-z_.]+)\](?: ([a-z_]+))?[ `]", text)
    ]
    named += [
        name
        for name in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)[ `]", text)
        if name.split(".")[0] in sections and name.rsplit(".", 1)[1] not in ENDINGS and not is_module(name)
    ]
    for name in named:
        assert name in SETTINGS or name.startswith(NAMED), name


@pytest.mark.parametrize("page", [page for page in PAGES if "```toml" in (ROOT / page).read_text("utf-8")])
def test_examples_are_taken_as_they_stand(page: str) -> None:
    for example in re.findall(r"```toml\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL):
        Settings.model_validate(tomllib.loads(example))


@pytest.mark.parametrize("page", [page for page in PAGES if page != "CHANGELOG.md"])
def test_options_that_are_named_are_their_commands(page: str) -> None:
    for told in re.findall(r"\beverbot ((?:[a-z-]+ ?)+[^`\n|]*)", (ROOT / page).read_text("utf-8")):
        command = COMMANDS
        for word in told.split():
            known = getattr(command, "commands", {})
            if word not in known:
                break
            command = known[word]
        if getattr(command, "commands", None):
            continue  # it names no command, or a group of them
        options = {"--help", *(name for parameter in command.params for name in parameter.opts)}
        told = re.split(r" [;&|>#] |[;:]| everbot | for | and | until ", told)[0]
        assert set(re.findall(r"(?<![\w-])--[a-z-]+", told)) <= options, told
