"""Commands on Discord: announced as slash commands, used by them and by our buttons and dialogs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import discord

from adapters.discord import wire
from adapters.discord.answers import PREFIX, show
from adapters.discord.errors import BROKEN, UNREAD
from adapters.discord.people import origin, person_in
from adapters.discord.places import Place, nowhere, place_of
from adapters.discord.wire import Json
from bot.events import Command, CommandSpec, View
from bot.ports import Inbound
from memory.errors import StoreError

log = logging.getLogger(__name__)

_SLASH, _TEXT = 1, 3  # types of a command and of an option (API reference, "Application Commands")
_KEPT = (  # what is said of a command of another kind, and so can be said again
    "id type name name_localizations description description_localizations options handler "
    "default_member_permissions nsfw contexts integration_types"
).split()
_CONTEXTS = [0, 1]  # in guilds, and in direct messages with us
_PROMPT_S = 2.0  # after so long an answer is announced, for Discord waits 3 s


# Announcing


async def announce(client: discord.Client, specs: Sequence[CommandSpec]) -> None:
    """Tell Discord the commands, unless it knows them as they are: it allows few changes a day. What an application
    has of other kinds (an Activity's entry point, commands of menus) is no command of ours, and stays. Where Discord
    refuses them the bot serves without."""
    ours = [_described(spec) for spec in specs if not spec.local]
    try:
        application = client.application_id or (await client.application_info()).id
        known = wire.records(await client.http.get_global_commands(application))
        slash = [command for command in known if _is_slash(command)]
        others = [{k: c[k] for k in _KEPT if c.get(k) is not None} for c in known if not _is_slash(c)]
        if {_shape(command) for command in slash} != {_shape(command) for command in ours}:
            payload: Any = [*ours, *others]
            await client.http.bulk_upsert_global_commands(application, payload=payload)
    except (discord.DiscordException, *BROKEN, *UNREAD) as error:
        log.error("Discord did not take the slash commands (%s): buttons and messages work without.", error)


def _is_slash(command: Json) -> bool:
    return wire.number(command.get("type")) in (0, _SLASH)  # slash commands may leave it out


def _described(spec: CommandSpec) -> Json:
    options = []
    if spec.argument:
        options.append({"type": _TEXT, "name": "argument", "description": spec.argument[:100]})
    return {
        "type": _SLASH,
        "name": spec.name,
        "description": spec.summary[:100],
        "contexts": _CONTEXTS,
        "options": options,
    }


def _shape(command: Json) -> tuple[object, ...]:
    """What people see of a command, or of one option."""
    inner = tuple(_shape(option) for option in wire.records(command.get("options")))
    return wire.text(command.get("name")), wire.text(command.get("description")), inner


# Being used


async def used(interaction: discord.Interaction, inbound: Inbound) -> None:
    """A command, or a button or a dialog of ours, also one from before a restart: its id says all."""
    data = wire.record(interaction.data)
    kind = interaction.type
    if kind is discord.InteractionType.application_command:
        if _is_slash(data):
            await _answer(interaction, inbound, wire.text(data.get("name")), _argument(data))
        return
    custom_id = wire.text(data.get("custom_id"))
    if custom_id.startswith(PREFIX):
        command, _, argument = custom_id.removeprefix(PREFIX).partition(" ")
        submitted = kind is discord.InteractionType.modal_submit
        value = _value(data.get("components")) if submitted else ""
        await _answer(interaction, inbound, command, argument, value)


def _argument(data: Json) -> str:
    values = (option.get("value") for option in wire.records(data.get("options")))
    return " ".join(str(value) for value in values if value is not None)


def _value(components: object) -> str:
    """What was written in a dialog."""
    for row in wire.records(components):
        inner = wire.record(row.get("component")) or next(iter(wire.records(row.get("components"))), {})
        if "value" in inner:
            return wire.text(inner["value"])
    return ""


def _place(interaction: discord.Interaction) -> Place:
    channel, guild = interaction.channel_id or 0, interaction.guild_id or 0
    if not channel or (interaction.context.private_channel and not guild):
        return nowhere(channel)  # who is there is not known
    return place_of(interaction.client, channel, guild)


async def _answer(
    interaction: discord.Interaction, inbound: Inbound, command: str, argument: str, value: str = ""
) -> None:
    """Run a command and show what it says, to the one who asked."""
    facts = origin(person_in(interaction), _place(interaction))
    asked = Command(**facts, command=command, argument=argument, value=value)
    running = asyncio.ensure_future(inbound.invoke(asked))
    try:
        done, _ = await asyncio.wait([running], timeout=_PROMPT_S)
        if not done:
            await interaction.response.defer(ephemeral=True, thinking=True)
        await show(interaction, await _view(running))
    except (discord.DiscordException, *BROKEN) as error:
        log.warning("A command's answer was not taken: %s", error)
    finally:
        running.cancel()


async def _view(running: asyncio.Future[View]) -> View:
    try:
        return await running
    except StoreError as error:
        log.error("A command could not be run: %s", error)
        return View(text="I can't reach my memory just now. Please try again in a moment.", kind="error")
