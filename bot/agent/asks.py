"""Calls that wait for the person's word: how they are asked, and how a turn goes on once they have answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.agent.context import call_id
from bot.agent.job import Job
from bot.agent.tools.desk import Desk
from bot.events import CallAnswered
from bot.language import gettext, marked, spoken
from bot.ports import ModelReply, ToolCall
from memory.records import Ask, Conversation, InboxRow, OutboxRow

KIND = "question"
"""Of a post that asks the person for their word."""
_SHOWN = 1_200  # characters of the arguments that the person is shown
_MAY_I = marked("May I use {tool} with this?\n```\n{arguments}\n```")
_MORE = marked("… and {n} more characters")


def questions(job: Job, desk: Desk, place: Conversation) -> list[OutboxRow]:
    """A post for each call of the step that waits, with a button for yes and one for no."""
    rows = []
    for number, ask in enumerate(desk.asks):
        with spoken(job.language):
            text, yes, no = _question(ask), gettext("Yes, do it"), gettext("No")
        rows.append(
            OutboxRow(
                id=f"{desk.key}/{len(desk.posts) + number}",
                agent_id=job.agent.id,
                conversation_id=place.id,
                address=place.address,
                turn_id=job.turn.id,
                kind=KIND,
                text=text,
                in_reply_to=job.answers,
                created_at=desk.now,
                actions=((yes, "allow", f"{ask.id} yes"), (no, "allow", f"{ask.id} no")),
            )
        )
    return rows


def _question(ask: Ask) -> str:
    shown = ask.arguments.replace("`", "'")
    more = len(shown) - _SHOWN
    if more > 0:
        shown = f"{shown[:_SHOWN]} {gettext(_MORE, n=more)}"
    return gettext(_MAY_I, tool=ask.tool, arguments=shown)


def answers(rows: Sequence[InboxRow], *, allowed: bool) -> list[InboxRow]:
    """Those of a turn's events by which calls are allowed, or refused."""
    return [row for row in rows if row.kind == CallAnswered.kind and row.payload.get("allowed") is allowed]


def ask_of(row: InboxRow) -> Ask:
    """The call that an event of `answers` is about."""
    told = row.payload
    return Ask(
        id=str(told["ask"]),
        agent_id=row.agent_id,
        conversation_id=row.conversation_id,
        turn_id=str(told["turn"]),
        tool=str(told["tool"]),
        arguments=str(told["arguments"]),
        created_at=datetime.fromisoformat(str(told["at"])),
    )


def answered(job: Job) -> ModelReply | None:
    """The first step of a turn in which the person has answered: the very calls that waited, made without asking the
    model anew; None in every other step."""
    asks = (*job.granted, *job.declined)
    if not asks or job.turn.steps:
        return None
    calls = tuple(
        ToolCall(id=call_id(f"{job.step_key}/{number}"), name=ask.tool, arguments=ask.arguments)
        for number, ask in enumerate(asks)
    )
    return ModelReply(text="", calls=calls)
