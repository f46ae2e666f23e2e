"""What Slack's API says when it refuses, and what its connection does when it breaks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.errors import DeliveryDoubtful, DeliveryError, DeliveryRefused

BROKEN = (aiohttp.ClientError, SlackClientError, OSError, TimeoutError, ValueError)
"""What a request may raise: `SlackApiError` where Slack refused, any other where its answer is not known."""
DEAD = "invalid_auth not_authed account_inactive token_revoked token_expired not_allowed_token_type".split()
"""What is said of a token that is of no use any more."""
RENDERING = (
    "invalid_blocks invalid_blocks_format msg_blocks_too_long block_mismatch markdown_text_conflict invalid_arguments "
    "unsupported_block invalid_attachments cannot_parse_attachment"
).split()
"""What is said of a message that Slack will not show as it was asked to: its words alone may be taken."""
UNTHREADED = "cannot_reply_to_message thread_not_found invalid_thread_ts".split()
"""What is said of a reply to something that takes none."""
_GONE = (
    "channel_not_found not_in_channel is_archived user_not_found cannot_dm_bot restricted_action no_text "
    "msg_too_long user_disabled posting_to_channel_denied messages_tab_disabled ekm_access_denied "
    "team_access_not_granted"
).split() + RENDERING + UNTHREADED  # fmt: skip
_AGAIN = ("internal_error", "fatal_error", "request_timeout", "service_unavailable", "")


def code(error: Exception) -> str:
    """Slack's name for an error; empty when it is not Slack's answer."""
    response: Any = getattr(error, "response", None)
    try:
        return str(response.get("error") or "")
    except (AttributeError, ValueError):
        return ""


def reason(error: Exception) -> str:
    """Why Slack could not be asked, in a word and without anybody's text."""
    return code(error) or type(error).__name__


def retry_after(error: SlackApiError) -> float | None:
    headers = getattr(error.response, "headers", None) or {}
    value = str(headers.get("Retry-After") or headers.get("retry-after") or "")
    return float(value) if value.isdecimal() else None


def delivery_error(error: SlackApiError) -> DeliveryError:
    """A refused post, as the courier understands it."""
    name = code(error)
    if name in _GONE:
        return DeliveryRefused(f"Slack: {name}")
    status = getattr(error.response, "status_code", 0)
    if status == 429 or name in ("ratelimited", "rate_limited"):
        return DeliveryError("Slack's rate limit", retry_after(error))
    if status >= 500 or name in _AGAIN:
        return DeliveryDoubtful(f"Slack: {name or status}")
    return DeliveryError(f"Slack: {name}")


async def pages(ask: Callable[..., Awaitable[Any]], **arguments: Any) -> AsyncIterator[Any]:
    """Every page of an answer that Slack gives in pages (docs.slack.dev: "Pagination")."""
    while True:
        answer = await ask(**arguments)
        yield answer
        arguments["cursor"] = (answer.get("response_metadata") or {}).get("next_cursor")
        if not arguments["cursor"]:
            return
