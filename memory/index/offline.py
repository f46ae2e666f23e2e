"""An embedder without a network: a language model's encoder as an int8 ONNX graph, on one thread, with no torch.

The weights come from a package whose files are read and whose code is never imported. The graph is built from them
once (a few seconds) and kept as a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import hashlib
import importlib.util
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from memory.errors import EmbedderError
from memory.index.bert_graph import FORM, HIDDEN

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_TOKENS = 256  # what is read of a text
MAX_CHARACTERS = 4_000  # far more than 256 tokens of any language; keeps the tokenizer from reading 1 MB
MAX_BATCH = 32  # texts in one run
BATCH_TOKENS = 256  # and their tokens with padding: more fall out of the processor's cache (measured)
STALE_SECONDS = 3600.0  # a half-built file of a killed process is removed after this


class Reader(Protocol):
    """Texts to what the graph takes."""

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids, at most `MAX_TOKENS` for each text."""
        ...

    def inputs(self, tokens: Sequence[Sequence[int]]) -> dict[str, Any]:
        """The graph's inputs for one batch, by name."""
        ...


class Model(Protocol):
    """A model's files, and what is made of them."""

    name: str
    """Of model and graph, with its version: vectors of two names never mix."""
    package: str
    """What brings the files."""
    file: str
    """The weights, from the package's folder."""
    sha256: str
    """Theirs."""
    symmetric: bool
    """Whether questions and passages are embedded alike."""

    def graph(self, weights: Path) -> bytes: ...
    def reader(self, weights: Path) -> Reader: ...
    def query(self, text: str) -> str:
        """A question as the model wants it."""
        ...

    def passage(self, text: str) -> str: ...
    def finished(self, vectors: NDArray[np.float32], *, query: bool) -> NDArray[np.float32]:
        """The graph's vectors, as unit rows that can be compared."""
        ...

    def telling(self, vector: NDArray[np.float32]) -> float | None:
        """See `memory.ports.Embedder`."""
        ...


def find_weights(model: Model) -> Path | None:
    """The model's file, or None where the package is not installed."""
    try:
        spec = importlib.util.find_spec(model.package.replace("-", "_"))
    except (ImportError, ValueError):  # a broken installation
        return None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / model.file).is_file():
            return path
    return None


class OfflineEmbedder:
    """Implements `memory.ports.Embedder`. Texts beyond 256 tokens are cut there.

    ``models`` is the folder for the built graph, made when it is missing. Nothing is read, built or
    loaded before the first text. Calls are answered in the order they were made, all in one thread.
    ``weights`` is the model's file, or None where it is not installed.
    """

    dimensions = HIDDEN

    def __init__(self, model: Model, models: Path, weights: Path | None) -> None:
        self.name = model.name
        self.symmetric = model.symmetric
        self._model = model
        self._models = models
        self._weights = weights
        self._engine: _Engine | None = None
        self._closed = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedder")

    async def embed_passages(self, texts: Sequence[str]) -> Any:
        """See `memory.ports.Embedder`. Any text will do: empty, huge, or not valid Unicode."""
        return await self._run([self._model.passage(_clean(text)) for text in texts], query=False)

    async def embed_queries(self, texts: Sequence[str]) -> Any:
        """See `memory.ports.Embedder`. Any text will do."""
        return await self._run([self._model.query(_clean(text)) for text in texts], query=True)

    def telling(self, vector: Any) -> float | None:
        """See `memory.ports.Embedder`."""
        return self._model.telling(vector)

    async def close(self) -> None:
        """End the thread. A call under way fails with `EmbedderError` after its present batch."""
        self._closed = True
        await asyncio.to_thread(self._thread.shutdown)

    async def _run(self, texts: list[str], *, query: bool) -> Any:
        if self._closed:
            raise EmbedderError("The embedder is closed.")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._embed, texts, query)

    def _embed(self, texts: list[str], query: bool) -> NDArray[np.float32]:
        import numpy as np

        vectors = np.zeros((len(texts), HIDDEN), np.float32)
        with _sentences(self._models):
            if self._engine is None:
                self._engine = _load(self._model, self._models, self._weights)
                _tidy()
            tokens = self._engine.reader.tokens(texts)
            for batch in _batches([len(ids) for ids in tokens]):
                if self._closed:
                    raise EmbedderError("The embedder was closed.")
                vectors[batch] = self._engine.run([tokens[i] for i in batch])
            return self._model.finished(vectors, query=query)


class _Engine:
    """Reader and graph, loaded. Blocking; not for several threads."""

    def __init__(self, reader: Reader, graph: Path) -> None:
        onnxruntime = _onnxruntime()
        self.reader = reader
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # shapes differ from run to run
        options.log_severity_level = 4  # fatal; errors are raised anyway
        self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])

    def run(self, tokens: Sequence[Sequence[int]]) -> Any:
        return self._session.run(None, self.reader.inputs(tokens))[0]


def padded(tokens: Sequence[Sequence[int]], padding: int) -> tuple[Any, Any]:
    """Ids (int64) and mask (float32: 1 for a token) of a batch, as long as its longest text."""
    import numpy as np

    ids = np.full((len(tokens), max(map(len, tokens))), padding, np.int64)
    mask = np.zeros(ids.shape, np.float32)
    for row, values in enumerate(tokens):
        ids[row, : len(values)] = values
        mask[row, : len(values)] = 1
    return ids, mask


def _clean(text: str) -> str:
    return text.lstrip()[:MAX_CHARACTERS].encode(errors="replace").decode()


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Positions in groups of similar length, so that little is computed for padding."""
    batch: list[int] = []
    for position in sorted(range(len(lengths)), key=lengths.__getitem__):
        full = len(batch) == MAX_BATCH or (len(batch) + 1) * lengths[position] > BATCH_TOKENS
        if batch and full:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch


def _load(model: Model, models: Path, weights: Path | None) -> _Engine:
    """The engine, its graph built if it is not there or cannot be read."""
    if weights is None:
        raise EmbedderError(f"The embedder's weights are missing: install the package {model.package}.")
    name = model.name.replace("/", "-")
    graph = models / f"{name}{FORM}.onnx"
    reader = model.reader(_checked(weights, model.sha256))
    if graph.is_file():
        with contextlib.suppress(*_vendor_errors()):  # damaged on disk: build it anew
            return _Engine(reader, graph)
    _write(graph, model.graph(weights))
    for other in models.glob(f"{name}*.onnx"):
        if other != graph:
            other.unlink(missing_ok=True)  # of another form
    return _Engine(reader, graph)


def _tidy() -> None:
    """What loading took and needs no more goes back to the system: glibc would keep it (measured: 24 MB of 235)."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # there is no such function elsewhere
        ctypes.CDLL(None).malloc_trim(0)


def _checked(path: Path, sha256: str) -> Path:
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise EmbedderError(f"The file {path} is not the one expected; reinstall it.")
    return path


def _onnxruntime() -> Any:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when onnxruntime is first imported
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def _vendor_errors() -> tuple[type[Exception], ...]:
    """Everything that onnxruntime raises; its exceptions have no base of their own."""
    state = _onnxruntime().capi.onnxruntime_pybind11_state
    return tuple(v for v in vars(state).values() if isinstance(v, type) and issubclass(v, Exception))


@contextlib.contextmanager
def _sentences(models: Path) -> Iterator[None]:
    """Failures as `EmbedderError`, in one sentence."""
    try:
        yield
    except OSError as error:
        raise EmbedderError(f"The embedder's model in {models} cannot be read or written: {error}") from error
    except ImportError as error:
        raise EmbedderError(f"The embedder needs a package that is not installed: {error}") from error
    except MemoryError as error:
        raise EmbedderError("The embedder ran out of memory.") from error
    except EmbedderError:
        raise
    except _vendor_errors() as error:
        raise EmbedderError(f"The embedder's model in {models} does not run: {error}") from error


def _write(graph: Path, data: bytes) -> None:
    """The graph appears whole or not at all, whatever else builds it or kills this process."""
    graph.parent.mkdir(parents=True, exist_ok=True)
    for part in graph.parent.glob(".graph-*.part"):
        with contextlib.suppress(FileNotFoundError):  # another process removes them too
            if part.stat().st_mtime < time.time() - STALE_SECONDS:
                part.unlink()
    handle, name = tempfile.mkstemp(prefix=".graph-", suffix=".part", dir=graph.parent)
    try:
        with os.fdopen(handle, "wb") as part_file:
            part_file.write(data)
            part_file.flush()
            os.fsync(part_file.fileno())
        os.replace(name, graph)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
