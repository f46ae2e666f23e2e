"""Embedders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Embedder(Protocol):
    """Texts to unit vectors. ``name`` names model and version; vectors of two names never mix."""

    name: str
    dimensions: int

    async def embed(self, texts: Sequence[str]) -> Any:
        """float32 array of shape (len(texts), dimensions), rows of unit length.

        Raises `EmbedderError` when vectors cannot be made now, `TextRefused` when it may be for one of the texts.
        """
        ...
