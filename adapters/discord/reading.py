"""What Discord tells, as everbot's events. Pure: nothing here waits or asks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import discord

from adapters import files
from adapters.discord import content, wire
from adapters.discord.content import Names
from adapters.discord.message import COMMAND, CONTEXT_COMMAND, THREAD_STARTER, File, Message
from adapters.discord.people import Person, account, name_of, origin
from adapters.discord.places import Place, address, community_of
from adapters.discord.wire import Json
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
)

_TEXT_ENDINGS = (
    ".txt .md .rst .csv .tsv .json .jsonl .yaml .yml .toml .ini .cfg .log .xml .html .css .js .ts .py .rb .go .rs "
    ".java .kt .c .h .cpp .hpp .cs .sh .sql .tex .diff .patch"
).split()
_LINE = 300  # characters of a line that is shown beside a message
_DELETED = "(a message that was deleted)"
_UNREAD = "(a message that could not be read)"


@dataclass(frozen=True)
class Us:
    """Who we are on Discord."""

    user: int  # the bot's user id
    application: int  # which our webhooks' messages name

    def said(self, message: Message) -> bool:
        """Whether we posted it: as the bot, or as a persona through a webhook of ours."""
        ours = message.webhook != 0 and message.application == self.application
        return ours or message.author_id == self.user


def us(client: discord.Client) -> Us:
    """``client`` has logged in."""
    assert client.user is not None
    return Us(client.user.id, client.application_id or client.user.id)


def key(message_id: int) -> str:
    return f"discord:{message_id}"


def presence(guild_id: int, at: datetime, *, here: bool) -> Event:
    """That we are in a guild, or were removed from it."""
    community = community_of(guild_id)
    facts: dict[str, Any] = {"account": account(0), "name": "", "address": community}
    facts |= {"audience": community_audience(community), "community": community}
    kind = CommunityJoined if here else CommunityLeft
    return kind(**facts, key=f"{community}/{kind.kind}", at=at)


def is_addressed(message: Message, us: Us, place: Place, roles: tuple[int, ...] = ()) -> bool:
    """``roles`` are those that stand for us alone."""
    if place.direct or any(wire.snowflake(user.get("id")) == us.user for user in message.mentioned):
        return True
    replied = message.referenced if message.replies_to else None
    return bool(set(message.mentioned_roles) & set(roles)) or (replied is not None and us.said(replied))


def text_of(message: Message, us: Us, names: Names) -> str:
    """All that it holds, with names for mentions, and without the mention that calls us."""
    return content.whole(message, names, re.sub(rf"^\s*<@!?{us.user}>[\s,:]*", "", message.content))


def to_event(
    message: Message,
    person: Person,
    place: Place,
    text: str,
    *,
    addressed: bool,
    reply_to: Quote | None = None,
    context: tuple[Quote, ...] = (),
) -> MessageReceived:
    return MessageReceived(
        **origin(person, place),
        key=key(message.id),
        at=message.at,
        addressed=addressed,
        text=text,
        reply_to=reply_to,
        place="" if place.direct else f"#{place.name or place.id}",
        thread=place.thread,
        context=context,
    )


def to_edit(message: Message, person: Person, place: Place, text: str, at: datetime) -> MessageEdited:
    return MessageEdited(
        **origin(person, place), key=f"{key(message.id)}/edited", at=at, target=key(message.id), text=text
    )


def to_deletion(message_id: int, channel_id: int, at: datetime) -> MessageDeleted:
    """Discord does not say who deleted it, nor whose it was: the target tells."""
    return MessageDeleted(
        account=account(0),
        name="",
        address=address(channel_id),
        audience=PRIVATE,
        key=f"{key(message_id)}/deleted",
        at=at,
        target=key(message_id),
    )


def to_reaction(told: Json, person: Person, place: Place, at: datetime) -> ReactionAdded | None:
    """None where it is on no message, or says nothing."""
    target, emoji = wire.snowflake(told.get("message_id")), emoji_of(told)
    if not target or not emoji:
        return None
    return ReactionAdded(
        **origin(person, place),
        key=f"{key(target)}/{person.id}/{emoji}",
        at=at,
        emoji=emoji,
        target=str(target),
    )


def emoji_of(told: Json) -> str:
    return wire.text(wire.record(told.get("emoji")).get("name"))


def line_of(message: Message, names: Names) -> Quote | None:
    """A channel's line, as it is shown beside another message; None for what shows nothing."""
    if message.kind == THREAD_STARTER and message.referenced is not None:
        return line_of(message.referenced, names)
    told = content.whole(message, names)
    if not told and message.own_files:
        told = f"(attached: {', '.join(file.name for file in message.own_files)})"
    if not told or not is_shown(message):
        return None
    return _quote(message, f"{name_of(message.author, message.member)}: {told[:_LINE]}")


def is_shown(message: Message) -> bool:
    """Whether it is a line of its channel: what people and bots say, and notices that are worth telling."""
    return message.is_said or message.kind in (COMMAND, CONTEXT_COMMAND) or content.is_notice(message)


def quote_of(message: Message, names: Names) -> Quote | None:
    """What it is a reply to; None when it is none."""
    number, replied = message.replies_to, message.referenced
    if not number:
        return None
    if replied is None:
        told = _DELETED if message.replied_is_gone else _UNREAD
        return Quote(key=key(number), account=account(0), text=told)
    text = content.whole(replied, names)
    files = ", ".join(file.name for file in replied.own_files)
    return _quote(replied, text or (f"(attached: {files})" if files else "(a message without text)"))


def _quote(message: Message, text: str) -> Quote:
    return Quote(key=key(message.id), account=account(message.author_id), text=text)


def is_text(file: File) -> bool:
    is_one = files.is_text(file.media_type) or file.name.lower().endswith(tuple(_TEXT_ENDINGS))
    return file.size <= files.MAX_TEXT and is_one


def is_document(file: File) -> bool:
    return is_text(file) or files.is_packed(file.name, file.size)


def is_image(file: File) -> bool:
    return file.size <= files.MAX_IMAGE and file.media_type in files.IMAGES
