"""An embedder over an OpenAI-compatible embeddings endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from memory.errors import EmbedderError, TextRefused

if TYPE_CHECKING:
    from openai import AsyncOpenAI

MAX_BATCH = 128  # texts in one request
MAX_BATCH_CHARACTERS = 200_000  # OpenAI takes 300,000 tokens in one request
MAX_CHARACTERS = 8_000  # of one text: within 8,192 tokens in nearly any language
_OF_THE_TEXT = frozenset({400, 413, 422})  # refusals that may be for what was sent


class EndpointEmbedder:
    """Implements `memory.ports.Embedder`. Texts beyond 8,000 characters are cut there.

    ``dimensions`` is 0 until the first answer, which sets it for good. ``timeout`` is in seconds and
    counts per request; a request that failed for a passing reason is tried ``retries`` times more.
    An empty ``api_key`` is for servers that want none.
    """

    def __init__(
        self, *, base_url: str, model: str, api_key: str = "", timeout: float = 30.0, retries: int = 1
    ) -> None:
        self.name = f"endpoint/{model}"
        self.dimensions = 0
        self.symmetric = True
        self._model = model
        self._base_url = base_url
        self._api_key = api_key or "none"  # the client insists on one
        self._timeout = timeout
        self._retries = retries
        self._client: AsyncOpenAI | None = None
        self._closed = False

    async def embed_queries(self, texts: Sequence[str]) -> Any:
        """As `embed_passages`."""
        return await self.embed_passages(texts)

    async def embed_passages(self, texts: Sequence[str]) -> Any:
        """See `memory.ports.Embedder`. With no texts before the first answer the shape is (0, 0)."""
        import numpy as np

        if self._closed:
            raise EmbedderError("The embedder is closed.")
        rows = [await self._request(batch) for batch in _batches([_clean(text) for text in texts])]
        return np.concatenate(rows) if rows else np.zeros((0, self.dimensions), np.float32)

    def telling(self, vector: Any) -> float | None:
        """Nobody knows of a model of one's own choice."""
        return None

    async def close(self) -> None:
        """Close its connections. Later calls fail with `EmbedderError`."""
        self._closed = True
        if self._client is not None:
            await self._client.close()

    async def _request(self, texts: list[str]) -> Any:
        await asyncio.to_thread(__import__, "openai")  # takes most of a second
        import httpx2
        import openai

        body = {"model": self._model, "input": texts, "encoding_format": "float"}
        try:
            # The low-level call: the typed one checks every number of the answer in Python.
            answer = await self._connected().post("/embeddings", body=body, cast_to=httpx2.Response)
            return self._vectors(answer.json(), len(texts))
        except openai.APIStatusError as error:
            kind = TextRefused if error.status_code in _OF_THE_TEXT else EmbedderError
            raise kind(f"The embeddings endpoint refused: {error.message}") from error
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise EmbedderError(f"The embeddings endpoint cannot be reached: {error}") from error
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise EmbedderError(f"The embeddings endpoint's answer is not understood: {error!r}") from error

    def _connected(self) -> AsyncOpenAI:
        if self._client is None:
            from openai import AsyncOpenAI

            self._client = AsyncOpenAI(
                base_url=self._base_url,
                api_key=self._api_key,
                timeout=self._timeout,
                max_retries=self._retries,
            )
        return self._client

    def _vectors(self, answer: Any, count: int) -> Any:
        """The answer's vectors as unit rows, in the order of the request."""
        import numpy as np

        data = sorted(answer["data"], key=lambda item: item["index"])
        if [item["index"] for item in data] != list(range(count)):
            raise ValueError(f"{len(data)} vectors for {count} texts")
        vectors = np.array([item["embedding"] for item in data], np.float32)
        if vectors.ndim != 2 or vectors.shape[1] != (self.dimensions or vectors.shape[1]):
            raise ValueError(f"vectors of shape {vectors.shape}, not of {self.dimensions} numbers")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and lengths.all()):
            raise ValueError("a vector without a direction")
        self.dimensions = vectors.shape[1]
        return vectors / lengths


def _clean(text: str) -> str:
    """What every server takes: valid Unicode, no NUL, not blank, not endless."""
    text = text.lstrip()[:MAX_CHARACTERS].replace("\0", " ").encode(errors="replace").decode()
    return text if text.strip() else "-"


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and (len(batch) == MAX_BATCH or size + len(text) > MAX_BATCH_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch
