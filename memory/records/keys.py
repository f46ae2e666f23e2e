"""Keys of messages and passages.

A message's key is ``agent_id << 32 | seq``, a passage's is ``archive_id << 32 | seq``: one integer range is one agent's
recall storage or one archive, so that "only this agent's rows" is a range condition which no query can leave out (see
`scope_range`).
"""

from __future__ import annotations

SEQ_BITS = 32


def scope_range(scope: int) -> tuple[int, int]:
    """First and last key (both included) of an agent's messages or an archive's passages."""
    return scope << SEQ_BITS, (scope << SEQ_BITS) | 0xFFFF_FFFF


def scope_of(key: int) -> int:
    """The agent (of a message key) or the archive (of a passage key)."""
    return key >> SEQ_BITS
