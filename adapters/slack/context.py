"""What is shown beside a channel's message: the lines before it, and what its thread began with."""

from __future__ import annotations

from slack_sdk.web.async_client import AsyncWebClient

from adapters.lines import Lines
from adapters.slack import content, places, reading
from adapters.slack.errors import BROKEN
from adapters.slack.people import People
from adapters.slack.reading import Workspace
from adapters.wire import Json, records, text
from bot.events import Quote
from bot.ports import Clock

_PLACES = 1_000  # whose last lines are kept in mind
_WAIT_S = 1.0  # that a thread's beginning is waited for


class Context:
    """``most`` is the number of lines that are shown."""

    def __init__(
        self, client: AsyncWebClient, us: Workspace, people: People, clock: Clock, most: int
    ) -> None:
        self._client = client
        self._us = us
        self._people = people
        self._clock = clock
        self._most = most
        self._lines = Lines(most, _PLACES)

    async def before(self, message: Json, kind: str, line: Quote, *, awaited: bool) -> tuple[Quote, ...]:
        """The lines before a message in its channel or thread; the message is the next one's. When it is ``awaited``
        and nothing of its thread was heard yet, the thread's beginning is asked for."""
        if kind == places.IM or not self._most:
            return ()
        channel, thread = text(message.get("channel")), reading.stamp(message.get("thread_ts"))
        if awaited and self.is_new(message, kind):
            self._lines.begin(_place(message, kind), await self._beginning(channel, thread))
        return self._lines.before(_place(message, kind), line)

    def is_new(self, message: Json, kind: str) -> bool:
        """Whether it stands in a thread of which nothing was heard yet."""
        thread = reading.stamp(message.get("thread_ts"))
        replies = kind != places.IM and thread not in ("", message.get("ts"))
        return replies and self._most > 0 and _place(message, kind) not in self._lines

    def change(self, key: str, line: str) -> None:
        """A line was edited or deleted: it is not shown any more as it was."""
        self._lines.change(key, line)

    async def _beginning(self, channel: str, thread: str) -> list[Quote]:
        try:
            async with self._clock.timeout(_WAIT_S):
                told = await self._client.conversations_replies(
                    channel=channel, ts=thread, limit=1, inclusive=True
                )
        except BROKEN:
            return []
        head = {**next(iter(records(told.get("messages"))), {}), "channel": channel}
        if head.get("ts") != thread or not reading.is_message(head) or not reading.is_said(head):
            return []
        if self._us.is_own(head):
            return []  # it is remembered who said that
        await self._people.learn([reading.author(head), *content.mentioned(head)])
        name = (
            self._people.names.get(reading.author(head)) or text(head.get("username")) or reading.author(head)
        )
        return [self._us.line_of(head, name, self._people.names)]


def _place(message: Json, kind: str) -> tuple[str, str, str]:
    """What was said behind a closed door stays there."""
    return kind, text(message.get("channel")), reading.stamp(message.get("thread_ts"))
