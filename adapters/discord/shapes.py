"""Events of the gateway as discord.py can read them, and as everbot needs them. Pure.

Of guilds, channels, threads and roles discord.py is told only what is used here, with a plain value where something
is missing or of another type: a shape that is new costs nothing then. Where that leaves open who can see a place,
the place is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import discord

from adapters.discord import wire
from adapters.discord.wire import Json

_LOOK = discord.Permissions(view_channel=True, connect=True).value
_LARGEST = (1 << 63) - 1
_THREADS = (10, 11, 12)  # kinds of channels
_VOICE, _PRIVATE_THREAD = 2, 12  # of the kinds of channels, those that the fewest see
_LONG_AGO = "2015-01-01T00:00:00+00:00"


def fit(event: str, told: Json) -> Json | None:
    """The event, fit to be read; None when it is of nothing. Of events that are not read here, what came."""
    if event not in _EVENTS:
        return told
    reader, key = _EVENTS[event]
    return reader(told) if not key or wire.snowflake(told.get(key)) else None


def _each(value: object) -> list[Json]:
    """Things that have an id."""
    return [one for one in wire.records(value) if wire.snowflake(one.get("id"))]


def _kept(told: Json, plain: Mapping[str, Any]) -> Json:
    """The fields that are named, as far as they are of the plain value's type."""
    return {name: _value(told.get(name), value) for name, value in plain.items()}


def _value(value: object, plain: Any) -> Any:
    if plain is None:  # an id, or none
        return str(wire.snowflake(value)) if wire.snowflake(value) else None
    if isinstance(plain, int) and not isinstance(plain, bool):
        number = wire.number(value)
        return number if type(value) is int and abs(number) < 1 << 31 else plain
    return value if type(value) is type(plain) else plain


def _id(told: Json, name: str = "id") -> str:
    return str(wire.snowflake(told.get(name)))


def _rights(value: object) -> str:
    """Permissions, which come as a number in a text; none where that cannot be read."""
    text = wire.text(value)
    known = text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= _LARGEST
    return text if known else "0"


def _role(told: Json) -> Json:
    fields = {"name": "", "position": 0, "managed": False, "mentionable": False, "hoist": False, "flags": 0}
    bot = wire.snowflake(wire.record(told.get("tags")).get("bot_id"))
    tags = {"tags": {"bot_id": str(bot)}} if bot else {}
    return {"id": _id(told), "permissions": _rights(told.get("permissions")), **_kept(told, fields), **tags}


def _channel(told: Json, guild: str) -> Json:
    fields: Json = {"type": _VOICE, "name": "", "position": 0, "parent_id": None, "last_message_id": None}
    fields |= {"bitrate": 64_000, "user_limit": 0, "nsfw": False, "flags": 0}
    seen = {"guild_id": guild, "permission_overwrites": _overwrites(told.get("permission_overwrites"), guild)}
    return {"id": _id(told), **_kept(told, fields), **seen}


def _overwrites(value: object, guild: str) -> list[Json]:
    """Who may do what in a channel. What cannot be read of it may have closed the place."""
    told = wire.records(value)
    read = [one for one in told if _is_overwrite(one)]
    if isinstance(value, list) and len(read) == len(value):
        return read
    others = [one for one in read if _id(one) != guild]
    return [{"id": guild, "type": 0, "allow": "0", "deny": str(_LOOK)}, *others]


def _is_overwrite(told: Json) -> bool:
    known = wire.snowflake(told.get("id")) and told.get("type") in (0, 1) and type(told.get("type")) is int
    return bool(known) and all(_rights(told.get(key)) == told.get(key) for key in ("allow", "deny"))


def _thread(told: Json, guild: str) -> Json:
    fields: Json = {"type": _PRIVATE_THREAD, "name": "", "owner_id": None, "last_message_id": None}
    fields |= {"message_count": 0, "member_count": 0, "flags": 0}
    state: Json = {"archived": False, "auto_archive_duration": 1440, "locked": False, "invitable": True}
    about = wire.record(told.get("thread_metadata"))
    made = _kept(told, fields)
    made["type"] = made["type"] if made["type"] in _THREADS else _PRIVATE_THREAD
    made["owner_id"] = made["owner_id"] or "0"
    made["thread_metadata"] = {**_kept(about, state), "archive_timestamp": _LONG_AGO}
    joined = {"member": {"join_timestamp": _LONG_AGO, "flags": 0}} if wire.record(told.get("member")) else {}
    return {"id": _id(told), "guild_id": guild, "parent_id": _id(told, "parent_id"), **made, **joined}


def _user(told: Json) -> Json:
    fields = {"username": "", "discriminator": "0", "bot": False, "public_flags": 0}
    name = wire.text(told.get("global_name")) or None
    return {"id": _id(told), "avatar": None, "global_name": name, **_kept(told, fields)}


def _member(told: Json) -> Json:
    nick = wire.text(told.get("nick")) or None
    made: Json = {"nick": nick, "roles": [str(role) for role in wire.snowflakes(told.get("roles"))]}
    made |= {"joined_at": None, "flags": 0, "deaf": False, "mute": False, "pending": False, "avatar": None}
    return made | {"user": _user(wire.record(told.get("user")))}


def _guild(told: Json) -> Json:
    number = _id(told)
    inner: Json = {"roles": [_role(role) for role in _each(told.get("roles"))]}
    for key, reader in (("channels", _channel), ("threads", _thread)):  # not in an update
        if isinstance(told.get(key), list):
            inner[key] = [reader(one, number) for one in _each(told[key])]
    if isinstance(told.get("members"), list):
        inner["members"] = [_member(member) for member in wire.records(told["members"])]
    away = {"unavailable": told["unavailable"] is True} if "unavailable" in told else {}
    count = {"member_count": wire.number(told.get("member_count"))} if "member_count" in told else {}
    return {"id": number, **_kept(told, {"name": "", "owner_id": None}), **inner, **away, **count}


def _left(told: Json) -> Json:
    """That a guild is away for a while, or, where it says nothing of that, that we were removed from it."""
    away = {"unavailable": True} if told.get("unavailable", False) is not False else {}
    return {"id": _id(told)} | away


def _role_of(told: Json) -> Json:
    return {"guild_id": _id(told, "guild_id"), "role": _role(wire.record(told.get("role")))}


def _member_of(told: Json) -> Json:
    return {"guild_id": _id(told, "guild_id"), **_member(told)}


def _channel_of(told: Json) -> Json:
    return _channel(told, _id(told, "guild_id"))


def _thread_of(told: Json) -> Json:
    return _thread(told, _id(told, "guild_id"))


def _synced(told: Json) -> Json:
    guild = _id(told, "guild_id")
    threads = [_thread(thread, guild) for thread in _each(told.get("threads"))]
    within = (
        {"channel_ids": list(map(str, wire.snowflakes(told["channel_ids"])))} if "channel_ids" in told else {}
    )
    return {"guild_id": guild, "threads": threads, "members": [], **within}


def _ready(told: Json) -> Json:
    guilds = [{"id": _id(guild), "unavailable": True} for guild in _each(told.get("guilds"))]
    application = wire.record(told.get("application"))
    about = {"id": _id(application), "flags": wire.number(application.get("flags"))}
    return {**told, "user": _user(wire.record(told.get("user"))), "guilds": guilds, "application": about}


def _used(told: Json) -> Json:
    """An interaction without the message that it was begun under, which is not looked at."""
    fields: Json = {"id": None, "application_id": None, "type": 0, "token": "", "version": 1, "data": {}}
    fields |= {"guild_id": None, "context": 1, "attachment_size_limit": 0, "locale": ""}
    channel = wire.record(told.get("channel"))
    number = wire.snowflake(channel.get("id")) or wire.snowflake(told.get("channel_id"))
    made = _kept(told, fields) | {"channel": {"id": str(number), "type": 1}, "entitlements": []}
    if made["guild_id"] is None:
        return made | {"user": _user(wire.record(told.get("user")))}
    member = wire.record(told.get("member"))
    made["channel"] |= {
        "type": 0,
        "guild_id": made["guild_id"],
        "position": 0,
        "name": "",
        "permission_overwrites": [],
    }
    return made | {"member": {**_member(member), "permissions": _rights(member.get("permissions"))}}


_EVENTS: dict[str, tuple[Callable[[Json], Json], str]] = {  # and whose id it cannot be without
    "READY": (_ready, ""),
    "GUILD_CREATE": (_guild, "id"),
    "GUILD_UPDATE": (_guild, "id"),
    "GUILD_DELETE": (_left, "id"),
    "GUILD_ROLE_CREATE": (_role_of, "guild_id"),
    "GUILD_ROLE_UPDATE": (_role_of, "guild_id"),
    "GUILD_MEMBER_UPDATE": (_member_of, "guild_id"),
    "CHANNEL_CREATE": (_channel_of, "id"),
    "CHANNEL_UPDATE": (_channel_of, "id"),
    "THREAD_CREATE": (_thread_of, "id"),
    "THREAD_UPDATE": (_thread_of, "id"),
    "THREAD_LIST_SYNC": (_synced, "guild_id"),
    "INTERACTION_CREATE": (_used, "id"),
}
