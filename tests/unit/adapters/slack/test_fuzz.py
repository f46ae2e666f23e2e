"""Every field of every event missing, null, new or of another type: it costs what it tells, and nothing else."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from adapters.hosts import Hosts
from adapters.slack.chores import Chores
from adapters.slack.options import Options
from adapters.slack.reading import Workspace
from adapters.slack.rooms import Link, Rooms, furnished
from bot.events import Event, MessageDeleted, MessageEdited, MessageReceived, ReactionAdded
from tests.fakes import slack_shapes as shapes
from tests.fakes.clock import FakeClock

US = Workspace(team=shapes.TEAM, user=shapes.BOT, bot=shapes.BOT_ID)
KEY = US.key(shapes.CHANNEL, shapes.TS)
ANSWERS: tuple[Any, ...] = (
    {"ok": True},
    {"user": 5, "channel": [], "bot": None, "usergroups": {}, "messages": "x", "file": 7},
    {"user": {"profile": 7, "name": []}, "messages": [None, {"ts": shapes.THREAD}], "usergroups": [3]},
    {"user": {"name": "ada"}, "channel": {"id": 5, "is_channel": "yes"}, "messages": [shapes.EVENTS["bot"]]},
    SlackApiError("no", {"error": "channel_not_found"}),
    ValueError("not JSON"),
    TimeoutError(),
)


class StrangeSlack:
    """Answers every question, each in another wrong way."""

    def __init__(self, answers: Sequence[Any] = ANSWERS) -> None:
        self._answers = itertools.cycle(answers)

    def __getattr__(self, method: str) -> Any:
        async def ask(**arguments: Any) -> Any:
            answer = next(self._answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return ask


class Listener:
    """Takes everything, as `bot.ports.Inbound`."""

    commands = ()

    def __init__(self) -> None:
        self.heard: list[Event] = []

    async def submit(self, event: Event) -> None:
        self.heard.append(event)

    async def awaits(self, event: Event) -> bool:
        return True

    def reading(self, account: str, address: str, key: str) -> nullcontext[None]:
        return nullcontext()

    async def interrupt(self, address: str, account: str | None = None) -> None:
        pass


@asynccontextmanager
async def listening(slack: StrangeSlack | None = None) -> AsyncIterator[tuple[Rooms, Listener]]:
    """The adapter's rooms on a Slack that makes no sense, without a network."""
    listener, opened = Listener(), asyncio.Event()
    opened.set()
    options = Options(
        bot_token="xoxb",
        app_token=None,
        signing_secret=None,
        listen=("127.0.0.1", 0),
        api_url="https://slack.com/api/",
        post_interval_s=0.0,
        vision=True,
        context_lines=5,
        catch_up=timedelta(hours=1),
    )

    async def nothing() -> None:
        pass

    async with asyncio.TaskGroup() as group:
        link = Link(
            options=options,
            clock=FakeClock(),
            hosts=Hosts("Slack", {"slack.api_url": (options.api_url, ("slack.com",))}, ()),
            session=None,  # type: ignore[arg-type]
            client=slack or StrangeSlack(),  # type: ignore[arg-type]
            chores=Chores(group),
            us=US,
            inbound=listener,  # type: ignore[arg-type]
        )
        yield furnished(link, opened, nothing), listener


IDENTITY = {"channel", "ts", "user", "type"}  # without these nobody can tell which message it is
EXPECTED: dict[str, type[Event]] = {
    **dict.fromkeys(("message", "share", "thread", "files", "broadcast", "mention", "bot"), MessageReceived),
    "changed": MessageEdited,
    "deleted": MessageDeleted,
    "stone": MessageDeleted,
    "reaction": ReactionAdded,
}
NEEDED = {
    "changed": {"subtype", "message", "channel", "type"},
    "deleted": {"subtype", "deleted_ts", "channel", "type"},
    "stone": {"subtype", "message", "channel", "type"},
    "reaction": {"user", "reaction", "item", "item_user", "type"},
}


@pytest.mark.parametrize("name", shapes.EVENTS)
async def test_a_strange_field_costs_what_it_tells_and_nothing_else(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    event = shapes.EVENTS[name]
    async with listening() as (rooms, listener):
        for path, odd in shapes.strange(event):
            listener.heard.clear()
            assert await rooms.door.event(shapes.wrapped(odd)), (path, odd)
            if name not in EXPECTED or path[0] in NEEDED.get(name, IDENTITY):
                continue
            if name == "bot" and path[0] in ("bot_id", "subtype"):
                continue
            found = [heard for heard in listener.heard if isinstance(heard, EXPECTED[name])]
            assert found, (path, odd)
            if EXPECTED[name] is MessageReceived:
                assert [one.key for one in found] == [KEY]
                if path[0] not in ("text", "subtype"):
                    assert "the canary sings" in found[0].text, path  # type: ignore[attr-defined]
    assert "could not be" not in caplog.text
    assert "taken without" not in caplog.text
    assert "canary" not in caplog.text


async def test_a_strange_envelope_costs_no_more(caplog: pytest.LogCaptureFixture) -> None:
    async with listening() as (rooms, listener):
        for path, odd in shapes.strange(shapes.wrapped(shapes.EVENTS["message"])):
            listener.heard.clear()
            assert await rooms.door.event(odd)
            if path[0] not in ("event", "is_ext_shared_channel"):
                assert [heard.key for heard in listener.heard] == [KEY], path
    assert "could not be" not in caplog.text
    assert "taken without" not in caplog.text


async def test_a_strange_history_costs_no_more(caplog: pytest.LogCaptureFixture) -> None:
    async with listening() as (rooms, listener):
        for name in ("files", "bot", "thread"):
            for path, odd in shapes.strange(shapes.EVENTS[name]):
                if path[0] in IDENTITY or (name == "bot" and path[0] in ("bot_id", "subtype")):
                    continue
                listener.heard.clear()
                await rooms.hearing.missed({**odd, "channel": shapes.CHANNEL}, "channel")
                assert KEY in [heard.key for heard in listener.heard], path
    assert "could not be" not in caplog.text
    assert "taken without" not in caplog.text


async def test_a_fault_in_reading_costs_the_messages_extras_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Whosever it is: here that of a library, over a file of another workspace."""
    file = {**shapes.FILE, "file_access": "check_file_info"}
    event = {**shapes.EVENTS["share"], "files": [file], "user": "U0000"}
    async with listening(StrangeSlack([RecursionError("the canary sings")])) as (rooms, listener):
        assert await rooms.door.event(shapes.wrapped(event))
    [heard] = listener.heard
    assert isinstance(heard, MessageReceived)
    assert heard.text == "the canary sings"
    assert "taken without what came with it (RecursionError" in caplog.text
    assert "canary" not in caplog.text
