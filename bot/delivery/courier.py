"""The courier: drains the outbox through the adapters, and settles what was in doubt after a crash."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime

from bot.errors import (
    AllowanceUsed,
    DeliveryDoubtful,
    DeliveryError,
    DeliveryRefused,
    DeliveryWaits,
    ModelError,
)
from bot.events import (
    FILE,
    THREAD,
    VOICE,
    Action,
    Address,
    File,
    Reply,
    Speaker,
    is_unasked,
    platform_of,
)
from bot.observer import Doubtful, Post
from bot.people.paid_media import PaidMedia, Whose
from bot.ports import Adapter, Found
from bot.runtime import Runtime
from memory.errors import StoreError, where
from memory.records import Delivery, OutboxRow
from memory.uncancelled import ended

log = logging.getLogger(__name__)

_RETRY_S = 2.0
_RETRY_MAX_S = 60.0
_WAITS_S = 3_600.0  # for somebody who is not there
_AT_ONCE = 64  # rows that are looked up at once
_NEW_POSTS = "posts"  # what processes tell each other
_LOOK_S = 1.0  # between two looks for what others have posted, whose word may be lost
_Line = tuple[str, Delivery | None, datetime, str | None, "asyncio.Future[bool]"]
MayPost = Callable[[OutboxRow], Awaitable[bool]]
SpeakerOf = Callable[[OutboxRow], Awaitable[Speaker | None]]
_SETTLED = {Found.POSTED: Delivery.SENT, Found.ABSENT: Delivery.READY, Found.UNKNOWN: Delivery.DOUBTFUL}


class Courier:
    """Replies of one place are sent in order; places do not wait for each other.

    ``speaker_of`` is asked at every attempt who is seen to speak, ``may_post`` whether the post may be made (still).
    """

    def __init__(
        self,
        runtime: Runtime,
        adapters: Mapping[str, Adapter],
        speaker_of: SpeakerOf,
        may_post: MayPost,
        media: PaidMedia | None = None,
    ) -> None:
        self._media = media
        self._store, self._clock = runtime.store, runtime.clock
        self._observer = runtime.observer
        self._adapters = adapters
        self._speaker_of = speaker_of
        self._may_post = may_post
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._busy: set[Address] = set()
        self._unwritten: list[_Line] = []
        self._pen = asyncio.Event()
        self._held: set[Address] = set()  # the busy ones whose platform takes nothing now
        self._group: asyncio.TaskGroup | None = None
        self._looked = False  # no row is ready that was not seen
        self._cluster = runtime.cluster
        self._cluster.hear(_NEW_POSTS, self._noticed)

    def wake(self) -> None:
        """There may be new rows: for us, or for the process whose courier runs."""
        if self._runs_elsewhere:
            self._cluster.tell(_NEW_POSTS)
        else:
            self._noticed()

    @property
    def _runs_elsewhere(self) -> bool:
        return self._group is None and not self._cluster.single

    def _noticed(self) -> None:
        self._looked = False
        self._idle.clear()
        self._news.set()

    @asynccontextmanager
    async def handing_over(self, rows: Sequence[OutboxRow]) -> AsyncIterator[Sequence[OutboxRow]]:
        """New rows of one place, as the block is to store them in one unit of work, after which they are sent.

        The first is claimed with that, if nothing stands before it: it need not be read and claimed in others. When the
        block raises, it is given back: the unit may be whole all the same, and nothing was sent.
        """
        known = self._looked and self._cluster.single  # others may have posted there a moment ago
        if not rows or not known or rows[0].address in self._busy or is_unasked(rows[0].in_reply_to):
            yield rows
            self.wake()
            return
        claimed = replace(rows[0], state=Delivery.SENDING, claimed_at=self._clock.now())
        self._busy.add(claimed.address)
        self._idle.clear()
        try:
            yield [claimed, *rows[1:]]
        except BaseException:
            await self._give_back(claimed)
            raise
        if self._group is not None:
            self._group.create_task(self._place(claimed.address, [claimed], ours=True))
        else:  # we were stopped meanwhile
            await self._give_back(claimed)

    async def _give_back(self, row: OutboxRow) -> None:
        """If the claimed row was stored, it is ready: at once, even if we are cancelled; or when the store is back."""
        work = asyncio.ensure_future(self._unclaim(row))
        await ended(work)  # its caller raises already
        if work.exception() is not None and self._group is not None:
            self._group.create_task(self._unclaim_later(row))
        else:
            self._free(row.address)

    async def _unclaim(self, row: OutboxRow) -> None:
        assert row.claimed_at is not None
        async with self._store.write() as session:
            await session.mailbox.unclaim(row.id, row.claimed_at)

    async def _unclaim_later(self, row: OutboxRow) -> None:
        while True:
            await self._clock.sleep(_RETRY_S)
            try:
                await self._unclaim(row)
                break
            except StoreError as error:
                log.error("The courier waits for the store: %s", error)
        self._free(row.address)

    def _free(self, address: Address) -> None:
        self._busy.discard(address)
        self.wake()

    async def delivered(self) -> None:
        """Returns when everything that was committed so far is sent, or held back by its platform; at once, where it
        is another process that sends."""
        if not self._runs_elsewhere:
            await self._idle.wait()

    async def run(self) -> None:
        """Deliver until cancelled. What a killed process had claimed is looked for before it is sent again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_book())
            async with self._store.read() as session:
                self._begin(group, await session.mailbox.in_doubt(list(self._adapters)))
            self._group = group
            try:
                await self._look(group)
            finally:
                self._group, self._looked = None, False

    async def _look(self, group: asyncio.TaskGroup) -> None:
        """Begin with what is ready, whenever there is news."""
        while True:
            self._news.clear()
            try:
                async with self._store.read() as session:
                    rows = await session.mailbox.ready(list(self._adapters), _AT_ONCE, apart_from=self._busy)
            except StoreError as error:
                log.error("The courier waits for the store: %s", error)
                await self._clock.sleep(_RETRY_S)
                continue
            self._begin(group, rows)
            self._looked = len(rows) < _AT_ONCE and not self._news.is_set()
            if not (self._busy - self._held) and not self._news.is_set():
                self._idle.set()
            if self._cluster.single:
                await self._news.wait()
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._news.wait()

    def _begin(self, group: asyncio.TaskGroup, rows: Sequence[OutboxRow]) -> None:
        places: dict[Address, list[OutboxRow]] = defaultdict(list)
        for row in rows:
            places[row.address].append(row)
        for address, parts in places.items():
            self._busy.add(address)
            group.create_task(self._place(address, parts))

    async def _place(self, address: Address, rows: Sequence[OutboxRow], *, ours: bool = False) -> None:
        """Send a place's rows in order: while one cannot be sent, the others wait. ``ours``: it is we who claimed them,
        and nothing was sent yet."""
        try:
            for row in rows:
                await self._deliver(row, row.claimed_at if ours else None)
        finally:
            self._free(address)

    async def _deliver(self, row: OutboxRow, claimed: datetime | None) -> None:
        """Try until the row is sent, or never will be."""
        delay = _RETRY_S
        doubt = row.claimed_at if row.state is Delivery.SENDING and claimed is None else None
        first = doubt  # when it may have been posted for the first time: a nonce's life is counted from there
        while True:
            wait = None
            try:
                reply = await self._whole(row, sent=doubt is None)
                if doubt is None and not await self._may_post(row):
                    raise DeliveryRefused("who would be spoken to may not talk with us any more")
                if doubt is None:
                    if claimed is None:
                        claimed = first or self._clock.now()
                        if not await self._write(row.id, None, claimed):
                            return  # another process is at it
                    with self._observer.during(
                        Post(platform=platform_of(row.address), turn=row.turn_id, id=row.id)
                    ):
                        receipt = await self.adapter(row.address).send(reply)
                    await self._write(row.id, Delivery.SENT, claimed, receipt)
                    return
                async with self._store.read() as session:
                    before = await session.mailbox.last_receipt(row.address)
                found = await self.adapter(row.address).find(reply, doubt, before)
                doubt = None
                if found is Found.UNKNOWN:
                    self._observer.noted(Doubtful(platform=platform_of(row.address)))
                    log.warning(
                        "agent %s: nobody knows if %s was delivered: not sent again", row.agent_id, row.id
                    )
                await self._write(row.id, _SETTLED[found], self._clock.now())
                if found is not Found.ABSENT:
                    return
                continue
            except DeliveryRefused as error:
                log.warning("agent %s: %s will not be delivered: %s", row.agent_id, row.id, error)
                if row.kind != THREAD and await self._said_beside(row):
                    return
                await self._write(row.id, Delivery.REFUSED, self._clock.now())
                return
            except DeliveryWaits as error:
                log.info("agent %s: %s is kept: %s", row.agent_id, row.id, error)
                wait = _WAITS_S
            except DeliveryDoubtful as error:
                log.warning("agent %s: was %s delivered? %s", row.agent_id, row.id, error)
                first = doubt = claimed
                wait = error.retry_after
            except DeliveryError as error:
                log.warning("agent %s: %s not delivered, tried again: %s", row.agent_id, row.id, error)
                wait = error.retry_after
            except StoreError as error:
                log.error("The courier waits for the store: %s", error)
            except Exception as error:
                # An adapter's bug must not stop the others' replies.
                log.error("agent %s: sending %s failed: %s", row.agent_id, row.id, where(error))
            claimed = None
            if doubt is None:
                await self._write(row.id, Delivery.READY, self._clock.now())
            await self._hold(row.address, delay if wait is None else wait)
            delay = min(_RETRY_MAX_S, delay * 2)

    async def _said_beside(self, row: OutboxRow) -> bool:
        """What a thread does not take (there may be none) is posted in the place that it hangs on."""
        async with self._store.write() as session:
            place = (await session.agents.conversation(row.conversation_id)).address
            if row.address != place:
                await session.mailbox.redirect(row.id, place)
        return row.address != place

    async def _whole(self, row: OutboxRow, *, sent: bool) -> Reply:
        """The reply with its file, or the place of its thread. What is to be spoken is posted as text where it cannot
        be."""
        reply = reply_of(row, await self._speaker_of(row))
        if reply.kind == FILE:
            async with self._store.read() as session:
                found = await session.mailbox.file_of(reply.id)
            if found is None:
                raise DeliveryRefused("its file is gone")
            return replace(reply, file=File(name=found[0], data=found[1]))
        if reply.kind == THREAD:
            async with self._store.read() as session:
                place = await session.agents.conversation(row.conversation_id)
            return replace(reply, of=place.address)
        if reply.kind != VOICE or self._media is None or not self._media.speaks:
            return reply
        name = f"voice-{reply.nonce[:8]}.ogg"
        if not sent:
            return replace(reply, file=File(name=name, data=b""))  # it is only looked for
        try:
            spoken = await self._media.speak(Whose(row.agent_id, row.conversation_id), reply.text)
            file = File(name=name, data=spoken.data, seconds=spoken.seconds, waveform=spoken.waveform)
            return replace(reply, file=file)
        except (ModelError, AllowanceUsed) as error:
            log.warning("A reply is posted as text: %s", error)
            return reply

    def adapter(self, address: Address) -> Adapter:
        """That of the platform of a place."""
        return self._adapters[platform_of(address)]

    async def _hold(self, address: Address, seconds: float) -> None:
        """The platform takes nothing: nobody need wait for this place meanwhile."""
        self._held.add(address)
        self.wake()
        try:
            await self._clock.sleep(seconds)
        finally:
            self._held.discard(address)

    async def _write(
        self, row: str, state: Delivery | None, at: datetime, receipt: str | None = None
    ) -> bool:
        """Claim a row (None), or note what came of it; returns when it is committed. False: it is not to be claimed."""
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._unwritten.append((row, state, at, receipt, written))
        self._pen.set()
        return await written

    async def _keep_book(self) -> None:
        """Write what all places have to write, many at a time; a store that is away is waited for."""
        while True:
            await self._pen.wait()
            self._pen.clear()
            batch, self._unwritten = self._unwritten, []
            while batch:
                refused: set[str] = set()
                try:
                    async with self._store.write() as session:
                        for row, state, at, receipt, _ in batch:
                            if state is None:
                                refused |= {row} - await session.mailbox.claim([row], at)
                            else:
                                await session.mailbox.settle([(row, state, receipt)], at)
                    break
                except StoreError as error:
                    log.error("The courier waits for the store: %s", error)
                    await self._clock.sleep(_RETRY_S)
            for row, state, _, _, written in batch:
                if not written.done():
                    written.set_result(state is not None or row not in refused)


def reply_of(row: OutboxRow, speaker: Speaker | None) -> Reply:
    """The row as an adapter posts it. The nonce is the same on every attempt (Discord takes 25 characters)."""
    nonce = hashlib.blake2b(row.id.encode(), digest_size=12).hexdigest()
    return Reply(
        id=row.id,
        address=row.address,
        kind=row.kind,
        text=row.text,
        in_reply_to=row.in_reply_to,
        at=row.created_at,
        nonce=nonce,
        speaker=None if row.actions else speaker,  # buttons are the bot's own
        actions=tuple(
            Action(label=label, command=command, argument=argument)
            for label, command, argument in row.actions
        ),
    )
