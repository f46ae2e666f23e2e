"""What discord.py's own types say of what the fake tells: `discord.types`, which nobody of this project wrote."""

from __future__ import annotations

import importlib.util
import re
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NotRequired, Required, Union

import discord
from typing_extensions import get_type_hints, is_typeddict

_PACKAGE = "discord_types_as_loaded_here"
_EVENTS = {  # events (and one answer), and the names of their types in discord.types.gateway
    "GET /gateway/bot": "GatewayBot",
    "GUILD_CREATE": "GuildCreateEvent",
    "GUILD_DELETE": "GuildDeleteEvent",
    "GUILD_MEMBERS_CHUNK": "GuildMembersChunkEvent",
    "GUILD_MEMBER_ADD": "GuildMemberAddEvent",
    "GUILD_MEMBER_REMOVE": "GuildMemberRemoveEvent",
    "GUILD_MEMBER_UPDATE": "GuildMemberUpdateEvent",
    "GUILD_ROLE_CREATE": "GuildRoleCreateEvent",
    "GUILD_UPDATE": "GuildUpdateEvent",
    "INTERACTION_CREATE": "InteractionCreateEvent",
    "MESSAGE_CREATE": "MessageCreateEvent",
    "MESSAGE_DELETE": "MessageDeleteEvent",
    "MESSAGE_REACTION_ADD": "MessageReactionAddEvent",
    "MESSAGE_REACTION_REMOVE": "MessageReactionRemoveEvent",
    "MESSAGE_UPDATE": "MessageUpdateEvent",
    "READY": "ReadyEvent",
    "THREAD_CREATE": "ThreadCreateEvent",
    "THREAD_DELETE": "ThreadDeleteEvent",
    "WEBHOOKS_UPDATE": "WebhooksUpdateEvent",
}


_CHANNELS = ("CHANNEL_CREATE", "CHANNEL_DELETE", "CHANNEL_UPDATE")  # whose type names the id alone
_NARROWER = (  # where the API reference allows more than discord.py's types, and Discord sends it
    r"\.message_snapshots is not known in Message$",  # "Message Object"
    r"\.components is not known in ComponentBase$",  # "Component Reference"
    r"^INTERACTION_CREATE\.(member|user|guild_locale) is not known",  # "Interaction Object"
    r"^GUILD_UPDATE\.(guild_scheduled_events|stage_instances) is missing",  # in "Guild Create" alone
    r"^READY\.(_trace|private_channels|relationships|session_type|user_settings) is not known",  # not documented
)


_NULL = ("nick", "avatar", "communication_disabled_until", "topic")  # which are "?string" there

_OF_CHANNELS = ("flags", "last_message_id")  # "Channel Object": not in the types of all kinds


class Later:
    """Stands for a type of a module that is not loaded yet: these modules import each other in circles."""

    home, name = "", ""


@cache
def known() -> Mapping[str, types.ModuleType]:
    """The modules of discord.types, loaded apart from those that anybody else may import."""
    folder = Path(discord.__file__).parent / "types"
    package = types.ModuleType(_PACKAGE)
    package.__path__ = [str(folder)]
    sys.modules[_PACKAGE] = package
    modules = {file.stem: _empty(file) for file in sorted(folder.glob("[a-z]*.py"))}
    waiting = list(modules)
    while waiting:
        left = [name for name in waiting if not _load(modules[name])]
        assert len(left) < len(waiting), f"these cannot be loaded: {left}"
        waiting = left
    for module in modules.values():
        for name, value in list(vars(module).items()):
            if isinstance(value, type) and issubclass(value, Later) and value is not Later:
                setattr(module, name, _found(value))
    return modules


def _empty(file: Path) -> types.ModuleType:
    name = f"{_PACKAGE}.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)

    def later(wanted: str) -> type[Later]:
        if wanted.startswith("__"):
            raise AttributeError(wanted)
        return type("Later", (Later,), {"home": name, "name": wanted})

    module.__getattr__ = later  # type: ignore[method-assign]
    sys.modules[name] = module
    return module


def _load(module: types.ModuleType) -> bool:
    """Whether that was possible: a type that is derived from another needs it."""
    assert module.__spec__ is not None
    assert module.__spec__.loader is not None
    try:
        module.__spec__.loader.exec_module(module)
    except TypeError:
        return False
    return True


def _found(value: Any) -> Any:
    """The type that was to come later."""
    while isinstance(value, type) and issubclass(value, Later):
        value = vars(sys.modules[value.home])[value.name]
    return value


def type_of(event: str) -> Any:
    if event in _CHANNELS:
        return known()["channel"].GuildChannel
    return getattr(known()["gateway"], _EVENTS[event])


def strange(event: str, told: object) -> list[str]:
    """What of an event is not as its type says."""
    found = [f"{event}{what}" for what in _strange(type_of(event), told, "")]
    return [what for what in found if not any(re.search(known, what) for known in _NARROWER)]


@cache
def _fields(kind: Any) -> Mapping[str, tuple[Any, bool]]:
    """The fields of a TypedDict: of what type, and whether they must be there."""
    fields: dict[str, tuple[Any, bool]] = {}
    try:
        hints = get_type_hints(kind, include_extras=True)
    except NameError:  # it imports some for type checkers alone
        every = {name: value for module in known().values() for name, value in vars(module).items()}
        hints = get_type_hints(kind, localns=every, include_extras=True)
    for name, hint in hints.items():
        required = name in kind.__required_keys__
        origin = typing.get_origin(hint)
        if origin in (NotRequired, Required):
            required, hint = origin is Required, typing.get_args(hint)[0]
        fields[name] = (hint, required)
    return fields


def _strange(kind: Any, value: object, at: str) -> Iterator[str]:
    kind = _found(kind)
    if is_typeddict(kind):
        yield from _record(kind, value, at)
        return
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        found = [list(_strange(one, value, at)) for one in inside]
        if all(found):
            yield from min(found, key=len)
    elif origin is Literal:
        if value not in inside:
            yield f"{at} is {value!r}"
    elif origin in (list, typing.List):  # noqa: UP006
        if not isinstance(value, list):
            yield f"{at} is no list"
            return
        for number, item in enumerate(value):
            yield from _strange(inside[0], item, f"{at}.{number}")
    elif isinstance(kind, type) and not isinstance(value, kind):
        yield f"{at} is no {kind.__name__}: {str(value)[:60]!r}"


def _record(kind: Any, value: object, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at} is no {kind.__name__}"
        return
    fields = _fields(kind)
    channels = _OF_CHANNELS if kind.__name__.endswith("Channel") else ()
    for name in value.keys() - fields.keys() - set(channels):
        yield f"{at}.{name} is not known in {kind.__name__}"
    for name, (hint, required) in fields.items():
        if name in _NULL and value.get(name, "") is None:
            continue
        if name in value:
            yield from _strange(hint, value[name], f"{at}.{name}")
        elif required:
            yield f"{at}.{name} is missing in {kind.__name__}"
