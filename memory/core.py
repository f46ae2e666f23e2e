"""Edits of core memory blocks, under their limits. Pure: a value in, a value out, or a `Mendable` error
whose text tells the model what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from memory.errors import BlockLimitExceeded, BlockNotFound, BlockReadOnly, TextNotFound, TextNotUnique
from memory.records import Block
from memory.search.terms import digest_words

_BULLET = re.compile(r"\s*[-*•–]\s+")
_MUCH = 10  # times a block's limit that is not looked at line by line
_TELLING = 3  # letters and digits of a line that says something: a brace or a rule may well stand twice


def find(blocks: Iterable[Block], label: str) -> Block:
    """The block of that label. Raises `BlockNotFound`, naming those that exist."""
    known = list(blocks)
    for block in known:
        if block.label == label:
            return block
    labels = ", ".join(block.label for block in known) or "none"
    raise BlockNotFound(f"There is no core memory block labelled {label!r}. Blocks: {labels}.")


def append(block: Block, content: str) -> Block:
    """The block with ``content`` on lines of its own at the end, without those that it holds already."""
    if len(content) > _MUCH * block.limit:
        return rethink(block, block.value + content)  # whatever of it is known: it does not fit
    known = {said for line in block.value.splitlines() if (said := _said(line))}
    lines = [line for line in content.splitlines() if _said(line) not in known]
    if content.strip() and not "".join(lines).strip():
        return rethink(block, block.value)
    added = "\n".join(lines)
    return rethink(block, f"{block.value}\n{added}" if block.value else added)


def _said(line: str) -> str:
    """What a line says: equal but for case, blanks, its final mark and the sign of a list."""
    said = digest_words(line[bullet.end() :] if (bullet := _BULLET.match(line)) else line)
    return said if sum(map(str.isalnum, said)) >= _TELLING else ""


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
