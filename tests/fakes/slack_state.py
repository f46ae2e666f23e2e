"""What a fake Slack workspace knows: its people, places, messages, files and views.

No wire and no delivery here; both outlive every bot that connects.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.patience import PATIENCE_S

_LOOK_S = 0.02
Json = dict[str, Any]
Thread = tuple[str, str]  # channel, thread_ts
T = TypeVar("T")

SCOPES = frozenset(
    "app_mentions:read assistant:write chat:write chat:write.customize channels:read channels:history"
    " groups:read groups:history im:read im:write im:history mpim:read mpim:history users:read files:read"
    " files:write reactions:read reactions:write commands metadata.message:read usergroups:read".split()
)
FAMILY = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}  # kind: prefix of scopes


class Refused(Exception):
    """``ok: false``, as the platform says it; ``status`` and ``headers`` where they are not the usual."""

    def __init__(self, error: str, status: int = 200, headers: Json | None = None, **more: Any) -> None:
        super().__init__(error)
        self.status, self.headers = status, headers or {}
        self.body: Json = {"ok": False, "error": error, **more}


class Changes:
    """Lets others wait for a condition: it is tried whenever the workspace changes, and now and then, for what lies
    elsewhere."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def note(self) -> None:
        self._next.set()
        self._next = asyncio.Event()

    async def until(self, predicate: Callable[[], T], timeout: float | None = PATIENCE_S) -> T:  # noqa: ASYNC109
        async with asyncio.timeout(timeout):
            while not (value := predicate()):
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await self._next.wait()
        return value


@dataclass(kw_only=True)
class User:
    id: str
    name: str
    team: str
    is_bot: bool = False
    is_admin: bool = False
    deleted: bool = False
    locale: str = "en-US"  # told to who asks for it

    def json(self) -> Json:
        profile = {"real_name": self.name.title(), "display_name": self.name, "team": self.team}
        return {
            "id": self.id,
            "team_id": self.team,
            "name": self.name,
            "deleted": self.deleted,
            "real_name": self.name.title(),
            "tz": "Europe/Berlin",
            "tz_label": "Central European Time",
            "tz_offset": 3600,
            "profile": profile,
            "is_admin": self.is_admin,
            "is_restricted": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 1763712000,
        }


@dataclass(kw_only=True)
class Channel:
    """A conversation of any kind: ``channel`` (public), ``group`` (private), ``im`` or ``mpim``."""

    id: str
    name: str
    kind: str
    members: list[str]
    created: int
    archived: bool = False
    messages: dict[str, Json] = field(default_factory=dict)  # by ts, oldest first
    ephemeral: list[Json] = field(default_factory=list)

    def json(self, bot: str) -> Json:
        body: Json = {"id": self.id, "created": self.created, "is_archived": self.archived}
        body |= {"is_im": self.kind == "im", "is_mpim": self.kind == "mpim", "is_org_shared": False}
        if self.kind == "im":
            other = next((member for member in self.members if member != bot), bot)
            return {**body, "user": other, "is_user_deleted": False, "is_private": True, "is_open": True}
        return {
            **body,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.kind != "mpim",  # private channels too, since 2021
            "is_group": self.kind == "mpim",
            "is_private": self.kind != "channel",
            "is_member": bot in self.members,
            "is_shared": False,
            "is_ext_shared": False,
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }

    def thread(self, ts: str) -> list[Json]:
        return [m for m in self.messages.values() if m["ts"] == ts or m.get("thread_ts") == ts]

    def top(self) -> Iterator[Json]:
        """What the channel itself shows: no replies, unless they were also sent to the channel."""
        for message in self.messages.values():
            is_top = message.get("thread_ts", message["ts"]) == message["ts"]
            if is_top or message.get("subtype") == "thread_broadcast":
                yield message


class Workspace:
    """One workspace with one app installed in it, whose bot is a user among the others."""

    def __init__(self, team: str, name: str, scopes: Iterable[str], now: Callable[[], float]) -> None:
        self.team, self.name, self.scopes, self.now = team, name, set(scopes), now
        self.changes = Changes()
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self._directs: dict[frozenset[str], Channel] = {}
        self.problems: list[str] = []  # what is not as Slack's own descriptions have it
        self.groups: dict[str, str] = {}  # of people: handles by id
        self.files: dict[str, Json] = {}
        self.contents: dict[str, bytes] = {}
        self.views: dict[str, Json] = {}
        self.homes: dict[str, str] = {}  # user: id of the view
        self.statuses: dict[Thread, list[str]] = defaultdict(list)
        self.sessions: dict[Thread, str] = {}
        self.loading: set[Thread] = set()  # threads whose status a post takes away
        self.titles: dict[Thread, str] = {}
        self.prompts: dict[Thread, list[Json]] = {}
        self._last_ts = self._last_id = 0
        self.app, self.bot_id = self.new_id("A"), self.new_id("B")
        self.bot = self.user("everbot", is_bot=True).id

    def ts(self) -> str:
        self._last_ts = max(self._last_ts + 100, int(self.now() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        self._last_id += 1
        return f"{prefix}{self.team[1:]}{self._last_id:05d}"

    def user(self, name: str, is_bot: bool = False, locale: str = "en-US") -> User:
        """The user of that name, who joins the workspace if need be."""
        for user in self.users.values():
            if user.name == name:
                return user
        user = User(id=self.new_id("U"), name=name, team=self.team, is_bot=is_bot, locale=locale)
        self.users[user.id] = user
        return user

    def channel(self, name: str, kind: str, members: list[str]) -> Channel:
        channel_id = self.new_id("D" if kind == "im" else "C")
        channel = Channel(id=channel_id, name=name, kind=kind, members=members, created=int(self.now()))
        self.channels[channel_id] = channel
        return channel

    def direct(self, users: list[str]) -> Channel:
        """The direct message of these users and the bot; opened if need be."""
        members = [self.bot, *users]
        known = self._directs.get(frozenset(members))
        if known is None:
            names = "--".join(self.users[user].name for user in users)
            name, kind = ("", "im") if len(users) == 1 else (f"mpdm-{names}-1", "mpim")
            known = self._directs[frozenset(members)] = self.channel(name, kind, members)
        return known

    def post(self, channel: Channel, message: Json) -> Json:
        """Keeps a message, new at the end of its channel, and counts it in its thread."""
        ts = self.ts()
        message = {"type": "message", **message, "ts": ts, "team": self.team}
        parent = channel.messages.get(message.get("thread_ts", ""))
        if parent is not None:
            message["parent_user_id"] = parent.get("user")
            users = [*parent.get("reply_users", ()), message.get("user", message.get("bot_id"))]
            parent["thread_ts"] = parent["ts"]
            parent["reply_count"] = parent.get("reply_count", 0) + 1
            parent["reply_users"] = list(dict.fromkeys(users))
            parent["reply_users_count"] = len(parent["reply_users"])
            parent["latest_reply"] = ts
        channel.messages[ts] = message
        self.changes.note()
        return message

    def edit(self, message: Json, editor: str, **fields: Any) -> Json:
        """Changes a message and gives what it was before."""
        before = dict(message)
        message.update(fields, edited={"user": editor, "ts": self.ts()})
        self.changes.note()
        return before

    def delete(self, channel: Channel, message: Json) -> None:
        """The message goes; the head of a thread leaves a tombstone."""
        if message.get("reply_count"):
            names = "type ts thread_ts reply_count reply_users reply_users_count latest_reply".split()
            kept = {name: message[name] for name in names}
            gone = {"user": "USLACKBOT", "subtype": "tombstone", "text": "This message was deleted."}
            channel.messages[message["ts"]] = {**kept, **gone, "hidden": True, "is_locked": False}
        else:
            del channel.messages[message["ts"]]
        self.changes.note()

    def show(self, thread: Thread, status: str) -> None:
        """The status of the bot in a thread; an empty one takes it away."""
        self.statuses[thread].append(status)
        self.loading.add(thread) if status else self.loading.discard(thread)
        self.changes.note()

    def add_file(self, user: str, name: str, mimetype: str, url: str, content: bytes | None = None) -> Json:
        file_id = self.new_id("F")
        link = f"{url}/files-pri/{self.team}-{file_id}/{name}"
        self.files[file_id] = {
            "id": file_id,
            "created": int(self.now()),
            "timestamp": int(self.now()),
            "name": name,
            # What the recorder in Slack's apps makes is marked so.
            **({"subtype": "slack_audio"} if name.startswith("audio_message.") else {}),
            "title": name,
            "mimetype": mimetype,
            "filetype": name.rpartition(".")[2],
            "pretty_type": name.rpartition(".")[2].upper(),
            "user": user,
            "user_team": self.team,
            "editable": False,
            "size": len(content or b""),
            "mode": "hosted",
            "is_external": False,
            "external_type": "",
            "is_public": False,
            "public_url_shared": False,
            "display_as_bot": False,
            "username": "",
            "file_access": "visible",
            "url_private": link,
            "url_private_download": f"{link}?download=1",
            "permalink": link,
            "channels": [],
            "groups": [],
        }
        if content is not None:
            self.contents[file_id] = content
        return self.files[file_id]

    def require(self, *scopes: str) -> None:
        """One of these scopes has to be granted."""
        if not self.scopes.intersection(scopes):
            provided = ",".join(sorted(self.scopes))
            raise Refused("missing_scope", needed=",".join(scopes), provided=provided)

    def place(self, channel_id: str, right: str = "") -> Channel:
        """The conversation, if the bot may know of it; ``right`` is ``read`` or ``history``."""
        channel = self.channels.get(channel_id)
        if channel is None or (channel.kind != "channel" and self.bot not in channel.members):
            raise Refused("channel_not_found")
        if right:
            self.require(f"{FAMILY[channel.kind]}:{right}")
        if right == "history" and self.bot not in channel.members:
            raise Refused("not_in_channel")
        return channel

    def found(self, channel_id: str, ts: str) -> tuple[Channel, Json]:
        channel = self.place(channel_id)
        if ts not in channel.messages:
            raise Refused("message_not_found")
        return channel, channel.messages[ts]
