"""The people's side: a test makes users and places, and plays what people do there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.fakes.discord_interactions import Interaction, Interactions
from tests.fakes.discord_records import REPLY, TEXT, Channel, Guild, Member, Message, Role, User, Webhook
from tests.fakes.discord_rules import EVERYBODY, NONE, Json, Permission
from tests.fakes.discord_world import PLAIN_MENTIONS, World


def overwrite(
    target: User | Role | Guild, allow: Permission = NONE, deny: Permission = NONE
) -> tuple[int, Permission, Permission]:
    return (1 if isinstance(target, User) else 0, allow, deny)


class People:
    def __init__(self, world: World, interactions: Interactions) -> None:
        self.world, self.interactions = world, interactions

    def user(
        self,
        name: str,
        *,
        display: str | None = None,
        bot: bool = False,
        takes_dms: bool = True,
        locale: str = "en-US",
    ) -> User:
        return self.world.user(name, display=display, bot=bot, takes_dms=takes_dms, locale=locale)

    def guild(
        self,
        name: str,
        *,
        owner: User | None = None,
        members: Iterable[User] = (),
        bot: bool = True,
        shard: int | None = None,
    ) -> Guild:
        """A guild; the bot is in it unless told otherwise. ``shard`` is the shard it belongs to."""
        owner = owner or self.user("owner")
        number = self.world.snowflake()
        while shard is not None and (number >> 22) % self.world.settings.shards != shard:
            number += 1 << 22
        guild = Guild(number, name, owner)
        guild.roles[number] = Role(number, "@everyone", EVERYBODY, position=0)
        self.world.guilds[number] = guild
        for user in (owner, *members):
            self.join(guild, user)
        if bot:
            self.world.add_guild(guild)
        return guild

    def add_guild(self, guild: Guild) -> None:
        self.world.add_guild(guild)

    def remove_guild(self, guild: Guild) -> None:
        self.world.remove_guild(guild)

    def role(
        self, guild: Guild, name: str, permissions: Permission = NONE, *, mentionable: bool = False
    ) -> Role:
        role = Role(self.world.snowflake(), name, permissions, mentionable)
        guild.roles[role.id] = role
        body = {"guild_id": str(guild.id), "role": role.payload()}
        self.world.emit("GUILD_ROLE_CREATE", body, guild=guild)
        return role

    def join(self, guild: Guild, user: User, roles: Iterable[Role] = ()) -> None:
        guild.members[user.id] = member = Member(user, list(roles), self.world.now())
        self.world.emit("GUILD_MEMBER_ADD", member.payload() | {"guild_id": str(guild.id)}, guild=guild)

    def leave(self, guild: Guild, user: User) -> None:
        del guild.members[user.id]
        body = {"guild_id": str(guild.id), "user": user.payload()}
        self.world.emit("GUILD_MEMBER_REMOVE", body, guild=guild)

    def assign(self, guild: Guild, user: User, roles: Iterable[Role]) -> None:
        """Give a member these roles instead of the ones held. The bot always hears of its own."""
        member = guild.members[user.id]
        member.roles = list(roles)
        body = member.payload() | {"guild_id": str(guild.id)}
        like = "GUILD_UPDATE" if user is self.bot else None
        self.world.emit("GUILD_MEMBER_UPDATE", body, guild=guild, like=like)

    def channel(
        self,
        guild: Guild,
        name: str,
        *,
        private_to: Iterable[User | Role] | None = None,
        kind: int = TEXT,
        nsfw: bool = False,
    ) -> Channel:
        """A channel: public, or hidden from all but these (name the bot, where it is to see it)."""
        overwrites = {}
        if private_to is not None:
            overwrites = {target.id: overwrite(target, allow=Permission.VIEW) for target in private_to}
            overwrites[guild.id] = (0, NONE, Permission.VIEW)
        return self.world.add_channel(guild, name, kind=kind, overwrites=overwrites, nsfw=nsfw)

    def permit(
        self,
        channel: Channel,
        target: User | Role | Guild,
        *,
        allow: Permission = NONE,
        deny: Permission = NONE,
    ) -> None:
        """Change a channel's overwrite for somebody, a role, or (the guild) everybody."""
        channel.overwrites[target.id] = overwrite(target, allow, deny)
        self.world.emit("CHANNEL_UPDATE", channel.payload(self.bot), guild=channel.guild)

    def thread(
        self,
        channel: Channel,
        name: str,
        owner: User,
        *,
        private: bool = False,
        members: Iterable[User] = (),
        message: Message | None = None,
    ) -> Channel:
        """A thread, started from ``message`` if there is one. A private one is seen by its members only."""
        people = (owner, *members)
        return self.world.add_thread(channel, name, *people, private=private, start=message)

    def invite(self, thread: Channel, user: User) -> None:
        """Add somebody to a thread; a bot that is added to a private one hears of it as of a new one."""
        thread.members[user.id] = user
        if user is self.world.bot:
            self.world.emit("THREAD_CREATE", thread.payload(user), channel=thread)

    def remove_channel(self, channel: Channel) -> None:
        """Delete a channel or a thread."""
        self.world.remove_channel(channel)

    def dm(self, user: User) -> Channel:
        return self.world.dm(user)

    def webhook(self, channel: Channel, name: str, maker: User) -> Webhook:
        """A webhook that a person made, or another bot."""
        return self.world.add_webhook(channel, name, maker)

    def delete_webhook(self, hook: Webhook) -> None:
        """An admin deletes it."""
        self.world.drop_webhook(hook)

    def webhooks(self, channel: Channel) -> list[Webhook]:
        return [hook for hook in self.world.webhooks.values() if hook.channel is channel]

    # What people do

    async def say(
        self,
        user: User,
        channel: Channel,
        text: str,
        *,
        reply_to: Message | None = None,
        ping: bool = True,
        attachments: Sequence[tuple[str, bytes, str | None]] = (),
        more: Json | None = None,
    ) -> Message:
        """A person's message; ``ping`` is whether a reply notifies the author of what it replies to, ``more`` what
        else it holds, as it is on the wire."""
        needed = Permission.VIEW | Permission.SEND
        assert channel.allows(user, needed), f"{user.name} cannot write in {channel.name!r}"
        traits: Json = {"reply_to": reply_to, "kind": REPLY if reply_to else 0}
        traits["allowed_mentions"] = PLAIN_MENTIONS | {"replied_user": ping}
        traits["more"] = more or {}
        return self.world.post(
            channel, user, text, attachments=self.world.attach(channel, attachments), **traits
        )

    async def post_webhook(self, hook: Webhook, text: str, *, username: str | None = None) -> Message:
        author = User(hook.id, username or hook.name, bot=True)
        return self.world.post(hook.channel, author, text, webhook=hook)

    async def edit(self, message: Message, text: str) -> None:
        self.world.edit(message, content=text)

    async def delete(self, message: Message) -> None:
        self.world.delete(message)

    async def react(self, user: User, message: Message, emoji: str) -> None:
        self.world.react(message, user, emoji)

    async def unreact(self, user: User, message: Message, emoji: str) -> None:
        self.world.react(message, user, emoji, added=False)

    async def slash(
        self, user: User, channel: Channel, name: str, options: Mapping[str, Any] | None = None
    ) -> Interaction:
        """Use ``/name`` (``"heartbeat on"`` for a subcommand); returns when answered, or when it is too late."""
        return await self.interactions.slash(user, channel, name, options or {})

    async def write(self, user: User, channel: Channel, name: str, blank: str, text: str = "") -> list[Json]:
        """Write in a blank of ``/name``: what is suggested."""
        return (await self.interactions.write(user, channel, name, blank, text)).choices

    async def press(
        self, user: User, message: Message, custom_id: str, values: Sequence[str] = ()
    ) -> Interaction:
        return await self.interactions.press(user, message, custom_id, values)
