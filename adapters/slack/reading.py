"""What Slack tells, as everbot's events. Pure: nothing here waits or asks.

Only who wrote, where and when must be told as docs.slack.dev describes it; of anything else that is missing, null, new
or of another type the message is taken without it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adapters import files
from adapters.slack import content, places
from adapters.slack.markup import Names
from adapters.wire import Json, number, record, text
from bot.events import (
    PRIVATE,
    CommunityJoined,
    CommunityLeft,
    Event,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    Quote,
    ReactionAdded,
    community_audience,
    place_audience,
)

PLATFORM = "slack"
SAID = (
    None,
    "file_share",
    "thread_broadcast",
    "reply_broadcast",
    "bot_message",
    "me_message",
    "message_share",
)
"""Subtypes of messages that somebody wrote."""
_TS = re.compile(r"\d{1,12}\.\d{1,9}")
_KEY = re.compile(rf"{PLATFORM}:[^/]+/[^/]+/({_TS.pattern})(?:/.*)?")
_SLACKBOT = "USLACKBOT"
_LINE = 300  # characters of a line that is shown beside a message


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

    def audience(self, channel: str, kind: str) -> str:
        """``kind`` is a channel's type (see `adapters.slack.places`). A channel that people of other workspaces see
        is a community of its own."""
        community = f"{PLATFORM}:{self.team}"
        if kind == places.IM:
            return PRIVATE
        if kind == places.CHANNEL:
            return community_audience(community)
        if kind == places.EXT:
            return community_audience(f"{community}/{channel}")
        return place_audience(community, channel)

    def origin(self, user: str, name: str, channel: str, kind: str, thread: str | None) -> dict[str, Any]:
        """The fields of `bot.events.Origin`."""
        private = kind == places.IM
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
        thread = stamp(event.get("thread_ts"))
        return thread or (stamp(event.get("ts")) if kind != places.IM else "") or None

    def to_event(self, event: Json, kind: str, name: str, names: Names) -> MessageReceived:
        """``event`` is one with `is_message`."""
        channel, ts = text(event.get("channel")), stamp(event.get("ts"))
        thread = stamp(event.get("thread_ts"))
        return MessageReceived(
            **self.origin(author(event), name, channel, kind, self.thread_of(event, kind)),
            bot=is_bots(event),
            key=self.key(channel, ts),
            at=moment(ts),
            addressed=kind == places.IM or f"<@{self.user}>" in self._written(event),
            text=self.text_of(event, names),
            thread=thread not in ("", ts),
            place="" if kind == places.IM else f"<#{channel}>",
        )

    def text_of(self, message: Json, names: Names) -> str:
        """All of a message, without the mention by which it calls us."""
        return content.whole(message, names, self._uncalled(text(message.get("text"))))

    def line_of(self, message: Json, name: str, names: Names) -> Quote:
        """A message as it is shown beside another."""
        words = content.whole(message, names, self._uncalled(text(message.get("text"))), named_files=True)
        key = self.key(text(message.get("channel")), stamp(message.get("ts")))
        return Quote(key=key, account=self.account(author(message)), text=f"{name}: {words[:_LINE]}")

    def _uncalled(self, written: str) -> str:
        return re.sub(rf"^\s*<@{self.user}(?:\|[^<>]*)?>[\s,:]*", "", written)

    def _written(self, message: Json) -> str:
        """The author's own words as they came; of a message that has none, its blocks by the mentions in them."""
        own = text(message.get("text"))
        blocks = {"blocks": message.get("blocks")}  # what is forwarded with it calls nobody
        called = "" if own.strip() else " ".join(f"<@{one}>" for one in content.mentioned(blocks))
        return re.sub(rf"<@{self.user}\|[^<>]*>", f"<@{self.user}>", own) + called

    def to_edit(self, event: Json, kind: str, names: Names) -> MessageEdited:
        """``event["message"]`` is a message that reads otherwise now."""
        message = record(event.get("message"))
        channel, ts = text(event.get("channel")), stamp(message.get("ts"))
        return MessageEdited(
            **self.origin(author(message), "", channel, kind, None),
            key=f"{self.key(channel, ts)}/edited",
            at=moment(stamp(event.get("event_ts")) or ts),
            target=self.key(channel, ts),
            text=self.text_of(message, names),
        )

    def to_deletion(self, event: Json, kind: str) -> MessageDeleted:
        """``event["deleted_ts"]`` names the message."""
        channel, ts = text(event.get("channel")), stamp(event.get("deleted_ts"))
        return MessageDeleted(
            **self.origin(author(record(event.get("previous_message"))), "", channel, kind, None),
            key=f"{self.key(channel, ts)}/deleted",
            at=moment(stamp(event.get("event_ts")) or ts),
            target=self.key(channel, ts),
        )

    def to_reaction(self, event: Json, name: str) -> ReactionAdded | None:
        """Where our message stands is known by whoever posted it: the receipt tells."""
        item, user = record(event.get("item")), text(event.get("user"))
        channel, ts, emoji = text(item.get("channel")), stamp(item.get("ts")), text(event.get("reaction"))
        if not (user and channel and ts and emoji):
            return None
        return ReactionAdded(
            **self.origin(user, name, channel, places.CLOSED, None),
            key=f"{self.key(channel, ts)}/{user}/{emoji}",
            at=moment(stamp(event.get("event_ts")) or ts),
            emoji=emoji,
            target=f"{channel}/{ts}",
        )


def is_message(event: Json) -> bool:
    """Whether it tells at least who wrote, where and when."""
    return bool(author(event) and text(event.get("channel")) and stamp(event.get("ts")))


def is_said(event: Json) -> bool:
    """Whether somebody wrote it; what comes from people's own apps is theirs, whatever new subtype it has."""
    subtype = event.get("subtype")
    return not isinstance(subtype, str) or subtype in SAID or bool(text(event.get("client_msg_id")))


def tombstone(event: Json) -> str:
    """The ts of a message that was deleted and leaves a stone, for others replied to it; empty for anything else."""
    message = record(event.get("message"))
    return stamp(message.get("ts")) if message.get("subtype") == "tombstone" else ""


def author(event: Json) -> str:
    return text(event.get("user")) or text(event.get("bot_id"))


def is_bots(event: Json) -> bool:
    return bool(text(event.get("bot_id"))) or event.get("user") == _SLACKBOT


def stamp(value: object) -> str:
    """A message's time, which is also its name in its channel; empty for anything else."""
    return value if isinstance(value, str) and _TS.fullmatch(value) else ""


def moment(ts: str) -> datetime:
    return datetime.fromtimestamp(float(ts), UTC)


def said_at(key: str) -> datetime | None:
    """When the message of an event's key was written; None for a key that is not of a message here."""
    ts = ts_of(key)
    return moment(ts) if ts else None


def ts_of(key: str) -> str:
    """The time by which Slack names the message of an event's key; empty for a key that is not of a message here."""
    found = _KEY.fullmatch(key)
    return found[1] if found else ""


def place_of(address: str) -> tuple[str, str | None]:
    """Channel and thread of ``slack:<team>/<channel>[/<thread>]``."""
    parts = address.partition(":")[2].split("/")
    return parts[1], parts[2] if len(parts) > 2 else None


def is_text(file: Json) -> bool:
    return files.is_text(text(file.get("mimetype"))) and number(file.get("size")) <= files.MAX_TEXT


def is_document(file: Json) -> bool:
    return is_text(file) or files.is_packed(text(file.get("name")), number(file.get("size")))


def is_image(file: Json) -> bool:
    return file.get("mimetype") in files.IMAGES and number(file.get("size")) <= files.MAX_IMAGE
