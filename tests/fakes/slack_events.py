"""The events of the Events API, as Slack writes them. Pure: state in, JSON out."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from tests.fakes.slack_state import FAMILY, Channel, Json, Workspace

SUBSCRIPTIONS = frozenset(
    "app_mention message.channels message.groups message.im message.mpim app_home_opened app_context_changed"
    " agent_session_stopped reaction_added app_uninstalled tokens_revoked".split()
)


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event, and what the app must have subscribed to and been granted to be sent it."""

    body: Json
    subscription: str
    scope: str = ""


def wrapped(workspace: Workspace, event: Event, token: str) -> Json:
    """The outer JSON: a new ``event_id`` each time it is wrapped."""
    event_id = workspace.new_id("Ev")
    authorization = {
        "enterprise_id": None,
        "team_id": workspace.team,
        "user_id": workspace.bot,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {
        "token": token,
        "team_id": workspace.team,
        "context_team_id": workspace.team,
        "context_enterprise_id": None,
        "api_app_id": workspace.app,
        "event": copy.deepcopy(event.body),
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(workspace.now()),
        "authorizations": [authorization],
        "is_ext_shared_channel": False,
        "event_context": f"4-{event_id.lower()}",
    }


def message(channel: Channel, body: Json) -> Event:
    place = {"channel": channel.id, "channel_type": channel.kind, "event_ts": body["ts"]}
    family = FAMILY[channel.kind]
    return Event(body={**body, **place}, subscription=f"message.{family}", scope=f"{family}:history")


def changed(workspace: Workspace, channel: Channel, now: Json, before: Json) -> Event:
    ts = workspace.ts()
    body = {"type": "message", "subtype": "message_changed", "hidden": True, "ts": ts}
    return message(channel, {**body, "message": now, "previous_message": before})


def deleted(workspace: Workspace, channel: Channel, before: Json) -> Event:
    ts = workspace.ts()
    body = {"type": "message", "subtype": "message_deleted", "hidden": True, "ts": ts}
    return message(channel, {**body, "deleted_ts": before["ts"], "previous_message": before})


def gone(workspace: Workspace, channel: Channel, before: Json) -> Event:
    """A message that was deleted. To which others replied it stays as a stone, and that is told as a change."""
    stone = channel.messages.get(before["ts"])
    if stone is None:
        return deleted(workspace, channel, before)
    return changed(workspace, channel, stone, before)


def mention(channel: Channel, body: Json) -> Event:
    kept = ("user", "text", "ts", "thread_ts", "parent_user_id", "team", "client_msg_id", "files", "blocks")
    event = {"type": "app_mention", **{key: body[key] for key in kept if key in body}}
    event |= {"channel": channel.id, "event_ts": body["ts"]}
    return Event(body=event, subscription="app_mention", scope="app_mentions:read")


def spoken(workspace: Workspace, channel: Channel, body: Json) -> list[Event]:
    """What one new message sends: itself, and once more if it mentions the bot in a channel."""
    if workspace.bot not in channel.members:
        return []
    events = [message(channel, body)]
    mentioned = f"<@{workspace.bot}>" in body.get("text", "") and "bot_id" not in body
    return [*events, mention(channel, body)] if mentioned and channel.kind != "im" else events


def reaction(workspace: Workspace, kind: str, user: str, channel: Channel, name: str, body: Json) -> Event:
    item = {"type": "message", "channel": channel.id, "ts": body["ts"]}
    event = {"type": kind, "user": user, "reaction": name, "item": item, "event_ts": workspace.ts()}
    if "user" in body:
        event["item_user"] = body["user"]
    return Event(body=event, subscription=kind, scope="reactions:read")


def home_opened(workspace: Workspace, user: str, tab: str, view: Json | None) -> Event:
    body: Json = {"type": "app_home_opened", "user": user, "channel": workspace.direct([user]).id, "tab": tab}
    if tab == "messages":
        body["context"] = {}  # what the person looks at beside it: nothing
    elif view is not None:
        body["view"] = view
    return Event(body={**body, "event_ts": workspace.ts()}, subscription="app_home_opened")


def plain(workspace: Workspace, kind: str, scope: str = "", **fields: Any) -> Event:
    """An event without a shape of its own here."""
    timed = {} if kind == "app_uninstalled" else {"event_ts": workspace.ts()}
    return Event(body={"type": kind, **fields, **timed}, subscription=kind, scope=scope)


def joined(workspace: Workspace, channel: Channel, user: str) -> Event:
    return _moved(workspace, channel, user, "member_joined_channel")


def left(workspace: Workspace, channel: Channel, user: str) -> Event:
    return _moved(workspace, channel, user, "member_left_channel")


def _moved(workspace: Workspace, channel: Channel, user: str, what: str) -> Event:
    kind = "G" if channel.kind == "group" else "C"
    where = {"channel": channel.id, "channel_type": kind, "team": workspace.team}
    scope = f"{FAMILY[channel.kind]}:read"
    return plain(workspace, what, scope, user=user, **where)


def renamed(workspace: Workspace, channel: Channel) -> Event:
    named = {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "created": channel.created,
    }
    named |= {"is_channel": True, "is_mpim": False}
    kind = "channel_rename" if channel.kind == "channel" else "group_rename"
    return plain(workspace, kind, f"{FAMILY[channel.kind]}:read", channel=named)


def context_changed(workspace: Workspace, user: str, channel: str) -> Event:
    entity = {"type": "slack#/types/channel_id", "value": channel, "team_id": workspace.team}
    place = {"user": user, "channel": workspace.direct([user]).id, "context": {"entities": [entity]}}
    return plain(workspace, "app_context_changed", "assistant:write", **place)


def session_stopped(workspace: Workspace, user: str, channel: str, thread_ts: str) -> Event:
    place = {"user": user, "channel": channel, "thread_ts": thread_ts, "streaming_message_ts": []}
    return plain(workspace, "agent_session_stopped", "assistant:write", **place)
