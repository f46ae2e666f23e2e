"""An embedder without a model: texts that share words are near each other."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np

from memory.errors import EmbedderError, TextRefused
from memory.search.terms import digest_words


class WordsEmbedder:
    """A bag of hashed words, of unit length; the same in every process.

    While ``down`` is set it raises, and whenever a text holds the word ``refused``. ``meanwhile`` is awaited
    once while texts are being embedded, for what happens to their rows behind the embedder's back.
    """

    def __init__(self, name: str = "words-1", dimensions: int = 1024) -> None:
        self.name = name
        self.dimensions = dimensions
        self.symmetric = True
        self.down = False
        self.refused: str | None = None
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        self.embedded: list[str] = []

    async def embed_queries(self, texts: Sequence[str]) -> Any:
        return await self.embed_passages(texts)

    async def embed_passages(self, texts: Sequence[str]) -> Any:
        if self.down:
            raise EmbedderError("The embedder is down.")
        if self.refused is not None and any(self.refused in text for text in texts):
            raise TextRefused("The embedder refused.")
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        self.embedded += texts
        return np.stack([self.vector(text) for text in texts])

    def telling(self, vector: Any) -> float | None:
        return None

    def vector(self, text: str) -> Any:
        vector = np.zeros(self.dimensions, np.float32)
        for word in digest_words(text).split() or [""]:
            vector[zlib.crc32(f"{self.name} {word}".encode()) % self.dimensions] += 1
        return vector / np.linalg.norm(vector)
