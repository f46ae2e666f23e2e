"""The Slack app's description: what it may do and what it is told."""

from __future__ import annotations

from typing import Any

SCOPES = (
    "app_mentions:read assistant:write chat:write chat:write.customize channels:read channels:history groups:read "
    "groups:history im:read im:write im:history mpim:read mpim:history users:read files:read files:write "
    "reactions:read reactions:write commands metadata.message:read"
).split()
WISHED = ("usergroups:read",)
"""Scopes that may be granted or not: without them groups of people are told by their ids."""
EVENTS = (
    "app_mention message.channels message.groups message.im message.mpim app_home_opened app_context_changed "
    "agent_session_stopped reaction_added app_uninstalled tokens_revoked"
).split()


def manifest(mode: str, url: str) -> dict[str, Any]:
    """The manifest to create the app from (docs.slack.dev: "App manifest reference"). ``url`` is where Slack
    posts to when ``mode`` is ``http``."""
    http = mode == "http"
    command: dict[str, Any] = {
        "command": "/everbot",
        "description": "What your bot remembers, and what it can be told to do",
        "usage_hint": "help | memory | export | forget | privacy | link",
        "should_escape": False,
    }
    events: dict[str, Any] = {"bot_events": EVENTS}
    interactivity: dict[str, Any] = {"is_enabled": True}
    if http:
        command["url"] = events["request_url"] = interactivity["request_url"] = url
    return {
        "display_information": {
            "name": "everbot",
            "description": "A companion that remembers",
            "long_description": (
                "everbot is a chat bot that remembers what you tell it: one persistent memory per person, which "
                "you can see, correct, take away and delete. It runs on your own machine. Write to it directly, or "
                "mention it in a channel."
            ),
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "agent_view": {"agent_description": "A companion that remembers what you tell it."},
            "bot_user": {"display_name": "everbot", "always_online": True},
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": SCOPES, "bot_optional": list(WISHED)}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": not http,
            "token_rotation_enabled": False,
        },
    }
