"""Commands on Discord: announced as slash commands, used by them and by our buttons and dialogs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import discord
from discord import app_commands
from discord.http import Route

from adapters.discord import wire
from adapters.discord.answers import PREFIX, show
from adapters.discord.errors import BROKEN, UNREAD
from adapters.discord.people import origin, person_in
from adapters.discord.places import Place, nowhere, place_of
from adapters.discord.wire import Json
from bot.events import Blank, Command, CommandSpec, View, Word
from bot.language import ENGLISH, gettext, nearest, spoken, translations
from bot.ports import Clock, Inbound
from memory.errors import StoreError

log = logging.getLogger(__name__)

V = TypeVar("V")

_SLASH = 1  # a type of command (API reference, "Application Command Types")
_WORD, _TEXT = 1, 3  # types of options
_SUGGESTED, _LABEL = 25, 100  # suggestions that are shown, and characters of each
_KEPT = (  # what is said of a command of another kind, and so can be said again
    "id type name name_localizations description description_localizations options handler "
    "default_member_permissions nsfw contexts integration_types"
).split()
_SUMMARY = 100  # characters of a description
_LOCALES = {"es": ("es-ES", "es-419")}  # Discord's (reference, "Locales") where they are not our own names
_ARGUMENT = "argument"  # of a command that has no words
_CONTEXTS = [0, 1]  # in guilds, and in direct messages with us
_PROMPT_S = 2.0  # after so long an answer is announced, for Discord waits 3 s


# Announcing


async def announce(client: discord.Client, specs: Sequence[CommandSpec]) -> None:
    """Tell Discord the commands, unless it knows them as they are: it allows few changes a day. What an application
    has of other kinds (an Activity's entry point, commands of menus) is no command of ours, and stays. Where Discord
    refuses them the bot serves without."""
    ours = [_described(spec) for spec in specs if not (spec.local or spec.inner)]
    try:
        application = client.application_id or (await client.application_info()).id
        known = wire.records(await _announced(client, application))
        slash = [command for command in known if _is_slash(command)]
        others = [{k: c[k] for k in _KEPT if c.get(k) is not None} for c in known if not _is_slash(c)]
        if {_shape(command) for command in slash} != {_shape(command) for command in ours}:
            payload: Any = [*ours, *others]
            await client.http.bulk_upsert_global_commands(application, payload=payload)
    except (discord.DiscordException, *BROKEN, *UNREAD) as error:
        log.error("Discord did not take the slash commands (%s): buttons and messages work without.", error)


async def _announced(client: discord.Client, application: int) -> Any:
    """The commands that Discord knows, with their descriptions in every language: discord.py asks for none."""
    route = Route("GET", "/applications/{application_id}/commands", application_id=application)
    return await client.http.request(route, params={"with_localizations": "true"})


def _is_slash(command: Json) -> bool:
    return wire.number(command.get("type")) in (0, _SLASH)  # slash commands may leave it out


def _described(spec: CommandSpec) -> Json:
    words = [
        {
            "type": _WORD,
            "name": word.name,
            **_summary(word.summary),
            "options": [_blank(blank) for blank in word.blanks],
        }
        for word in spec.words
    ]
    if spec.argument and not words:
        words = [_blank(Blank(name=_ARGUMENT, summary=spec.argument, required=False))]
    told = {"type": _SLASH, "name": spec.name, **_summary(spec.summary)}
    return {**told, "contexts": _CONTEXTS, "options": words}


def _blank(blank: Blank) -> Json:
    told: Json = {"type": _TEXT, "name": blank.name, **_summary(blank.summary)}
    told["required"] = blank.required
    if blank.choices:
        told["choices"] = [{"name": choice, "value": choice} for choice in blank.choices]
    if blank.suggests:
        told["autocomplete"] = True
    return told


def _summary(summary: str) -> Json:
    """Names stay as texts name them; what they mean is said in the language of whoever reads it."""
    told = {
        locale: text[:_SUMMARY]
        for language, text in translations(summary).items()
        for locale in _LOCALES.get(language, (language,))
        if text != summary
    }
    return {"description": summary[:_SUMMARY], **({"description_localizations": told} if told else {})}


def _shape(command: Json) -> tuple[object, ...]:
    """What people see of a command, of one option or of one choice."""
    seen = [wire.text(command.get(key)) for key in ("name", "description", "value")]
    seen += [str(command.get(key) is True) for key in ("required", "autocomplete")]
    seen += [str(sorted(wire.record(command.get("description_localizations")).items()))]
    inner = [*wire.records(command.get("options")), *wire.records(command.get("choices"))]
    return (*seen, wire.number(command.get("type")) or _SLASH, *map(_shape, inner))


# Being used


async def used(interaction: discord.Interaction, inbound: Inbound, clock: Clock) -> None:
    """A command, or a button or a dialog of ours, also one from before a restart: its id says all."""
    data = wire.record(interaction.data)
    kind = interaction.type
    name = wire.text(data.get("name"))
    if kind is discord.InteractionType.autocomplete:
        await _suggest(interaction, inbound, clock, data)
        return
    if kind is discord.InteractionType.application_command:
        if _is_slash(data):
            await _answer(interaction, inbound, clock, name, _argument(_word(inbound, name, data), data))
        return
    custom_id = wire.text(data.get("custom_id"))
    if custom_id.startswith(PREFIX):
        command, _, argument = custom_id.removeprefix(PREFIX).partition(" ")
        submitted = kind is discord.InteractionType.modal_submit
        value = _value(data.get("components")) if submitted else ""
        await _answer(interaction, inbound, clock, command, argument, value)


def _word(inbound: Inbound, command: str, data: Json) -> Word | None:
    """Which of the command's words was chosen; None for none, or one from before an update."""
    chosen = [wire.text(option.get("name")) for option in wire.records(data.get("options"))][:1]
    words = [word for spec in inbound.commands if spec.name == command for word in spec.words]
    return next((word for word in words if word.name in chosen), None)


def _options(data: Json) -> list[Json]:
    """What was filled in."""
    told = wire.records(data.get("options"))
    inner = [option for option in told if wire.number(option.get("type")) == _WORD]
    return wire.records(inner[0].get("options")) if inner else told


def _argument(word: Word | None, data: Json) -> str:
    values = {wire.text(o.get("name")): str(o["value"]) for o in _options(data) if o.get("value") is not None}
    return word.argument(values) if word is not None else " ".join(values.values())


async def _suggest(interaction: discord.Interaction, inbound: Inbound, clock: Clock, data: Json) -> None:
    """What may be filled in where somebody writes; nothing where that cannot be told in time."""
    command = wire.text(data.get("name"))
    written = next((option for option in _options(data) if option.get("focused") is True), {})
    word = _word(inbound, command, data)
    facts = origin(person_in(interaction), _place(interaction))
    value = wire.text(written.get("value"))
    locale = interaction.locale.value
    asked = Command(**facts, locale=locale, command=command, argument=word.name if word else "", value=value)
    try:
        async with clock.timeout(_PROMPT_S):
            found = await inbound.suggest(asked, wire.text(written.get("name")))
    except (StoreError, TimeoutError):
        found = ()
    shown = [one for one in found if len(one.value) <= _LABEL][:_SUGGESTED]
    choices = [app_commands.Choice(name=one.label[:_LABEL], value=one.value) for one in shown]
    with suppress(discord.DiscordException, *BROKEN):  # they have written on
        await interaction.response.autocomplete(choices)


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
    interaction: discord.Interaction,
    inbound: Inbound,
    clock: Clock,
    command: str,
    argument: str,
    value: str = "",
) -> None:
    """Run a command and show what it says, to the one who asked."""
    facts = origin(person_in(interaction), _place(interaction))
    locale = interaction.locale.value
    asked = Command(**facts, locale=locale, command=command, argument=argument, value=value)
    running = asyncio.ensure_future(inbound.invoke(asked))
    try:
        try:
            async with clock.timeout(_PROMPT_S):
                await asyncio.wait([running])
        except TimeoutError:
            await interaction.response.defer(ephemeral=True, thinking=True)
        await show(interaction, await view_of(running, locale))
    except (discord.DiscordException, *BROKEN) as error:
        log.warning("A command's answer was not taken: %s", error)
    finally:
        running.cancel()


async def view_of(asking: Awaitable[V], locale: str = "") -> V | View:
    """What a command shows, also while the store is away: then by the locale."""
    try:
        return await asking
    except StoreError as error:
        log.error("A command could not be run: %s", error)
        with spoken(nearest(locale) or ENGLISH):
            text = gettext("I can't reach my memory just now. Please try again in a moment.")
        return View(text=text, kind="error")
