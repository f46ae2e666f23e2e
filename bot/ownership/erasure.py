"""Forgetting, whole: rows and their copies in one unit of work, then what is outside of the tables.

What is outside (files, the database's log of writes, the indexes of shared archives) is noted as chores in
the same unit of work: a process that dies in between does them at its next start.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bot.agent import context
from bot.agent.locks import Locks
from bot.agent.queue_manager import QueueManager
from bot.delivery.mailboxes import Mailboxes
from bot.events import LOCAL, platform_of
from bot.people.allowance import Allowance
from bot.people.identities import Identities, Identity
from bot.ports import Clock
from memory.errors import StoreError
from memory.indexer import Indexer
from memory.ports import Session, Store
from memory.records import Agent, Message, Passage, Role, User, scope_of
from memory.search.terms import digest_words

log = logging.getLogger(__name__)

SEARCHES = ("conversation_search", "conversation_search_date", "archival_memory_search")
"""Tools whose results show other rows' texts."""
_LOOK_S = 30.0
_SEEN = timedelta(days=1)  # how long a search's results stay in view where messages expire
_SCRUBS = timedelta(hours=1)  # between scrubs that nobody waits for
_REBUILDS = timedelta(hours=1)  # after which a shared archive's index is made anew
_TRIES = 100
_BEGINNING = 60  # characters by which an entry is known where it was cut
_GONE = context.to_json({"status": "OK", "message": "What was found was forgotten since. Search again."})


class Erasure:
    """``saves`` and ``exports`` are folders of files named ``agent-<id>-…``, ``histories`` that of the terminal's
    lines. ``keep_days`` 0 keeps messages for ever."""

    def __init__(
        self,
        store: Store,
        mailboxes: Mailboxes,
        identities: Identities,
        queues: QueueManager,
        locks: Locks,
        indexer: Indexer,
        clock: Clock,
        allowance: Allowance,
        *,
        saves: Path,
        exports: Path,
        histories: Path,
        keep_days: int,
    ) -> None:
        self._store = store
        self._mailboxes = mailboxes
        self._identities = identities
        self._queues = queues
        self._locks = locks
        self._indexer = indexer
        self._clock = clock
        self._allowance = allowance
        self._folders = (saves, exports)
        self._histories = histories
        self._keep = timedelta(days=keep_days)
        self._one_at_a_time = asyncio.Lock()
        self._scrubbed: datetime | None = None
        self._expired: datetime | None = None
        self._anything: bool | None = None  # whether anything was ever forgotten; None: not known yet

    async def run(self) -> None:
        """Do what is left to do, now and then, until cancelled."""
        while True:
            try:
                await self.expire()
                await self.tidy()
            except StoreError as error:
                log.error("Forgetting waits for the store: %s", error)
            except Exception:
                log.exception("Something is still to be forgotten")
            await asyncio.sleep(_LOOK_S)  # real time: an injected clock may stand still, or run

    # What is forgotten

    async def user(self, user: User) -> None:
        """All that is held of a person, in every place and with every persona. Returns when no byte is left."""
        await self._user(user)
        await self.tidy(urgent=True)

    async def agent(self, agent: Agent) -> None:
        """All that one agent holds; the person's other agents stay."""
        await self._agents([agent], [], None)
        await self.tidy(urgent=True)

    async def lore(self, user: User, passages: Sequence[Passage]) -> None:
        """What a person contributed to a community's lore. What others told, too, stays as theirs."""
        async with self._store.write() as session:
            gone = await self._withdraw(session, user, passages)
        await self._indexer.removed([], gone)

    async def _user(self, user: User) -> None:
        async with self._store.read() as session:
            agents = await session.agents.agents_of(user.id)
            accounts = await session.agents.accounts_of(user.id)
        await self._agents(agents, accounts, user)

    async def _agents(self, agents: Sequence[Agent], accounts: Sequence[str], user: User | None) -> None:
        async with self._store.read() as session:
            quoting = {row.agent_id for row in await session.erasing.quoting(accounts, [])}
        ours = [agent.id for agent in agents]
        async with self._mailboxes.still(*ours, *(quoting - set(ours))), AsyncExitStack() as held:
            for agent_id in ours:
                await held.enter_async_context(self._locks.of(agent_id))
            async with self._allowance.forgetting(*agents), self._store.write() as session:
                await self._unquote(session, accounts, [])
                told = await session.passages.contributed_by(user.id) if user else []
                lore = await self._withdraw(session, user, told) if user else []
                for agent in agents:
                    await session.agents.delete_agent(agent.id)
                chores = [f"files:{agent_id}" for agent_id in ours]
                chores += [
                    f"history:{account.partition(':')[2]}"
                    for account in accounts
                    if platform_of(account) == LOCAL
                ]
                await session.erasing.add_chores([*chores, "scrub"], self._clock.now())
            self._anything = True
            for agent in agents:
                self._identities.forget(agent.id)
                await self._indexer.forget(agent)
            await self._indexer.removed([], lore)

    async def conversation(self, who: Identity) -> None:
        """What was said in one place, what was noted there, and what shows it elsewhere."""
        agent = who.agent
        async with self._mailboxes.still(agent.id), self._locks.of(agent.id):
            async with self._store.read() as session:
                turns = await session.mailbox.turns_of(agent.id)
                told = await session.passages.contributed_by(who.user.id)
            here = {turn.id for turn in turns if turn.conversation_id == who.conversation.id}
            async with self._allowance.forgetting(agent), self._store.write() as session:
                now = self._clock.now()
                lore = await self._withdraw(session, who.user, [p for p in told if p.turn_id in here])
                passages = await session.erasing.conversation(who.conversation, agent.archive_id, now)
                self._anything = True
                await self._blank(session, agent.id, None)
                await session.erasing.add_chores([f"files:{agent.id}", "scrub"], now)
            await self._indexer.refresh(agent)
            await self._indexer.removed([], [*passages, *lore])
        await self.tidy(urgent=True)

    async def passage(self, agent: Agent, passage: Passage, text: str) -> None:
        """A passage and its copies, or (with a text) what they said before."""
        async with self._locks.of(agent.id), self._store.write() as session:
            opened = await session.passages.opened([passage.uid])
            keys = [passage.key, *(copy.key for copy in opened.get(passage.uid, ()))]
            if text:
                await session.passages.rewrite(keys, text, digest_words(text))
            else:
                await session.passages.delete(keys)
            await self._blank(session, agent.id, None)
            await session.erasing.add_chores(["scrub"], self._clock.now())
        await self._indexer.removed([], keys)

    async def quoted(self, key: str) -> None:
        """Somebody edited or deleted a message that was not for us: it may stand beside one that was."""
        async with self._store.read() as session:
            if not await session.erasing.quoting([], [key]):
                return
        async with self._store.write() as session:
            await self._unquote(session, [], [key])
            await session.erasing.add_chores(["scrub"], self._clock.now())

    async def is_forgotten(self, key: str) -> bool:
        """Whether an event of that key was told before, and its person or place has been forgotten since."""
        if self._anything is False:
            return False
        async with self._store.read() as session:
            if self._anything is None:
                self._anything = await session.mailbox.any_forgotten()
            return await session.mailbox.is_forgotten(key)

    async def message(self, session: Session, message: Message | None, key: str, agent_id: int) -> None:
        """A message that its author deleted or edited, inside the caller's unit of work: its copies."""
        await self._unquote(session, [], [key])
        if message is not None:
            await self._blank(session, agent_id, None)
            if not message.queued:  # the summary may tell of it
                await session.messages.drop_summary(message.conversation_id)
                self._queues.forget(message.conversation_id)
        await session.erasing.add_chores(["scrub"], self._clock.now())

    async def expire(self) -> None:
        """Once a day: let go of messages that are older than is kept."""
        now = self._clock.now()
        if not self._keep or (self._expired is not None and now - self._expired < timedelta(days=1)):
            return
        async with self._store.write() as session:
            count, agents, places = await session.erasing.expire(now - self._keep)
            await self._blank(session, None, now - _SEEN)
            if count:
                await session.erasing.add_chores(["scrub"], now)
            touched = [await session.agents.agent(agent_id) for agent_id in agents]
        for place in places:
            self._queues.forget(place)
        for agent in touched:
            if agent is not None:
                await self._indexer.refresh(agent)
        self._expired = now
        if count:
            log.info("%d messages older than %d days were deleted.", count, self._keep.days)

    # Copies

    async def _unquote(self, session: Session, accounts: Collection[str], keys: Collection[str]) -> None:
        """Take somebody's words out of what others' agents were shown beside a message."""
        for row in await session.erasing.quoting(accounts, keys):
            quotes = [*row.payload.get("context", ()), row.payload.get("reply_to")]
            stays = [q and q["account"] not in accounts and q["key"] not in keys for q in quotes]
            *lines, reply_to = [q if stay else None for q, stay in zip(quotes, stays, strict=True)]
            payload = {**row.payload, "context": [line for line in lines if line], "reply_to": reply_to}
            await session.mailbox.replace_event(row.key, payload)
            message = await session.messages.by_event(row.key)
            if message is not None and message.rendered:
                await self._rerender(session, message, stays)
        await session.erasing.unquote(accounts, keys)

    async def _rerender(self, session: Session, message: Message, stays: Sequence[object]) -> None:
        rendered = json.loads(message.rendered)
        fields = context.told(rendered)
        lines = fields.pop("context", ())
        if isinstance(lines, list) and len(lines) == len(stays) - 1:  # else it was cut, and goes whole
            kept = [line for line, stay in zip(lines, stays, strict=False) if stay]
            fields |= {"context": kept} if kept else {}
        if not stays[-1]:
            fields.pop("reply_to", None)
        await self._show(session, message, rendered, fields)

    async def _withdraw(self, session: Session, user: User, passages: Sequence[Passage]) -> list[int]:
        """Take somebody's part out of lore, and out of views that show it; the keys that are gone."""
        told = await session.passages.contributors_of([passage.key for passage in passages])
        shared = [key for key, users in told.items() if set(users) != {user.id}]
        await session.passages.withdraw(shared, user.id)
        gone = [passage for passage in passages if passage.key not in shared]
        await session.passages.delete([passage.key for passage in gone])
        chores = {f"archive:{scope_of(passage.key)}" for passage in gone}
        await session.erasing.add_chores([*chores, *(["scrub"] if gone else [])], self._clock.now())
        begun = [_as_shown(passage.text[:_BEGINNING]) for passage in gone]
        for message in await session.erasing.showing(None, SEARCHES, None, events=False) if gone else ():
            if any(text in message.rendered for text in begun):
                await self._unshow(session, message)
        return [passage.key for passage in gone]

    async def _unshow(self, session: Session, message: Message) -> None:
        """Take what a search found out of view."""
        rendered = json.loads(message.rendered)
        if rendered["content"] != _GONE:
            await self._queues.rerender(
                session, message, context.tool_message(rendered["tool_call_id"], _GONE)
            )

    async def _blank(self, session: Session, agent_id: int | None, before: datetime | None) -> None:
        """Take other rows' texts out of what is in view: they may be gone."""
        for message in await session.erasing.showing(agent_id, SEARCHES, before):
            if message.role is Role.TOOL:
                await self._unshow(session, message)
                continue
            rendered = json.loads(message.rendered)
            fields = context.told(rendered)
            if fields["type"] == context.CORE_MEMORY:
                await session.messages.delete([message.key])
                self._queues.forget(message.conversation_id)
            elif any(name in fields for name in context.RECALLED):
                kept = {name: value for name, value in fields.items() if name not in context.RECALLED}
                await self._show(session, message, rendered, kept)

    async def _show(
        self, session: Session, message: Message, rendered: dict[str, Any], fields: dict[str, Any]
    ) -> None:
        """Tell an event's message with other fields; its images stay."""
        shown = context.user_message(fields, context.images_in(rendered))
        await self._queues.rerender(session, message, shown)

    # Chores

    async def tidy(self, *, urgent: bool = False) -> None:
        """Do the chores that are due; ``urgent``: somebody waits for it."""
        async with self._one_at_a_time:
            # Who is to be forgotten first, for that makes more to do; the scrub last, for all leaves rows.
            for kinds in (["user"], ["files", "history", "archive"], ["scrub"]):
                async with self._store.read() as session:
                    chores = await session.erasing.chores()
                for name, at in chores:
                    if name.partition(":")[0] in kinds and await self._do(name, at, urgent=urgent):
                        async with self._store.write() as session:
                            await session.erasing.done(name)

    async def _do(self, name: str, at: datetime, *, urgent: bool) -> bool:
        """Whether it is done."""
        kind, _, what = name.partition(":")
        now = self._clock.now()
        if kind == "files":
            for folder in self._folders:
                for file in folder.glob(f"agent-{what}-*"):
                    file.unlink(missing_ok=True)
        elif kind == "history":
            history(self._histories, what).unlink(missing_ok=True)
        elif kind == "archive":
            if now - at < _REBUILDS:
                return False
            await self._indexer.rebuild(int(what))
        elif kind == "user":
            await self._asked(what)
        elif kind == "scrub":
            return await self._scrub(urgent=urgent)
        return True

    async def _asked(self, account: str) -> None:
        """The operator asked from the command line that a person be forgotten."""
        async with self._store.read() as session:
            user = await session.agents.user_of(account)
        if user is not None:
            await self._user(user)

    async def _scrub(self, *, urgent: bool) -> bool:
        now = self._clock.now()
        if not urgent and self._scrubbed is not None and now - self._scrubbed < _SCRUBS:
            return False
        for _ in range(_TRIES):
            if await self._store.scrub():
                self._scrubbed = now
                return True
            await asyncio.sleep(0.02)  # until the readers that are in the way have read
        log.warning("Deleted rows could not be overwritten yet; that is tried again.")
        return False


def _as_shown(text: str) -> str:
    """A text as it stands in a rendered result: JSON in JSON."""
    return context.to_json(context.to_json(text)[1:-1])[1:-1]


def history(folder: Path, name: str) -> Path:
    """The file of the lines that a person typed at this terminal."""
    return folder / (quote(name, safe="") or "_")
