"""What of the Slack app is as it must be, and how to mend the rest."""

from __future__ import annotations

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.errors import BROKEN, code
from adapters.slack.manifest import EVENTS, SCOPES, WISHED

Finding = tuple[bool, str]


async def check(
    bot_token: str,
    app_token: str | None,
    api_url: str,
    *,
    config_token: str | None = None,
    mode: str = "socket",
) -> list[Finding]:
    """Tokens and scopes, and with a configuration token what else of the app's manifest is missing.

    Raises nothing: what is wrong is a finding.
    """
    found: list[Finding] = []
    client = AsyncWebClient(token=bot_token, base_url=api_url, retry_handlers=[])
    try:
        told = await client.auth_test()
    except SlackApiError as error:
        why = f"the bot token is refused ({code(error)}): set SLACK_BOT_TOKEN to the xoxb- token of the OAuth page"
        return [(False, why)]
    except BROKEN as error:
        return [(False, f"{api_url} does not answer ({type(error).__name__})")]
    found.append((True, f"the bot token is of {told.get('team')}"))
    granted = str(told.headers.get("x-oauth-scopes") or told.headers.get("X-OAuth-Scopes") or "")
    has = {part.strip() for part in granted.split(",")}
    missing, wished = ([scope for scope in scopes if scope not in has] for scopes in (SCOPES, WISHED))
    advice = "add them under OAuth & Permissions and install the app again"
    if granted and missing:
        found.append((False, f"the bot token lacks {', '.join(missing + wished)}: {advice}"))
    elif granted and wished:
        found.append((True, f"without {', '.join(wished)} groups of people are told by their ids: {advice}"))
    if app_token is not None:
        found.append(await _app_token(app_token, api_url))
    if config_token is None:
        need = f"the app must be sent these events: {', '.join(EVENTS)}"
        how = (
            "Slack tells that only to an app configuration token: SLACK_CONFIG_TOKEN lets doctor compare them"
        )
        return [*found, (True, f"{need}. {how}")]
    return found + await _manifest(client, str(told.get("bot_id") or ""), config_token, api_url, mode)


async def _manifest(
    client: AsyncWebClient, bot: str, config_token: str, api_url: str, mode: str
) -> list[Finding]:
    """The app's manifest as Slack has it beside ours."""
    configuring = AsyncWebClient(token=config_token, base_url=api_url, retry_handlers=[])
    try:
        app = str((await client.bots_info(bot=bot))["bot"]["app_id"])
        has = (await configuring.apps_manifest_export(app_id=app))["manifest"]
    except SlackApiError as error:
        how = "set SLACK_CONFIG_TOKEN to a fresh one (they last 12 hours) of the app's own workspace, or to none"
        return [(False, f"the app's manifest is not shown ({code(error)}): {how}")]
    except BROKEN as error:
        return [(False, f"the app's manifest was not told ({type(error).__name__})")]
    settings, features = has.get("settings") or {}, has.get("features") or {}
    told = (settings.get("event_subscriptions") or {}).get("bot_events") or []
    missing = [event for event in EVENTS if event not in told]
    commands = [command.get("command") for command in features.get("slash_commands") or ()]
    home = features.get("app_home") or {}
    wants = {
        f"the app is not sent {', '.join(missing)}: add them under Event Subscriptions": not missing,
        "Interactivity is off: switch it on under Interactivity & Shortcuts": (
            settings.get("interactivity") or {}
        ).get("is_enabled"),
        "there is no command /everbot: make it under Slash Commands": "/everbot" in commands,
        "the Home tab is off: switch it on under App Home": home.get("home_tab_enabled"),
        "people cannot write to the app: switch the Messages tab on under App Home": home.get(
            "messages_tab_enabled"
        )
        and not home.get("messages_tab_read_only_enabled"),
        'Socket Mode is off: switch it on, or set slack.mode = "http"': mode == "http"
        or settings.get("socket_mode_enabled"),
    }
    wrong = [(False, what) for what, holds in wants.items() if not holds]
    return wrong or [(True, "the app is sent every event, and its manifest has all that is needed")]


async def _app_token(app_token: str, api_url: str) -> Finding:
    client = AsyncWebClient(token=app_token, base_url=api_url, retry_handlers=[])
    try:
        await client.apps_connections_open(app_token=app_token)
    except SlackApiError as error:
        if code(error) == "missing_scope":
            return False, "the app token lacks connections:write: make a new one under Basic Information"
        return False, f"the app token is refused ({code(error)}): set SLACK_APP_TOKEN to the xapp- token"
    except BROKEN as error:
        return False, f"no socket address ({type(error).__name__})"
    return True, "the app token opens socket connections"
