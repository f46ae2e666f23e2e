"""What of the Slack app is as it must be, and how to mend the rest."""

from __future__ import annotations

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.manifest import EVENTS, SCOPES
from adapters.slack.posting import BROKEN, code

Finding = tuple[bool, str]


async def check(bot_token: str, app_token: str | None, api_url: str) -> list[Finding]:
    """Tokens and scopes. Raises nothing: what is wrong is a finding."""
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
    missing = [scope for scope in SCOPES if scope not in {part.strip() for part in granted.split(",")}]
    if granted and missing:
        advice = "add them under OAuth & Permissions and install the app again"
        found.append((False, f"the bot token lacks {', '.join(missing)}: {advice}"))
    if app_token is not None:
        found.append(await _app_token(app_token, api_url))
    found.append(
        (
            True,
            f"Slack does not tell which events the app is sent; they must be: {', '.join(EVENTS)} (as in `everbot "
            "slack manifest`)",
        )
    )
    return found


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
