"""Commands as Discord shows them: slash commands, buttons, a modal for a form; answers only the asker sees."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Sequence
from typing import Any

import discord
from discord import app_commands, ui

from adapters.discord.reading import origin
from adapters.text import split
from bot.events import ENTRIES, Action, Command, CommandSpec, File, View
from bot.ports import Inbound
from memory.errors import StoreError

log = logging.getLogger(__name__)

LIMIT = 2_000
_PREFIX = "everbot "  # of the ids of our buttons and modals
_PROMPT_S = 2.0  # after so long an answer is announced, for Discord waits 3 s
_MODAL = 4_000
_ROW = 5  # buttons in a row


def tree_of(
    client: discord.Client, specs: Sequence[CommandSpec], inbound: Inbound
) -> app_commands.CommandTree[Any]:
    """The slash commands that `Inbound.invoke` knows."""
    tree: app_commands.CommandTree[Any] = app_commands.CommandTree(client)
    for spec in specs:
        if not spec.local:
            tree.add_command(_slash(spec, inbound))
    return tree


async def sync(tree: app_commands.CommandTree[Any]) -> None:
    """Announce the commands, unless Discord knows them as they are: it allows few changes a day."""
    known = {_shape(dict(command.to_dict())) for command in await tree.fetch_commands()}
    ours = {_shape(dict(command.to_dict(tree))) for command in tree.get_commands()}
    if known != ours:
        await tree.sync()


def _shape(command: dict[str, Any]) -> tuple[object, ...]:
    """What people see of a command."""
    options = command.get("options") or ()
    return command["name"], command["description"], *((o["name"], o["description"]) for o in options)


def _slash(spec: CommandSpec, inbound: Inbound) -> app_commands.Command[Any, Any, Any]:
    async def plain(interaction: discord.Interaction) -> None:
        await answer(interaction, inbound, spec.name, "")

    async def with_argument(interaction: discord.Interaction, argument: str = "") -> None:
        await answer(interaction, inbound, spec.name, argument)

    command: app_commands.Command[Any, Any, Any] = app_commands.Command(
        name=spec.name,
        description=spec.summary[:100],
        callback=with_argument if spec.argument else plain,
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False),
    )
    if spec.argument:
        app_commands.describe(argument=spec.argument[:100])(command)
    return command


async def pressed(interaction: discord.Interaction, inbound: Inbound) -> None:
    """A button or a modal of ours, also one from before a restart: its id says all."""
    data: dict[str, Any] = dict(interaction.data or {})
    custom_id = str(data.get("custom_id", ""))
    if not custom_id.startswith(_PREFIX):
        return
    command, _, argument = custom_id.removeprefix(_PREFIX).partition(" ")
    value = ""
    if interaction.type is discord.InteractionType.modal_submit:
        value = _value(data.get("components", ()))
    await answer(interaction, inbound, command, argument, value)


def _value(components: Sequence[dict[str, Any]]) -> str:
    for row in components:
        inner = row.get("component") or (row.get("components") or [{}])[0]
        if "value" in inner:
            return str(inner["value"])
    return ""


async def answer(
    interaction: discord.Interaction, inbound: Inbound, command: str, argument: str, value: str = ""
) -> None:
    """Run a command and show what it says, to the one who asked."""
    channel = _Direct(interaction) if interaction.guild_id is None else interaction.channel
    facts = origin(interaction.user, channel)
    asked = Command(**facts, command=command, argument=argument, value=value)
    running = asyncio.ensure_future(inbound.invoke(asked))
    try:
        done, _ = await asyncio.wait([running], timeout=_PROMPT_S)
        if not done:
            await interaction.response.defer(ephemeral=True, thinking=True)
        view = await _view(running)
        fits = view.form is not None and len(view.form.value) <= _MODAL
        if fits and not interaction.response.is_done():
            await interaction.response.send_modal(_modal(view))
        else:
            await _show(interaction, view)
    except discord.HTTPException as error:
        log.warning("A command's answer was not taken: %s", error)
    finally:
        running.cancel()


async def _view(running: asyncio.Future[View]) -> View:
    try:
        return await running
    except StoreError as error:
        log.error("A command could not be run: %s", error)
        return View(text="I can't reach my memory just now. Please try again in a moment.", kind="error")


class _Direct:
    """A direct message's channel, of which an interaction knows only the id."""

    guild = None

    def __init__(self, interaction: discord.Interaction) -> None:
        self.id = interaction.channel_id


async def _show(interaction: discord.Interaction, view: View) -> None:
    parts = split(_shown(view), LIMIT)
    for number, part in enumerate(parts):
        more: dict[str, Any] = {}
        if number == len(parts) - 1:
            more |= {"view": _buttons(view)} if view.actions or view.entries else {}
            more |= {"file": _file(view.files[0])} if view.files else {}
        if interaction.response.is_done():
            await interaction.followup.send(part, ephemeral=True, **more)
        else:
            await interaction.response.send_message(part, ephemeral=True, **more)
    for file in view.files[1:]:  # one in a message: the limit is on them together
        await interaction.followup.send(file.name, file=_file(file), ephemeral=True)


def _file(file: File) -> discord.File:
    return discord.File(io.BytesIO(file.data), filename=file.name)


def _shown(view: View) -> str:
    """A view as text; an entry's note in small print (Discord's ``-#``)."""
    parts = [view.text]
    for number, entry in enumerate(view.entries[:ENTRIES], 1):
        parts.append(f"**{number}.** {entry.text}" + (f"\n-# {entry.note}" if entry.note else ""))
    return "\n\n".join(part for part in parts if part)


def _buttons(view: View) -> ui.View:
    """A row of buttons for each entry, by its number, and one for the view's own."""
    shown = ui.View(timeout=None)
    for number, entry in enumerate(view.entries[:ENTRIES]):
        for action in entry.actions[:_ROW]:
            shown.add_item(_button(action, f"{number + 1}. {action.label}", number))
    for action in view.actions[: _ROW if view.entries else 5 * _ROW]:
        shown.add_item(_button(action, action.label, ENTRIES if view.entries else None))
    shown.stop()  # presses come to `pressed`: nothing is kept in memory for them
    return shown


def _button(action: Action, label: str, row: int | None) -> ui.Button[Any]:
    style = discord.ButtonStyle.danger if action.danger else discord.ButtonStyle.secondary
    custom_id = f"{_PREFIX}{action.command} {action.argument}".rstrip()[:100]
    return ui.Button(label=label[:80], style=style, custom_id=custom_id, row=row)


def _modal(view: View) -> ui.Modal:
    form = view.form
    assert form is not None
    modal = ui.Modal(title=form.title[:45], custom_id=f"{_PREFIX}{form.command} {form.argument}"[:100])
    limit = min(form.limit, _MODAL)
    text: ui.TextInput[Any] = ui.TextInput(
        custom_id="value",
        style=discord.TextStyle.paragraph,
        default=form.value[:limit],
        max_length=limit,
        required=False,
    )
    modal.add_item(ui.Label(text=form.label[:45], component=text))
    modal.stop()
    return modal
