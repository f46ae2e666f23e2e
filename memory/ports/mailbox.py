"""Durable inbox, turns, steps and outbox."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from memory.records import Audiences, Conversation, Delivery, InboxRow, OutboxRow, Surfaced, Turn, Usage


class Mailbox(Protocol):
    """``platforms`` are those whose events are to be handled, or whose posts sent, now: what is on another waits."""

    async def receive(
        self, key: str, place: Conversation, kind: str, payload: Mapping[str, Any], now: datetime
    ) -> bool:
        """Commit an event for the agent whose conversation it is; False when its key was seen before."""
        ...

    async def waiting(self, agent_id: int, platforms: Collection[str]) -> list[InboxRow]:
        """Events on these platforms that no turn has claimed yet, in order of arrival."""
        ...

    async def events_from(self, key: str) -> list[InboxRow]:
        """The event of that key, and those that came with it (``<key>/...``: a message's attachments), in order of
        arrival."""
        ...

    async def event(self, row_id: int) -> InboxRow | None:
        """The event of that row."""
        ...

    async def with_pictures(
        self,
        agent_id: int,
        audiences: Audiences,
        limit: int,
        *,
        until: int | None = None,
        since: int | None = None,
    ) -> list[InboxRow]:
        """Messages of these audiences that brought pictures, newest first: the newest up to the row ``until``, or with
        ``since`` the oldest from that row on."""
        ...

    async def has_pictures(self, agent_id: int, audiences: Audiences) -> bool:
        """Whether there is any such message."""
        ...

    async def replace_event(self, key: str, payload: Mapping[str, Any]) -> None:
        """Whoever reads the event from now on sees that."""
        ...

    async def drop_event(self, key: str) -> None:
        """Let go of an event that no turn has claimed yet."""
        ...

    async def busy_agents(self, platforms: Collection[str]) -> list[int]:
        """Agents with waiting events or an unfinished turn on one of these platforms, by id."""
        ...

    async def begin(
        self, turn: Turn, event_ids: Collection[int], surfaced_then: Surfaced | None = None
    ) -> None:
        """Begin a new turn that claims these events, with what came to mind then. Raises `memory.errors.StaleAgent`
        when one of them is claimed or done already: then nothing of the unit may stay."""
        ...

    async def surfaced(self, turn_id: str) -> Surfaced | None:
        """What came to mind when the turn began, and is not forgotten; None: nothing."""
        ...

    async def surfacing(
        self, messages: Collection[int], passages: Collection[int], turns: Collection[str]
    ) -> dict[str, str]:
        """What came to mind at these turns, and wherever one of these rows did, by the turn, for `surface_again`."""
        ...

    async def surface_again(self, turn_id: str, kept: str) -> None:
        """What `surfacing` gave came to mind at that turn, as far as it is held."""
        ...

    async def unfinished(
        self, agent_id: int, platforms: Collection[str], *, apart_from: Collection[str] = ()
    ) -> Turn | None:
        """The oldest turn that has begun and not ended, apart from those with these ids; or None."""
        ...

    async def turn(self, turn_id: str) -> Turn | None: ...
    async def turns_of(self, agent_id: int) -> list[Turn]:
        """All that have ended, oldest first."""
        ...

    async def events_of(self, turn_id: str) -> list[InboxRow]:
        """Those it claimed, in order of arrival."""
        ...

    async def commit_step(
        self, turn_id: str, step: int, model: str, usage: Usage, now: datetime, *, agent_id: int
    ) -> None:
        """Record a step; its key can never be asked again. Raises if it already is recorded."""
        ...

    async def spend(
        self, agent_id: int, conversation_id: int, model: str, usage: Usage, now: datetime
    ) -> None:
        """Record what was used beside the steps of turns."""
        ...

    async def last_model(self, agent_id: int) -> str | None:
        """The model of the agent's newest step that was committed, or None."""
        ...

    async def finish(self, turn_id: str, now: datetime) -> None:
        """End the turn and acknowledge its events. Idempotent."""
        ...

    async def notify(self, turn_id: str) -> None:
        """Note that the user was told of the model being down in this turn."""
        ...

    async def last_turns(self, conversation_id: int, n: int) -> list[Turn]:
        """Ended turns, newest first."""
        ...

    async def forget_turn(self, turn_id: str) -> None:
        """Remove an ended turn, its steps and what its events said (`/pop`). Their keys stay: a late redelivery ends
        at them."""
        ...

    async def usage_since(self, agents: Collection[int] | None, since: datetime) -> Usage:
        """Of all steps, and what was spent beside them, from ``since`` on; None: every agent's."""
        ...

    async def received_lately(self, user_id: int, account: str, since: datetime) -> dict[str, datetime]:
        """The keys of messages that were received of an account of that user's since then, each with when it was said
        by the platform's time; of what is not forgotten, and not of what is answered anew."""
        ...

    async def newest_keys(self, platform: str) -> dict[str, str]:
        """Of every place where something was said: the key of the newest message of the platform's own (never
        of a beat, a reminder or a reaction), by address."""
        ...

    async def is_forgotten(self, key: str) -> bool:
        """Whether an event of that key is not to be received any more: its agent was deleted, its place forgotten."""
        ...

    async def obey(self, key: str, now: datetime) -> bool:
        """The command that the message of that key is has its effect in this unit. False: it had it before."""
        ...

    async def is_obeyed(self, key: str) -> bool: ...

    async def expire_obeyed(self, before: datetime) -> None:
        """No platform tells again what it told before."""
        ...

    async def forget_keys(self, keys: Collection[str], now: datetime) -> None:
        """Events of these keys are not to be received any more."""
        ...

    async def any_forgotten(self) -> bool:
        """Whether `is_forgotten` is worth asking."""
        ...

    async def last_receipt(self, address: str) -> str | None:
        """Of the newest post there that has one."""
        ...

    async def heard(self, conversation_id: int) -> InboxRow | None:
        """The newest message that a person wrote there, of those that are not forgotten."""
        ...

    async def last_heard(self, conversation_id: int, n: int, *, after: int = 0) -> list[InboxRow]:
        """The newest messages and files that a person sent there, of those that are not forgotten, oldest first; only
        such as came after the row of that id."""
        ...

    async def has_events(self, conversation_id: int) -> bool:
        """Whether anything was ever received there."""
        ...

    async def posted(self, agent_id: int, receipt: str) -> OutboxRow | None:
        """The agent's post that the platform gave this receipt."""
        ...

    async def posts_at(self, agent_id: int, address: str) -> list[OutboxRow]:
        """What the agent posted in that place, or is about to, in order."""
        ...

    async def redirect(self, post_id: str, address: str) -> None:
        """Have a post sent elsewhere."""
        ...

    async def post(self, rows: Sequence[OutboxRow]) -> None:
        """Have them sent, in this order. An id can never be posted again: it raises."""
        ...

    async def put_file(self, post_id: str, name: str, data: bytes) -> None:
        """What a post of the outbox sends; it is kept until then (see `settle`)."""
        ...

    async def file_of(self, post_id: str, agent_id: int | None = None) -> tuple[str, bytes] | None:
        """Its name, and what it holds; of a post of that agent's only."""
        ...

    async def drop_files(self, agent_id: int) -> None:
        """The agent's files that were sent are kept no longer."""
        ...

    async def has_post(self, post_id: str) -> bool:
        """Whether it was ever posted, of what is not forgotten."""
        ...

    async def last_posts(self, agent_id: int, conversation_id: int, n: int) -> list[OutboxRow]:
        """The newest of a conversation of the agent's, oldest first; none of a turn that was taken back."""
        ...

    async def replies(self, turn_id: str) -> dict[str, str]:
        """What was said in a turn and is not on its way any more: text by the post's id."""
        ...

    async def reword(self, texts: Mapping[str, str]) -> None:
        """Keep posts, by their ids, as having said something else."""
        ...

    async def ready(
        self, platforms: Collection[str], limit: int = 64, *, apart_from: Collection[str] = ()
    ) -> list[OutboxRow]:
        """Rows to be sent, oldest first; ``apart_from`` are addresses to leave out."""
        ...

    async def claim(self, ids: Collection[str], now: datetime) -> set[str]:
        """Mark rows SENDING, of those that are READY: from here on they are in doubt until `settle`. Their ids: what
        is not among them is another's, or over."""
        ...

    async def unclaim(self, row_id: str, claimed_at: datetime) -> None:
        """Mark a row READY that was claimed at that moment, and surely not sent; nothing happens if there is none."""
        ...

    async def in_doubt(self, platforms: Collection[str]) -> list[OutboxRow]:
        """Rows claimed by a process that died before it wrote their receipt, oldest first."""
        ...

    async def settle(self, receipts: Sequence[tuple[str, Delivery, str | None]], now: datetime) -> None:
        """Write (row id, state, receipt) of rows that were claimed. A file is dropped that was sent; it stays where the
        receipt is the row's own id: there it is read from here."""
        ...

    async def unsent(self, conversation_id: int | None = None) -> int:
        """How many rows are ready or in doubt; None: in all places."""
        ...
