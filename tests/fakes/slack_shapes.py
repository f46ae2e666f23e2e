"""Events as Slack sends them, whole: every field of the kinds that we listen to (docs.slack.dev, "Events"), and what
becomes of them when a field is missing, null, new or of another type."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
Path = tuple[str | int, ...]

TEAM, BOT, BOT_ID, ADA, CHANNEL = "T0001", "U000100003", "B000100002", "U000100004", "C000100006"
TS, THREAD, LATER = "1763712000.000100", "1763711000.000200", "1763712009.000300"

_SECTION = {
    "type": "rich_text_section",
    "elements": [
        {"type": "user", "user_id": BOT},
        {"type": "text", "text": " the canary sings ", "style": {"bold": True}},
        {"type": "link", "url": "https://example.org/?a=1", "text": "here"},
        {"type": "emoji", "name": "wave", "unicode": "1f44b", "skin_tone": 2},
        {"type": "channel", "channel_id": CHANNEL},
        {"type": "usergroup", "usergroup_id": "S0001"},
        {"type": "broadcast", "range": "here"},
        {"type": "date", "timestamp": 1763712000, "format": "{date}", "fallback": "today"},
        {"type": "color", "value": "#F405B3"},
    ],
}
_LIST = {
    "type": "rich_text_list",
    "style": "ordered",
    "indent": 1,
    "offset": 2,
    "border": 0,
    "elements": [_SECTION],
}
_RICH = {
    "type": "rich_text",
    "block_id": "xyz",
    "elements": [
        _SECTION,
        _LIST,
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "as they say"}]},
        {"type": "rich_text_preformatted", "border": 0, "elements": [{"type": "text", "text": "x = 1"}]},
    ],
}
FILE = {
    "id": "F0001",
    "created": 1763712000,
    "timestamp": 1763712000,
    "name": "notes.zip",
    "title": "Notes",
    "mimetype": "application/zip",
    "filetype": "zip",
    "pretty_type": "Zip",
    "user": ADA,
    "user_team": TEAM,
    "editable": False,
    "size": 20,
    "mode": "hosted",
    "is_external": False,
    "external_type": "",
    "is_public": True,
    "public_url_shared": False,
    "display_as_bot": False,
    "username": "",
    "url_private": "https://files.slack.com/files-pri/T0001-F0001/notes.zip",
    "url_private_download": "https://files.slack.com/files-pri/T0001-F0001/download/notes.zip",
    "permalink": "https://x.slack.com/files/U/F0001/notes.zip",
    "has_rich_preview": False,
    "file_access": "visible",
}
_VOICE = {
    "id": "F0002",
    "name": "audio_message.m4a",
    "mimetype": "audio/mp4",
    "subtype": "slack_audio",
    "media_display_type": "audio",
    "duration_ms": 2000,
    "transcription": {
        "status": "complete",
        "locale": "en-US",
        "preview": {"content": "Hello", "has_more": False},
    },
}
_SHARE = {
    "ts": "1763700000.000100",
    "channel_id": CHANNEL,
    "channel_team": TEAM,
    "is_msg_unfurl": True,
    "is_share": True,
    "message_blocks": [{"team": TEAM, "channel": CHANNEL, "ts": "1.2", "message": {"blocks": [_RICH]}}],
    "files": [FILE],
    "id": 1,
    "original_url": "https://x.slack.com/archives/C/p1",
    "fallback": "[November 21st] bob: as ever",
    "text": "as ever",
    "author_name": "bob",
    "author_id": "U0009",
    "author_subname": "Bob",
    "author_icon": "https://avatars.slack-edge.com/a.png",
    "mrkdwn_in": ["text"],
    "footer": "Posted in #general",
}
_APPS = {
    "color": "36a64f",
    "pretext": "New",
    "title": "Alert",
    "title_link": "https://example.org",
    "text": "disk is full",
    "fields": [{"title": "Host", "value": "db-1", "short": True}],
    "actions": [{"id": "1", "name": "ok", "text": "OK", "type": "button", "value": "1", "style": ""}],
    "blocks": [
        {"type": "section", "block_id": "b", "text": {"type": "mrkdwn", "text": "more", "verbatim": False}}
    ],
    "footer": "monitor",
    "ts": "1763712000",
    "id": 2,
}
_POLL = [
    {"type": "header", "block_id": "h", "text": {"type": "plain_text", "text": "Lunch?", "emoji": True}},
    {
        "type": "section",
        "block_id": "s",
        "fields": [{"type": "mrkdwn", "text": "*A*", "verbatim": False}],
        "accessory": {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "Vote"}},
    },
    {
        "type": "context",
        "elements": [{"type": "image", "image_url": "https://e.org/i.png", "alt_text": "who"}],
    },
    {
        "type": "actions",
        "elements": [
            {
                "type": "static_select",
                "placeholder": {"type": "plain_text", "text": "Pick"},
                "options": [{"text": {"type": "plain_text", "text": "A"}, "value": "a"}],
            }
        ],
    },
    {
        "type": "table",
        "rows": [[{"type": "raw_text", "text": "1"}, _RICH]],
        "column_settings": [{"align": "left"}],
    },
]
_WHERE = {"channel": CHANNEL, "event_ts": TS, "channel_type": "channel"}
_SAID: Json = {
    "type": "message",
    "user": ADA,
    "client_msg_id": "a-b",
    "text": f"<@{BOT}> the canary sings",
    "ts": TS,
    "team": TEAM,
    "blocks": [_RICH],
    **_WHERE,
}

EVENTS: dict[str, Json] = {
    "message": _SAID,
    "share": {**_SAID, "attachments": [_SHARE, _APPS]},
    "thread": {**_SAID, "thread_ts": THREAD, "parent_user_id": "U0009", "edited": {"user": ADA, "ts": LATER}},
    "files": {
        **_SAID,
        "subtype": "file_share",
        "files": [FILE, _VOICE],
        "upload": False,
        "display_as_bot": False,
    },
    "broadcast": {
        **_SAID,
        "subtype": "thread_broadcast",
        "thread_ts": THREAD,
        "root": {**_SAID, "ts": THREAD},
    },
    "mention": {key: _SAID[key] for key in ("user", "text", "ts", "team", "blocks", "channel", "event_ts")}
    | {"type": "app_mention"},
    "bot": {
        **_SAID,
        "subtype": "bot_message",
        "bot_id": "B0009",
        "username": "Poller",
        "icons": {"emoji": ":x:"},
        "bot_profile": {"id": "B0009", "app_id": "A1", "name": "Poller", "team_id": TEAM},
        "blocks": _POLL,
    },
    "changed": {
        "type": "message",
        "subtype": "message_changed",
        "message": {**_SAID, "edited": {"user": ADA, "ts": LATER}, "source_team": TEAM, "user_team": TEAM},
        "previous_message": _SAID,
        "hidden": True,
        "ts": LATER,
        **_WHERE,
    },
    "deleted": {
        "type": "message",
        "subtype": "message_deleted",
        "previous_message": _SAID,
        "deleted_ts": TS,
        "hidden": True,
        "ts": LATER,
        **_WHERE,
    },
    "stone": {
        "type": "message",
        "subtype": "message_changed",
        "message": {
            "type": "message",
            "subtype": "tombstone",
            "text": "This message was deleted.",
            "user": "USLACKBOT",
            "hidden": True,
            "ts": TS,
            "thread_ts": TS,
            "reply_count": 1,
            "reply_users": [BOT],
            "reply_users_count": 1,
            "latest_reply": LATER,
            "is_locked": False,
        },
        "previous_message": _SAID,
        "hidden": True,
        "ts": LATER,
        **_WHERE,
    },
    "huddle": {
        "type": "message",
        "subtype": "huddle_thread",
        "user": "USLACKBOT",
        "text": "",
        "ts": TS,
        "room": {"id": "R1", "participant_history": [ADA], "participants": [], "date_end": 0},
        **_WHERE,
    },
    "reaction": {
        "type": "reaction_added",
        "user": ADA,
        "reaction": "wave",
        "item": {"type": "message", "channel": CHANNEL, "ts": TS},
        "item_user": BOT,
        "event_ts": LATER,
    },
    "home": {
        "type": "app_home_opened",
        "user": ADA,
        "channel": "D0001",
        "tab": "messages",
        "event_ts": LATER,
    },
    "stop": {
        "type": "agent_session_stopped",
        "user": ADA,
        "channel": CHANNEL,
        "thread_ts": THREAD,
        "event_ts": LATER,
    },
    "tokens": {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT]}, "event_ts": LATER},
    "context": {"type": "app_context_changed", "user": ADA, "channel": "D0001", "context": {"entities": []}},
}

MISSING = object()
_DEEP = 4
STRANGE: tuple[Any, ...] = (
    MISSING,
    None,
    7,
    -1.5,
    "",
    "x\ud800",
    True,
    [],
    {},
    [None, [[]]],
    {"type": {"a": 1}},
)


def wrapped(event: Any) -> Json:
    """The outer JSON of an event."""
    return {
        "token": "fake",
        "team_id": TEAM,
        "context_team_id": TEAM,
        "context_enterprise_id": None,
        "api_app_id": "A0001",
        "event": event,
        "type": "event_callback",
        "event_id": "Ev0001",
        "event_time": 1763712000,
        "authorizations": [{"enterprise_id": None, "team_id": TEAM, "user_id": BOT, "is_bot": True}],
        "is_ext_shared_channel": False,
        "event_context": "4-ev",
    }


def fields(value: Any, path: Path = ()) -> Iterator[Path]:
    """The ways to every field of a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from fields(item, (*path, key))


def strange(value: Json) -> Iterator[tuple[Path, Json]]:
    """The value with each of its fields missing, null, of another type, or with a new one beside it; and which. Every
    type is tried on what lies near the surface, a few in turn on what lies deep."""
    turns = itertools.cycle(STRANGE)
    for path in fields(value):
        for odd in STRANGE if len(path) < _DEEP else itertools.islice(turns, 3):
            yield path, _with(value, path, odd)
        yield (
            path,
            _with(value, (*path[:-1], "of_tomorrow"), {"new": [1]}) if isinstance(path[-1], str) else value,
        )


def _with(value: Json, path: Path, odd: Any) -> Json:
    """Only what lies on the way is copied: nobody changes an event."""
    made: Any = copy.copy(value)
    holder = made
    for key in path[:-1]:
        holder[key] = copy.copy(holder[key])
        holder = holder[key]
    if odd is MISSING:
        del holder[path[-1]]
    else:
        holder[path[-1]] = copy.deepcopy(odd)
    changed: Json = made
    return changed
