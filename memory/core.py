"""Edits of core memory blocks, under their limits. Pure: a value in, a value out, or a `Mendable` error
whose text tells the model what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from memory.errors import BlockLimitExceeded, BlockNotFound, BlockReadOnly, TextNotFound, TextNotUnique
from memory.records import Block


def find(blocks: Iterable[Block], label: str) -> Block:
    """The block of that label. Raises `BlockNotFound`, naming those that exist."""
    known = list(blocks)
    for block in known:
        if block.label == label:
            return block
    labels = ", ".join(block.label for block in known) or "none"
    raise BlockNotFound(f"There is no core memory block labelled {label!r}. Blocks: {labels}.")


def append(block: Block, content: str) -> Block:
    """The block with ``content`` on a line of its own at the end."""
    return rethink(block, f"{block.value}\n{content}" if block.value else content)


def replace_text(block: Block, old: str, new: str) -> Block:
    """The block with its one occurrence of ``old`` replaced; an empty ``new`` deletes it."""
    if not old:
        raise TextNotFound("old_content is empty: give the exact text to replace.")
    # Overlapping ones count, too: which of them was meant is as unclear.
    occurrences = sum(block.value.startswith(old, at) for at in range(len(block.value)))
    if occurrences == 0:
        raise TextNotFound(
            f"{old!r} is not in the block {block.label!r}; it must match exactly. The block now reads:\n{block.value}"
        )
    if occurrences > 1:
        raise TextNotUnique(
            f"{old!r} occurs {occurrences} times in the block {block.label!r}: "
            "give a longer old_content that occurs once."
        )
    value = block.value.replace(old, new)
    if not new:
        value = "\n".join(line for line in value.splitlines() if line.strip())
    return rethink(block, value)


def rethink(block: Block, value: str) -> Block:
    """The block with a new value. Raises `BlockReadOnly` or `BlockLimitExceeded`."""
    if block.read_only:
        raise BlockReadOnly(f"The block {block.label!r} is read-only here; it was not changed.")
    if len(value) > block.limit:
        raise BlockLimitExceeded(
            f"The block {block.label!r} would hold {len(value)} characters; its limit is {block.limit} and it "
            f"holds {len(block.value)} now. Nothing was changed. Condense it with core_memory_replace, or put "
            "the details into archival storage with archival_memory_insert."
        )
    return replace(block, value=value)
