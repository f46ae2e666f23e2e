"""A text of a million characters of any script keeps nobody else waiting: what it costs is bounded, or beside the event
loop."""

from __future__ import annotations

import asyncio
import base64
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bot.events import Attachment, Command, MessageEdited
from bot.ports import ModelReply, ModelRequest
from tests.fakes.parlour import House, Stage, is_summary, opened
from tests.fakes.scripted_model import calls, say
from tests.fakes.town import heard

MILLION = 1_000_000
MOST = 0.05  # seconds of the event loop's own work at once
CHANCE = random.Random(7)
PARTS = (
    "كان يا ما كان في قديم الزمان ملك عادل يحب شعبه كثيرا ",
    "我住在北京的一条小街上每天早上喝茶",
    "```\n",
    "`",
    base64.b64encode(CHANCE.randbytes(3_000)).decode(),
    "a",
    "e\u0301\u0316",
    "May 1, two days ago, last monday, 2026-11-26; ",
    "<@U1> a.b 1/1/ \"\\' ",
)
SIZE = MILLION // len(PARTS)
TEXT = "".join((part * (SIZE // len(part) + 1))[:SIZE] for part in PARTS)


def busy(request: ModelRequest) -> ModelReply:
    """Uses the text in every way that a model can."""
    if is_summary(request):
        return ModelReply(text=TEXT)
    if request.messages[-1]["role"] == "tool":
        return ModelReply(text=TEXT)
    more = {"request_heartbeat": True}
    return {
        "search": lambda: calls(("conversation_search", {"query": TEXT, **more})),
        "keep": lambda: calls(("archival_memory_insert", {"content": TEXT[:300_000], **more})),
        "note": lambda: calls(("core_memory_append", {"label": "human", "content": TEXT, **more})),
        "wish": lambda: calls(("schedule_message", {"when": TEXT, "about": TEXT, **more})),
    }.get(str(heard(request).get("message")), lambda: say("Yes."))()


@asynccontextmanager
async def watched() -> AsyncIterator[list[float]]:
    """The most that the event loop's own thread worked between two looks: other threads and other programs do not
    count."""
    worst, begun = [0.0], time.thread_time()

    async def look() -> None:
        last = begun
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            worst[0], last = max(worst[0], now - last), now

    task = asyncio.create_task(look())
    await asyncio.sleep(0)
    worst[0] = 0.0
    try:
        yield worst
    finally:
        task.cancel()


async def edited(house: House) -> None:
    message = house.message("ada", "short")
    await house.tell(message)
    await house.tell(MessageEdited(**house.who("ada"), target=message.key, text=TEXT))


async def commanded(house: House, name: str, argument: str) -> None:
    where = {k: v for k, v in house.who("ada").items() if k not in ("key", "at")}
    await house.app.inbound.invoke(Command(**where, command=name, argument=argument))


def attached(house: House) -> Awaitable[object]:
    file = Attachment(name="a.txt", media_type="text/plain", text=TEXT)
    return house.tell(house.message("ada", "Read this", attachments=(file,)))


STEPS: dict[str, Callable[[House], Awaitable[object]]] = {
    "it is said": lambda house: house.say("ada", TEXT),
    "it is attached": attached,
    "it is what a message is changed to": edited,
    "the model looks for it": lambda house: house.say("ada", "search"),
    "the model keeps it": lambda house: house.say("ada", "keep"),
    "the model puts it into core memory": lambda house: house.say("ada", "note"),
    "the model takes it for a time": lambda house: house.say("ada", "wish"),
    "it replaces what was said": lambda house: commanded(house, "rewrite", TEXT),
    "it replaces what was thought": lambda house: commanded(house, "rethink", TEXT),
    "it is looked at": lambda house: commanded(house, "dump", "20"),
    "it is taken away": lambda house: commanded(house, "export", ""),
}


async def test_no_text_keeps_the_event_loop_to_itself(tmp_path: Path) -> None:
    stage = Stage(busy)
    async with opened(tmp_path, stage) as house:
        await house.say("ada", "Hello")
        slow: dict[str, float] = dict.fromkeys(STEPS, 0.0)
        for _ in range(
            3
        ):  # what was slow once may have been another's doing: a garbage collection, a first import
            for what in list(slow):
                async with watched() as worst:
                    await STEPS[what](house)
                slow[what] = worst[0]
                if worst[0] <= MOST:
                    del slow[what]
        assert not slow
        assert max(house.tokens(*stage.requests)) <= house.settings.model.context_window
