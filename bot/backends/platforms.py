"""The platforms that everbot can speak on: their adapters, and what `everbot doctor` can say of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from adapters.console.pipe import PipeConsole
from adapters.console.terminal import TerminalConsole
from bot.backends.clock import SystemClock, machine_zone
from bot.data_dir import DataDir
from bot.delivery.silence import Silence
from bot.errors import SettingsError
from bot.events import LOCAL
from bot.language import nearest
from bot.ports import Adapter, Clock, SignIn
from bot.settings import Settings, address
from memory.ports import Store

if TYPE_CHECKING:
    from adapters.discord.options import Options

_SLACK_PATH = "/slack/events"


@dataclass(frozen=True, kw_only=True)
class Platform:
    """``adapter`` is None while the platform is not configured, and raises `SettingsError` for half a configuration;
    ``check`` gives what is (good, what it is) of one that is configured."""

    name: str
    adapter: Callable[[Settings, Clock], Adapter | None]
    check: Callable[[Settings], Awaitable[Sequence[tuple[bool, str]]]]


def platforms(settings: Settings, clock: Clock) -> list[Adapter]:
    """An adapter for each platform that is configured. Raises `SettingsError` for half a configuration."""
    return [found for each in PLATFORMS if (found := each.adapter(settings, clock)) is not None]


async def check_platforms(settings: Settings, only: str = "") -> list[tuple[bool, str, str]]:
    """(good, platform, what) of each configured platform, or of ``only`` one, for `everbot doctor`."""
    found: list[tuple[bool, str, str]] = []
    asked = [each for each in PLATFORMS if only in ("", each.name)]
    for each in asked:
        found += [(good, each.name.capitalize(), what) for good, what in await each.check(settings)]
    try:
        for each in asked:
            each.adapter(settings, SystemClock())
    except SettingsError as error:
        found.append((False, "configuration", str(error)))
    return found


async def connections(store: Store) -> Mapping[str, Sequence[str]]:
    """What each of several processes has of the platforms' connections, by its name as in `Store.holders`."""
    from adapters.discord.options import SHARD
    from adapters.slack.options import SOCKET

    found: dict[str, list[str]] = {}
    shards: dict[str, list[str]] = {}
    for number, name in (await store.leased(SHARD)).items():
        shards.setdefault(name, []).append(str(number))
    for name, numbers in shards.items():
        found.setdefault(name, []).append(f"Discord shard{'s'[: len(numbers) > 1]} {', '.join(numbers)}")
    for name in (await store.leased(SOCKET)).values():
        found.setdefault(name, []).append("a Slack socket")
    return found


def silent_platforms() -> list[Adapter]:
    """Every platform's place taken by one that posts nothing: what is said waits for the real one."""
    return [Silence(name) for name in (LOCAL, *(each.name for each in PLATFORMS))]


# Here


def terminal_console(settings: Settings, user: str, persona: str) -> TerminalConsole:
    """A person at this terminal."""
    history = DataDir(settings.data_dir).history(user)
    return TerminalConsole(history, user=user, persona=persona, zone=machine_zone(), locale=_locale())


def pipe_console(user: str, persona: str, *, as_json: bool) -> PipeConsole:
    """The lines of standard input, answered on standard output."""
    source, target, zone = sys.stdin.buffer, sys.stdout, machine_zone()
    return PipeConsole(
        source, target, user=user, persona=persona, as_json=as_json, zone=zone, locale=_locale()
    )


def _locale() -> str:
    """The terminal's, as gettext reads it (its manual, "The User's View")."""
    told = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    wished = os.environ.get("LANGUAGE", "").partition(":")[0]
    return (wished or told) if nearest(told) else ""


# Discord


def _discord(settings: Settings, clock: Clock) -> Adapter | None:
    options = discord_options(settings)
    if options is None:
        return None
    from adapters.discord.adapter import DiscordAdapter

    return DiscordAdapter(options, clock)


def discord_options(settings: Settings) -> Options | None:
    """None while there is no token."""
    if settings.discord.token is None:
        return None
    from adapters.discord.options import Options

    return Options(
        token=settings.discord.token.get_secret_value(),
        api_url=settings.discord.api_url,
        gateway_url=settings.discord.gateway_url,
        message_content=settings.discord.message_content,
        shards=settings.discord.shards,
        guilds_wait_s=settings.discord.guilds_wait_s,
        vision=settings.sees,
        hearing=settings.audio.hears,
        context_lines=settings.run.context_lines,
        catch_up=timedelta(hours=settings.run.catch_up_hours),
    )


async def _check_discord(settings: Settings) -> Sequence[tuple[bool, str]]:
    discord = settings.discord
    if discord.token is None:
        return []
    from adapters.discord.checking import check

    return await check(discord.token.get_secret_value(), discord.api_url, discord.message_content)


async def discord_invite_url(settings: Settings) -> tuple[str, list[str]]:
    """The address by which a guild's admin lets the bot in, and what else is to be done."""
    from adapters.discord.checking import invitation

    if settings.discord.token is None:
        raise SettingsError("There is no token: set DISCORD_BOT_TOKEN (or discord.token).")
    url = await invitation(settings.discord.token.get_secret_value(), settings.discord.api_url)
    content = "Privileged intents: none needed."
    if settings.discord.message_content:
        content = "Privileged intents: switch on the Message Content Intent on the application's Bot page."
    faces = (
        "Optional permission: Manage Webhooks, by which personas are shown under their own name and picture; without "
        "it the bot speaks for them."
    )
    return url, [content, faces]


# Slack


def _slack(settings: Settings, clock: Clock) -> Adapter | None:
    slack, http = settings.slack, settings.slack.mode == "http"
    if slack.bot_token is None:
        return None
    from adapters.slack.adapter import SlackAdapter
    from adapters.slack.options import Options

    key, name = (
        (slack.signing_secret, "SLACK_SIGNING_SECRET") if http else (slack.app_token, "SLACK_APP_TOKEN")
    )
    if key is None or not key.get_secret_value().strip():
        raise SettingsError(f'slack.mode is "{slack.mode}", and it needs {name} beside the bot token.')
    options = Options(
        bot_token=slack.bot_token.get_secret_value(),
        app_token=None if http else key.get_secret_value(),
        signing_secret=key.get_secret_value() if http else None,
        listen=address(slack.listen, "slack.listen"),
        sockets=slack.sockets,
        api_url=slack.api_url,
        post_interval_s=slack.post_interval_s,
        vision=settings.sees,
        hearing=settings.audio.hears,
        context_lines=settings.run.context_lines,
        catch_up=timedelta(hours=settings.run.catch_up_hours),
    )
    return SlackAdapter(options, clock)


async def _check_slack(settings: Settings) -> Sequence[tuple[bool, str]]:
    slack = settings.slack
    if slack.bot_token is None:
        return []
    from adapters.slack.checking import check

    return await check(
        slack.bot_token.get_secret_value(),
        slack.app_token.get_secret_value() if slack.app_token else None,
        slack.api_url,
        config_token=slack.config_token.get_secret_value() if slack.config_token else None,
        mode=slack.mode,
    )


def slack_app_manifest(settings: Settings) -> dict[str, Any]:
    """The manifest to create the Slack app from."""
    from adapters.slack.manifest import manifest

    return manifest(settings.slack.mode, f"https://YOUR-HOST{_SLACK_PATH}")


# Programs


def _program(settings: Settings, clock: Clock) -> Adapter | None:
    if not settings.web.programs:
        return None
    from adapters.program.adapter import ProgramAdapter

    if settings.web.listen is None:
        raise SettingsError("web.programs is on, and needs web.listen: where programs are to ask.")
    return ProgramAdapter(clock, vision=settings.model.vision)


async def _check_program(settings: Settings) -> Sequence[tuple[bool, str]]:
    return (
        [(True, f"programs ask at {settings.web.url}/v1")]
        if settings.web.programs and settings.web.url
        else []
    )


# The web chat


def _web(settings: Settings, clock: Clock) -> Adapter | None:
    if settings.web.listen is None or not settings.web.chat:
        return None
    from adapters.web.adapter import WebAdapter

    return WebAdapter(vision=settings.sees, hearing=settings.audio.hears)


async def _check_web(settings: Settings) -> Sequence[tuple[bool, str]]:
    return [(True, f"people talk at {settings.web.url}")] if settings.web.chat and settings.web.url else []


# Signing in on the web


def sign_ins(settings: Settings) -> list[SignIn]:
    """The platforms at which people may sign in."""
    from adapters.discord.signing_in import DiscordSignIn
    from adapters.slack.signing_in import SlackSignIn

    web = settings.web
    made: list[SignIn] = []
    for kind, given in ((DiscordSignIn, web.discord), (SlackSignIn, web.slack)):
        if given.client_id is not None and given.client_secret is not None:
            secret = given.client_secret.get_secret_value()
            made.append(kind(given.client_id, secret, given.authorize_url, given.api_url))
    return made


PLATFORMS = (
    Platform(name="discord", adapter=_discord, check=_check_discord),
    Platform(name="slack", adapter=_slack, check=_check_slack),
    Platform(name="program", adapter=_program, check=_check_program),
    Platform(name="web", adapter=_web, check=_check_web),
)
