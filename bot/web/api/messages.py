"""What was said."""

from __future__ import annotations

from datetime import timedelta

from bot.agent.tools.unwanted import Unwanted
from bot.errors import NotThere
from bot.web.api import shapes
from bot.web.api.asking import Asked, Done
from bot.web.api.lists import begin_of, cursors_of, end_of, microseconds, moment
from memory.records import PRIVATE, SEQ_BITS, Lines, Message


async def page(asked: Asked) -> shapes.Messages:
    query: shapes.MessagesQuestion = asked.query
    since = begin_of(query.since, asked.who.zone) if query.since else None
    until = end_of(query.until, asked.who.zone) if query.until else None
    cursors = cursors_of(asked)
    after = cursors.read(query.cursor, 2)
    skip = 0
    if after is not None:
        at, skip = moment(after[0]), after[1]
        until = min(until or at, at)
    async with asked.app.memory.store.read() as session:
        found = await session.messages.said(
            asked.who.agent.id,
            None,
            Lines(since=since, until=until, newest_first=True),
            offset=skip,
            limit=query.limit + 1,
        )
    shown = found[: query.limit]
    more = None
    if len(found) > len(shown):
        last = shown[-1].created_at
        end = last + timedelta(microseconds=1)
        again = skip if until == end else 0  # of that very moment some were shown before
        more = cursors.made(microseconds(end), again + sum(each.created_at == last for each in shown))
    return shapes.Messages(messages=[shapes.said(each) for each in shown], next=more)


async def read(asked: Asked) -> shapes.Said:
    return shapes.said(await _message_of(asked))


async def _message_of(asked: Asked) -> Message:
    """By its number among its agent's: no path names another agent's."""
    given = asked.path["id"]
    number = int(given) if given.isascii() and given.isdecimal() and len(given) < 20 else 0
    agent = asked.who.agent
    if number and not number >> SEQ_BITS:
        found = await asked.app.memory.recall.get(agent.id, [agent.id << SEQ_BITS | number], PRIVATE)
        if found:
            return found[0]
    raise NotThere(f"There is no message {given[:80]!r}.")


async def forget(asked: Asked, done: Done) -> str:
    message = await _message_of(asked)
    unwanted = Unwanted(messages={message.key: message})
    await asked.app.corrections.forget(asked.who, PRIVATE, unwanted, done(asked.path["id"]))
    return asked.path["id"]
