"""Tools of the operator's own: whatever they do, the turn ends, and everybody else is answered meanwhile."""

from __future__ import annotations

import asyncio
import sys
import threading
from ast import literal_eval
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.agent.tools.custom import custom_tools
from bot.app import open_app
from bot.errors import SettingsError
from bot.ports import ModelReply, ModelRequest
from bot.settings import load
from tests.fakes.parlour import House, Stage, last_words, opened, results_in
from tests.fakes.scripted_model import ScriptedModel, call, say
from tests.patience import PATIENCE_S

SECRET = "my-test-was-positive"
TIME_S = 0.2
MODULE = '''
import asyncio, contextlib, sys, threading, time

from bot.errors import ToolError


def plain(desk, words: list[str], times: int = 1) -> str:
    """Is no coroutine function.

    words: which
    """
    return f"{' '.join(words) * times} in {threading.current_thread().name}"

def plain_search(desk) -> str:
    """Looks into memory, and waits for it."""
    return desk.search_recall("dog", 0).total

async def searches(desk) -> str:
    """Looks into memory and adds to it."""
    stored, _ = await desk.insert("The sky is green.", ["odd"])
    found = await desk.search_recall("dog", 0)
    return [stored, found.total, desk.zone.key, desk.key.count("/")]

async def says(desk) -> str:
    """Speaks."""
    desk.say("Said by a tool.")
    return "done"

async def teaches(desk) -> str:
    """Says how to mend it."""
    raise ToolError("Ask for less.")

async def breaks(desk, word: str) -> str:
    """Raises what it was given."""
    return {}[word]

async def sleeps(desk) -> str:
    """Blocks its loop."""
    time.sleep(SLEEP)

def sleeps_plainly(desk) -> str:
    """Blocks."""
    time.sleep(SLEEP)

async def spins(desk) -> str:
    """Computes for ever."""
    while True:
        pass

def spins_plainly(desk) -> str:
    """Computes for ever."""
    while True:
        pass

async def spins_on(desk) -> str:
    """Computes until it may end."""
    SPINNING.set()
    while not ENOUGH.is_set():
        pass
    return "done"

async def stubborn(desk) -> str:
    """Eats its cancellation."""
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)

async def late(desk) -> str:
    """Gives something after its time."""
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        return "late"

async def tidies(desk) -> str:
    """Is cancelled, and tidies up."""
    try:
        await asyncio.sleep(3600)
    finally:
        await asyncio.sleep(0)
        ENDED.append("tidied up")

async def cancels(desk) -> str:
    """Cancels itself."""
    asyncio.current_task().cancel()
    await asyncio.sleep(0)

async def leaves(desk) -> str:
    """Leaves a task behind."""
    asyncio.get_running_loop().create_task(stubborn(desk))
    await asyncio.sleep(0)
    return "done"

async def exits(desk) -> str:
    """Ends the program."""
    sys.exit(3)

def interrupts(desk) -> str:
    """Ends the program."""
    raise KeyboardInterrupt

async def stops(desk) -> str:
    """Raises what a generator does."""
    raise StopAsyncIteration

def iterates(desk) -> str:
    """Raises what a generator does."""
    raise StopIteration

async def surrogate(desk) -> str:
    """Gives what no database takes."""
    return {"a\\ud800": ["b\\0\\ud800c"]}

async def circular(desk) -> str:
    """Gives what is in itself."""
    known = []
    known.append(known)
    return known

async def deep(desk) -> str:
    """Gives what is too deep."""
    known = []
    for _ in range(100_000):
        known = [known]
    return known

async def odd(desk) -> str:
    """Gives an object with a bad name."""
    class Odd:
        def __str__(self):
            raise ValueError("no")
    return Odd()

async def keyed(desk) -> str:
    """Gives keys that JSON has not."""
    return {(1, 2): 3}

async def huge(desk) -> str:
    """Gives much."""
    return "x" * 50_000_000

async def nothing(desk):
    """Gives nothing."""

ENDED, SPINNING, ENOUGH = [], threading.Event(), threading.Event()
TOOLS = [value for value in list(globals().values()) if getattr(value, "__module__", "") == __name__]
'''


@pytest.fixture
def module(tmp_path: Path) -> str:
    path = tmp_path / "my_tools.py"
    path.write_text(MODULE.replace("SLEEP", str(5 * TIME_S)), encoding="utf-8")
    return str(path)


def playing(request: ModelRequest) -> ModelReply:
    """Calls the tool that the message names, then tells what came of it."""
    words = last_words(request)
    if request.messages[-1]["role"] == "tool":
        return say(str(results_in(request)[-1])[:200])
    name, _, argument = words.partition(" ")
    if not name.startswith("do:"):
        return say(f"You said: {words}")
    return call(name.removeprefix("do:"), request_heartbeat=True, **literal_eval(argument or "{}"))


def loaded(module: str) -> Any:
    """The module of that file, as everbot runs it."""
    (found,) = [m for m in sys.modules.values() if getattr(m, "__file__", "") == module]
    return found


class Workshop:
    """A running everbot with the tools."""

    def __init__(self, house: House, stage: Stage) -> None:
        self.house = house
        self._stage = stage

    async def told(self, tool: str, *more: str) -> dict[str, Any]:
        """The result that the model saw."""
        async with asyncio.timeout(PATIENCE_S):
            await self.house.say("ada", " ".join((f"do:{tool}", *more)))
        return results_in(self._stage.requests[-1])[-1]


@asynccontextmanager
async def workshop(tmp_path: Path, module: str, time_s: float = PATIENCE_S) -> AsyncIterator[Workshop]:
    stage = Stage(playing)
    async with opened(
        tmp_path / "data", stage, tools=(module,), tool_timeout_s=time_s, model={"context_window": 18_000}
    ) as house:
        yield Workshop(house, stage)


async def test_a_plain_function_runs_in_a_thread(tmp_path: Path, module: str) -> None:
    async with workshop(tmp_path, module) as shop:
        assert (await shop.told("plain", '{"words": ["a", "b"]}'))["message"] == "a b in tool plain"
        await shop.house.say("ada", "I have a dog.")
        assert (await shop.told("plain_search"))["message"] >= 1


async def test_the_desk_is_lent_to_another_thread(tmp_path: Path, module: str) -> None:
    async with workshop(tmp_path, module) as shop:
        await shop.house.say("ada", "I have a dog.")
        stored, total, zone, key = (await shop.told("searches"))["message"]
        assert (stored, zone, key) == ("The sky is green.", "UTC", 1)
        assert total >= 1
        assert shop.house.rows("SELECT text FROM passages") == [("The sky is green.",)]
        await shop.told("says")
        assert [reply.text for reply in shop.house.parlour.posted][-2] == "Said by a tool."


FAILURES = {
    "teaches": "Ask for less.",
    "breaks {'word': 'x'}": "breaks failed inside (KeyError).",
    "sleeps": "sleeps took longer than 0.2 s and was ended.",
    "sleeps_plainly": "sleeps_plainly took longer than 0.2 s and was ended.",
    "spins": "spins took longer than 0.2 s and was ended.",
    "spins_plainly": "spins_plainly took longer than 0.2 s and was ended.",
    "stubborn": "stubborn took longer than 0.2 s and was ended.",
    "late": "late took longer than 0.2 s and was ended.",
    "tidies": "tidies took longer than 0.2 s and was ended.",
    "cancels": "cancels cancelled itself: nothing came of it.",
    "exits": "exits failed inside (SystemExit).",
    "interrupts": "interrupts failed inside (KeyboardInterrupt).",
    "stops": "stops failed inside (StopAsyncIteration).",
    "iterates": "iterates failed inside (RuntimeError).",
    "circular": "circular gave what is no JSON (ValueError).",
    "deep": "deep gave what is no JSON (RecursionError).",
    "odd": "odd gave what is no JSON (ValueError).",
    "keyed": "keyed gave what is no JSON (TypeError).",
}


@pytest.mark.parametrize("tool", FAILURES)
async def test_whatever_a_tool_does_it_ends_as_a_failure_that_says_so(
    tmp_path: Path, module: str, tool: str
) -> None:
    in_time = "took longer" not in FAILURES[tool]
    async with workshop(tmp_path, module, PATIENCE_S if in_time else TIME_S) as shop:
        result = await shop.told(*tool.split(" ", 1))
        assert (result["status"], result["message"]) == ("Failed", FAILURES[tool])
        for user in ("ada", "bob"):  # nobody is held up after it
            (reply,) = await shop.house.say(user, "And now?")
            assert reply.text == "You said: And now?"


async def test_others_are_answered_while_a_tool_blocks(tmp_path: Path, module: str) -> None:
    async with workshop(tmp_path, module) as shop:
        slow = asyncio.create_task(shop.told("spins_on"))
        tools = loaded(module)
        assert await asyncio.to_thread(tools.SPINNING.wait, PATIENCE_S)
        (reply,) = await shop.house.say("bob", "And me?")
        assert reply.text == "You said: And me?"
        assert not slow.done()
        tools.ENOUGH.set()
        assert (await slow)["message"] == "done"


async def test_nothing_of_a_tool_outlives_its_call(tmp_path: Path, module: str) -> None:
    async with workshop(tmp_path, module, TIME_S) as shop:
        for tool in ("stubborn", "spins", "spins_plainly", "sleeps", "tidies", "leaves"):
            await shop.told(tool)
        assert loaded(module).ENDED == ["tidied up"]
        async with asyncio.timeout(PATIENCE_S):
            while any("tool " in thread.name for thread in threading.enumerate()):
                await asyncio.sleep(0.01)


async def test_odd_results_are_shown_as_far_as_they_can_be(tmp_path: Path, module: str) -> None:
    async with workshop(tmp_path, module) as shop:
        assert (await shop.told("surrogate"))["message"] == {"a?": ["b?c"]}
        assert (await shop.told("nothing"))["message"] is None
        message = (await shop.told("huge"))["message"]
        assert message.startswith("xxx")
        assert "were too many" in message


async def test_the_log_names_the_tool_and_the_place_but_not_what_it_was_given(
    tmp_path: Path, module: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with workshop(tmp_path, module) as shop:
        await shop.told("breaks", f'{{"word": "{SECRET}"}}')
    assert "the tool breaks failed: KeyError at" in caplog.text
    assert "my_tools.py" in caplog.text
    assert SECRET not in caplog.text


# Where they come from


def test_a_file_beside_the_configuration_is_found(tmp_path: Path, module: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[agent]\ntools = ["my_tools"]', encoding="utf-8")
    (tmp_path / "beside.py").write_text("WORD = 'found'\n", encoding="utf-8")
    with Path(module).open("a", encoding="utf-8") as file:
        file.write("\nfrom beside import WORD\n")
    names = [tool.name for tool in custom_tools(load(config, {}).agent.tools)]
    assert {"plain", "searches"} <= set(names)


WRONG = {
    "1 / 0": "ZeroDivisionError",
    "import sys; sys.exit()": "SystemExit",
    "import nowhere_at_all": "nowhere_at_all",
    "TOOLS = 3": "TOOLS",
    "TOOLS = ['roll']": "no function",
    "def ünïcode(desk): ...\nTOOLS = [ünïcode]": "A-Z",
    "TOOLS = [lambda desk: 1]": "A-Z",
    "def bare(): ...\nTOOLS = [bare]": "desk",
    "def other(desk, x: 'Nowhere'): ...\nTOOLS = [other]": "Nowhere",
    "def send_message(desk, message: str): ...\nTOOLS = [send_message]": "built-in",
    "def twice(desk): ...\nTOOLS = [twice, twice, lambda: 1][:2]\ndef twice(desk): ...\nTOOLS.append(twice)": "twice",
}


@pytest.mark.parametrize("source", WRONG)
async def test_a_module_that_cannot_be_used_is_named_at_the_start(tmp_path: Path, source: str) -> None:
    path = tmp_path / "wrong_tools.py"
    path.write_text(source, encoding="utf-8")
    settings = load(None, {}, {"data_dir": str(tmp_path / "data"), "agent": {"tools": [str(path)]}})
    with pytest.raises(SettingsError, match=r"^agent\.tools: ") as refused:
        async with open_app(settings, [], "test", model=ScriptedModel([]), embedders=lambda _: None):
            pass
    assert WRONG[source] in str(refused.value)
    assert "\n" not in str(refused.value)
