"""The one stream of events that every adapter feeds, and what comes back.

Events are frozen and round-trip through JSON (`to_json`, `from_json`); their JSON is what the inbox
stores. An ``Address`` names a place as ``<platform>:<place>`` (``console:ada``); an account names a
person as ``<platform>:<id>``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

Address = str
DEFAULT_PERSONA = "ever"


def platform_of(address: Address) -> str:
    return address.partition(":")[0]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something to think about. ``key`` is unique per platform message and ends redeliveries."""

    kind: ClassVar[str]
    from_person: ClassVar[bool] = False  # a person waits for an answer

    key: str
    account: str
    name: str  # what the person is called there
    address: Address
    audience: str
    at: datetime
    persona: str = DEFAULT_PERSONA


@dataclass(frozen=True, kw_only=True)
class Attachment:
    name: str
    media_type: str
    text: str = ""  # of a text document
    url: str = ""  # of an image the model may look at


@dataclass(frozen=True, kw_only=True)
class MessageReceived(Event):
    """``context`` is the last few lines of a channel: shown as untrusted, never stored as memory."""

    kind: ClassVar[str] = "message"
    from_person: ClassVar[bool] = True

    text: str
    reply_to: str = ""  # the text being replied to
    place: str = ""  # how people call the place, such as "#general"
    context: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MessageEdited(Event):
    """``target`` is the key of the message that now reads ``text``."""

    kind: ClassVar[str] = "message_edited"
    target: str
    text: str


@dataclass(frozen=True, kw_only=True)
class MessageDeleted(Event):
    kind: ClassVar[str] = "message_deleted"
    target: str


@dataclass(frozen=True, kw_only=True)
class HeartbeatDue(Event):
    """A timed event: silent unless the agent calls send_message."""

    kind: ClassVar[str] = "heartbeat"
    reason: str = "The timer fired. Nobody is waiting for an answer."


@dataclass(frozen=True, kw_only=True)
class SystemAlert(Event):
    kind: ClassVar[str] = "system_alert"
    message: str


@dataclass(frozen=True, kw_only=True)
class UserJoined(Event):
    """First contact."""

    kind: ClassVar[str] = "user_joined"
    from_person: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class DocumentUploaded(Event):
    kind: ClassVar[str] = "document_uploaded"
    from_person: ClassVar[bool] = True
    document: str
    text: str


@dataclass(frozen=True, kw_only=True)
class ReactionAdded(Event):
    kind: ClassVar[str] = "reaction"
    emoji: str
    target: str  # the outbox id of our message


def clean(text: str) -> str:
    """The text without what no database, model or terminal takes: NULs and lone surrogates."""
    if "\0" in text:
        text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text


EVENTS: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        MessageReceived,
        MessageEdited,
        MessageDeleted,
        HeartbeatDue,
        SystemAlert,
        UserJoined,
        DocumentUploaded,
        ReactionAdded,
    )
}


def to_json(event: Event) -> dict[str, Any]:
    """The event as JSON values; `from_json` gives an equal event back."""
    values: dict[str, Any] = {"kind": event.kind, **vars(event)}
    values["at"] = event.at.isoformat()
    if isinstance(event, MessageReceived):
        values["attachments"] = [vars(attachment) for attachment in event.attachments]
    return values


def from_json(data: dict[str, Any]) -> Event:
    """The event of `to_json`. Raises KeyError or TypeError for anything else."""
    cls = EVENTS[data["kind"]]
    values = {f.name: data[f.name] for f in fields(cls) if f.name in data}
    values["at"] = datetime.fromisoformat(values["at"])
    if "context" in values:
        values["context"] = tuple(values["context"])
    if "attachments" in values:
        values["attachments"] = tuple(Attachment(**a) for a in values["attachments"])
    return cls(**values)


def cleaned(event: Event) -> Event:
    """The event with all its texts as `clean` leaves them."""
    return from_json({name: _clean(value) for name, value in to_json(event).items()})


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    return {name: _clean(each) for name, each in value.items()} if isinstance(value, dict) else value


@dataclass(frozen=True, kw_only=True)
class Command:
    """A person's command: answered without a turn."""

    name: str
    argument: str
    account: str
    person: str  # what the person is called there
    address: Address
    audience: str
    persona: str = DEFAULT_PERSONA


@dataclass(frozen=True, kw_only=True)
class View:
    """What a command shows, to the person who asked only. ``kind`` is ``notice`` or ``error``."""

    text: str
    kind: str = "notice"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One part of a reply, as an adapter posts it. ``id`` is the same on every attempt."""

    id: str
    address: Address
    kind: str  # "reply", "notice" or "error"
    text: str
    in_reply_to: tuple[str, ...]
    at: datetime
    nonce: str
