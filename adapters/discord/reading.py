"""What Discord tells, as everbot's events. Pure: nothing here waits or asks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import discord

from adapters import files
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

PLATFORM = "discord"
_TEXT_ENDINGS = (
    ".txt .md .rst .csv .tsv .json .jsonl .yaml .yml .toml .ini .cfg .log .xml .html .css .js .ts .py .rb .go .rs "
    ".java .kt .c .h .cpp .hpp .cs .sh .sql .tex .diff .patch"
).split()
_TAG = re.compile(r"<(?:(@&|@!?|#)(\d+)|a?:(\w+):\d+)>")
BROKEN = (aiohttp.ClientError, OSError, TimeoutError, RuntimeError)  # RuntimeError: "Session is closed"

Channel = Any  # a guild channel, a thread, or a direct message


@dataclass(frozen=True)
class Us:
    """Who we are on Discord."""

    user: int  # the bot's user id
    application: int  # which our webhooks' messages name

    def said(self, message: discord.Message) -> bool:
        """Whether we posted it: as the bot, or as a persona through a webhook of ours."""
        ours = message.webhook_id is not None and message.application_id == self.application
        return ours or message.author.id == self.user


def us(client: discord.Client) -> Us:
    """``client`` has logged in."""
    assert client.user is not None
    return Us(client.user.id, client.application_id or client.user.id)


def address(channel_id: int) -> str:
    return f"{PLATFORM}:{channel_id}"


def account(user_id: int) -> str:
    return f"{PLATFORM}:{user_id}"


def key(message_id: int) -> str:
    return f"{PLATFORM}:{message_id}"


def is_direct(channel: Channel) -> bool:
    return getattr(channel, "guild", None) is None and not getattr(channel, "guild_id", None)


def audience(channel: Channel) -> str:
    """Who can see a channel: its whole guild when @everyone may view it, else only its place."""
    if is_direct(channel):
        return PRIVATE
    guild = channel.guild
    if guild is None or guild.unavailable:  # one that we have not been told of
        return place_audience(
            f"{PLATFORM}:{channel.guild_id if guild is None else guild.id}", str(channel.id)
        )
    community = f"{PLATFORM}:{guild.id}"
    base = channel.parent if isinstance(channel, discord.Thread) else channel
    if base is None or (isinstance(channel, discord.Thread) and channel.is_private()):
        return place_audience(community, str(channel.id))
    if base.permissions_for(guild.default_role).view_channel:
        return community_audience(community)
    return place_audience(community, str(base.id))


def origin(user: discord.abc.User, channel: Channel) -> dict[str, Any]:
    """The fields of `bot.events.Origin`."""
    guild = getattr(channel, "guild", None)
    base = getattr(channel, "parent_id", None) if isinstance(channel, discord.Thread) else None
    roles = user.roles if isinstance(user, discord.Member) else []
    return {
        "account": account(user.id),
        "name": user.display_name,
        "address": address(channel.id),
        "audience": audience(channel),
        "community": f"{PLATFORM}:{guild.id}" if guild else "",
        "community_name": str(guild.name or "") if guild else "",
        "channel": str(base or channel.id) if guild else "",
        "roles": tuple(str(role.id) for role in roles),
        "admin": isinstance(user, discord.Member) and user.guild_permissions.manage_guild,
        "bot": user.bot,
    }


def presence(guild: discord.Guild, at: datetime, *, here: bool) -> Event:
    """That we are in a guild, or were removed from it."""
    community = f"{PLATFORM}:{guild.id}"
    facts: dict[str, Any] = {"account": f"{PLATFORM}:", "name": "", "address": community}
    facts |= {"audience": community_audience(community), "community": community}
    kind = CommunityJoined if here else CommunityLeft
    return kind(**facts, key=f"{community}/{kind.kind}", at=at)


def is_said(message: discord.Message) -> bool:
    """Whether somebody wrote it: no join notice, no pin."""
    return message.type in (discord.MessageType.default, discord.MessageType.reply)


def is_addressed(message: discord.Message, us: Us) -> bool:
    if is_direct(message.channel) or any(user.id == us.user for user in message.mentions):
        return True
    if any(role.tags is not None and role.tags.bot_id == us.user for role in message.role_mentions):
        return True
    replied = message.reference.resolved if message.reference else None
    return isinstance(replied, discord.Message) and us.said(replied)


def text_of(message: discord.Message, us: Us) -> str:
    """What was written, with names for mentions, and without the mention that calls us."""
    text = named(message, re.sub(rf"^\s*<@!?{us.user}>[\s,:]*", "", message.content))
    if not text and message.message_snapshots:
        text = f"(forwarded) {message.message_snapshots[0].content}"
    return text


def named(message: discord.Message, text: str) -> str:
    """A text of the message as people read it."""
    users = {str(user.id): user.display_name for user in message.mentions}
    roles = {str(role.id): role.name for role in message.role_mentions}
    channels = {str(channel.id): str(channel) for channel in message.channel_mentions}

    def shown(match: re.Match[str]) -> str:
        sign, number, emoji = match.groups()
        if emoji:
            return f":{emoji}:"
        names = {"@&": roles, "#": channels}.get(sign, users)
        return f"{sign[0]}{names[number]}" if number in names else match.group()

    return _TAG.sub(shown, text)


def to_event(
    message: discord.Message,
    user: discord.abc.User,
    us: Us,
    context: tuple[Quote, ...],
) -> MessageReceived:
    replied = message.reference.resolved if message.reference else None
    return MessageReceived(
        **origin(user, message.channel),
        key=key(message.id),
        at=message.created_at,
        addressed=is_addressed(message, us),
        text=text_of(message, us),
        reply_to=_quote(replied, named(replied, replied.content))
        if isinstance(replied, discord.Message)
        else None,
        place=f"#{message.channel}" if message.guild else "",
        thread=isinstance(message.channel, discord.Thread),
        context=context,
    )


def to_edit(message: discord.Message, us: Us, at: datetime) -> MessageEdited:
    return MessageEdited(
        **origin(message.author, message.channel),
        key=f"{key(message.id)}/edited",
        at=at,
        target=key(message.id),
        text=text_of(message, us),
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


def to_reaction(
    payload: discord.RawReactionActionEvent, user: discord.abc.User, channel: Channel, at: datetime
) -> ReactionAdded:
    emoji = str(payload.emoji.name)
    return ReactionAdded(
        **origin(user, channel),
        key=f"{key(payload.message_id)}/{payload.user_id}/{emoji}",
        at=at,
        emoji=emoji,
        target=str(payload.message_id),
    )


def line_of(message: discord.Message) -> Quote:
    """A channel's line, as it is shown beside another message."""
    return _quote(message, f"{message.author.display_name}: {named(message, message.content)[:300]}")


def _quote(message: discord.Message, text: str) -> Quote:
    return Quote(key=key(message.id), account=account(message.author.id), text=text)


def is_text(file: discord.Attachment) -> bool:
    kind = (file.content_type or "").partition(";")[0]
    is_one = files.is_text(kind) or file.filename.lower().endswith(tuple(_TEXT_ENDINGS))
    return file.size <= files.MAX_TEXT and is_one


def is_image(file: discord.Attachment) -> bool:
    return file.size <= files.MAX_IMAGE and (file.content_type or "") in files.IMAGES
