"""What Slack tells, as everbot's events. Pure: nothing here waits or asks."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adapters import files
from bot.events import (
    PRIVATE,
    CommunityJoined,
    CommunityLeft,
    Event,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    ReactionAdded,
    community_audience,
    place_audience,
)

PLATFORM = "slack"
SAID = (None, "file_share", "thread_broadcast", "bot_message", "me_message")
"""Subtypes of messages that somebody wrote."""
_TAG = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Workspace:
    """Who we are in it."""

    team: str
    user: str  # the bot's user id
    bot: str  # its bot id
    name: str = ""  # what the workspace is called

    def address(self, channel: str, thread: str | None = None) -> str:
        return f"{PLATFORM}:{self.team}/{channel}" + (f"/{thread}" if thread else "")

    def account(self, user: str) -> str:
        return f"{PLATFORM}:{self.team}/{user}"

    def key(self, channel: str, ts: str) -> str:
        return f"{PLATFORM}:{self.team}/{channel}/{ts}"

    def said_at(self, key: str) -> datetime | None:
        """When the message of an event's key was written; None for a key that is not of a message here."""
        found = re.fullmatch(rf"{PLATFORM}:[^/]+/[^/]+/(\d+\.\d+)(?:/.*)?", key)
        return moment(found[1]) if found else None

    def audience(self, channel: str, kind: str) -> str:
        """``kind`` is a channel's type: ``im``, ``channel``, ``group``, ``mpim``, or ``ext`` for one that
        people of other workspaces see, which is a community of its own."""
        community = f"{PLATFORM}:{self.team}"
        if kind == "im":
            return PRIVATE
        if kind == "channel":
            return community_audience(community)
        return (
            community_audience(f"{community}/{channel}")
            if kind == "ext"
            else place_audience(community, channel)
        )

    def origin(self, user: str, name: str, channel: str, kind: str, thread: str | None) -> dict[str, Any]:
        """The fields of `bot.events.Origin`."""
        private = kind == "im"
        return {
            "account": self.account(user),
            "name": name,
            "address": self.address(channel, thread),
            "audience": self.audience(channel, kind),
            "community": "" if private else f"{PLATFORM}:{self.team}",
            "community_name": "" if private else self.name,
            "channel": "" if private else channel,
        }

    def presence(self, at: datetime, *, here: bool) -> Event:
        """That we are in the workspace, or were removed from it."""
        community = f"{PLATFORM}:{self.team}"
        facts: Json = {"account": f"{PLATFORM}:", "name": "", "address": community, "community": community}
        kind = CommunityJoined if here else CommunityLeft
        key = f"{community}/{kind.kind}"
        return kind(**facts, audience=community_audience(community), key=key, at=at)

    def is_own(self, event: Json) -> bool:
        return event.get("user") == self.user or (self.bot != "" and event.get("bot_id") == self.bot)

    def thread_of(self, event: Json, kind: str) -> str | None:
        """Where an answer goes: into the message's thread, or one under it; in a direct message beside it."""
        thread = event.get("thread_ts")
        return str(thread or event["ts"]) if thread or kind != "im" else None

    def to_event(
        self,
        event: Json,
        kind: str,
        name: str,
        names: Mapping[str, str],
    ) -> MessageReceived:
        channel, text = str(event["channel"]), str(event.get("text") or "")
        thread = event.get("thread_ts")
        return MessageReceived(
            **self.origin(author(event), name, channel, kind, self.thread_of(event, kind)),
            bot=bool(event.get("bot_id")),
            key=self.key(channel, str(event["ts"])),
            at=moment(str(event["ts"])),
            addressed=kind == "im" or f"<@{self.user}>" in text,
            text=plain(re.sub(rf"^\s*<@{self.user}>[\s,:]*", "", text), names),
            thread=thread is not None and thread != event["ts"],
            place="" if kind == "im" else f"<#{channel}>",
        )

    def to_edit(self, event: Json, kind: str, names: Mapping[str, str]) -> MessageEdited:
        message = event["message"]
        channel, ts, text = str(event["channel"]), str(message["ts"]), str(message.get("text") or "")
        return MessageEdited(
            **self.origin(author(message), "", channel, kind, None),
            key=f"{self.key(channel, ts)}/edited",
            at=moment(str(event.get("event_ts") or ts)),
            target=self.key(channel, ts),
            text=plain(re.sub(rf"^\s*<@{self.user}>[\s,:]*", "", text), names),
        )

    def to_deletion(self, event: Json, kind: str) -> MessageDeleted:
        channel, ts = str(event["channel"]), str(event["deleted_ts"])
        return MessageDeleted(
            **self.origin(author(event.get("previous_message") or {}), "", channel, kind, None),
            key=f"{self.key(channel, ts)}/deleted",
            at=moment(str(event.get("event_ts") or ts)),
            target=self.key(channel, ts),
        )

    def to_reaction(self, event: Json, name: str) -> ReactionAdded:
        """Where our message stands is known by whoever posted it: the receipt tells."""
        item, user = event["item"], str(event["user"])
        channel, ts = str(item["channel"]), str(item["ts"])
        return ReactionAdded(
            **self.origin(user, name, channel, "channel", None),
            key=f"{self.key(channel, ts)}/{user}/{event['reaction']}",
            at=moment(str(event.get("event_ts") or ts)),
            emoji=str(event["reaction"]),
            target=f"{channel}/{ts}",
        )


def author(event: Json) -> str:
    return str(event.get("user") or event.get("bot_id") or "")


def moment(ts: str) -> datetime:
    """A message's time, which is also its name."""
    return datetime.fromtimestamp(float(ts), UTC)


def kind_of(channel: Json) -> str:
    """The type of a channel as ``conversations.info`` describes it."""
    if channel.get("is_im"):
        return "im"
    if channel.get("is_mpim"):
        return "mpim"
    if channel.get("is_ext_shared"):
        return "ext"
    return "group" if channel.get("is_private") else "channel"


def plain(text: str, names: Mapping[str, str]) -> str:
    """Slack's markup as people read it: names for mentions, labels for links."""

    def shown(match: re.Match[str]) -> str:
        sign, target, label = match.groups()
        if sign == "@":
            return f"@{label or names.get(target, target)}"
        if sign == "#":
            return f"#{label or target}"
        if sign == "!":
            return f"@{label or target}"
        return f"{label} ({target})" if label and label not in target else target

    return html.unescape(_TAG.sub(shown, text))


def is_text(file: Json) -> bool:
    return files.is_text(str(file.get("mimetype", ""))) and int(file.get("size", 0)) <= files.MAX_TEXT


def is_image(file: Json) -> bool:
    return file.get("mimetype") in files.IMAGES and int(file.get("size", 0)) <= files.MAX_IMAGE
