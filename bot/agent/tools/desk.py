"""What the tools of one step may touch: the agent's memory as seen from this turn's place.

Nothing a tool does is written at once. Edits, passages and replies wait on the desk and are committed
together with the step's messages, in one unit of work; until then the tools of the same step see them
here. Everything written takes the turn's audience.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from secrets import token_hex
from zoneinfo import ZoneInfo

from bot.agent.tools.provenance import Heard, to_keep
from bot.agent.tools.registry import Tool
from bot.agent.tools.unwanted import Removal, Unwanted
from bot.errors import ToolError
from bot.events import File
from bot.people.moving import move
from memory import archival, core
from memory.archival import Archival
from memory.errors import BlockReadOnly
from memory.ports import Session
from memory.recall import Recall, Searcher
from memory.records import (
    Agent,
    Ask,
    Audience,
    Block,
    Draft,
    Hit,
    KeptDocument,
    Message,
    Page,
    Passage,
    Wish,
    public_in,
    scope_of,
)
from memory.search.evidence import speaks_of_itself
from memory.search.excerpts import one_line
from memory.search.namesakes import without_number
from memory.sources import Source, Sources

Amend = Callable[[Session, Block, str], Awaitable[None]]
"""Asks for another value of a persona's block."""

_SHARED = (
    "The block {label!r} is read-only in a conversation: it is the persona's, and everyone who talks with you shares "
    "it. Nothing was changed. What you learn of the person belongs into human; if the persona itself should change, "
    "say that an admin can do it with /persona edit {label}."
)
_IN_CONFIDENCE = (
    "The block {label!r} is read-only here: everyone shares it, and this reflection knows what was said in confidence. "
    "Only a reflection on what was said in public may propose a change of it. Nothing was changed."
)
_CUT = "[…]"
_PROPOSED = "It is a proposal: everyone shares this block, and it changes when an admin accepts."


async def _as_it_is(call: Awaitable[object]) -> object:
    return await call


async def nobody() -> int | None:
    """There is no memory of the room."""
    return None


async def anything(text: str) -> None:
    """It may be shared."""


@dataclass
class Desk:
    """A step's working copy. ``key`` is the step's idempotency key, for tools that act elsewhere."""

    agent: Agent
    audience: Audience
    turn_id: str
    key: str
    now: datetime
    zone: ZoneInfo
    page_size: int
    look: Callable[[], Awaitable[list[Block]]]  # core memory as it is now
    recall: Recall
    archive: Archival
    fit: Callable[[str, int], str]
    results_room: int  # tokens that this call's result may take
    conversation_id: int
    scheduled: Callable[[], Awaitable[list[Wish]]]  # what the person asked to be told, as it is now
    wishes_elsewhere: Callable[[], Awaitable[int]]  # how many with other personas
    most_wishes: int  # that the person may have
    amend: Amend
    hear: Callable[[], Heard] = Heard  # who said what of what is in view
    room: Callable[[], Awaitable[int | None]] = nobody  # whose recall storage is what was said in the room
    shareable: Callable[[str], Awaitable[None]] = anything  # raises `ToolError` for what no room is to keep
    sources: Sources | None = None  # None: nothing tells where anything is from
    stoppable: Callable[[Awaitable[object]], Awaitable[object]] = _as_it_is  # raises `Interrupted` at /stop
    allowed: frozenset[str] | None = None  # the tools that the persona may use; None: all
    outside: Mapping[str, Tool] = field(default_factory=dict)  # the tools of servers that may be used
    used: int = 0  # calls of them so far in this step
    granted: tuple[Ask, ...] = ()  # what the person has allowed, and is to be done in this step
    declined: tuple[Ask, ...] = ()  # what they said no to
    asks: list[Ask] = field(default_factory=list)  # what waits for the person's word
    quiet: bool = False  # nobody is waiting: the timer began this turn
    mute: str = ""  # why nothing may be said
    most_said: int | None = None  # messages that may still be sent
    count: Callable[[str], int] = len  # tokens of a text
    name: str = ""  # under which the agent's own messages are kept
    person: str = ""  # whom the turn answers
    asked: str = ""  # what they wrote
    outdated: set[int] = field(default_factory=set)  # keys of messages found that tell what holds no more
    own_messages: frozenset[int] = frozenset()  # this turn's, not to be found by its own searches
    split: Callable[[str], list[str]] = lambda text: [text]  # into what the place takes as one post
    posts_left: int = 20  # that the turn may make
    silenced: bool = False  # something was not said, for none is left
    viewed: Callable[[], frozenset[int]] = frozenset  # keys of the messages that are in view whole
    said: list[str] = field(default_factory=list)
    reaction: str = ""  # an emoji for what was written
    threads: bool = False  # whether what is said may be said in a thread
    thread: str = ""  # the title of one that is to be made for it
    files: list[File] = field(default_factory=list)  # to be sent
    passed: bool = False  # it chose to say nothing
    drafts: list[Draft] = field(default_factory=list)
    lore: list[Draft] = field(default_factory=list)
    paused_until: datetime | None = None
    finished: bool = False
    moved: bool = False  # the person's time zone is another
    unwanted: Unwanted = field(default_factory=Unwanted)
    closed: dict[int, tuple[Passage, Draft]] = field(default_factory=dict)  # notes that others replace
    doubted: dict[int, Passage] = field(default_factory=dict)
    _wishes: dict[str, Wish | None] = field(default_factory=dict)  # None: cancelled
    _blocks: list[Block] | None = None  # once a tool has asked
    _edited: dict[int, Block] = field(default_factory=dict)  # as they were

    @property
    def community(self) -> str | None:
        """The community in whose public this turn is held, if it is."""
        return public_in(self.audience)

    async def block(self, label: str) -> Block:
        """Raises `Mendable`: for one that is not there, and for the persona's where it is not to be changed."""
        block = core.find(await self.blocks(), label)
        if not _is_persona(block):
            return block
        if not self.quiet:
            raise BlockReadOnly(_SHARED.format(label=label))
        if self.community is None:
            raise BlockReadOnly(_IN_CONFIDENCE.format(label=label))
        return replace(block, read_only=False)

    def edit(self, block: Block) -> str:
        """Put a changed block back. What is to be said of it to the model."""
        before = next(known for known in self._blocks or () if known.id == block.id)
        self._blocks = [block if known.id == block.id else known for known in self._blocks or ()]
        self._edited.setdefault(block.id, before)
        return _PROPOSED if _is_persona(block) else ""

    @property
    def answered(self) -> bool:
        """Whether what was written has got its answer: words, a sign, a question back, or silence that was meant."""
        return bool(self.said or self.files or self.reaction or self.asks) or self.passed

    def say(self, text: str) -> None:
        """More than the turn may still post is cut."""
        self.said.append(text)

    def send(self, file: File) -> None:
        """Have a file sent. Raises `ToolError` when the turn may post no more."""
        if self.mute:
            raise ToolError(f"Not sent: {self.mute}")
        if self.posts_left - len(self.posts) - len(self.files) < 1:
            raise ToolError("Not sent: this turn may make no more posts.")
        self.files.append(file)

    def unsay(self, before: int) -> None:
        """All but the first ``before`` texts is not said after all."""
        del self.said[before:]

    @property
    def posts(self) -> list[str]:
        """What was said, as it is posted; where that is more than the turn may, the last post tells that it is cut."""
        parts = [part for said in self.said for part in self.split(said)]
        if len(parts) <= self.posts_left:
            return parts
        return [*parts[: self.posts_left - 1], _CUT][: self.posts_left]

    async def wishes(self) -> list[Wish]:
        """What is scheduled, with this turn's changes; soonest first."""
        known = {wish.id: wish for wish in await self.scheduled()} | self._wishes
        return sorted((wish for wish in known.values() if wish), key=lambda wish: wish.next_at)

    def wish(self, wish: Wish) -> None:
        self._wishes[wish.id] = wish

    def cancel(self, wish_id: str) -> None:
        self._wishes[wish_id] = None

    def ask(self, tool: str, arguments: str) -> None:
        """The call waits until the person says yes to it."""
        self.asks.append(
            Ask(
                id=token_hex(4),
                agent_id=self.agent.id,
                conversation_id=self.conversation_id,
                turn_id=self.turn_id,
                tool=tool,
                arguments=arguments,
                created_at=self.now,
            )
        )

    def may(self, tool: str, arguments: str) -> bool:
        """Whether the person has said yes to this very call."""
        return any(ask.tool == tool and ask.arguments == arguments for ask in self.granted)

    def set_zone(self, zone: ZoneInfo) -> None:
        self.zone, self.moved = zone, True

    async def insert(self, text: str, tags: Sequence[str]) -> tuple[str, bool]:
        """(what is stored, whether it is new): a near-duplicate gives back the passage that is there."""
        draft = Draft(
            text=text,
            audience=self.audience,
            tags=tuple(tags),
            turn_id=self.turn_id,
            origin=to_keep(text, self.hear()),
        )
        known = (await self.archive.known(self.agent.archive_id, [draft], self.drafts)).get(0)
        if known is not None:
            return known.text, False
        self.drafts.append(draft)
        return text, True

    async def tell(self, community: str, text: str, tags: Sequence[str]) -> tuple[str, bool]:
        """The same for what everyone in the community may know: whose person told it, too, has a part in it."""
        to_keep(text, self.hear())
        await self.shareable(text)
        draft = Draft(text=text, audience=self.audience, tags=tuple(tags), turn_id=self.turn_id)
        known = await self.archive.known_lore(self.agent, community, draft, self.lore)
        if known is not None:
            self.lore.append(replace(draft, text=known.text, tags=known.tags))
            return known.text, False
        self.lore.append(draft)
        return text, True

    async def note(self, key: int) -> Passage | None:
        """The agent's own note of that key, if it may be seen here."""
        return await self.archive.note(self.agent, key, self.audience)

    async def document(self, key: int) -> KeptDocument | None:
        """The document of which that passage is a piece, if it may be seen here."""
        return await self.archive.document(self.agent, key, self.audience)

    async def sources_of(self, text: str) -> list[Source]:
        """Where what a text says is from, as far as it may be seen here."""
        return await self.sources.of(self.agent, text, self.audience) if self.sources else []

    async def messages(self, keys: Collection[int]) -> list[Message]:
        """What was said, of these keys, as far as it may be seen here."""
        return await self.recall.get(self.agent.id, keys, self.audience)

    async def blocks(self) -> list[Block]:
        """Core memory, with this step's changes."""
        if self._blocks is None:
            self._blocks = await self.look()
        return self._blocks

    def replace(self, old: Passage, text: str, since: datetime) -> None:
        """Let another note hold from then on instead."""
        self.closed[old.key] = (
            old,
            Draft(
                text=text,
                audience=old.audience,
                tags=old.tags,
                turn_id=self.turn_id,
                origin=to_keep(text, self.hear()),
                since=since,
                uid=token_hex(8),
            ),
        )

    def unlearn(self, block: Block, text: str) -> None:
        """A text goes out of a block for good: out of its past, too."""
        removal = self.unwanted.lines.setdefault(block.id, Removal([], self._edited[block.id].value, ""))
        removal.texts.append(text)
        removal.after = block.value

    async def search_archive(
        self, query: str, page: int, tags: Sequence[str], as_of: datetime | None = None
    ) -> Page:
        """``as_of``: what held just before then."""
        return await self.archive.search(
            self.agent,
            query,
            self.audience,
            page=page,
            page_size=self.page_size,
            tags=tags,
            now=self.now.astimezone(self.zone),
            as_of=None if as_of is None else as_of - timedelta(microseconds=1),
        )

    async def search_recall(self, query: str, page: int, in_view: Collection[int] = ()) -> Page:
        """``in_view``: keys of what takes no place on a page (see `Recall.search`)."""
        room = await self.room()
        found = await self.recall.search(
            self.agent.id,
            query,
            self.audience,
            page=page,
            page_size=self.page_size,
            searcher=Searcher(self._asker(query) or None, self.own_messages, in_view, room),
            now=self.now.astimezone(self.zone),
        )
        if room is not None:
            own = [
                hit for hit in found.hits if not (isinstance(hit.row, Message) and self._is_asked(hit.row))
            ]
            found = replace(found, hits=tuple(own))
        rows = [hit.row for hit in found.hits if isinstance(hit.row, Message)] + list(found.in_view)
        self.outdated |= await self.archive.outdated(self.agent, rows, self.audience)
        return found

    def _is_asked(self, line: Message) -> bool:
        """Whether it is what the turn answers, as the room remembers it."""
        return line.overheard and without_number(line) == self.person and line.text in self.asked

    def _asker(self, query: str) -> str:
        """Whom "I" means in the agent's query: the agent, unless it asks in the person's own words."""
        own = speaks_of_itself(query) and one_line(query).casefold() not in one_line(self.asked).casefold()
        return self.name if own else self.person

    async def search_dates(
        self, since: datetime, until: datetime, page: int, page_size: int | None = None
    ) -> Page:
        size = page_size or self.page_size
        scopes = [self.agent.id, *([room] if (room := await self.room()) is not None else [])]
        return await self.recall.between(scopes, since, until, self.audience, page=page, page_size=size)

    async def around(self, key: int, lines: int) -> list[Hit]:
        scope = scope_of(key)
        if scope not in (self.agent.id, await self.room()):
            return []
        return await self.recall.around(scope, key, self.audience, lines)

    async def commit(self, session: Session) -> None:
        """Write what waits here, inside the step's unit of work."""
        for block in self._blocks or ():
            before = self._edited.get(block.id)
            if before is None:
                continue
            if _is_persona(block):
                await self.amend(session, before, block.value)
            else:
                await session.blocks.put(block.id, block.value, self.turn_id, self.now)
        if self.drafts:
            await archival.store(session, self.agent.archive_id, self.drafts, self.now)
        for old, draft in self.closed.values():
            [new] = await archival.store(session, self.agent.archive_id, [draft], self.now)
            await session.passages.close([old.key], draft.since or self.now, new.uid)
        if self.doubted:
            await session.passages.doubt(list(self.doubted), doubtful=True)
        if self.lore and self.community is not None:
            persona, user = self.agent.persona_id, self.agent.user_id
            await archival.share(session, persona, self.community, self.lore, user, self.now)
        if self.paused_until is not None:
            await session.agents.pause(self.agent.id, self.paused_until)
        for wish_id, wish in self._wishes.items():
            if wish is None:
                await session.schedule.drop_wish(wish_id)
            else:
                await session.schedule.put_wish(wish)
        for ask in self.asks:
            await session.asks.put(ask)
        if self.moved:
            await move(session, self.agent.user_id, self.zone, self.now)


def _is_persona(block: Block) -> bool:
    return block.owner.startswith("persona:")
