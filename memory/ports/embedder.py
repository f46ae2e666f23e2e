"""Embedders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Embedder(Protocol):
    """Texts to unit vectors. ``name`` names model and version; vectors of two names never mix."""

    name: str
    dimensions: int
    symmetric: bool
    """Whether the same text has the same vector as a question and as a passage."""

    async def embed_passages(self, texts: Sequence[str]) -> Any:
        """Of what is to be found: a float32 array of shape (len(texts), dimensions), rows of unit length.

        Raises `EmbedderError` when vectors cannot be made now, `TextRefused` when it may be for one of the texts.
        """
        ...

    async def embed_queries(self, texts: Sequence[str]) -> Any:
        """The same, of what is looked for."""
        ...

    def telling(self, vector: Any) -> float | None:
        """Whether what a question's vector stands for is about something at all, or small talk, in log odds; None where
        this model's vectors were never asked that."""
        ...
