"""The formats that can be taken over, and which of them a file is."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from bot.errors import BundleError
from bot.ownership.moving_in.chatgpt import ChatGPT
from bot.ownership.moving_in.claude import Claude
from bot.ownership.moving_in.discord import Discord
from bot.ownership.moving_in.letta import Letta
from bot.ownership.moving_in.markdown import Hermes, OpenClaw
from bot.ownership.moving_in.sillytavern import SillyTavern
from bot.ownership.moving_in.slack import Slack
from bot.ownership.moving_in.source import Source
from bot.ownership.moving_in.talks import Format
from bot.ownership.moving_in.tomoribot import TomoriBot

_SENT = (".zip", ".json", ".jsonl", ".af")  # what a file may be called that is sent in a conversation
FORMATS: tuple[Format, ...] = (
    ChatGPT(),
    Claude(),
    Letta(),
    TomoriBot(),
    SillyTavern(),
    Discord(),
    Slack(),
    OpenClaw(),
    Hermes(),
)


def known(source: Source) -> Format | None:
    """What it is, by what is in it; None for none of them."""
    if "header.json" in source.names:  # everbot's own; there is Markdown in it, too
        return None
    return next((form for form in FORMATS if form.claims(source)), None)


def talks_elsewhere(name: str, data: bytes) -> str:
    """A sentence on a file that somebody sends in a conversation, if it is of one of these formats; else nothing."""
    if not name.casefold().endswith(_SENT):
        return ""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"sent{Path(name).suffix}"
        path.write_bytes(data)
        try:
            source = Source(path)
            form = known(source)
            source.close()
        except (BundleError, OSError):
            return ""  # whoever reads documents tells what is wrong with it
    if form is None:
        return ""
    return (
        f"{name} is not read here: it holds what was said to {form.what}. Whoever runs me can take it over into their "
        f"memory with `everbot import {name}`, and it is found and comes to mind from then on."
    )


def named(name: str) -> Format:
    """The format that --from names. Raises `BundleError`."""
    for form in FORMATS:
        if name.casefold() in (form.name, form.what.casefold()):
            return form
    names = ", ".join(form.name for form in FORMATS)
    raise BundleError(f"--from {name}: nothing of that name is read. There are: {names}.")
