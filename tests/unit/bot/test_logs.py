from __future__ import annotations

import asyncio
import gc
import json
import logging
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bot import logs
from bot.errors import SettingsError
from bot.ports import ModelReply, ModelRequest
from bot.settings import Settings
from tests.fakes.logged import logged
from tests.fakes.parlour import opened
from tests.fakes.scripted_model import call, say

SECRET = "my-test-was-positive"
OURS = logging.getLogger("bot.delivery.turns")
THEIRS = logging.getLogger("somebody.else")


def failing(text: str) -> None:
    try:
        raise KeyError(text)
    except KeyError as error:
        raise ValueError(f"bad {text}") from error


def test_a_line_tells_when_how_grave_where_and_what(tmp_path: Path) -> None:
    with logged(tmp_path / "log") as file:
        OURS.info("agent %s: %s", 7, "done")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO bot\.delivery\.turns: agent 7: done\n", file.read_text()
    )


def test_a_line_in_json_has_its_own_values_beside_its_text(tmp_path: Path) -> None:
    with logged(tmp_path / "log", format="json") as file:
        OURS.warning("agent %s\nfailed", 7, extra={logs.FIELDS: {"agent": 7}})
        try:
            failing(SECRET)
        except ValueError:
            OURS.exception("failed")
    first, second = map(json.loads, file.read_text().splitlines())
    assert (first["message"], first["agent"], first["level"]) == ("agent 7\nfailed", 7, "warning")
    assert second["message"].startswith("failed (ValueError at ")
    assert SECRET not in file.read_text()


def test_nobody_forges_a_line_or_paints_the_terminal(tmp_path: Path) -> None:
    with logged(tmp_path / "log") as file:
        OURS.warning("%s joined", "Eve\n2026-11-27 09:00:00 ERROR bot: \x1b[31mgone\x9b2J\r\x07")
    assert file.read_text().count("\n") == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", file.read_text())


def test_an_exception_is_shown_with_where_it_was_raised_and_without_its_text(tmp_path: Path) -> None:
    with logged(tmp_path / "log") as file:
        try:
            failing(SECRET)
        except ValueError:
            OURS.exception("the tool failed")
        OURS.error("two at once", exc_info=ExceptionGroup(SECRET, [KeyError(SECRET), OSError(SECRET)]))
    text = file.read_text()
    assert SECRET not in text
    first, second = text.splitlines()
    place = r"unit/bot/test_logs\.py:\d+ failing"
    assert re.search(rf"ValueError at {place} < {place[:-7]}test_.*, after KeyError at {place}\)$", first)
    assert second.endswith("two at once (ExceptionGroup [KeyError; OSError])")


@pytest.mark.parametrize(
    "write",
    [
        lambda: THEIRS.warning(f"Unhandled request ({SECRET})"),
        lambda: THEIRS.warning("Unhandled request (%s), %d bytes", SECRET, 42),
        lambda: THEIRS.warning("%(text)s", {"text": SECRET}),
        lambda: THEIRS.error(SECRET, exc_info=ValueError(SECRET)),
        lambda: THEIRS.debug("never below warnings"),
        lambda: logging.warning(SECRET),
    ],
)
def test_a_librarys_line_is_shown_without_what_was_put_into_it(
    tmp_path: Path, write: Callable[[], None]
) -> None:
    with logged(tmp_path / "log") as file:
        write()
    text = file.read_text()
    assert SECRET not in text
    assert "never below" not in text


def test_what_a_librarys_author_wrote_is_shown(tmp_path: Path) -> None:
    with logged(tmp_path / "log") as file:
        THEIRS.warning("We are being rate limited. %s, %d left, %.2f s", SECRET, 3, 1.5)
    assert "We are being rate limited. …, 3 left, 1.5 s" in file.read_text()


async def test_what_python_itself_would_print_holds_no_words_either(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    class Careless:
        def __del__(self) -> None:
            failing(SECRET)

    async def forgotten() -> None:
        failing(SECRET)

    with logged(tmp_path / "log") as file:
        thread = threading.Thread(target=failing, args=(SECRET,))
        thread.start()
        thread.join()
        Careless()
        task = asyncio.create_task(forgotten())
        await asyncio.wait([task])
        del task
        gc.collect()
    shown = capfd.readouterr().err
    assert shown == file.read_text()
    assert SECRET not in shown
    assert shown.count("ValueError at ") == 3


@pytest.mark.parametrize(
    "library", ["discord.gateway", "aiosqlite", "openai._base_client", "slack_bolt.App", "asyncio"]
)
def test_libraries_that_log_peoples_words_are_quiet_whoever_listens(library: str) -> None:
    name = library.partition(".")[0]
    logging.getLogger(name).setLevel(logging.NOTSET)
    logs.quiet()
    assert not logging.getLogger(library).isEnabledFor(logging.INFO)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    settings = Settings.model_validate({"log": {"file": str(tmp_path / "missing" / "log")}})
    with pytest.raises(SettingsError, match=r"^log\.file: .*missing/log cannot be written \(.*\)\.$"):
        logs.check(settings)


def test_our_own_lines_name_an_exception_by_its_kind_and_place() -> None:
    """Whoever listens to our loggers: a handler of another program writes an exception's text."""
    root = Path(__file__).resolve().parents[3]
    files = [file for folder in logs.OURS for file in (root / folder).rglob("*.py") if file.name != "logs.py"]
    whole = re.compile(r"\blog\.exception\(|\bexc_info=")
    assert files
    assert [str(file) for file in files if whole.search(file.read_text(encoding="utf-8"))] == []


async def test_each_turn_is_one_line(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        return (
            say("Hi")
            if request.messages[-1]["role"] == "tool"
            else call("list_scheduled", request_heartbeat=True)
        )

    with logged(tmp_path / "log", level="info") as file:
        async with opened(tmp_path / "data", play) as house:
            await house.say("ada", SECRET)
    (line,) = file.read_text().splitlines()
    told = r"agent 1 in parlour:ada: \w+, 2 steps, 200 tokens in \(0 cached\), 20 out, \d+ ms, stage"
    assert re.fullmatch(rf".* INFO bot\.delivery\.turns: {told}", line)

    with logged(tmp_path / "json", level="info", format="json") as file:
        async with opened(tmp_path / "data", play) as house:
            await house.say("ada", SECRET)
    (told_json,) = map(json.loads, file.read_text().splitlines())
    assert told_json["place"] == "parlour:ada"
    assert {
        "agent": 1,
        "steps": 2,
        "tokens_in": 200,
        "tokens_out": 20,
        "cached": 0,
    }.items() <= told_json.items()
