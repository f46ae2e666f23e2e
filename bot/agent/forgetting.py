"""Forgetting at the person's wish: out of every view, search, summary and export at once, and gone to the last byte
after a while in which it can be brought back.

What is forgotten leaves the tables that anything reads, for the wastebasket, in the caller's unit of work.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.agent import context
from bot.agent.copies import Copies
from bot.agent.document import file_of
from bot.agent.held import Erased, Rest
from bot.agent.picture import without
from bot.agent.queue_manager import QueueManager
from bot.agent.taken_out import TakenOut
from bot.agent.tools.provenance import SEARCHES
from bot.agent.tools.unwanted import Removal, Unwanted
from bot.events import Attachment, DocumentUploaded, Event, emptied, from_json
from bot.runtime import Runtime
from memory.ports import Session
from memory.records import Agent, Audience, Block, Message, Role, Summary, Waste
from memory.search.names import own_names
from memory.search.telltale import Telltale
from memory.search.terms import digest_words

KEPT = timedelta(minutes=10)
"""How long it can be brought back."""


@dataclass(frozen=True)
class Gone:
    """Keys whose vectors go when the unit of work is committed."""

    messages: Sequence[int] = ()
    passages: Sequence[int] = ()


class Forgetting:
    """Hold the agent's lock while using it; tell `settle` when the unit of work is committed."""

    def __init__(self, runtime: Runtime, queues: QueueManager) -> None:
        self._indexer, self._clock = runtime.indexer, runtime.clock
        self._queues = queues
        self._copies = Copies(queues, runtime.clock)
        self._taken_out = TakenOut(queues, runtime.clock)

    async def forget(
        self, session: Session, agent: Agent, audience: Audience, unwanted: Unwanted, turn_id: str = ""
    ) -> Gone:
        """Take it out of everything. ``turn_id`` is the turn in which that was asked for."""
        tells = await self._telltale(session, agent, unwanted.texts, unwanted.lines)
        contents: dict[str, Any] = {"texts": unwanted.texts, "messages": [], "history": []}
        pieces, came = await self._documents(session, agent, unwanted)
        contents["passages"] = await session.passages.held([*unwanted.passages, *pieces])
        contents["lines"] = [
            {"block": block_id, **vars(removal)} for block_id, removal in unwanted.lines.items()
        ]
        shown = [m for p in unwanted.pictures.values() if (m := await session.messages.by_event(p.event))]
        asked = [m.turn_id for m in (*unwanted.messages.values(), *shown) if m.event_key]
        brought = ([*unwanted.messages, *(m.key for m in shown)], [*unwanted.passages, *pieces], asked)
        contents["surfaced"] = await session.mailbox.surfacing(*brought)
        passages = await session.passages.delete([*unwanted.passages, *pieces])
        taken = [await self._taken_out.take(session, picture) for picture in unwanted.pictures.values()]
        contents["pictures"] = list(filter(None, taken))
        blanked = [*unwanted.messages.values(), *came]
        for message in blanked:
            contents["messages"].append(await self._blank(session, message))
        if pieces or taken:
            await self._copies.blank(session, agent.id, None)
        for block_id, removal in unwanted.lines.items():
            contents["history"] += await session.blocks.unlearn(block_id, removal)
        places = {message.conversation_id for message in (*blanked, *shown) if not message.queued}
        contents["summaries"] = await self._told_elsewhere(session, agent, tells, places, turn_id)
        await session.mailbox.drop_files(agent.id)  # what they tell is not looked through
        now = self._clock.now()
        waste = await session.wastebasket.put(agent.id, audience, turn_id, contents, now)
        await session.erasing.add_chores([f"waste:{waste}"], now)
        return Gone([*unwanted.messages], passages)

    async def _told_elsewhere(
        self, session: Session, agent: Agent, tells: Telltale, places: Collection[int], turn_id: str
    ) -> list[dict[str, Any]]:
        """Take it out of whatever else tells it: the summaries that are gone, those that do and those of ``places``."""
        gone = []
        for place in await session.agents.conversations(agent.id):
            summary = await session.messages.summary(place.id)
            if summary is not None and (place.id in places or tells(summary.text)):
                gone.append(_as_json(summary))
                await session.messages.drop_summary(place.id)
                self._queues.forget(place.id)
            for message in await session.messages.queue(place.id):
                await self._unsay(session, message, tells, turn_id)
        for proposal in await session.personas.proposals(agent.persona_id, None):
            if proposal.agent_id == agent.id and tells(proposal.value):
                await session.personas.drop_proposal(proposal.id)
        return gone

    async def _documents(
        self, session: Session, agent: Agent, unwanted: Unwanted
    ) -> tuple[list[int], list[Message]]:
        """The keys of all pieces of the unwanted documents, and of those that came with unwanted messages; and the
        messages as which documents were shown."""
        files, came = set(unwanted.documents), list[Message]()
        for message in unwanted.messages.values():
            with_it = await session.mailbox.events_from(message.event_key) if message.event_key else []
            for row in with_it:
                if row.kind == DocumentUploaded.kind:
                    files.add(file_of(row.key))
        pieces = [
            piece
            for file in sorted(files)
            for piece in await session.passages.of_file(agent.archive_id, file)
        ]
        for turn in sorted({piece.turn_id for piece in pieces if piece.turn_id}):
            for message in await session.messages.of_turn(turn):
                if message.event_key and file_of(message.event_key) in files:
                    came.append(message)
        return [piece.key for piece in pieces], came

    async def settle(self, gone: Gone) -> None:
        """The unit of work is committed."""
        await self._indexer.removed(gone.messages, gone.passages)
        self._indexer.wake()  # for what says less than before

    async def end(self, session: Session, turn_id: str) -> Gone:
        """A turn in which something was forgotten is over: what its own messages say of that goes, too."""
        gone: list[int] = []
        for waste in await session.wastebasket.of_turn(turn_id):
            agent = await session.agents.agent(waste.agent_id)
            if agent is None:
                continue
            tells = await self._telltale(session, agent, waste.contents["texts"])
            blanked = []
            for message in await session.messages.of_turn(turn_id):
                if message.text and tells.touches(message.text):
                    blanked.append(await self._blank(session, message, tells))
                    gone.append(message.key)
                elif message.rendered:
                    await self._unsay(session, message, tells)
            if blanked:
                contents = {**waste.contents, "messages": [*waste.contents["messages"], *blanked]}
                await session.wastebasket.update(waste.id, contents)
        return Gone(gone)

    async def empty(self, session: Session, waste: Waste) -> Gone:
        """It can't be brought back any more."""
        gone = await self.end(session, waste.turn_id) if waste.turn_id else Gone()
        await self._silence(session, waste, waste.contents["texts"])
        await session.wastebasket.drop(waste.id)
        await session.erasing.add_chores([f"files:{waste.agent_id}", "scrub"], self._clock.now())
        return gone

    async def _silence(self, session: Session, waste: Waste, texts: Sequence[str]) -> Telltale | None:
        """What was posted in the turn in which it was forgotten tells of these texts no more. What tells of them."""
        agent = await session.agents.agent(waste.agent_id)
        if agent is None:
            return None
        tells = await self._telltale(session, agent, texts)
        said = await session.mailbox.replies(waste.turn_id) if waste.turn_id else {}
        await session.mailbox.reword({post: "" for post, text in said.items() if tells.touches(text)})
        return tells

    async def erase(self, session: Session, agent_id: int | None, erased: Erased) -> None:
        """This is gone for good: out of all that may still be brought back (of an agent), too, at once. To be asked
        before the turns' rows are deleted."""
        for waste in await session.wastebasket.of(agent_id):
            rest = await Rest.of(session, waste, erased)
            if not any(rest.contents["texts"]):
                await self.empty(session, waste)
            elif rest.contents != waste.contents:
                await self._hold_less(session, waste, rest)

    async def _hold_less(self, session: Session, waste: Waste, rest: Rest) -> None:
        contents = rest.contents
        tells = await self._silence(session, waste, rest.went) if any(rest.went) else None
        if tells is not None:  # what the turn said of it, and what was left out because it told of it
            asked = contents["texts"]
            contents["messages"] = [
                m for m in contents["messages"] if m["text"] in asked or not tells.touches(m["text"])
            ]
            contents["summaries"] = [s for s in contents["summaries"] if not tells(s["text"])]
        await session.wastebasket.update(waste.id, contents)
        await session.erasing.add_chores(["scrub"], self._clock.now())

    async def edited(self, session: Session, agent_id: int, key: str, text: str) -> None:
        """The author edited a message that was forgotten: it stays so, and what it said can't be brought back."""
        for waste in await session.wastebasket.of(agent_id):
            held = [kept["events"].get(key, {}).get("text", text) for kept in waste.contents["messages"]]
            if any(was != text for was in held):
                await self.erase(session, agent_id, Erased(events=(key,)))
                return

    async def bring_back(self, session: Session, agent: Agent, waste: Waste) -> list[str]:
        """Everything as it was, as far as it can be: what came back, a line each."""
        contents = waste.contents
        await session.passages.bring_back(contents["passages"])
        for kept in reversed(contents["messages"]):  # what two of them held is as before the first
            await self._restore(session, agent, kept)
        texts = list(filter(None, contents["texts"]))
        for kept in contents["pictures"]:
            if not await self._taken_out.put_back(session, agent, kept):
                texts.remove(kept["says"])
        blocks = {block.id: block for block in await session.blocks.of(f"agent:{agent.id}", None)}
        for kept in contents["lines"]:
            if kept["block"] in blocks:
                await self._relearn(session, blocks[kept["block"]], kept)
        await session.blocks.relearn(contents["history"])
        for turn_id, text in contents["surfaced"].items():
            await self._surface_again(session, turn_id, text)
        for summary in contents["summaries"]:
            place = summary["conversation_id"]
            if await session.messages.summary(place) is None:
                await session.messages.put_summary(_summary(summary))
                self._queues.forget(place)
        await session.wastebasket.drop(waste.id)
        return texts

    async def _surface_again(self, session: Session, turn_id: str, kept: str) -> None:
        """What came to mind at a turn, as far as it is held, if the message that brought it is."""
        asked = await session.messages.of_turn(turn_id)
        if not any(message.event_key and message.text for message in asked):
            return
        await session.mailbox.surface_again(turn_id, kept)

    async def _relearn(self, session: Session, block: Block, kept: dict[str, Any]) -> None:
        value = kept["before"]
        if block.value != kept["after"]:  # it was edited since
            value = "\n".join(
                filter(None, [block.value, *(t for t in kept["texts"] if t not in block.value)])
            )
        if value != block.value and len(value) <= block.limit:
            await session.blocks.put(block.id, value, None, self._clock.now())

    async def _telltale(
        self, session: Session, agent: Agent, texts: Sequence[str], lines: Mapping[int, Removal] | None = None
    ) -> Telltale:
        """What tells of these texts; ``lines`` go out of blocks of core memory along with them."""
        blocks = await session.blocks.of(f"agent:{agent.id}", None)
        values = [lines[b.id].after if lines and b.id in lines else b.value for b in blocks]
        staying = [line for value in values for line in value.splitlines()]
        names = await own_names(session, agent)
        return Telltale(texts, names, staying=staying, now=self._clock.now())

    async def _blank(
        self, session: Session, message: Message, tells: Telltale | None = None
    ) -> dict[str, Any]:
        """Take a message's words out of storage and of every view, or of the person's only the sentences that touch on
        it; all that it was, to bring it back."""
        rest = "" if tells is None or message.event_key is None else tells.rest(message.text, tells.touches)
        shown = "" if message.event_key else message.rendered  # of an event it is made anew
        kept: dict[str, Any] = {"key": message.key, "text": message.text, "rendered": shown}
        kept["events"], kept["replies"] = {}, {}
        if message.event_key:
            await session.captions.drop(message.event_key)
            for row in await session.mailbox.events_from(message.event_key):
                left = _told_in_part(row.payload, tells) if tells and rest else emptied(row.payload)
                kept["events"][row.key] = {n: v for n, v in row.payload.items() if v != left[n]}
                await session.mailbox.replace_event(row.key, left)
        else:
            said = await session.mailbox.replies(message.turn_id)
            kept["replies"] = {post: text for post, text in said.items() if text and text in message.text}
            await session.mailbox.reword(dict.fromkeys(kept["replies"], ""))
        if message.role is Role.ASSISTANT and message.queued:
            rendered = context.unsaid(json.loads(message.rendered), lambda _: True)
            await self._queues.rewrite(session, message, "", context.to_json(rendered))
        else:
            await self._queues.amend(session, message, rest)
        return kept

    async def _restore(self, session: Session, agent: Agent, kept: dict[str, Any]) -> None:
        await session.mailbox.reword(kept["replies"])
        for message in await session.messages.get(agent.id, [kept["key"]], None):
            event = await self._heard_again(session, message, kept["events"])
            shown = kept["rendered"] if message.queued else ""
            if event is not None and message.queued:
                user = await session.agents.user(agent.user_id)
                shown = await self._queues.told(event, ZoneInfo(user.timezone))
            await self._queues.rewrite(session, message, kept["text"], shown)

    async def _heard_again(
        self, session: Session, message: Message, events: Mapping[str, Mapping[str, Any]]
    ) -> Event | None:
        """What came as the message is put back into its events, as far as they are there: its own, if it is."""
        own = None
        for row in await session.mailbox.events_from(message.event_key) if message.event_key else ():
            if row.payload and row.key in events:
                payload = {**row.payload, **events[row.key]}
                await session.mailbox.replace_event(row.key, payload)
                own = from_json(payload) if row.key == message.event_key else own
        return own

    async def _unsay(self, session: Session, message: Message, tells: Telltale, at_work: str = "") -> None:
        """Take what tells of it out of a message in view, other than what was said. What a tool answered in the turn
        that is ``at_work`` is still needed there."""
        if not tells(message.rendered):
            return
        rendered = json.loads(message.rendered)
        if message.role is Role.TOOL:
            if message.turn_id != at_work or message.author in SEARCHES:
                await self._copies.unshow_result(session, message)
            return
        if message.role is Role.ASSISTANT:
            shown = context.unsaid(rendered, tells, said=bool(message.text))
        else:
            fields = context.told(rendered)
            if fields["type"] == context.CORE_MEMORY:
                await self._copies.untell_core_memory(session, message)
                return
            for name in set(context.RECALLED) & fields.keys():
                fields[name] = [line for line in fields[name] if not tells(line)]
                if not fields[name]:
                    del fields[name]
            shown = json.loads(context.user_message(fields, context.images_in(rendered)))
        if shown != rendered:
            await self._queues.rerender(session, message, context.to_json(shown))


def _told_in_part(payload: Mapping[str, Any], tells: Telltale) -> dict[str, Any]:
    """An event without the sentences that touch on it, and without what came along that does."""
    left = {**payload, "text": tells.rest(payload["text"], tells.touches)}
    if attached := [Attachment(**one) for one in payload.get("attachments", ())]:
        texts = ((one, (one.name, one.shows, one.text, one.heard)) for one in attached)
        left["attachments"] = [
            vars(without(one) if any(map(tells.touches, told)) else one) for one, told in texts
        ]
    return left


def lines_forgotten(before: str, after: str) -> list[str]:
    """The lines that went without another in their place: as many as went more than came, those that what came has
    least in common with."""
    old, new = before.splitlines(), after.splitlines()
    went = [line for line in old if line.strip() and line not in new]
    came = [line for line in new if any(map(str.isalnum, line)) and line not in old]
    went.sort(key=lambda line: max((_common(line, other) for other in came), default=0.0))
    return went[: max(0, len(went) - len(came))]


def _common(one: str, other: str) -> float:
    words, others = set(digest_words(one).split()), set(digest_words(other).split())
    return len(words & others) / max(1, len(words | others))


def _as_json(summary: Summary) -> dict[str, Any]:
    moments = {name: getattr(summary, name).isoformat() for name in ("since", "created_at")}
    return {**vars(summary), **moments}


def _summary(kept: dict[str, Any]) -> Summary:
    moments = {name: datetime.fromisoformat(kept[name]) for name in ("since", "created_at")}
    return Summary(**{**kept, **moments})
