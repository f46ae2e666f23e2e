"""Keeps the vector indexes up with SQL: rows first, vectors after.

Rows are stored unindexed and are found by words at once. The process that holds the data directory
embeds them behind; a search first embeds what its own agent or archive still has waiting, so that it
finds what was said a moment ago by meaning too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from itertools import groupby
from typing import Any

from memory.errors import EmbedderError, StoreError, StoreUnavailable, TextRefused, where
from memory.ports import Embedder, Store, VectorIndex
from memory.records import Agent, VectorEntry, scope_of

log = logging.getLogger(__name__)

_BATCH = 64
_CATCH_UP = 64  # rows a search is willing to wait for
_PAUSE_S = 30.0
_QUIET_S = 1.0
_RENEWED_S = 600.0  # between two times that a damaged index is begun anew
_ASKED = 512
_BUSY_S = 10.0
_SHARED = "shared_index"  # in meta: which index holds shared archives' vectors
_FIRST_SHARED = "chroma"  # what held them before that was written down
_HARMLESS = "a sunny day"  # if the embedder refuses this, it is not the text's fault


class Indexer:
    """``embedder`` None means that there are no vectors: search goes by words alone.

    Pass the exact index of messages, the exact index of agents' own passages, and the shared archives', which may be
    another one than at the last start.
    """

    def __init__(
        self,
        store: Store,
        embedder: Embedder | None,
        messages: VectorIndex,
        own: VectorIndex,
        shared: VectorIndex,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self.index_of_messages = messages
        self.index_of_own = own
        self._shared = shared
        self._kinds: dict[int, str] = {}
        self._news = asyncio.Event()
        self._asked: dict[str, Any] = {}  # vectors of the last queries
        self._expected: asyncio.Queue[str] = asyncio.Queue(1)
        self._coming: dict[str, asyncio.Future[Any | None]] = {}  # vectors that are being made ahead
        self._embedding = 0  # calls of the embedder under way
        self._checked = False  # the stored vectors are this embedder's
        self._one_at_a_time = asyncio.Lock()
        self._renewed: float | None = None  # when
        self._doubted = False

    @property
    def makes_vectors(self) -> bool:
        """Whether there is an embedder: else no row ever gets a vector."""
        return self._embedder is not None

    def wake(self) -> None:
        """A turn has ended: there are new rows."""
        self._news.set()

    def doubt(self) -> None:
        """The index of shared archives could not be read: see whether it must be made anew."""
        self._doubted = True
        self._news.set()

    async def index_of(self, archive_id: int) -> VectorIndex:
        """The index that an archive decides on: an agent's own, or the shared ones'."""
        if archive_id not in self._kinds:
            async with self._store.read() as session:
                self._kinds[archive_id] = (await session.passages.archive(archive_id)).kind
        return self.index_of_own if self._kinds[archive_id] == "own" else self._shared

    async def run(self) -> None:
        """Embed what waits, until cancelled."""
        if self._embedder is None:
            return
        while True:
            self._news.clear()
            try:
                await self._check_embedder(self._embedder)
                await self._mend()
                while more := await self._batch("messages", None) + await self._batch("passages", None):
                    if self._news.is_set():
                        break
            except (EmbedderError, StoreError) as error:
                log.warning("Indexing waits %.0f s: %s", _PAUSE_S, error)
                await asyncio.sleep(_PAUSE_S)
                continue
            if not more:
                with contextlib.suppress(TimeoutError):
                    # Rows written by other processes (`everbot load`) wake nobody: look now and then.
                    async with asyncio.timeout(_PAUSE_S):
                        await self._news.wait()
            await self._lull()

    async def _lull(self) -> None:
        """Turns go first: wait for a moment in which none ends, but not for ever.

        Embedding takes a processor and the interpreter from those who wait for an answer. A search does not
        wait for this: it embeds what its own scope still has waiting.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_BUSY_S):
                while True:
                    self._news.clear()
                    await asyncio.sleep(_QUIET_S)
                    if not self._news.is_set():
                        return

    def expect(self, query: str) -> None:
        """Its vector will be wanted in a moment: it is made meanwhile, if nobody else waits for the embedder."""
        if self._embedder is not None and not self._embedding and self._expected.empty():
            self._expected.put_nowait(query)

    async def foresee(self) -> None:
        """Make what is expected, until cancelled."""
        while True:
            query = await self._expected.get()
            if self._embedder is None or self._embedding or query in self._asked:
                continue  # another one was quicker
            coming = self._coming[query] = asyncio.get_running_loop().create_future()
            vector = None
            try:
                vector = await self._question(self._embedder, query, "messages")
            except Exception as error:
                # Whoever asks meets it again, and answers for it.
                log.error("Nothing is embedded ahead: %s", where(error))
            finally:
                del self._coming[query]
                coming.set_result(vector)

    async def drain(self, progress: Callable[[int], None] = lambda done: None) -> int:
        """Embed everything that waits; returns how many rows. ``progress`` hears of each batch."""
        if self._embedder is None:
            return 0
        await self._check_embedder(self._embedder)
        await self._mend()
        done = 0
        for kind in ("messages", "passages"):
            while count := await self._batch(kind, None):
                done += count
                progress(done)
        return done

    async def query_vector(self, query: str, kind: str, *scopes: int, patient: bool = True) -> Any | None:
        """The query's vector, once the scopes' newest rows are indexed; None when it can't be made now.

        Not ``patient``: nor when others are before it. But one that was expected may be known or on its way.
        """
        if self._embedder is None:
            return None
        if not patient:
            if query in self._asked:
                return self._asked[query]
            if query in self._coming:
                return await asyncio.shield(self._coming[query])
            if self._embedding:
                return None
        return await self._question(self._embedder, query, kind, *scopes)

    def telling(self, vector: Any | None) -> float | None:
        """Whether a question is about something at all (`memory.ports.Embedder`), None where that is not known."""
        return None if vector is None or self._embedder is None else self._embedder.telling(vector)

    async def _question(self, embedder: Embedder, query: str, kind: str, *scopes: int) -> Any | None:
        """As `query_vector`, whoever else waits; kept for the row that the question may become."""
        try:
            await self._check_embedder(embedder)
            for scope in scopes:
                await self._batch(kind, scope)
            vector = (await self._embed(embedder.embed_queries, [query]))[0]
        except EmbedderError as error:
            log.warning("Searching by words alone: %s", error)
            return None
        self._asked[query] = vector
        while len(self._asked) > _ASKED:
            self._asked.pop(next(iter(self._asked)))
        return vector

    async def _vectors(self, embedder: Embedder, texts: list[str]) -> list[Any]:
        """What a person wrote was often embedded as a question a moment ago: where that is the same, it is kept."""
        both = set(texts) & self._asked.keys() if embedder.symmetric else ()
        known = {text: self._asked.pop(text) for text in both}
        new = [text for text in texts if text not in known]
        made = iter(await self._embed(embedder.embed_passages, new) if new else ())
        return [known[text] if text in known else next(made) for text in texts]

    async def _one_by_one(self, embedder: Embedder, texts: list[str]) -> list[Any | None]:
        """A vector for each text, or None for those that are refused, though others would be taken."""
        made: list[Any | None] = []
        for text in texts:
            try:
                made += await self._vectors(embedder, [text])
            except TextRefused:
                made.append(None)
        await self._embed(embedder.embed_passages, [_HARMLESS])
        return made

    async def _embed(self, embed: Callable[[list[str]], Awaitable[Any]], texts: list[str]) -> Any:
        self._embedding += 1
        try:
            return await embed(texts)
        finally:
            self._embedding -= 1

    async def vectors(self, texts: list[str]) -> Any | None:
        """Vectors of texts that are not stored yet; None when they can't be made now."""
        if self._embedder is None:
            return None
        try:
            return await self._embed(self._embedder.embed_passages, texts)
        except EmbedderError:
            return None

    async def removed(self, messages: Collection[int], passages: Collection[int]) -> None:
        """Messages of any agent and passages of any archive are gone from SQL: their vectors go too."""
        for agent_id, keys in _by_scope(messages).items():
            await self.index_of_messages.remove(agent_id, keys)
        for archive_id, keys in _by_scope(passages).items():
            index = await self.index_of(archive_id)
            try:
                await index.remove(archive_id, keys)
            except StoreUnavailable as error:
                if index is not self._shared:
                    raise
                # What the rows said is gone; a vector without a row is shown to nobody, and `rebuild` drops it.
                log.error("%s", error)

    async def drop(self, archive_id: int) -> None:
        """All vectors of an archive go; call it while its row is there."""
        await (await self.index_of(archive_id)).drop(archive_id)

    def reread(self, agent: Agent) -> None:
        """The agent's rows were changed by another process, or have other keys in SQL, with their vectors: what memory
        holds of them is void."""
        self.index_of_messages.reread(agent.id)
        self.index_of_own.reread(agent.archive_id)

    async def forget(self, agent: Agent) -> None:
        """The agent is gone from SQL with its own vectors: nothing of them stays in memory."""
        await self.index_of_messages.drop(agent.id)
        await self.index_of_own.drop(agent.archive_id)

    async def rebuild(self, archive_id: int) -> None:
        """Make a shared archive's index anew from SQL, so that nothing deleted is left in it."""
        async with self._one_at_a_time:
            try:
                await self._shared.drop(archive_id)
            except StoreUnavailable:
                await self._renew()
                raise
            async with self._store.write() as session:
                await session.vectors.mark_unindexed("passages", archive_id)
        self._news.set()

    async def _check_embedder(self, embedder: Embedder) -> None:
        """Vectors of two models never mix, nor are those of another index known: what changed begins anew."""
        if self._checked:
            return
        async with self._store.read() as session:
            known = await session.vectors.embedder()
            held_by = await session.meta.get(_SHARED)
        if (known, held_by) != (embedder.name, self._shared.name):
            if known is not None:
                await self._begin_anew(embedder.name, known, held_by or _FIRST_SHARED)
            async with self._store.write() as session:
                await session.vectors.set_embedder(embedder.name)
                await session.meta.put(_SHARED, self._shared.name)
        self._checked = True

    async def _begin_anew(self, embedder: str, known: str, held_by: str) -> None:
        """After vectors by another embedder, or of shared archives in another index."""
        if held_by != self._shared.name:
            log.warning("Shared archives' vectors move from %s to %s.", held_by, self._shared.name)
            await self._shared.renew()
            await self._unmark_shared()
        if known != embedder:
            log.warning("The embedder changed from %s to %s: reindexing.", known, embedder)
            for archive_id in await self._shared_archives():
                await self._shared.drop(archive_id)
            async with self._store.write() as session:
                await session.vectors.mark_all_unindexed()

    async def _shared_archives(self) -> list[int]:
        async with self._store.read() as session:
            return [archive.id for archive in await session.passages.archives() if archive.kind != "own"]

    async def _unmark_shared(self) -> None:
        """All of the shared archives waits for its vectors."""
        shared = await self._shared_archives()
        async with self._store.write() as session:
            for archive_id in shared:
                await session.vectors.mark_unindexed("passages", archive_id)

    async def _batch(self, kind: str, scope: int | None) -> int:
        assert self._embedder is not None
        async with self._one_at_a_time:
            async with self._store.read() as session:
                rows = await session.vectors.unindexed(kind, scope, _CATCH_UP if scope else _BATCH)
            if not rows:
                return 0
            texts = [text for _, _, _, text in rows]
            try:
                vectors = await self._vectors(self._embedder, texts)
            except TextRefused:
                vectors = await self._one_by_one(self._embedder, texts)
            entries = [
                VectorEntry(key=key, uid=uid, audience=audience, text=text, vector=vector)
                for (key, uid, audience, text), vector in zip(rows, vectors, strict=True)
                if vector is not None
            ]
            refused = {row[0]: row[3] for row, vector in zip(rows, vectors, strict=True) if vector is None}
            if refused:
                log.warning("%d %s are found by words alone: the embedder refuses them.", len(refused), kind)
                async with self._store.write() as session:
                    await session.vectors.mark_indexed(kind, refused)
            failed = 0
            for archive, group in groupby(entries, key=lambda entry: scope_of(entry.key)):
                index = self.index_of_messages if kind == "messages" else await self.index_of(archive)
                some = list(group)
                try:
                    await index.add(archive, some)
                except StoreUnavailable as error:
                    if index is not self._shared:
                        raise
                    log.error("%s", error)  # nobody else's rows wait for it
                    failed += len(some)
            if failed:
                await self._renew()
            return len(rows) - failed

    async def _mend(self) -> None:
        """After a doubt: what shared archives' index has lost waits for its vectors again; what can't be read is made
        anew."""
        if not self._doubted:
            return
        self._doubted = False
        async with self._one_at_a_time:
            lost = 0
            try:
                for archive_id in await self._shared_archives():
                    keys = await self._shared.lost(archive_id)
                    lost += len(keys)
                    async with self._store.write() as session:
                        await session.vectors.mark_lost(keys)
            except StoreUnavailable as error:
                log.error("%s", error)
            if lost:
                log.warning("%d vectors of shared archives were lost; they are made anew.", lost)
            else:
                await self._renew()

    async def _renew(self) -> None:
        """What shared archives' index holds is of no use, and can be made anew from SQL."""
        now = time.monotonic()
        if self._renewed is not None and now - self._renewed < _RENEWED_S:
            return
        self._renewed = now
        if await self._shared.renew():
            log.warning("The vector index of shared archives was damaged; it is made anew.")
            await self._unmark_shared()


def _by_scope(keys: Collection[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for key in keys:
        found.setdefault(scope_of(key), []).append(key)
    return found
