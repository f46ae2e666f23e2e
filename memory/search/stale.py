"""What stopped being true: notes that were replaced, and messages that told what these, or lines of core memory that
were replaced, said. Nothing of it comes to mind by itself; searches show it with what holds now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from memory.ports import Session
from memory.records import Agent, Audiences, Message, Passage
from memory.search.names import own_names
from memory.search.telltale import Telltale
from memory.search.terms import query_terms

_LOOKED = 2_000  # characters of a message: what is told in passing tells little
_EDITS = 60  # of core memory, the newest, that are looked through


@dataclass(frozen=True)
class Over:
    """What was so until then."""

    says: Telltale
    until: datetime

    def tells(self, message: Message) -> bool:
        return message.created_at < self.until and self.says.says(message.text[:_LOOKED])


async def overs(session: Session, agent: Agent, audiences: Audiences) -> list[Over]:
    """What stopped being true, of what the agent once noted or held in core memory."""
    closed = await session.passages.closed(agent.archive_id, audiences)
    gone = [(p.text, p.until) for p in closed if p.until is not None]
    gone += await _lines(session, agent, audiences)
    if not gone:
        return []
    known = await own_names(session, agent)
    return [Over(Telltale([text], known), until) for text, until in gone]


async def _lines(session: Session, agent: Agent, audiences: Audiences) -> list[tuple[str, datetime]]:
    """Lines of core memory that were replaced, and when."""
    owner = f"agent:{agent.id}"
    edits = await session.blocks.history(owner, audiences, _EDITS)
    went: list[tuple[str, datetime]] = []
    for edit in edits:
        before, after = dict.fromkeys(edit.before.splitlines()), dict.fromkeys(edit.after.splitlines())
        if not before.keys() >= after.keys():  # else nothing came in its place
            went += [(line, edit.at) for line in before if line not in after]
    if not went:
        return []
    values = [block.value for block in await session.blocks.of(owner, audiences)]
    held = set(query_terms("\n".join(values)))
    # A line that was reworded says the same still: its words are there.
    return [(line, at) for line, at in went if not set(query_terms(line)) <= held]


def is_over(memory: Message | Passage, over: Sequence[Over]) -> bool:
    """Whether a memory holds no more."""
    if isinstance(memory, Passage):
        return memory.until is not None
    return any(each.tells(memory) for each in over)


async def still_true(
    session: Session,
    agent: Agent,
    audiences: Audiences,
    memories: Sequence[tuple[Message | Passage, float]],
) -> list[tuple[Message | Passage, float]]:
    """The memories without what stopped being true."""
    if not memories:
        return []
    over = await overs(session, agent, audiences)
    return [(memory, weight) for memory, weight in memories if not is_over(memory, over)]
