"""Who somebody is on Discord, and what they may do in a guild. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import discord

from adapters.discord import wire
from adapters.discord.places import PLATFORM, Place
from adapters.discord.wire import Json


def account(user_id: int) -> str:
    return f"{PLATFORM}:{user_id}"


def number_of(account: str) -> int:
    """The user's id in an account."""
    return int(account.partition(":")[2])


@dataclass(frozen=True)
class Person:
    """``admin``: the guild lets them manage it."""

    id: int
    name: str
    bot: bool = False
    roles: tuple[int, ...] = ()
    admin: bool = False


def person_of(user: Json, member: Json | None, guild_id: int, guild: discord.Guild | None) -> Person:
    """Out of what Discord tells of a user, and of the same as a member of the guild; ``guild`` is None where the
    client does not hold it."""
    number = wire.snowflake(user.get("id"))
    roles = (guild_id, *wire.snowflakes(member.get("roles"))) if member is not None and guild_id else ()
    admin = bool(roles) and guild is not None and _manages(number, roles, guild)
    return Person(number, name_of(user, member), user.get("bot") is True, roles, admin)


def person_in(interaction: discord.Interaction) -> Person:
    """Who uses a command or presses a button."""
    user = interaction.user
    if not isinstance(user, discord.Member):
        return Person(user.id, user.display_name, user.bot)
    held = interaction.permissions if user.guild.default_role is None else user.guild_permissions
    roles = {user.guild.id: None, **{role.id: None for role in user.roles}}
    return Person(user.id, user.display_name, user.bot, tuple(roles), held.manage_guild)


def name_of(user: Json, member: Json | None = None) -> str:
    nick = wire.text(member.get("nick")) if member is not None else ""
    return nick or wire.text(user.get("global_name")) or wire.text(user.get("username")) or "somebody"


def _manages(number: int, roles: tuple[int, ...], guild: discord.Guild) -> bool:
    if number == guild.owner_id:
        return True
    held = [role.permissions for role in map(guild.get_role, roles) if role is not None]
    return any(each.administrator or each.manage_guild for each in held)


def origin(person: Person, place: Place) -> dict[str, Any]:
    """The fields of `bot.events.Origin`."""
    return {
        "account": account(person.id),
        "name": person.name,
        "address": place.address,
        "audience": place.audience,
        "community": place.community,
        "community_name": place.guild_name,
        "channel": "" if place.direct else str(place.base),
        "roles": tuple(map(str, person.roles)),
        "admin": person.admin,
        "bot": person.bot,
        "adults": place.adults,
    }
