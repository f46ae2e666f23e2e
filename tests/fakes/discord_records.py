"""People, guilds, channels and messages, and how they look on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.fakes.discord_rules import ALL, EPHEMERAL, NONE, Json, Permission

EPOCH_MS = 1_420_070_400_000
TEXT, DM, VOICE, PUBLIC_THREAD, PRIVATE_THREAD, STAGE = 0, 1, 2, 11, 12, 13  # kinds of channels
SPOKEN = (VOICE, STAGE)  # whose chat is for those who may connect
DEFAULT, REPLY, COMMAND, STARTER = 0, 19, 20, 21  # kinds of messages


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def sent_at(snowflake: int) -> float:
    return ((snowflake >> 22) + EPOCH_MS) / 1000


@dataclass(eq=False)
class User:
    """A person or a bot. One who does not take DMs can still be asked for a DM channel."""

    id: int
    name: str
    display: str | None = None
    bot: bool = False
    takes_dms: bool = True
    avatar: str | None = None  # the mark of a picture, or where it lies
    locale: str = "en-US"  # told with interactions only

    def __repr__(self) -> str:
        return self.name

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    def payload(self) -> Json:
        body = {"id": str(self.id), "username": self.name, "global_name": self.display, "bot": self.bot}
        return {**body, "discriminator": "0", "avatar": self.avatar, "public_flags": 0}


@dataclass(eq=False)
class Role:
    id: int
    name: str
    permissions: Permission = NONE
    mentionable: bool = False
    position: int = 1
    managed: bool = False

    @property
    def mention(self) -> str:
        return f"<@&{self.id}>"

    def payload(self) -> Json:
        colors = {"primary_color": 0, "secondary_color": None, "tertiary_color": None}
        body = {"id": str(self.id), "name": self.name, "permissions": str(int(self.permissions))}
        body |= {"mentionable": self.mentionable, "position": self.position, "managed": self.managed}
        return {**body, "color": 0, "colors": colors, "hoist": False, "flags": 0}


@dataclass(eq=False)
class Member:
    user: User
    roles: list[Role]
    joined: float
    nick: str | None = None

    def payload(self, *, user: bool = True) -> Json:
        body: Json = {"nick": self.nick, "roles": [str(role.id) for role in self.roles], "avatar": None}
        body |= {"joined_at": stamp(self.joined), "premium_since": None, "deaf": False, "mute": False}
        body |= {"flags": 0, "pending": False, "communication_disabled_until": None}
        return body | ({"user": self.user.payload()} if user else {})


@dataclass(eq=False)
class Guild:
    id: int
    name: str
    owner: User
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)  # threads too

    def __repr__(self) -> str:
        return self.name

    def payload(self) -> Json:
        body: Json = {"id": str(self.id), "name": self.name, "owner_id": str(self.owner.id), "icon": None}
        body |= dict.fromkeys(("splash", "discovery_splash", "afk_channel_id", "application_id"))
        body |= dict.fromkeys(("system_channel_id", "rules_channel_id", "public_updates_channel_id"))
        body |= dict.fromkeys(("vanity_url_code", "description", "banner", "incidents_data"))
        body |= dict.fromkeys(("afk_timeout", "verification_level", "default_message_notifications"), 0)
        body |= dict.fromkeys(("explicit_content_filter", "mfa_level", "nsfw_level", "premium_tier"), 0)
        body |= {"system_channel_flags": 0, "preferred_locale": "en-US", "region": "deprecated"}
        body |= {"features": [], "emojis": [], "stickers": []}
        return body | {"roles": [role.payload() for role in self.roles.values()]}

    def held_by(self, user: User) -> Permission:
        """A member's permissions, before any channel's overwrites."""
        held = self.roles[self.id].permissions
        for role in self.members[user.id].roles:
            held |= role.permissions
        return held

    def arrival(self, bot: User) -> Json:
        """What GUILD_CREATE says of a new guild. Of the members it names the bot alone, as the real one does."""
        channels = [c.payload(bot) for c in self.channels.values() if c.parent is None]
        threads = [c.payload(bot) for c in self.channels.values() if c.parent and c.allows(bot)]
        me = self.members[bot.id]
        empty = (
            "voice_states",
            "presences",
            "stage_instances",
            "guild_scheduled_events",
            "soundboard_sounds",
        )
        body = {"joined_at": stamp(me.joined), "large": False}
        body |= {"member_count": len(self.members), "members": [me.payload()]}
        body |= {"channels": channels, "threads": threads} | {name: [] for name in empty}
        return self.payload() | body


@dataclass(eq=False)
class Channel:
    """A text channel, a DM (``members``: both sides) or a thread (``members``: who joined it)."""

    id: int
    name: str = ""
    kind: int = TEXT
    guild: Guild | None = None
    parent: Channel | None = None
    owner: User | None = None
    members: dict[int, User] = field(default_factory=dict)
    overwrites: dict[int, tuple[int, Permission, Permission]] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    archived: bool = False
    nsfw: bool = False

    def __repr__(self) -> str:
        return f"#{self.name}" if self.guild else f"DM of {list(self.members.values())}"

    @property
    def mention(self) -> str:
        return f"<#{self.id}>"

    def permissions(self, user: User) -> Permission:
        if self.guild is None:
            return ALL if user.id in self.members else NONE
        if self.parent is not None:
            return self._in_thread(user, self.parent.permissions(user))
        member = self.guild.members.get(user.id)
        if member is None:
            return NONE
        held = self.guild.held_by(user)
        if user is self.guild.owner or held & Permission.ADMINISTRATOR:
            return ALL
        roles = {role.id for role in member.roles}
        for layer in ({self.guild.id}, roles, {user.id}):
            rules = [rule for target, rule in self.overwrites.items() if target in layer]
            for _, _, deny in rules:
                held &= ~deny
            for _, allow, _ in rules:
                held |= allow
        needed = Permission.VIEW | (Permission.CONNECT if self.kind in SPOKEN else NONE)
        return held if held & needed == needed else NONE

    def _in_thread(self, user: User, held: Permission) -> Permission:
        invited = user.id in self.members or held & Permission.MANAGE_THREADS
        if self.kind == PRIVATE_THREAD and not invited:
            return NONE
        speaks = held & Permission.SEND_IN_THREADS
        return held | Permission.SEND if speaks else held & ~Permission.SEND

    def allows(self, user: User, permission: Permission = Permission.VIEW) -> bool:
        return self.permissions(user) & permission == permission

    def payload(self, reader: User) -> Json:
        last = str(next(reversed(self.messages))) if self.messages else None
        body: Json = {"id": str(self.id), "type": self.kind, "last_message_id": last, "flags": 0}
        if self.guild is None:
            people = [user.payload() for user in self.members.values() if user is not reader]
            return body | {"recipients": people}
        body |= {"guild_id": str(self.guild.id), "name": self.name, "rate_limit_per_user": 0}
        if self.parent is None:
            body |= {"position": 0, "topic": None, "nsfw": self.nsfw, "parent_id": None}
            if self.kind in SPOKEN:
                body |= {"bitrate": 64_000, "user_limit": 0, "rtc_region": None}
            return body | {"permission_overwrites": self._overwrites()}
        body |= {"parent_id": str(self.parent.id), "owner_id": str(self.owner.id if self.owner else 0)}
        body |= {"member_count": len(self.members), "message_count": len(self.messages)}
        body |= {"total_message_sent": len(self.messages), "thread_metadata": self._metadata()}
        return body | ({"member": self.thread_member(reader)} if reader.id in self.members else {})

    def thread_member(self, user: User) -> Json:
        body: Json = {"id": str(self.id), "user_id": str(user.id), "flags": 0}
        return body | {"join_timestamp": stamp(sent_at(self.id))}

    def _overwrites(self) -> list[Json]:
        return [
            {"id": str(target), "type": kind, "allow": str(int(allow)), "deny": str(int(deny))}
            for target, (kind, allow, deny) in self.overwrites.items()
        ]

    def _metadata(self) -> Json:
        created = stamp(sent_at(self.id))
        body: Json = {"archived": self.archived, "auto_archive_duration": 1440, "locked": False}
        return body | {"archive_timestamp": created, "create_timestamp": created, "invitable": True}


@dataclass(eq=False)
class Attachment:
    id: int
    name: str
    data: bytes
    media_type: str | None
    url: str

    def payload(self) -> Json:
        body: Json = {"id": str(self.id), "filename": self.name, "size": len(self.data)}
        return body | {"url": self.url, "proxy_url": self.url, "content_type": self.media_type, "flags": 0}


@dataclass(eq=False)
class Webhook:
    id: int
    token: str
    name: str
    channel: Channel
    maker: User
    avatar: str | None = None  # the mark of its picture

    def payload(self) -> Json:
        body: Json = {"id": str(self.id), "type": 1, "token": self.token, "name": self.name}
        body |= {"avatar": self.avatar}
        guild = {"guild_id": str(self.channel.guild.id)} if self.channel.guild else {}
        body |= guild | {"channel_id": str(self.channel.id), "user": self.maker.payload()}
        return body | {"application_id": str(self.maker.id) if self.maker.bot else None}


@dataclass(frozen=True)
class Pings:
    """Who was notified by a message."""

    users: tuple[User, ...] = ()
    roles: tuple[Role, ...] = ()
    everyone: bool = False

    def __bool__(self) -> bool:
        return bool(self.users or self.roles or self.everyone)


@dataclass(eq=False)
class Message:
    id: int
    channel: Channel
    author: User
    content: str
    kind: int = DEFAULT
    attachments: list[Attachment] = field(default_factory=list)
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    reply_to: Message | None = None
    nonce: str | int | None = None
    flags: int = 0
    pings: Pings = Pings()
    allowed_mentions: Json | None = None  # as the bot sent it
    webhook: Webhook | None = None
    interaction: Json | None = None  # its metadata, where this answers one
    thread: Channel | None = None
    reactions: dict[str, dict[int, User]] = field(default_factory=dict)
    edited: float | None = None
    deleted: bool = False
    more: Json = field(default_factory=dict)  # what else it holds, as it is on the wire

    def __repr__(self) -> str:
        return f"<{self.author} in {self.channel}: {self.content[:200]!r}>"

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    def open_to(self, bot: User) -> bool:
        """Whether the bot may read it even without the message content intent."""
        if self.channel.guild is None or self.author is bot or bot in self.pings.users:
            return True
        return self.interaction is not None or (self.webhook is not None and self.webhook.maker is bot)

    def payload(
        self, reader: User, *, content: bool = True, gateway: bool = False, deep: bool = True
    ) -> Json:
        shown = content or self.open_to(reader)
        body: Json = {
            "id": str(self.id),
            "channel_id": str(self.channel.id),
            "type": self.kind,
            "author": self.author.payload(),
            "content": self.content if shown else "",
            "attachments": [a.payload() for a in self.attachments] if shown else [],
            "embeds": self.embeds if shown else [],
            "components": self.components if shown else [],
            "timestamp": stamp(sent_at(self.id)),
            "edited_timestamp": stamp(self.edited) if self.edited else None,
            "mention_everyone": self.pings.everyone,
            "mention_roles": [str(role.id) for role in self.pings.roles],
            "mentions": [self._mentioned(user, gateway) for user in self.pings.users],
            "flags": self.flags,
            "tts": False,
            "pinned": False,
        }
        guild = self.channel.guild
        if gateway and guild:
            body["guild_id"] = str(guild.id)
            if self.author.id in guild.members and not self.webhook:
                body["member"] = guild.members[self.author.id].payload(user=False)
        if self.webhook:
            body |= {"webhook_id": str(self.webhook.id)}
            if self.webhook.maker.bot:  # it is an application's
                body |= {"application_id": str(self.webhook.maker.id)}
        if self.interaction:
            body |= {"webhook_id": str(reader.id), "application_id": str(reader.id)}
            body |= {"interaction_metadata": self.interaction}
        if self.reactions:
            body["reactions"] = [self._reaction(emoji, reader) for emoji in self.reactions]
        if self.thread:
            body["thread"] = self.thread.payload(reader)
        if self.reply_to and deep:
            body |= self._reference(reader, content)
        return body | self.more

    def _mentioned(self, user: User, gateway: bool) -> Json:
        guild = self.channel.guild
        member = guild.members.get(user.id) if guild and gateway else None
        return user.payload() | ({"member": member.payload(user=False)} if member else {})

    def _reaction(self, emoji: str, reader: User) -> Json:
        users = self.reactions[emoji]
        body: Json = {"emoji": emoji_payload(emoji), "count": len(users), "me": reader.id in users}
        return body | {
            "count_details": {"burst": 0, "normal": len(users)},
            "me_burst": False,
            "burst_colors": [],
        }

    def _reference(self, reader: User, content: bool) -> Json:
        earlier = self.reply_to
        assert earlier is not None
        place: Json = {"type": 0, "message_id": str(earlier.id), "channel_id": str(earlier.channel.id)}
        if earlier.channel.guild:
            place["guild_id"] = str(earlier.channel.guild.id)
        quoted = None if earlier.deleted else earlier.payload(reader, content=content, deep=False)
        return {"message_reference": place, "referenced_message": quoted}


def emoji_payload(emoji: str) -> Json:
    name, _, number = emoji.partition(":")
    return {"id": number or None, "name": name}
