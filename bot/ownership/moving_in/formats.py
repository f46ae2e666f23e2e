"""The formats that can be taken over, and which of them a file is."""

from __future__ import annotations

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


def named(name: str) -> Format:
    """The format that --from names. Raises `BundleError`."""
    for form in FORMATS:
        if name.casefold() in (form.name, form.what.casefold()):
            return form
    names = ", ".join(form.name for form in FORMATS)
    raise BundleError(f"--from {name}: nothing of that name is read. There are: {names}.")
