"""Whether somebody is still where they talked with us, asked of Slack."""

from __future__ import annotations

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.errors import BROKEN, code, pages, retry_after
from adapters.wire import record
from bot.errors import DeliveryError

_NOBODY = ("user_not_found", "users_not_found", "user_not_visible")
_NOWHERE = ("channel_not_found", "not_in_channel", "fetch_members_failed")
_PAGE, _PAGES = 999, 20
"""Of a channel's members; of a larger one everybody in the workspace counts as a member."""


async def sees(client: AsyncWebClient, user: str, channel: str) -> bool:
    """As `bot.ports.Adapter.sees`. Whoever left a public channel could still look in, and is not spoken to there."""
    try:
        told = record((await client.users_info(user=user)).get("user"))
        return told.get("deleted") is not True and (
            channel.startswith("D") or await _joined(client, user, channel)
        )
    except SlackApiError as error:
        if code(error) in (*_NOBODY, *_NOWHERE):
            return False
        raise DeliveryError(f"Slack: {code(error)}", retry_after(error)) from None
    except BROKEN as error:
        raise DeliveryError(f"Slack: {type(error).__name__}") from None


async def _joined(client: AsyncWebClient, user: str, channel: str) -> bool:
    read = 0
    async for answer in pages(client.conversations_members, channel=channel, limit=_PAGE):
        members = answer.get("members")
        if isinstance(members, list) and user in members:
            return True
        read += 1
        if read == _PAGES:
            return True
    return False
