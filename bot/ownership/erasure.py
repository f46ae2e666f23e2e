"""Forgetting, whole: rows and their copies in one unit of work, then what is outside of the tables.

What is outside (files, the database's log of writes, the indexes of shared archives) is noted as chores in the same
unit of work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

from bot.agent.copies import Copies
from bot.agent.forgetting import KEPT, Forgetting
from bot.agent.held import Erased
from bot.agent.queue_manager import QueueManager
from bot.agent.tools.unwanted import Unwanted
from bot.data_dir import DataDir
from bot.delivery.mailboxes import Mailboxes
from bot.errors import Changed
from bot.events import LOCAL, platform_of
from bot.language import gettext
from bot.ownership.chores import Chores
from bot.ownership.underway import Underway, names_of
from bot.people.allowance import Allowance
from bot.people.identities import Identities, Identity
from bot.runtime import Runtime
from memory.errors import StoreError, where
from memory.ports import Also, Session
from memory.records import (
    ROOM,
    Agent,
    Audience,
    InboxRow,
    Message,
    Passage,
    User,
    import_of,
    readable_from,
    scope_of,
)
from memory.search.terms import digest_words

log = logging.getLogger(__name__)

_LOOK_S = 30.0
_SEEN = timedelta(days=1)  # how long a search's results stay in view where messages expire
WRITES_KNOWN = timedelta(days=1)
"""How long a program's writes are known by their key, at least."""
_ON_ITS_WAY = timedelta(days=7)  # nothing is, for so long


async def nothing(session: Session) -> None:
    """`Also` nothing else."""


class Erasure:
    """``keep_days`` 0 keeps messages for ever."""

    def __init__(
        self,
        runtime: Runtime,
        mailboxes: Mailboxes,
        identities: Identities,
        queues: QueueManager,
        allowance: Allowance,
        files: DataDir,
        keep_days: int,
        forgetting: Forgetting,
    ) -> None:
        self._forgetting = forgetting
        self._store, self._indexer = runtime.store, runtime.indexer
        self._clock, self._locks = runtime.clock, runtime.locks
        self._mailboxes = mailboxes
        self._identities = identities
        self._queues = queues
        self._allowance = allowance
        self._copies = Copies(queues, runtime.clock)
        self._chores = Chores(runtime, files, self._asked, self._empty)
        self._keep = timedelta(days=keep_days)
        self._expired: datetime | None = None
        self._alone = runtime.cluster.single
        # Whether anything was ever forgotten; None: not known yet. Of what others forget we hear nothing.
        self._anything = None if self._alone else True
        self.underway = Underway(runtime)

    async def run(self) -> None:
        """Do what is left to do, now and then, until cancelled."""
        while True:
            try:
                await self.expire()
                await self.tidy()
            except StoreError as error:
                log.error("Forgetting waits for the store: %s", error)
            except Exception as error:
                log.error("Something is still to be forgotten: %s", where(error))
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
            gone = await self._copies.withdraw(session, user, passages)
        await self._indexer.removed([], gone)

    async def entry(self, entry: Passage, text: str) -> None:
        """An admin of a community deletes an entry of its lore, or (with a text) rewords it."""
        async with self._store.write() as session:
            if text:
                await session.passages.rewrite([entry.key], text, digest_words(text))
            else:
                await session.passages.delete([entry.key])
            await self._copies.unshow(session, [entry])
        await self._indexer.removed([], [entry.key])
        self._indexer.wake()  # a new text wants a new vector

    async def bystander(self, account: str) -> bool:
        """Somebody who never talked with us: their lines beside others' messages, and codes that they were shown.
        False when there are none."""
        async with self._store.write() as session:
            quoted = await session.erasing.quoting([account], [])
            if not quoted and not await session.codes.knows(account):
                return False
            await self._copies.unquote(session, [account], [])
            await session.codes.forget(account)
            await session.erasing.add_chores(["scrub"], self._clock.now())
        await self.tidy(urgent=True)
        return True

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
                await self._not_to_come(session, accounts, None)
                await self._copies.unquote(session, accounts, [])
                told = await session.passages.contributed_by(user.id) if user else []
                lore = await self._copies.withdraw(session, user, told) if user else []
                said = await session.rooms.lines(user.id, None) if user else []
                await self._unsay(session, said)
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
            await self._refresh_rooms(said)

    async def keep_out(self, user: User) -> None:
        """Nothing of a person is kept in any room or lore from now on, nor shown beside what others say; what was is
        gone. What they talk about with us is theirs, and stays."""
        async with self._store.write() as session:
            accounts = await session.agents.accounts_of(user.id)
            await session.rooms.keep_out(user.id, accounts, self._clock.now())
            said = await session.rooms.lines(user.id, None)
            await self._unsay(session, said)
            told = await session.passages.contributed_by(user.id)
            lore = await self._copies.withdraw(session, user, told)
            await self._copies.unquote(session, accounts, [])
            await session.erasing.add_chores(["scrub"], self._clock.now())
        for agent_id in await self._agents_of(user):
            self._identities.forget(agent_id)
        await self._indexer.removed([], lore)
        await self._refresh_rooms(said)
        await self.tidy(urgent=True)

    async def lines(self, lines: Sequence[Message]) -> None:
        """What somebody said goes out of the room's memory."""
        async with self._store.write() as session:
            await self._unsay(session, lines)
            await session.erasing.add_chores(["scrub"], self._clock.now())
        await self._refresh_rooms(lines)
        await self.tidy(urgent=True)

    async def reline(self, line: Message, text: str) -> None:
        """A line of a room's reads otherwise now; one that says nothing any more is gone."""
        if not text:
            await self.lines([line])
            return
        async with self._store.write() as session:
            await session.messages.rewrite(line.key, text, "", 0)
            await self._copies.unsay(session, [line.text])
            await session.erasing.add_chores(["scrub"], self._clock.now())
        await self._refresh_rooms([line])
        self._indexer.wake()

    async def _agents_of(self, user: User) -> list[int]:
        async with self._store.read() as session:
            return [agent.id for agent in await session.agents.agents_of(user.id)]

    async def _unsay(self, session: Session, lines: Sequence[Message]) -> None:
        """Lines of rooms are gone, and out of every view; they are not kept again when they are told again."""
        keys = [line.event_key.removeprefix(ROOM) for line in lines if line.event_key]
        await session.mailbox.forget_keys(keys, self._clock.now())
        self._anything = self._anything or bool(keys)
        await session.messages.delete([line.key for line in lines])
        await self._copies.unsay(session, [line.text for line in lines])

    async def _refresh_rooms(self, lines: Sequence[Message]) -> None:
        async with self._store.read() as session:
            keepers = [await session.agents.agent(scope) for scope in {scope_of(line.key) for line in lines}]
        for keeper in keepers:
            if keeper is not None:
                self._indexer.reread(keeper)

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
                accounts = await session.agents.accounts_of(who.user.id)
                await self._not_to_come(session, accounts, who.conversation.address)
                lore = await self._copies.withdraw(session, who.user, [p for p in told if p.turn_id in here])
                places = {who.conversation.id}
                await self._forgetting.erase(session, agent.id, Erased(turns=here, places=places))
                passages = await session.erasing.conversation(who.conversation, agent, now)
                self._anything = True
                await self._copies.blank(session, agent.id, None)
                await session.erasing.add_chores([f"files:{agent.id}", "scrub"], now)
            self._indexer.reread(agent)
            await self._indexer.removed([], [*passages, *lore])
        await self.tidy(urgent=True)

    async def imported(self, agent: Agent, name: str) -> None:
        """What was taken over of a file of another program, with all that came of it. Returns when no byte is left."""
        async with self._mailboxes.still(agent.id), self._locks.of(agent.id):
            async with self._allowance.forgetting(agent), self._store.write() as session:
                now = self._clock.now()
                held = await session.agents.conversations(agent.id)
                places = {place.id for place in held if import_of(place.address) == name}
                said = await session.mailbox.turns_of(agent.id)
                turns = {turn.id for turn in said if turn.conversation_id in places}
                await self._forgetting.erase(session, agent.id, Erased(turns=turns, places=places))
                passages = await session.imports.drop(agent, name, now)
                await self._copies.blank(session, agent.id, None)
                await session.erasing.add_chores([f"files:{agent.id}", "scrub"], now)
            self._indexer.reread(agent)
            await self._indexer.removed([], passages)
        await self.tidy(urgent=True)

    async def reword(self, agent: Agent, passage: Passage, text: str, also: Also) -> None:
        """A person words a note differently: what it said before is gone, from its copies, too."""
        async with self._locks.of(agent.id), self._store.write() as session:
            opened = await session.passages.opened([passage.uid])
            keys = [passage.key, *(copy.key for copy in opened.get(passage.uid, ()))]
            await session.passages.rewrite(keys, text, digest_words(text))
            await self._copies.blank(session, agent.id, None)
            await session.erasing.add_chores(["scrub"], self._clock.now())
            await also(session)
        await self._indexer.removed([], keys)

    async def copy(self, agent: Agent, copy: Passage) -> None:
        """A copy of a note is used no more where it was opened to; the note stays."""
        async with self._locks.of(agent.id), self._store.write() as session:
            keys = await session.passages.delete([copy.key])
            await self._copies.blank(session, agent.id, None)
            await session.erasing.add_chores(["scrub"], self._clock.now())
        await self._indexer.removed([], keys)

    async def unwanted(
        self, who: Identity, audience: Audience, unwanted: Unwanted, also: Also = nothing
    ) -> None:
        """What a person wants forgotten of their agent's memory: it can be brought back for a while. Raises `Changed`
        where a block of core memory does not read any more as it did before."""
        async with self._locks.of(who.agent.id):
            async with self._store.write() as session:
                await unchanged(session, who, {i: removal.before for i, removal in unwanted.lines.items()})
                for block_id, removal in unwanted.lines.items():
                    await session.blocks.put(block_id, removal.after, None, self._clock.now())
                gone = await self._forgetting.forget(session, who.agent, audience, unwanted)
                await also(session)
            await self._forgetting.settle(gone)

    async def bring_back(self, who: Identity, audience: Audience, also: Also) -> list[str]:
        """The newest of what a person had forgotten, of what may be seen in ``audience``: what it said. Nothing, when
        there is none, or no more."""
        since = self._clock.now() - KEPT
        async with self._locks.of(who.agent.id), self._store.write() as session:
            waste = await session.wastebasket.newest(who.agent.id, readable_from(audience), since)
            back = await self._forgetting.bring_back(session, who.agent, waste) if waste else []
            if back:
                await also(session)
        self._indexer.wake()
        return back

    async def _empty(self, waste_id: int) -> None:
        async with self._store.read() as session:
            waste = await session.wastebasket.get(waste_id)
        if waste is None:
            return  # it was brought back, or its agent is gone
        async with self._locks.of(waste.agent_id):
            async with self._store.write() as session:
                gone = await self._forgetting.empty(session, waste)
            await self._forgetting.settle(gone)

    async def quoted(self, key: str) -> None:
        """Somebody edited or deleted a message that was not for us: it may stand beside one that was."""
        async with self._store.read() as session:
            if not await session.erasing.quoting([], [key]):
                return
        async with self._store.write() as session:
            await self._copies.unquote(session, [], [key])
            await session.erasing.add_chores(["scrub"], self._clock.now())

    async def _not_to_come(self, session: Session, accounts: Collection[str], address: str | None) -> None:
        """What is on its way from these accounts (into this place) is forgotten before it is received: first in the
        unit of work."""
        now = self._clock.now()
        if not self._alone:
            await session.erasing.forget_to_come(names_of(accounts, address), now)
        await session.mailbox.forget_keys(self.underway.forget(accounts, address), now)

    async def let_go(self, key: str) -> None:
        """The message of that key is not received, nor what comes with it, however often it is told."""
        async with self._store.write() as session:
            await session.mailbox.forget_keys([key], self._clock.now())
        self._anything = True

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
        await self._copies.unquote(session, [], [key])
        gone = Erased(
            events=[key], summaries=[message.conversation_id] if message and not message.queued else []
        )
        await self._forgetting.erase(session, agent_id, gone)
        if message is not None:
            await self._copies.blank(session, agent_id, None)
            if not message.queued:  # the summary may tell of it
                await session.messages.drop_summary(message.conversation_id)
                self._queues.forget(message.conversation_id)
        await session.erasing.add_chores(["scrub"], self._clock.now())

    async def edited(self, row: InboxRow, text: str) -> None:
        """The author edited a message that is forgotten: it stays so."""
        async with self._locks.of(row.agent_id), self._store.write() as session:
            await self._forgetting.edited(session, row.agent_id, row.key, text)

    async def expire(self) -> None:
        """Once a day: let go of messages that are older than is kept, and of strangers who were shown a code."""
        now = self._clock.now()
        if self._expired is not None and timedelta() <= now - self._expired < timedelta(days=1):
            return
        async with self._store.write() as session:
            gone = await session.codes.expire(now) + await session.web_keys.expire(now)
            await session.web_keys.expire_writes(now - WRITES_KNOWN)
            await session.erasing.expire_times(now - _ON_ITS_WAY)
            await session.mailbox.expire_obeyed(now - _ON_ITS_WAY)
            if gone:
                await session.erasing.add_chores(["scrub"], now)
        if self._keep:
            await self._expire_messages(now)
        self._expired = now

    async def _expire_messages(self, now: datetime) -> None:
        async with self._store.write() as session:
            await self._forgetting.erase(session, None, Erased(before=now - self._keep))
            count, agents, places = await session.erasing.expire(now - self._keep)
            await self._copies.blank(session, None, now - _SEEN)
            if count:
                await session.erasing.add_chores(["scrub"], now)
            pieces = await session.erasing.expire_documents(now - self._keep)
            if pieces:
                await session.erasing.add_chores(["scrub"], now)
            touched = [await session.agents.agent(agent_id) for agent_id in agents]
        await self._indexer.removed([], pieces)
        for place in places:
            self._queues.forget(place)
        for agent in touched:
            if agent is not None:
                self._indexer.reread(agent)
        if count:
            log.info("%d messages older than %d days were deleted.", count, self._keep.days)

    async def tidy(self, *, urgent: bool = False) -> None:
        """Do the chores that are due; ``urgent``: somebody waits for it."""
        await self._chores.do(urgent=urgent)

    async def _asked(self, account: str) -> None:
        """The operator asked from the command line that a person be forgotten."""
        async with self._store.read() as session:
            user = await session.agents.user_of(account)
        if user is not None:
            await self._user(user)
        else:
            await self.bystander(account)


async def unchanged(session: Session, who: Identity, blocks: Mapping[int, str]) -> None:
    """Raises `Changed` where one of these blocks of the person's agent does not read so (any more)."""
    now = {block.id: block.value for block in await session.blocks.of(f"agent:{who.agent.id}", None)}
    if any(now.get(block_id) != value for block_id, value in blocks.items()):
        raise Changed(gettext("It was changed meanwhile. Look at it again."))
