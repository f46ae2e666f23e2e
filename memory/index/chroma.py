"""Shared archives in Chroma: one collection per archive, embedded in a folder or on a Chroma server.

Chroma gets random ids and vectors and nothing else: no text, tag, audience or key ever leaves SQL.
Answers are therefore checked against SQL, under the law of privacy, before anyone sees them.

Of chromadb 1.5.9: its client is synchronous and takes a second and 75 MB to import; an ``upsert`` takes
5,461 rows at most; what is deleted stays in its files (see `drop`); its errors share no base class; its
HTTP client waits for ever; capping its cache of vector graphs gives wrong answers, so it is not capped.

It offers neither a time limit nor a way to leave nothing behind, so two of its private parts are reached into
(26 November 2026): the HTTP clients inside of its own (`_http_clients`), and the list of graphs in its database
(`_graphs`). The version is capped in pyproject.toml, and tests say so when either has moved.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import numpy as np

from memory.errors import StoreUnavailable
from memory.ports import Nearness, Store
from memory.records import Audiences, VectorEntry

P = ParamSpec("P")
T = TypeVar("T")

CHECKED_AT_ONCE = 1_000  # rows per SQL query
READ_AT_ONCE = 5_000  # ids per request when a whole collection is walked
OVERFETCH = 32  # least number of neighbours asked for
SEGMENT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # name of a graph's folder
_PERTURB, _ZEROED = -6, 0xFF  # memory that is taken is filled with the complement of that byte
GRAPH = {"hnsw": {"space": "cosine", "ef_construction": 200, "ef_search": 200}}


class ChromaIndex:
    """`memory.ports.VectorIndex` for shared archives; ``scope`` is an archive's id.

    ``path`` is the folder of an embedded Chroma, made when needed; ``url`` (``http[s]://host[:port]``) is a
    Chroma server to use instead: ``headers`` go with every request to it, which may take ``timeout``
    seconds. Nothing is opened before the first use.

    Every method raises `StoreUnavailable` when Chroma cannot be used. An archive that was never filled
    has no neighbours. `search` is approximate: it may miss a near row, never show a wrong one.
    """

    name = "chroma"

    def __init__(
        self,
        store: Store,
        *,
        path: Path | None = None,
        url: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> None:
        self._store = store
        self._collections: _Collections
        if url is not None:
            self._collections = _ServedCollections(url, headers or {}, timeout)
        elif path is not None:
            self._collections = _Collections(path)
        else:
            raise ValueError("a Chroma index needs a path or a url")
        # One thread, because Chroma's calls block and its folder has one user at a time.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chroma")
        self._closed = False
        self._checked: set[int] = (
            set()
        )  # scopes of which it was asked, since Chroma last failed, what is lost
        self._found_in: set[int] = set()  # scopes in which something was found

    async def add(self, scope: int, entries: Sequence[VectorEntry]) -> None:
        """See `memory.ports.VectorIndex.add`, and `remove` for why the rows must be committed."""
        if not entries:
            return
        latest = {entry.key: entry for entry in entries}.values()
        uids, vectors = [entry.uid for entry in latest], [entry.vector for entry in latest]
        await self._run(self._collections.put, await self._collection(scope), uids, vectors)
        async with self._store.write() as session:
            await session.vectors.mark_indexed("passages", {entry.key: entry.text for entry in latest})

    async def search(
        self, scope: int, vector: Any, audiences: Audiences, limit: int
    ) -> list[tuple[int, float]]:
        """(key, cosine) of the nearest rows of ``scope`` in ``audiences``, best first.

        Rows that SQL does not show are dropped, and more neighbours are asked for until ``limit`` are
        found or there are none left.
        """
        if limit < 1 or (audiences is not None and not audiences):
            return []
        name = await self._collection(scope)
        checked: dict[str, int | None] = {}
        ask = max(2 * limit, OVERFETCH)
        while True:
            near = await self._run(self._collections.nearest, name, vector, ask)
            await self._check(scope, anything=bool(near))
            new = [uid for uid, _ in near if uid not in checked]
            checked |= dict.fromkeys(new) | await self._visible(scope, new, audiences)
            found = [(key, cosine) for uid, cosine in near if (key := checked[uid]) is not None]
            if len(found) >= limit or len(near) < ask:
                return found[:limit]
            ask *= 2

    async def compare(self, scope: int, vector: Any, audiences: Audiences, limit: int) -> Nearness:
        return _Nearest(sorted(await self.search(scope, vector, audiences, limit)))

    async def remove(self, scope: int, keys: Collection[int]) -> None:
        """Idempotent. Removed rows are in no later answer; their bytes stay in Chroma's files until `drop`.

        A row that SQL has already deleted no longer tells its uid; then every vector whose row is gone
        is looked for and removed, which walks the whole collection.
        """
        if not keys:
            return
        name = await self._collection(scope)
        async with self._store.read() as session:
            rows = await session.passages.get(scope, keys, None)
        uids = [row.uid for row in rows]
        if len(rows) < len(set(keys)):
            uids += await self._orphans(name)
        if uids:
            await self._run(self._collections.delete, name, uids)
        self._own_doing(scope)

    async def drop(self, scope: int) -> None:
        """Remove all of a scope, from the disk too when embedded. Idempotent; `add` begins anew.

        Call it while the archive's row still exists, for the row names the collection.
        """
        await self._run(self._collections.drop, await self._collection(scope))
        self._own_doing(scope)

    def reread(self, scope: int) -> None:
        pass  # the server has them

    async def lost(self, scope: int) -> list[int]:
        """See `memory.ports.VectorIndex.lost`. It walks the collection only where that holds too few vectors."""
        name = await self._collection(scope)
        held = await self._run(self._collections.count, name)
        async with self._store.read() as session:
            if held >= await session.vectors.count_indexed(scope):
                return []
            indexed = await session.vectors.indexed_uids(scope)
        there = set(await self._run(self._collections.uids, name))
        return [key for uid, key in indexed.items() if uid not in there]

    async def renew(self) -> bool:
        """Delete the folder, whatever is in it; a server's files are its own affair."""
        return await self._run(self._collections.renew)

    async def close(self) -> None:
        """Let go of the folder or the connection. Idempotent; nothing may be called after it."""
        if self._closed:
            return
        self._closed = True
        await self._run(self._collections.close)
        self._worker.shutdown(wait=False)

    async def _collection(self, scope: int) -> str:
        async with self._store.read() as session:
            return (await session.passages.archive(scope)).collection

    async def _visible(self, scope: int, uids: Sequence[str], audiences: Audiences) -> dict[str, int]:
        """Keys, by uid, of the rows that exist in ``scope`` and may be seen in ``audiences``."""
        visible: dict[str, int] = {}
        async with self._store.read() as session:
            for part in _parts(uids, CHECKED_AT_ONCE):
                keys = await session.passages.keys_of(part)
                rows = await session.passages.get(scope, list(keys.values()), audiences)
                visible |= {row.uid: row.key for row in rows}
        return visible

    async def _orphans(self, name: str) -> list[str]:
        held = await self._run(self._collections.uids, name)
        orphans: list[str] = []
        async with self._store.read() as session:
            for part in _parts(held, CHECKED_AT_ONCE):
                alive = await session.passages.keys_of(part)
                orphans += [uid for uid in part if uid not in alive]
        return orphans

    async def _check(self, scope: int, *, anything: bool) -> None:
        """Raise `StoreUnavailable` where vectors were lost: by a server that was put back from an older copy, or began
        anew with nothing. It is looked for at the first search, after a failure, and where nothing is found any more.
        """
        if anything:
            self._found_in.add(scope)
        elif scope in self._found_in:
            self._found_in.discard(scope)
            self._checked.discard(scope)
        if scope not in self._checked:
            self._checked.add(scope)  # once: rows that an embedder refuses have no vector, and are not lost
            if lost := await self.lost(scope):
                raise StoreUnavailable(
                    f"The vector index of shared archives, {self._collections.setting}, has lost {len(lost)} vectors: "
                    "they are made anew."
                )

    def _own_doing(self, scope: int) -> None:
        """What we took out ourselves is not lost."""
        self._found_in.discard(scope)
        self._checked.add(scope)

    async def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call in the worker thread, with every error of Chroma's mapped."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._worker, lambda: call(*args, **kwargs))
        except Exception as exc:  # Chroma raises its own, httpx's, sqlite3's, ValueError, bare Exception
            self._checked.clear()  # it may come back with less
            why = " ".join(str(exc).split())[:200] or type(exc).__name__
            raise StoreUnavailable(
                f"The vector index of shared archives, {self._collections.setting}, cannot be used: {why}"
            ) from exc


class _Nearest:
    """`memory.ports.Nearness` of the nearest rows, by key: of others it is known that they are no nearer.

    It is the bare cosine: the nearest alone do not tell how the cosines of an archive are spread.
    """

    scale = 1.0

    def __init__(self, near: Sequence[tuple[int, float]]) -> None:
        self.keys = np.array([key for key, _ in near], np.int64)
        self.nearness = np.array([cosine for _, cosine in near], np.float32)
        self.best = float(self.nearness.max(initial=0.0))

    def of(self, keys: Any) -> Any:
        if not len(self.keys):
            return np.zeros(len(keys), np.float32)
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[at] == keys, self.nearness[at], self.nearness.min())

    def likeness(self, keys: Any, others: Any) -> Any:
        return np.zeros((len(keys), len(others)))  # their vectors stay with Chroma


def clear_memory() -> None:
    """From now on memory that is taken holds nothing of what was in it before (glibc's M_PERTURB, mallopt(3)).

    Chroma's graphs (hnswlib) write whole blocks of memory to disk of which they have filled a part: what once lay
    there, such as a text that is to be forgotten, would go along.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_PERTURB, _ZEROED)


class _Collections:
    """An embedded Chroma's collections, by name. Synchronous; used by the worker thread alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._client: Any = None
        self.setting = f"{path} (under data_dir)"

    def put(self, name: str, uids: Sequence[str], vectors: Sequence[Any]) -> None:
        client = self._open()
        collection = client.get_or_create_collection(name, embedding_function=None, configuration=GRAPH)
        size = client.get_max_batch_size()
        for at in range(0, len(uids), size):
            collection.upsert(ids=uids[at : at + size], embeddings=list(vectors[at : at + size]))

    def nearest(self, name: str, vector: Any, limit: int) -> list[tuple[str, float]]:
        """(uid, cosine), best first; fewer than ``limit`` when there are no more."""
        from chromadb.errors import NotFoundError

        try:
            answer = self._get(name).query(query_embeddings=[vector], n_results=limit, include=["distances"])
        except NotFoundError:
            return []
        pairs = zip(answer["ids"][0], answer["distances"][0], strict=True)
        return [(uid, 1.0 - float(distance)) for uid, distance in pairs]

    def count(self, name: str) -> int:
        from chromadb.errors import NotFoundError

        try:
            return int(self._get(name).count())
        except NotFoundError:
            return 0

    def uids(self, name: str) -> list[str]:
        from chromadb.errors import NotFoundError

        found: list[str] = []
        with suppress(NotFoundError):
            collection = self._get(name)
            while part := collection.get(limit=READ_AT_ONCE, offset=len(found), include=[])["ids"]:
                found += part
        return found

    def delete(self, name: str, uids: Sequence[str]) -> None:
        from chromadb.errors import NotFoundError

        with suppress(NotFoundError):
            collection = self._get(name)
            for part in _parts(uids, self._open().get_max_batch_size()):
                collection.delete(ids=part)

    def drop(self, name: str) -> None:
        """Delete the collection, and what Chroma leaves of it on the disk."""
        self._delete_collection(name)
        self.close()  # its connections would keep the file from shrinking
        self._scrub()

    def renew(self) -> bool:
        with suppress(Exception):  # it is damaged: it may not even close
            self.close()
        self._client = None
        shutil.rmtree(self._path, ignore_errors=True)
        return True

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _open(self) -> Any:
        if self._client is None:
            self._client = self._connect()
        return self._client

    def _connect(self) -> Any:
        import chromadb

        self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
        clear_memory()
        return chromadb.PersistentClient(path=str(self._path), settings=_settings())

    def _get(self, name: str) -> Any:
        # Without the argument Chroma would make, and download, an embedding model of its own.
        return self._open().get_collection(name, embedding_function=None)

    def _delete_collection(self, name: str) -> None:
        from chromadb.errors import NotFoundError

        with suppress(NotFoundError):
            self._open().delete_collection(name)

    def _scrub(self) -> None:
        """Overwrite freed pages of Chroma's own database; remove the folders of graphs it has forgotten."""
        with closing(sqlite3.connect(self._path / "chroma.sqlite3", timeout=30)) as database:
            database.execute("VACUUM")
            listed = _graphs(database)
        for folder in self._path.iterdir():
            if folder.is_dir() and SEGMENT.fullmatch(folder.name) and folder.name not in listed:
                shutil.rmtree(folder)


class _ServedCollections(_Collections):
    """The same on a Chroma server, whose files are its own affair."""

    def __init__(self, url: str, headers: Mapping[str, str], timeout: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise ValueError("the url of a Chroma server is http[s]://host[:port]")
        self._host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self._ssl = parts.scheme == "https"
        self._port = parts.port or (443 if self._ssl else 8000)
        self._headers, self._timeout = dict(headers), timeout
        self._address = f"{parts.scheme}://{self._host}:{self._port}"
        self._client = None
        self.setting = f"[index] chroma_url = {self._address}"

    def drop(self, name: str) -> None:
        self._delete_collection(name)

    def renew(self) -> bool:
        return False

    def close(self) -> None:
        if self._client is not None:  # Chroma's own close leaves the sockets of both its clients open
            for http in _http_clients(self._client):
                http.close()
        super().close()

    def _connect(self) -> Any:
        import chromadb
        import httpx

        # Chroma's client has no timeout of its own: ask once whether the server answers at all, ...
        heartbeat = f"{self._address}/api/v2/heartbeat"
        httpx.get(
            heartbeat, headers=self._headers, timeout=self._timeout, verify=self._ssl
        ).raise_for_status()
        client = chromadb.HttpClient(
            host=self._host,
            port=self._port,
            ssl=self._ssl,
            headers=dict(self._headers),
            settings=_settings(tls=self._ssl),
        )
        for http in _http_clients(client):
            http.timeout = self._timeout  # ... and bound every later request.
        return client


def _graphs(database: sqlite3.Connection) -> set[str]:
    """Names of the folders of all vector graphs that an embedded Chroma knows."""
    return {str(row[0]) for row in database.execute("SELECT id FROM segments")}


def _http_clients(client: Any) -> list[Any]:
    """The two `httpx.Client` inside of a Chroma client for a server."""
    return [part._server._session for part in (client, client._admin_client)]


def _settings(*, tls: bool = True) -> Any:
    """Without ``tls`` no certificates are read: that takes longer than all else of a connection."""
    from chromadb.config import Settings

    return Settings(
        _env_file=None,  # another program's is not ours to read
        anonymized_telemetry=False,
        chroma_server_ssl_verify=None if tls else False,
    )


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]
