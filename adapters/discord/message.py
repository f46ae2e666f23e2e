"""A message as Discord tells it, whatever way it came: as an event, from the history, or quoted in another. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from adapters.discord import wire
from adapters.discord.wire import Json

DEFAULT, REPLY, COMMAND, THREAD_STARTER, CONTEXT_COMMAND = 0, 19, 20, 21, 23  # message types
_FORWARD = 1  # a type of message reference
_VOICE = 1 << 13  # message flag IS_VOICE_MESSAGE


@dataclass(frozen=True)
class File:
    """An attachment: ``size`` in bytes; ``media_type`` and ``shows`` (what its author says of it) may be empty."""

    id: int
    name: str
    size: int
    media_type: str
    url: str
    shows: str
    seconds: float  # of sound or film


@dataclass(frozen=True)
class Message:
    """`raw` is its JSON; ``guild`` is 0 in a direct message, and where it came without being told."""

    raw: Json
    id: int
    channel: int
    guild: int

    @property
    def kind(self) -> int:
        return wire.number(self.raw.get("type"))

    @property
    def author(self) -> Json:
        return wire.record(self.raw.get("author"))

    @property
    def author_id(self) -> int:
        return wire.snowflake(self.author.get("id"))

    @property
    def member(self) -> Json | None:
        """What the author is in the guild; None where it was not told, as in histories."""
        told = self.raw.get("member")
        return told if isinstance(told, dict) else None

    @property
    def content(self) -> str:
        return wire.text(self.raw.get("content"))

    @property
    def at(self) -> datetime:
        return wire.made_at(self.id)

    @property
    def edited_at(self) -> datetime | None:
        return wire.moment(self.raw.get("edited_timestamp"))

    @property
    def webhook(self) -> int:
        return wire.snowflake(self.raw.get("webhook_id"))

    @property
    def application(self) -> int:
        return wire.snowflake(self.raw.get("application_id"))

    @property
    def is_said(self) -> bool:
        """Whether somebody wrote it: no join notice, no pin."""
        return self.kind in (DEFAULT, REPLY)

    @property
    def is_voice(self) -> bool:
        return bool(wire.number(self.raw.get("flags")) & _VOICE)

    @property
    def mentioned(self) -> list[Json]:
        """The people whom it notifies."""
        return wire.records(self.raw.get("mentions"))

    @property
    def mentioned_roles(self) -> tuple[int, ...]:
        return wire.snowflakes(self.raw.get("mention_roles"))

    @property
    def snapshots(self) -> list[Message]:
        """What is forwarded with it. Of whom it is, Discord does not tell."""
        kept = [
            wire.record(snapshot.get("message"))
            for snapshot in wire.records(self.raw.get("message_snapshots"))
        ]
        return [Message(raw, self.id, self.channel, self.guild) for raw in kept]

    @property
    def replies_to(self) -> int:
        """The id of the message that it is a reply to; 0 for none."""
        reference = wire.record(self.raw.get("message_reference"))
        is_reply = self.kind == REPLY or "referenced_message" in self.raw
        if not is_reply or wire.number(reference.get("type")) == _FORWARD:
            return 0
        return wire.snowflake(reference.get("message_id"))

    @property
    def replied_is_gone(self) -> bool:
        """Whether what it is a reply to was deleted (null in its place, where nothing would mean: not looked up)."""
        return "referenced_message" in self.raw and self.raw["referenced_message"] is None

    @property
    def referenced(self) -> Message | None:
        """The message that it is a reply to, or that its thread began with, as it comes with it."""
        return message_of(self.raw.get("referenced_message"), self.guild)

    @property
    def own_files(self) -> list[File]:
        return list(_files(self.raw))

    @property
    def files(self) -> list[File]:
        """Its own attachments, and those of what it forwards."""
        return self.own_files + [file for inner in self.snapshots for file in inner.own_files]


def message_of(raw: object, guild: int = 0) -> Message | None:
    """None for what is no message, or nobody's; ``guild`` is where it is from, if it does not say so itself."""
    data = wire.record(raw)
    message = Message(
        data,
        wire.snowflake(data.get("id")),
        wire.snowflake(data.get("channel_id")),
        wire.snowflake(data.get("guild_id")) or guild,
    )
    return message if message.id and message.channel and message.author_id else None


def _files(raw: Json) -> Iterator[File]:
    for told in wire.records(raw.get("attachments")):
        seconds = told.get("duration_secs")
        yield File(
            id=wire.snowflake(told.get("id")),
            name=wire.text(told.get("filename")) or "unnamed",
            size=wire.number(told.get("size")),
            media_type=wire.text(told.get("content_type")).partition(";")[0].strip().lower(),
            url=wire.text(told.get("url")),
            shows=wire.text(told.get("description")),
            seconds=float(seconds) if isinstance(seconds, int | float) else 0.0,
        )
