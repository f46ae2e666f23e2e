"""What pydantic does not see section by section: settings that are wrong only beside others, zones, addresses."""

from __future__ import annotations

import re

from bot.errors import SettingsError
from bot.settings.mcp import McpServerSettings
from bot.settings.section import address
from bot.settings.settings import Settings

_SERVER = re.compile(r"[a-z0-9][a-z0-9_-]{0,23}")


def check(settings: Settings) -> None:
    """Raises `SettingsError` with one sentence that names a key."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    model = settings.model
    if model.kind == "openai" and model.api_key is None and model.base_url is None:
        raise SettingsError(
            'model.kind is "openai", but there is no key: set OPENAI_API_KEY (or model.api_key), '
            "or model.base_url for a server that needs none."
        )
    if model.reserve > model.context_window // 2:
        raise SettingsError("model.reply_reserve may be at most half of model.context_window.")
    describer = settings.models.get(settings.memory.caption_model or "")
    if describer is not None and not (model.vision if describer.vision is None else describer.vision):
        raise SettingsError(
            f"memory.caption_model: [models.{settings.memory.caption_model}] sees no pictures; set vision = true there."
        )
    unknown = [name for name in model.fallbacks if isinstance(name, str) and name not in settings.models]
    if unknown:
        raise SettingsError(
            f"model.fallbacks: there is no [models.{unknown[0]}]; name one, or give its name, base_url and key."
        )
    if settings.store.keys is not None and not (settings.store.url and settings.store.url.get_secret_value()):
        raise SettingsError(
            "store.keys is for PostgreSQL: set store.url (EVERBOT_STORE__URL), or leave it out."
        )
    try:
        ZoneInfo(settings.agent.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, such as "Europe"
        raise SettingsError(
            f"agent.timezone: {settings.agent.timezone!r} is not an IANA time zone such as Europe/Berlin."
        ) from None
    if settings.run.health:
        address(settings.run.health, "run.health")
    address(settings.slack.listen, "slack.listen")
    _check_web(settings)
    for name, server in settings.mcp.servers.items():
        _check_server(name, server)


def _check_web(settings: Settings) -> None:
    web, slack = settings.web, settings.slack
    if web.listen is not None:
        address(web.listen, "web.listen")
    if web.listen is not None and web.listen == slack.listen and slack.mode == "http":
        raise SettingsError("web.listen and slack.listen are the same: give each a port of its own.")
    for name, provider in (("discord", web.discord), ("slack", web.slack)):
        if (provider.client_id is None) != (provider.client_secret is None):
            raise SettingsError(
                f"web.{name}: client_id and client_secret belong together; set both, or neither."
            )
        if provider.client_id is not None and web.public_url is None:
            raise SettingsError(
                f"web.{name}: to sign in there, web.public_url must say how the page is reached from outside."
            )


def _check_server(name: str, server: McpServerSettings) -> None:
    where = f"mcp.servers.{name}"
    if not _SERVER.fullmatch(name) or "__" in name:
        raise SettingsError(
            f"{where}: a server's name is made of a-z, 0-9, - and _ (at most 24, no two _ together)."
        )
    if name == "program":
        raise SettingsError(f"{where}: another name, please: /connect program is for people's own programs.")
    if (server.command is None) == (server.url is None):
        raise SettingsError(f"{where}: set either command (a program to start) or url (where a server is).")
    if server.command is not None and (server.auth == "oauth" or server.headers or server.token is not None):
        raise SettingsError(f"{where}: auth, headers and token are for a url; a program is given env.")
    if server.command is not None and server.per_person and not server.token_env:
        raise SettingsError(
            f"{where}: per_person with a command needs token_env: the variable for a person's token."
        )
    if server.per_person and (server.auth == "none" and server.url is not None):
        raise SettingsError(f'{where}: per_person needs auth = "token" or auth = "oauth".')
    if server.per_person and server.token is not None:
        raise SettingsError(
            f"{where}: with per_person everyone connects a token of their own; leave token out."
        )
    if server.auth == "token" and not server.per_person and server.token is None:
        raise SettingsError(
            f'{where}: auth = "token" needs token (EVERBOT_MCP__SERVERS__{name.upper()}__TOKEN).'
        )
