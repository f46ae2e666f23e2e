"""All that Discord remembers, and the acts that change it.

It outlives every connection and every process of the bot.
"""

from __future__ import annotations

import mimetypes
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tests.fakes.discord_records import (
    DM,
    EPOCH_MS,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    STARTER,
    Attachment,
    Channel,
    Guild,
    Member,
    Message,
    Pings,
    Role,
    User,
    Webhook,
    emoji_payload,
)
from tests.fakes.discord_rules import EVERYBODY, Intent, Json, Permission, Refusal, Settings

PLAIN_MENTIONS: Json = {"parse": ["users", "roles", "everyone"], "replied_user": True}
FLAGS = {Intent.GUILD_PRESENCES: 1 << 13, Intent.GUILD_MEMBERS: 1 << 15, Intent.MESSAGE_CONTENT: 1 << 19}
Payload = Json | Callable[[bool], Json]  # the callable is told whether the reader may see content


class World:
    """``emit`` tells the gateway of an event: its name and payload, and the ``guild`` or ``channel`` it is of."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.now = settings, settings.now
        self.emit: Callable[..., None] = lambda *_, **__: None
        self.cdn = ""
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.files: dict[int, Attachment] = {}
        self.commands: dict[int | None, list[Json]] = {None: []}  # by guild; None: everywhere
        self._dms: dict[int, Channel] = {}
        self._last = 0
        self.bot = self.user("everbot", bot=True)

    def snowflake(self) -> int:
        """Ids grow, and tell the time they were made at."""
        self._last = max(int(self.now() * 1000) - EPOCH_MS << 22, self._last + 1)
        return self._last

    def application(self) -> Json:
        """Its id, and by its flags which privileged intents it was given."""
        flags = sum(flag for intent, flag in FLAGS.items() if intent in self.settings.privileged)
        return {"id": str(self.bot.id), "flags": flags}

    def user(self, name: str, **traits: Any) -> User:
        user = User(self.snowflake(), name, **traits)
        self.users[user.id] = user
        return user

    def dm(self, user: User) -> Channel:
        if user.id not in self._dms:
            channel = Channel(self.snowflake(), kind=DM, members={user.id: user, self.bot.id: self.bot})
            self.channels[channel.id] = self._dms[user.id] = channel
        return self._dms[user.id]

    def add_channel(self, guild: Guild, name: str, **traits: Any) -> Channel:
        channel = Channel(self.snowflake(), name, guild=guild, **traits)
        self.channels[channel.id] = guild.channels[channel.id] = channel
        self.emit("CHANNEL_CREATE", channel.payload(self.bot), guild=guild)
        return channel

    def add_thread(
        self, parent: Channel, name: str, *members: User, private: bool = False, start: Message | None = None
    ) -> Channel:
        """A thread, the first member's own; the one that hangs on a message has its id."""
        assert parent.guild is not None
        kind, number = PRIVATE_THREAD if private else PUBLIC_THREAD, start.id if start else self.snowflake()
        joined = {user.id: user for user in members}
        thread = Channel(number, name, kind, parent.guild, parent, members[0], joined)
        self.channels[number] = parent.guild.channels[number] = thread
        self.emit("THREAD_CREATE", thread.payload(self.bot) | {"newly_created": True}, channel=thread)
        if start:
            start.thread = thread
            self.tell(start, "MESSAGE_UPDATE")
            self.post(thread, start.author, "", kind=STARTER, reply_to=start)
        return thread

    def remove_channel(self, channel: Channel) -> None:
        assert channel.guild is not None
        event, told = "CHANNEL_DELETE", channel.payload(self.bot)
        if channel.parent is not None:
            event, told = "THREAD_DELETE", {key: told[key] for key in ("id", "guild_id", "parent_id", "type")}
        self.emit(event, told, guild=channel.guild)
        del self.channels[channel.id], channel.guild.channels[channel.id]
        for hook in [hook for hook in self.webhooks.values() if hook.channel is channel]:
            del self.webhooks[hook.id]

    def add_webhook(self, channel: Channel, name: str, maker: User, avatar: str | None = None) -> Webhook:
        hook = Webhook(self.snowflake(), secrets.token_urlsafe(48), name, channel, maker, avatar)
        self.webhooks[hook.id] = hook
        self._webhooks_changed(channel)
        return hook

    def drop_webhook(self, hook: Webhook) -> None:
        del self.webhooks[hook.id]
        self._webhooks_changed(hook.channel)

    def _webhooks_changed(self, channel: Channel) -> None:
        assert channel.guild is not None
        place = {"guild_id": str(channel.guild.id), "channel_id": str(channel.id)}
        self.emit("WEBHOOKS_UPDATE", place, channel=channel)

    def attach(self, channel: Channel, files: Iterable[tuple[str, bytes, str | None]]) -> list[Attachment]:
        made = []
        for name, data, media_type in files:
            number = self.snowflake()
            url = f"{self.cdn}/attachments/{channel.id}/{number}/{name}"
            kind = media_type or mimetypes.guess_type(name)[0]
            self.files[number] = Attachment(number, name, data, kind, url)
            made.append(self.files[number])
        return made

    def post(self, channel: Channel, author: User, content: str, **traits: Any) -> Message:
        """A new message, told to everyone who may see it; an ephemeral one is kept out of the channel."""
        message = Message(self.snowflake(), channel, author, content.strip(), **traits)
        message.pings = self.pinged(message)
        if not message.ephemeral:
            channel.messages[message.id] = message
            channel.archived = False
            self.tell(message)
        return message

    def tell(self, message: Message, event: str = "MESSAGE_CREATE") -> None:
        nonce = {"nonce": message.nonce} if message.nonce and event == "MESSAGE_CREATE" else {}

        def payload(content: bool) -> Json:
            return message.payload(self.bot, content=content, gateway=True) | nonce

        self.emit(event, payload, channel=message.channel)

    def edit(self, message: Message, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(message, name, value)
        message.edited = self.now()
        if not message.ephemeral:
            self.tell(message, "MESSAGE_UPDATE")

    def delete(self, message: Message) -> None:
        message.deleted = True
        if message.channel.messages.pop(message.id, None):
            self.emit("MESSAGE_DELETE", self._place(message, "id"), channel=message.channel)

    def react(self, message: Message, user: User, emoji: str, *, added: bool = True) -> None:
        users = message.reactions.get(emoji, {})
        if added == (user.id in users):
            return
        if added:
            message.reactions.setdefault(emoji, {})[user.id] = user
        else:
            del users[user.id]
            if not users:
                del message.reactions[emoji]
        body = self._place(message, "message_id") | {"user_id": str(user.id), "emoji": emoji_payload(emoji)}
        body |= {"burst": False, "type": 0}
        guild = message.channel.guild
        if added:
            body |= {"message_author_id": str(message.author.id)}
            body |= {"member": guild.members[user.id].payload()} if guild and user.id in guild.members else {}
        event = "MESSAGE_REACTION_ADD" if added else "MESSAGE_REACTION_REMOVE"
        self.emit(event, body, channel=message.channel)

    def _place(self, message: Message, key: str) -> Json:
        guild = message.channel.guild
        body = {key: str(message.id), "channel_id": str(message.channel.id)}
        return body | ({"guild_id": str(guild.id)} if guild else {})

    def pinged(self, message: Message) -> Pings:
        """Whom a message notifies: who is named in it, less what its allowed_mentions hold back."""
        allowed = PLAIN_MENTIONS if message.allowed_mentions is None else message.allowed_mentions
        channel, text = message.channel, message.content
        users = self._named(r"<@!?(\d+)>", text, self.users, allowed, "users")
        if message.reply_to and allowed.get("replied_user") and message.reply_to.author.id in self.users:
            users = [*users, message.reply_to.author]
        users = [u for u in dict.fromkeys(users) if channel.allows(u) and u is not message.author]
        if channel.guild is None:
            return Pings(tuple(users))
        loud = message.webhook is not None or channel.allows(message.author, Permission.MENTION_EVERYONE)
        roles = self._named(r"<@&(\d+)>", text, channel.guild.roles, allowed, "roles")
        everyone = loud and "everyone" in allowed.get("parse", []) and re.search("@(everyone|here)", text)
        return Pings(tuple(users), tuple(r for r in roles if r.mentionable or loud), bool(everyone))

    def _named(
        self, pattern: str, text: str, known: Mapping[int, Any], allowed: Json, kind: str
    ) -> list[Any]:
        ids = [int(number) for number in re.findall(pattern, text)]
        if kind not in allowed.get("parse", []):
            chosen = {int(number) for number in allowed.get(kind, [])}
            ids = [number for number in ids if number in chosen]
        return [known[number] for number in ids if number in known]

    def find_message(self, channel: Channel, number: object) -> Message:
        try:
            return channel.messages[int(str(number))]
        except (KeyError, ValueError):
            raise Refusal(404, 10008) from None

    def history(self, channel: Channel, bounds: Mapping[str, str]) -> Sequence[Message]:
        """One page, newest first."""
        limit = int(bounds.get("limit", 50))
        ids = list(channel.messages)
        if "after" in bounds:
            ids = [number for number in ids if number > int(bounds["after"])][:limit]
        elif "around" in bounds:
            middle = int(bounds["around"])
            older = [number for number in ids if number < middle][-(limit // 2) :]
            ids = older + [number for number in ids if number >= middle][: limit - len(older)]
        else:
            newest = int(bounds.get("before", self._last + 1))
            ids = [number for number in ids if number < newest][-limit:]
        return [channel.messages[number] for number in reversed(ids)]

    def add_guild(self, guild: Guild) -> None:
        """The bot is invited, with a role of its own."""
        role = Role(self.snowflake(), self.bot.name, EVERYBODY | Permission.MANAGE_WEBHOOKS, managed=True)
        guild.roles[role.id] = role
        guild.members[self.bot.id] = Member(self.bot, [role], self.now())
        self.emit("GUILD_CREATE", guild.arrival(self.bot), guild=guild)

    def remove_guild(self, guild: Guild) -> None:
        """The bot is kicked."""
        self.emit("GUILD_DELETE", {"id": str(guild.id)}, guild=guild)
        del guild.members[self.bot.id]
