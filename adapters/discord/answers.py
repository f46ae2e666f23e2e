"""A command's answer as Discord shows it: text, buttons, files, or a dialog; only who asked sees it."""

from __future__ import annotations

import io
from typing import Any

import discord
from discord import ui

from adapters.discord.markup import inert
from adapters.text import split
from bot.events import ENTRIES, Action, File, View

LIMIT = 2_000
PREFIX = "everbot "  # of the ids of our buttons and modals
MODAL = 4_000
_ROW = 5  # buttons in a row


async def show(interaction: discord.Interaction, view: View) -> None:
    """Raises as `discord.Interaction.response` does."""
    fits = view.form is not None and len(view.form.value) <= MODAL
    if fits and not interaction.response.is_done():
        await interaction.response.send_modal(_modal(view))
    else:
        await _show(interaction, view)


async def _show(interaction: discord.Interaction, view: View) -> None:
    parts = split(_shown(view), LIMIT)
    for number, part in enumerate(parts):
        more: dict[str, Any] = {}
        if number == len(parts) - 1:
            more |= {"view": buttons(view)} if view.actions or view.entries else {}
            more |= {"file": _file(view.files[0])} if view.files else {}
        if interaction.response.is_done():
            await interaction.followup.send(inert(part), ephemeral=True, suppress_embeds=True, **more)
        else:
            await interaction.response.send_message(inert(part), ephemeral=True, suppress_embeds=True, **more)
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


def buttons(view: View) -> ui.View:
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
    custom_id = f"{PREFIX}{action.command} {action.argument}".rstrip()[:100]
    return ui.Button(label=label[:80], style=style, custom_id=custom_id, row=row)


def _modal(view: View) -> ui.Modal:
    form = view.form
    assert form is not None
    modal = ui.Modal(title=form.title[:45], custom_id=f"{PREFIX}{form.command} {form.argument}"[:100])
    limit = min(form.limit, MODAL)
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
