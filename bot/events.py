"""The one stream of events that every adapter feeds, and what comes back.

Events are frozen and round-trip through JSON (`to_json`, `from_json`); their JSON is what the inbox
stores. An ``Address`` names a place as ``<platform>:<place>`` (``console:ada``); an account names a
person as ``<platform>:<id>``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from memory.records import PRIVATE, community_audience, place_audience

__all__ = ["PRIVATE", "community_audience", "place_audience"]  # beside what is defined here

T = TypeVar("T")
Address = str
LOCAL = "console"
"""The platform of whoever sits at the machine: no stranger, and under no limit."""
GUEST = "web:guest-"
"""How the accounts of those begin who talk on the operator's own site without telling who they are."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def platform_of(address: Address) -> str:
    return address.partition(":")[0]


def workspace_of(address: Address) -> str:
    """The workspace of a place on a platform that has such (``slack:T1/D1``), a direct message, too."""
    return address.partition("/")[0] if "/" in address else ""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Who, and where: the facts that `bot.people.access` judges by. ``channel`` is the platform's id of the channel
    (of a thread: the channel it hangs on), ``community`` that of the guild or workspace; both are empty in
    a direct message. ``zone`` is the IANA time zone that the platform knows of the person, ``locale`` the language that
    they read there (such as ``pt-BR``); each is empty where it knows none.
    ``persona`` is empty where the place decides who speaks (see `bot.personas.personas`); ``admin``
    tells that the platform lets them administer the community, ``adults`` that it lets none but adults in there."""

    account: str
    name: str  # what the person is called there
    address: Address
    audience: str
    persona: str = ""
    community: str = ""
    community_name: str = ""
    channel: str = ""
    roles: tuple[str, ...] = ()
    admin: bool = False
    bot: bool = False
    adults: bool = False
    zone: str = ""
    locale: str = ""

    @property
    def home(self) -> str:
        """The community in which this is; of a workspace's direct message the workspace, else empty."""
        return self.community or workspace_of(self.address)


def origin_of(who: Origin) -> dict[str, Any]:
    """Who and where, as the fields of another event or command of theirs."""
    return {field.name: getattr(who, field.name) for field in fields(Origin)}


@dataclass(frozen=True, kw_only=True)
class Event(Origin):
    """Something to think about. ``key`` is unique per platform message and ends redeliveries.

    Each kind of event is a class of its own, named in JSON by ``kind``; ``from_person``: a person waits for an answer.
    """

    kind: ClassVar[str]
    from_person: ClassVar[bool]

    key: str
    at: datetime
    addressed: bool = True  # meant for us: a direct message, a mention, a reply to us

    def __init_subclass__(cls, *, kind: str, from_person: bool = False) -> None:
        super().__init_subclass__()
        cls.kind, cls.from_person = kind, from_person


@dataclass(frozen=True, kw_only=True)
class Attachment:
    name: str
    media_type: str
    text: str = ""  # of a text document
    image: str = ""  # a data URL (RFC 2397) of an image that the model may look at
    looked: bool = False  # it was described, or could not be
    shows: str = ""  # what a model said of the image
    prompt: int = 0  # tokens that this took
    completion: int = 0
    tries: int = 0  # calls that were made in vain to describe it
    again_at: float = 0.0  # when another may be made, in seconds since 1970
    sound: str = ""  # what is to be heard (in base64), until it was
    voice: bool = False  # the author spoke it: a voice message, not a file with sound
    heard: str = ""  # the words in the sound
    removed: bool = False  # it was deleted by the person: its place alone is left


@dataclass(frozen=True, kw_only=True)
class Quote:
    """Somebody's words shown beside another's message: ``key`` and ``account`` as of an event of theirs.

    They are kept with the message, so that they leave it when their author deletes them or is forgotten.
    """

    key: str
    account: str
    text: str


@dataclass(frozen=True, kw_only=True)
class MessageReceived(Event, kind="message", from_person=True):
    """``context`` is the last few lines of a channel: shown as untrusted, never stored as memory.

    ``thread`` tells a thread, whose people are followed once they have addressed us there.
    """

    text: str
    reply_to: Quote | None = None  # what is being replied to
    place: str = ""  # how people call the place, such as "#general"
    thread: bool = False
    context: tuple[Quote, ...] = ()
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MessageEdited(Event, kind="message_edited"):
    """``target`` is the key of the message that now reads ``text``."""

    target: str
    text: str


@dataclass(frozen=True, kw_only=True)
class MessageDeleted(Event, kind="message_deleted"):
    target: str


@dataclass(frozen=True, kw_only=True)
class HeartbeatDue(Event, kind="heartbeat"):
    """A timed event: silent unless the agent calls send_message.

    ``news`` is what was said since the last one (``since``, an ISO time, empty for none), as lines;
    ``related`` what is stored about it.
    """

    reason: str = "The timer fired. Nobody is waiting for an answer."
    since: str = ""
    news: tuple[str, ...] = ()
    related: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ScheduledDue(Event, kind="scheduled"):
    """The time has come of which the person asked to hear. ``fallback`` is posted if the agent says nothing."""

    reason: str
    fallback: str


BEAT, WISH = "beat:", "wish:"
"""How the keys of timed events begin."""


def is_unasked(keys: Collection[str]) -> bool:
    """Whether what answers these events was not asked for just now: the timer began it."""
    return bool(keys) and all(key.startswith((BEAT, WISH)) for key in keys)


@dataclass(frozen=True, kw_only=True)
class SystemAlert(Event, kind="system_alert"):
    message: str


@dataclass(frozen=True, kw_only=True)
class CallAnswered(Event, kind="call_answered", from_person=True):
    """The person's word on a call of a tool that waited for it; ``arguments`` is a JSON object, as text."""

    ask: str  # its id
    turn: str  # in which it was made
    tool: str
    arguments: str
    allowed: bool


@dataclass(frozen=True, kw_only=True)
class UserJoined(Event, kind="user_joined", from_person=True):
    """First contact. ``greeting`` is how the persona greets, if it has a way of its own."""

    greeting: str = ""


@dataclass(frozen=True, kw_only=True)
class UserReturned(Event, kind="user_returned", from_person=True):
    """The person writes again after a long absence."""

    days: int


@dataclass(frozen=True, kw_only=True)
class DocumentUploaded(Event, kind="document_uploaded", from_person=True):
    """A file that came with a message: ``data`` is what it holds (in base64) until it is read, then ``text`` is what
    it says, or ``problem`` why that cannot be told."""

    document: str
    text: str
    data: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class CommunityLeft(Event, kind="community_left"):
    """The bot was removed from ``community``. Nobody thinks about it, nor about its counterpart."""


@dataclass(frozen=True, kw_only=True)
class CommunityJoined(Event, kind="community_joined"):
    """The bot is in ``community``."""


@dataclass(frozen=True, kw_only=True)
class ReactionAdded(Event, kind="reaction"):
    emoji: str
    target: str  # the receipt of our message


def clean(text: str) -> str:
    """The text without what no database, model or terminal takes: NULs and lone surrogates."""
    if "\0" in text:
        text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text


def printable(text: str) -> str:
    """The text without what a terminal would obey: control sequences, and signs that turn the direction of others.
    Tabs and line breaks stay."""
    return _CONTROL.sub("", text)


def quotes_of(event: Event) -> list[Quote]:
    """Others' words that are shown beside an event."""
    if not isinstance(event, MessageReceived):
        return []
    return [*event.context, *([event.reply_to] if event.reply_to else [])]


EVENTS: dict[str, type[Event]] = {event.kind: event for event in Event.__subclasses__()}


def to_json(event: Event) -> dict[str, Any]:
    """The event as JSON values; `from_json` gives an equal event back."""
    values: dict[str, Any] = {"kind": event.kind, **vars(event)}
    values["at"] = event.at.isoformat()
    if isinstance(event, MessageReceived):
        values["attachments"] = [vars(attachment) for attachment in event.attachments]
        values["context"] = [vars(quote) for quote in event.context]
        values["reply_to"] = vars(event.reply_to) if event.reply_to else None
    return values


def from_json(data: dict[str, Any]) -> Event:
    """The event of `to_json`. Raises KeyError or TypeError for anything else."""
    cls = EVENTS[data["kind"]]
    values = {f.name: data[f.name] for f in fields(cls) if f.name in data}
    values["at"] = datetime.fromisoformat(values["at"])
    for name in ("roles", "news", "related"):
        if name in values:
            values[name] = tuple(values[name])
    if "attachments" in values:
        values["attachments"] = tuple(Attachment(**a) for a in values["attachments"])
    if "context" in values:
        values["context"] = tuple(Quote(**quote) for quote in values["context"])
    if values.get("reply_to"):
        values["reply_to"] = Quote(**values["reply_to"])
    return cls(**values)


def emptied(payload: Mapping[str, Any]) -> dict[str, Any]:
    """An event as JSON without what was said in it and what came along; others' words beside it stay."""
    return {name: _EMPTY.get(name, value) for name, value in payload.items()}


_EMPTY: dict[str, Any] = {"text": "", "document": "", "data": "", "problem": "", "attachments": []}


def cleaned(thing: T) -> T:
    """An event or a command with all its texts as `clean` leaves them."""
    changed = {name: _clean(value) for name, value in vars(thing).items()}
    return replace(thing, **changed)  # type: ignore[type-var]


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, tuple):
        return tuple(map(_clean, value))
    return cleaned(value) if isinstance(value, Attachment | Quote) else value


@dataclass(frozen=True, kw_only=True)
class Command(Origin):
    """A person's command: answered without a turn. ``value`` is the text of a form that was filled in."""

    command: str
    argument: str = ""
    value: str = ""


@dataclass(frozen=True, kw_only=True)
class Action:
    """A button of a view: a command of the same person."""

    label: str
    command: str
    argument: str = ""
    danger: bool = False


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One of several things that a view shows, with what can be done to it."""

    text: str
    note: str = ""
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Form:
    """One text to edit; when it is sent, the command comes with it as ``value``. One that is ``secret`` is shown by no
    terminal as it is written."""

    title: str
    label: str
    value: str
    limit: int
    command: str
    argument: str
    secret: bool = False


@dataclass(frozen=True, kw_only=True)
class File:
    """``seconds`` and ``waveform`` (at most 256 values of one byte): of sound that is known to be Opus in Ogg."""

    name: str
    data: bytes
    seconds: float = 0.0
    waveform: bytes = b""


ENTRIES = 4
"""That a view shows at once: Discord has five rows of buttons, one of them for the view's own."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What a command shows, to the person who asked only: a text, then ``entries`` (at most `ENTRIES`).
    ``kind`` is ``notice`` or ``error``, ``language`` in which it is said (`bot.language.LANGUAGES`; empty: in English).

    A platform that can show a ``form`` shows it instead of the text.
    """

    text: str
    kind: str = "notice"
    language: str = ""
    entries: tuple[Entry, ...] = ()
    actions: tuple[Action, ...] = ()
    form: Form | None = None
    files: tuple[File, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Blank:
    """What is to be filled in. ``choices`` are all that it may be; what it may well be is known to
    `bot.ports.Inbound.suggest` where it ``suggests``."""

    name: str
    summary: str
    required: bool = True
    choices: tuple[str, ...] = ()
    suggests: bool = False


@dataclass(frozen=True, kw_only=True)
class Word:
    """One way to use a command, for platforms that show each by itself. ``typed`` is what of it stands in the
    argument; None for its name."""

    name: str
    summary: str
    blanks: tuple[Blank, ...] = ()
    typed: str | None = None

    def argument(self, values: Mapping[str, str]) -> str:
        """The command's argument with these blanks filled in."""
        first = self.name if self.typed is None else self.typed
        return " ".join(
            [first, *(values[blank.name] for blank in self.blanks if blank.name in values)]
        ).strip()


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    value: str
    label: str


@dataclass(frozen=True, kw_only=True)
class CommandSpec:
    """A command as platforms announce it. ``argument`` names what may follow, empty when nothing may, ``words`` the
    same way by way. One that is ``local`` is for whoever sits at the machine; one that is ``inner`` looks into the
    agent or changes it: it is shown to those who run the bot, and to others when they ask for it."""

    name: str
    summary: str
    argument: str = ""
    words: tuple[Word, ...] = ()
    local: bool = False
    inner: bool = False


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """Who is seen to speak where it is not the bot itself. A platform shows what it can: ``avatar`` is a picture
    (PNG, JPEG, GIF or WebP), ``avatar_url`` where one lies for everybody (https)."""

    name: str
    avatar: bytes = b""
    avatar_url: str = ""


REACTION, FILE, VOICE, THREAD = "reaction", "file", "voice", "thread"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One part of a reply, as an adapter posts it. ``id`` is the same on every attempt."""

    id: str
    address: Address
    # "reply", "notice", "error"; `REACTION`, whose text is an emoji for the last of ``in_reply_to``; `FILE`, which has
    # a ``file`` instead of a text; `VOICE`, whose ``file`` says the text, where it could be spoken; `THREAD`, by which
    # ``address`` is made, a thread of that title in the place ``of``.
    kind: str
    text: str
    in_reply_to: tuple[str, ...]
    at: datetime
    nonce: str
    speaker: Speaker | None = None  # None: the bot itself
    actions: tuple[Action, ...] = ()  # buttons under it
    file: File | None = None
    of: Address = ""
