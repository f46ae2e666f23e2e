"""What was said to a question: the line that follows it in its conversation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from memory.ports import Session
from memory.records import Audiences, Message
from memory.search.course import LINES, Course, is_question
from memory.search.namesakes import told_apart

REACH = 120
"""Positions on either side of a message that are looked at for its talk."""


async def course_of(session: Session, agent_id: int, keys: Sequence[int], audiences: Audiences) -> Course:
    """The messages around these keys, those that may be seen in ``audiences``."""
    return Course(await session.messages.around(agent_id, keys, audiences, REACH), REACH)


async def course_behind(session: Session, agent_id: int, keys: Sequence[int], audiences: Audiences) -> Course:
    """These messages and what follows them, which is all that `answers` looks at."""
    return Course(await session.messages.following(agent_id, keys, audiences, REACH, LINES), REACH)


async def answers(
    session: Session,
    agent_id: int,
    rows: Sequence[Message],
    course: Course,
    audiences: Audiences,
    leave_out: Collection[int],
) -> Mapping[int, Message]:
    """What was said to those of the rows that ask something, by their keys."""
    asking = {row.key: course.answer(row.key) for row in rows if is_question(row.text)}
    keys = [key for key in asking.values() if key is not None and key not in leave_out]
    rows = await told_apart(session, await session.messages.get(agent_id, keys, audiences))
    found = {row.key: row for row in rows}
    return {key: found[answer] for key, answer in asking.items() if answer in found}
