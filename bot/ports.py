"""What the bot needs from outside, as Protocols."""

from __future__ import annotations

import asyncio
import enum
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from bot.events import (
    Address,
    Attachment,
    Command,
    CommandSpec,
    DocumentUploaded,
    Event,
    File,
    MessageReceived,
    Reply,
    Suggestion,
    View,
)
from memory.ports import Alone as Alone
from memory.ports import Lease as Lease
from memory.ports import Leases as Leases
from memory.records import Usage


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """A call as the model wrote it: ``arguments`` is unparsed text, meant to be a JSON object. ``cut``: the reply's
    token limit came in the middle of it. ``extra`` is what its server put beside it, to be given back as it is."""

    id: str
    name: str
    arguments: str
    cut: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


def _joined(call: Mapping[str, Any], added: Mapping[str, Any]) -> dict[str, Any]:
    """A call with what was beside it and within its function; nothing of ours is written over."""
    function = dict(added.get("function") or {}) | call["function"]
    return dict(added) | dict(call) | {"function": function}


GIVEN = "given"
"""The key of a stored message under which lies what its server added, and whose it is."""


class Rendered(dict[str, Any]):
    """A JSON object that remembers its text, which is sent again and again as it stands. Never change it.

    What a server added to a message of its model's is not in it: ``given`` has it, as ``by`` (whose it is, as
    `ModelReply.origin`), ``message`` (fields; ``content`` are parts that stand before the text), and ``calls`` (fields
    of each).
    """

    def __init__(self, text: str) -> None:
        values = json.loads(text)
        self.given: Mapping[str, Any] | None = values.pop(GIVEN, None) if isinstance(values, dict) else None
        super().__init__(values)
        self.text = text if self.given is None else json.dumps(values, ensure_ascii=False)
        self._whole = ""

    def text_for(self, origin: str) -> str:
        """The text for the model ``origin``: with what its server added, if it is that one's own message."""
        if self.given is None or self.given.get("by") != origin:
            return self.text
        if not self._whole:
            calls = self.given.get("calls", ())
            added = self.given.get("message", {})
            whole = dict(added) | dict(self)
            if parts := added.get("content"):
                text = [{"type": "text", "text": self["content"]}] if self["content"] else []
                whole["content"] = [*parts, *text]
            if calls:
                whole["tool_calls"] = [
                    _joined(call, added) for call, added in zip(self["tool_calls"], calls, strict=False)
                ]
            self._whole = json.dumps(whole, ensure_ascii=False)
        return self._whole


class Form(enum.StrEnum):
    """In which form a model is asked."""

    FULL = "full"  # MemGPT's instructions and all tools: the model speaks by calling send_message
    LEAN = "lean"  # few tools and short texts, for small models: what it writes is what it says
    JSON = "json"  # the same without tools: it answers with one JSON object


class Hearer(Protocol):
    """Is told of an answer while it is being written: nothing of it counts before the whole is there. It raises
    nothing, waits for nothing, and takes microseconds."""

    def begins(self, form: Form) -> None:
        """An answer begins, to the question in that form. What was told before is void."""
        ...

    def wrote(self, text: str) -> None:
        """More of the text beside calls."""
        ...

    def called(self, number: int, name: str, arguments: str) -> None:
        """More of the arguments of a call, which is the answer's ``number``-th; ``name`` as far as it is known."""
        ...


class Draft(Protocol):
    """What is being written to a person, shown before it is said."""

    def show(self, text: str) -> None:
        """All of it so far, instead of what was shown before."""
        ...

    def drop(self) -> None:
        """What was shown will not be said."""
        ...


@dataclass(frozen=True, kw_only=True)
class ModelRequest:
    """One question to the model, in the chat-completions protocol's own JSON.

    ``key`` goes out as the header ``Idempotency-Key``; every retry of the same step carries the same.
    ``tool_choice`` is ``auto``, ``none`` or ``required``. ``meant`` are names that small models write instead of a
    tool's own. With a ``shape`` (a name and a JSON schema) the answer's text is to be such an object: its keys are
    names of tools, which are not offered otherwise. ``others`` is the same question in other forms, for models that
    are asked in its stead. ``hearer`` is told of the answer as it comes, by models that can.
    """

    key: str
    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: str = "auto"
    max_tokens: int | None = None
    form: Form = Form.FULL
    meant: Mapping[str, str] = field(default_factory=dict)
    shape: Mapping[str, Any] | None = None
    others: Mapping[Form, ModelRequest] = field(default_factory=dict)
    hearer: Hearer | None = field(default=None, compare=False, repr=False)

    def in_form(self, form: Form) -> ModelRequest:
        """The question in this form, if it was put in it; else as it stands."""
        return self.others.get(form, self)


@dataclass(frozen=True, kw_only=True)
class ModelReply:
    """``text`` is what the model wrote beside its calls: inner monologue, unless there are no calls. It holds no
    reasoning and no marks of calls. ``unread``: there were such marks, of which no call could be read; ``written``:
    the calls were read from the text.

    ``usage`` is the sum of as many ``requests`` as were made for it; 0 tokens: it was not reported. ``model`` is the
    name of who answered, where that may be another than the one asked, ``form`` the form in which it was asked (None:
    that of the request). ``extra`` is what the server put beside the text, to be given back to ``origin`` (a model at a
    server) as it is.
    """

    text: str
    calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    truncated: bool = False  # it hit the reply's token limit
    unread: bool = False
    written: bool = False
    requests: int = 1
    model: str = ""
    form: Form | None = None
    origin: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


class ChatModel(Protocol):
    """A language model. ``name`` is recorded with the usage."""

    name: str

    async def complete(self, request: ModelRequest) -> ModelReply:
        """One answer. Cancelling it closes the request.

        Raises `ModelUnavailable` (may work later), `ModelDenied` (the operator must act), `ModelRefused` (this
        request never will) or `ModelOverflow` (send less); nothing else.
        """
        ...


class Mind(ChatModel, Protocol):
    """A language model that thinks, perhaps with others that are asked when it does not answer: ``forms`` are those in
    which they are asked, its own first."""

    @property
    def forms(self) -> Sequence[Form]: ...


@dataclass(frozen=True)
class Heard:
    """The words in a sound, empty where there are none, and how long it is."""

    text: str
    seconds: float


class Ears(Protocol):
    """What writes down what is spoken. ``model`` is its name, as prices have it."""

    model: str

    async def transcribe(self, name: str, media_type: str, sound: bytes) -> Heard:
        """Raises `ModelError`."""
        ...


@dataclass(frozen=True)
class Spoken:
    """Sound: Opus in Ogg. ``seconds`` and ``waveform`` (at most 256 values of one byte) tell nothing where it is of
    another kind."""

    data: bytes
    seconds: float = 0.0
    waveform: bytes = b""


class Mouth(Protocol):
    """What speaks: the first ``longest`` characters of a text. ``speech`` is its name, as prices have it."""

    speech: str
    longest: int

    async def speak(self, text: str) -> Spoken:
        """The text as sound. Raises `ModelError`."""
        ...


class Painter(Protocol):
    """What makes pictures. ``model`` is its name, as prices have it."""

    model: str

    async def paint(self, prompt: str) -> bytes:
        """A picture: PNG, JPEG or WebP. Raises `ModelError`."""
        ...


class Moderator(Protocol):
    """What judges texts."""

    async def flagged(self, text: str) -> frozenset[str]:
        """As what it is not fit to be said, in the server's words; empty: it is fit. Raises `ModelError`."""
        ...


class Models(Protocol):
    """The configured language models."""

    @property
    def default(self) -> Mind:
        """The one that thinks when people speak."""
        ...

    @property
    def quiet(self) -> Mind:
        """The one that thinks when nobody waits."""
        ...

    @property
    def summarizer(self) -> ChatModel | None:
        """The one that writes summaries; None: whoever thinks in the conversation."""
        ...

    def named(self, name: str) -> Mind:
        """Another one. Asked for twice it is the same."""
        ...


class Found(enum.Enum):
    """What an adapter can say about a reply whose posting is in doubt."""

    POSTED = "posted"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Adapter(Protocol):
    """One platform. Its SDK stays inside; no policy. ``several``: more processes than one may be connected at the same
    time; what each does, `Inbound.leases` say."""

    platform: str
    several: bool

    async def run(self, inbound: Inbound) -> None:
        """Feed events until cancelled, or until the platform has no more (a pipe that ended).

        Outages are waited out. Raises `AdapterError` when the platform refuses us for good.
        """
        ...

    def ready(self) -> str | None:
        """None when events really arrive; else what is missing, in a few words."""
        ...

    async def send(self, reply: Reply) -> str:
        """Post one part; returns the platform's receipt (its message id).

        Raises `DeliveryError` when it was not posted and may be tried again, `DeliveryDoubtful` when it
        may have been posted, `DeliveryRefused` when it never will be. Sending the same ``id`` twice
        must be avoided by the caller unless `find` says ABSENT.
        """
        ...

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        """After a crash between posting and receipt: is it there? ``after`` is the receipt of the newest post in
        that place that is known: what stands before it is not this one. Raises `DeliveryError` when the
        platform cannot be asked now."""
        ...

    async def sees(self, account: str, address: Address) -> bool:
        """Whether the person is still there and still sees that place: not when they left it or are gone, nor when
        they let no message of ours through, nor when the place is gone or closed to us. Raises `DeliveryError` when
        the platform cannot be asked now."""
        ...

    def split(self, text: str) -> list[str]:
        """The text in parts that this platform takes, in order; at least one."""
        ...

    def thread_from(self, address: Address, key: str) -> Address | None:
        """Where a thread from the message of that event would be, for answers beside the channel; None where no such
        can be made, or answers are in threads anyway."""
        ...

    def thinking(self, address: Address) -> AbstractAsyncContextManager[Draft | None]:
        """Show liveness while a turn runs there. Gives where words may be shown while they are written: None where
        they cannot be taken back."""
        ...


class Plain:
    """What an `Adapter` may stand on whose places are each one person's own: no length is too much, there are no
    threads, no sign of life, and what is sent twice under one id is shown once."""

    several = False

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        return Found.ABSENT

    async def sees(self, account: str, address: Address) -> bool:
        return True

    def split(self, text: str) -> list[str]:
        return [text]

    def thread_from(self, address: Address, key: str) -> Address | None:
        return None

    @asynccontextmanager
    async def thinking(self, address: Address) -> AsyncIterator[Draft | None]:
        yield None


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """For whom a program speaks; ``id`` is the key's, as the person is shown it."""

    id: str
    account: str
    name: str


class Programs(Protocol):
    """For whom programs speak, and what was said to them. All raise `memory.errors.StoreUnavailable`."""

    async def bearer(self, secret: str) -> Bearer | None:
        """None for no key, or one that was ended."""
        ...

    async def personas(self) -> Sequence[str]:
        """With whom one may talk: the names, the default one first."""
        ...

    async def reused(self, key: str, text: str) -> bool:
        """Whether there is an event of that key which says something else."""
        ...

    async def said(self, key: str) -> Mapping[str, str] | None:
        """What was said in answer to that event so far, by post, in order; first what was said unasked since the answer
        before it. None: there is no such event."""
        ...


class Watch:
    """What an open page waits for, at the addresses of one person with one agent. ``thinking``: a turn runs there;
    ``anew``: what was said may be gone, or read otherwise; ``over``: there will be no more."""

    def __init__(self, addresses: Collection[Address], *, thinking: bool = False) -> None:
        self.addresses = frozenset(addresses)
        self.thinking = thinking
        self.anew = self.over = False
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There is something new."""
        self._news.set()

    async def news(self, seconds: float) -> bool:
        """Whether something new came before so many seconds went by."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True


@runtime_checkable
class OpenPages(Protocol):
    """The adapter of the web chat, as its page sees it: who has it open. Nothing is carried to them but the word that
    there is something in the store."""

    def attached(
        self, said: MessageReceived, sent: Sequence[File]
    ) -> tuple[tuple[Attachment, ...], tuple[DocumentUploaded, ...]]:
        """What was sent with a message, as events take it."""
        ...

    def watching(self, addresses: Collection[Address]) -> AbstractContextManager[Watch]:
        """From now on, while the block runs, nothing that comes is missed."""
        ...

    def many(self, address: Address) -> int:
        """How many pages are open there."""
        ...

    def tell(self, address: Address, *, anew: bool = False) -> None:
        """There is something new at that address."""
        ...

    def close(self) -> None:
        """All that are open hear that there will be no more."""
        ...


class SignIn(Protocol):
    """A platform at which people can show who they are, in a browser (OAuth 2.0 with PKCE)."""

    platform: str
    title: str  # its name, for people

    def address(self, state: str, nonce: str, challenge: str, redirect: str) -> str:
        """Where the browser is sent, which comes back to ``redirect`` with a code and that ``state``; ``challenge`` is
        the verifier's SHA-256 (RFC 7636, S256)."""
        ...

    async def account(self, code: str, verifier: str, nonce: str, redirect: str) -> str:
        """Whose account it is. Raises `AdapterError` when the platform does not say."""
        ...


class Inbound(Protocol):
    """Where adapters put what they hear."""

    async def submit(self, event: Event) -> View | None:
        """Returns when the event is committed: only then may the platform be acknowledged.

        A key that was seen before changes nothing. An event that is not for us, or of someone who may
        not talk to us, is let go; what is to be said to the person about that is returned. Raises
        `memory.errors.StoreUnavailable` when it could not be committed; the platform should then redeliver.
        """
        ...

    def reading(self, account: str, address: Address, key: str) -> AbstractAsyncContextManager[None]:
        """To be held from the moment that somebody's message is heard until it is submitted, or let go: what its
        author has forgotten meanwhile goes with it, and they are told."""
        ...

    async def awaits(self, event: Event) -> bool:
        """Whether `submit` would take the event: what costs something need not be fetched for others."""
        ...

    @property
    def programs(self) -> Programs:
        """For the door of programs."""
        ...

    @property
    def leases(self) -> Leases:
        """Who does what, of all processes that are connected to platforms."""
        ...

    async def newest_keys(self, platform: str) -> Mapping[Address, str]:
        """Where on this platform something was said before, with the key of the newest message there: what
        to read on from after an outage."""
        ...

    @property
    def commands(self) -> Sequence[CommandSpec]:
        """The commands that `invoke` knows."""
        ...

    async def settled(self, address: Address | None = None) -> bool:
        """Returns when nothing from this place (None: from any) is waiting, running or unsent any more.

        False when the model is down: what waits is answered when it is back.
        """
        ...

    async def interrupt(self, address: Address, account: str | None = None) -> None:
        """Call off the turns that are running for this place (of this person only)."""
        ...

    async def invoke(self, command: Command) -> View:
        """Answer a command at once, even while a turn runs."""
        ...

    async def typed(self, command: Command, key: str) -> View | None:
        """As `invoke`, of a command that somebody typed as the message of that key: it is carried out once, however
        often that is told, and to which process. None: it was before.

        Raises `memory.errors.StoreError` when nothing is known to be done; the platform should then redeliver."""
        ...

    async def suggest(self, command: Command, blank: str) -> Sequence[Suggestion]:
        """What may be filled in, the likeliest first: ``argument`` is the command's word, ``value`` what is written
        in the blank so far. Nothing is changed by asking."""
        ...


class Clock(Protocol):
    """Time, injected."""

    def now(self) -> datetime:
        """Aware, UTC."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """How long somebody else is waited for: as `asyncio.timeout`."""
        ...
