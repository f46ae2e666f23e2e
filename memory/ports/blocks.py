"""Core memory blocks and their history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from memory.records import Agent, Audience, Audiences, Block, BlockEdit


class Blocks(Protocol):
    """An owner is ``agent:<id>`` or ``persona:<id>``. It has one block of a label in an audience, at most."""

    async def visible(self, agent: Agent, audience: Audience) -> list[Block]:
        """The persona's blocks, then the agent's of ``audience``, then (private only) its other ones, read-only and
        labelled ``<label>@<audience>``; each kind oldest first."""
        ...

    async def newest_edit(self) -> int:
        """The number of the newest edit of any block; 0 when there is none."""
        ...

    async def as_after(self, blocks: Sequence[Block], edit: int) -> list[Block]:
        """The blocks with the values that they had after that edit, as far as their history tells; what a person
        has changed since (an edit of no turn) is changed there, too."""
        ...

    async def create(self, block: Block, now: datetime) -> Block:
        """As a new one, of version 1, with an id of its own. Fails when the owner is gone: nothing would ever delete it
        again."""
        ...

    async def of(self, owner: str, audiences: Audiences) -> list[Block]:
        """The owner's own, oldest first."""
        ...

    async def restore(self, block: Block, edits: Sequence[BlockEdit], now: datetime) -> None:
        """Put a block back with its past, oldest edit first; the ids in them are given anew. One of the same
        owner, label and audience must not exist."""
        ...

    async def put(self, block_id: int, value: str, turn_id: str | None, now: datetime) -> None:
        """Replace the value, keeping the previous one and the turn that made the edit. The block must exist."""
        ...

    async def reshape(self, block_id: int, limit: int, description: str) -> None:
        """Change what a block says of itself."""
        ...

    async def delete(self, block_id: int) -> None:
        """The block with its history."""
        ...

    async def history(self, owner: str, audiences: Audiences, limit: int | None = 100) -> list[BlockEdit]:
        """Edits, newest first."""
        ...

    async def unlearn(self, block_id: int, gone: Callable[[str], bool]) -> list[dict[str, Any]]:
        """Take the lines that are ``gone`` out of the block's history: the entries that held any, as they were, as
        JSON can hold them."""
        ...

    async def relearn(self, entries: Sequence[dict[str, Any]]) -> None:
        """Put entries back that `unlearn` gave, those whose block still is there."""
        ...

    async def edits_of(self, turn_id: str) -> list[BlockEdit]:
        """Edits made by a turn, newest first."""
        ...
