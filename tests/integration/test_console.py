"""The console: pipes of plain lines and of JSON, and a real terminal."""

from __future__ import annotations

import asyncio
import io
import json
import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast
from zoneinfo import ZoneInfo

import pytest

from adapters.console.pipe import PipeConsole
from adapters.console.terminal import TerminalConsole
from bot.app import App, open_app
from bot.errors import DeliveryError
from bot.events import Command, Reply
from bot.ports import ModelReply, ModelRequest
from bot.settings import Settings
from memory.records import PRIVATE
from tests.fakes.empty_database import lay
from tests.fakes.openai_server import Answer, Fault, OpenAIServer
from tests.fakes.openai_wire import Json, last_words
from tests.fakes.parlour import opened, parrot
from tests.fakes.scripted_model import ScriptedModel, call, say
from tests.patience import PATIENCE_S
from tests.program.program import QUIET, Program
from tests.program.terminal import CTRL_C, CTRL_D, ENTER, Terminal

KATHMANDU = ZoneInfo("Asia/Kathmandu")
Script = Callable[[ModelRequest], Any]


def newest(request: ModelRequest) -> dict[str, Any]:
    """The event being answered."""
    events = [json.loads(m["content"]) for m in request.messages if m["role"] == "user"]
    event: dict[str, Any] = next(e for e in reversed(events) if e["type"] == "message")
    return event


def echo(request: ModelRequest) -> ModelReply:
    return say(f"You said: {newest(request)['message'][:100]}")


class Pipe:
    """One run of everbot behind a pipe. ``printed`` is what it wrote, as text."""

    def __init__(
        self,
        folder: Path,
        script: Script = echo,
        *,
        as_json: bool = True,
        user: str = "ada",
        zone: str = "",
    ) -> None:
        self.settings = Settings.model_validate(
            {"data_dir": folder, "agent": {"debounce_s": 0}, "model": {"context_window": 16_384}}
        )
        self.model = ScriptedModel(script)
        self.target: IO[str] = io.StringIO()
        self._as_json = as_json
        self._user = user
        self._zone = zone

    async def run(self, source: bytes, then: Callable[[App], Any] | None = None) -> None:
        console = PipeConsole(
            io.BytesIO(source),
            self.target,
            user=self._user,
            persona="ever",
            as_json=self._as_json,
            zone=self._zone,
        )
        lay(self.settings.data_dir / "everbot.db")
        async with open_app(
            self.settings, [console], "test", model=self.model, embedders=lambda _: None
        ) as app:
            async with asyncio.timeout(PATIENCE_S):
                await console.run(app.inbound)
            if then is not None:
                await then(app)

    @property
    def printed(self) -> str:
        return cast(io.StringIO, self.target).getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.printed.splitlines()]


def line(**values: Any) -> bytes:
    return json.dumps(values).encode() + b"\n"


# Plain lines


async def test_each_line_is_a_message(tmp_path: Path) -> None:
    pipe = Pipe(tmp_path, as_json=False)
    await pipe.run("One\n\n  \nTwo: Zoë 🦊\r\n/whoami\n/usr/bin is a path\n/nonsense\n/exit\nLast".encode())
    assert pipe.printed.splitlines() == [
        "You said: One",
        "You said: Two: Zoë 🦊",
        "You are ada (console:ada); you talk with ever. My last answer came from scripted.",
        "You said: /usr/bin is a path",
        "There is no command /nonsense. /help lists them.",
        "You said: Last",
    ]


async def test_a_turn_ends_before_the_next_line(tmp_path: Path) -> None:
    """Lines never become one burst, and what a line taught is known to the next."""

    def noting(request: ModelRequest) -> ModelReply:
        if request.messages[-1]["role"] == "tool":
            return echo(request)
        text = newest(request)["message"]
        return call("core_memory_append", label="human", content=text, request_heartbeat=True)

    pipe = Pipe(tmp_path, noting, as_json=False)
    await pipe.run(b"One\n/memory\nTwo\n/pop\n/memory\n")
    assert [text for text in pipe.printed.splitlines() if text in ("One", "Two")] == ["One", "One"]
    assert "Undid 1 turn." in pipe.printed
    assert len(pipe.model.requests) == 4


@pytest.mark.parametrize("source", [b"", b"\n\n", b"   \r\n"])
@pytest.mark.parametrize("as_json", [True, False])
async def test_nothing_comes_of_nothing(tmp_path: Path, source: bytes, as_json: bool) -> None:
    pipe = Pipe(tmp_path, as_json=as_json)
    await pipe.run(source)
    assert pipe.printed == ""
    assert pipe.model.requests == []


async def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    pipe = Pipe(tmp_path, as_json=False)
    await pipe.run(b"caf\xe9 \xff\xfe\0 ok\n")
    assert pipe.printed == "You said: caf� �� ok\n"


@pytest.mark.parametrize("length", [60_000, 1_000_000])
async def test_a_long_line_is_kept_whole_and_shown_clipped(tmp_path: Path, length: int) -> None:
    text = ("The keeper of the lighthouse is called Zoë. " * (length // 44 + 1))[:length]
    held: list[int] = []

    async def look(app: App) -> None:
        async with app.memory.store.read() as session:
            (agent,) = await session.agents.agents()
            rows = await session.messages.said(agent.id, None)
            held.extend(len(row.text) for row in rows if row.author == "ada")
        page = await app.memory.recall.search(agent.id, "keeper lighthouse", PRIVATE)
        held.append(page.total)

    pipe = Pipe(tmp_path)
    await pipe.run(line(text=text, id="long") + line(text="Next", id="next"), look)

    assert [reply["in_reply_to"] for reply in pipe.lines] == [["long"], ["next"]]
    assert held[:2] == [length, 4]
    assert held[2] >= 1
    shown = newest(pipe.model.requests[0])["message"]
    assert f"of {length} characters are shown" in shown
    assert len(shown) < 40_000


# JSON lines


async def test_replies_name_what_they_answer(tmp_path: Path) -> None:
    pipe = Pipe(tmp_path)
    await pipe.run(
        line(id="a", user="bob", text="One") + line(id=7, user="bob", text="/whoami") + line(text="Two")
    )
    bob = [reply for reply in pipe.lines if "Two" not in reply["text"]]
    assert [(reply["type"], reply["in_reply_to"]) for reply in bob] == [("reply", ["a"]), ("notice", ["7"])]
    assert len({reply["id"] for reply in pipe.lines}) == 3
    (own,) = [reply for reply in pipe.lines if "Two" in reply["text"]]
    assert set(own) == {"type", "id", "in_reply_to", "text"}
    assert len(own["in_reply_to"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        b"Hello",
        b"[1]",
        b'"text"',
        b"17",
        b"null",
        b"{}",
        b'{"text": 3}',
        b'{"text": null}',
        b'{"user": 3, "text": "x"}',
        b'{"user": " ", "text": "x"}',
        b'{"user": null, "text": "x"}',
        b'{"text": "\xff',
        b'{"text": "x"',
        b"[" * 100_000,
    ],
)
async def test_a_wrong_line_is_told_and_left_out(wrong: bytes) -> None:
    target = io.StringIO()
    console = PipeConsole(io.BytesIO(), target, user="ada", persona="ever", as_json=True)
    assert console._parsed(wrong, 12) is None
    told = json.loads(target.getvalue())
    assert told["type"] == "error"
    assert told["text"].startswith("Line 12 is not a JSON object with a ")


async def test_wrong_lines_do_not_stop_the_others(tmp_path: Path) -> None:
    pipe = Pipe(tmp_path)
    await pipe.run(
        line(id="a", text="One") + b"nonsense\n" + line(id="b", text=" ") + b"\n" + line(id="c", text="Two")
    )
    assert [r["text"] for r in pipe.lines if r["type"] == "reply"] == ["You said: One", "You said: Two"]
    errors = {r["text"].split(" ")[1]: r["in_reply_to"] for r in pipe.lines if r["type"] == "error"}
    assert errors == {"2": [], "3": ["b"]}


async def test_a_repeated_id_is_admitted_once(tmp_path: Path) -> None:
    pipe = Pipe(tmp_path)
    await pipe.run(line(id="a", text="One") * 3 + line(id="a", user="bob", text="His own"))
    assert sorted(r["text"] for r in pipe.lines) == ["You said: His own", "You said: One"]

    again = Pipe(tmp_path)
    await again.run(line(id="a", text="One") + line(id="b", text="Two"))
    assert [r["text"] for r in again.lines] == ["You said: Two"]


async def test_an_id_that_stood_for_another_text_is_told_of(tmp_path: Path) -> None:
    """Two programs that count their messages from 1."""
    await Pipe(tmp_path).run(line(id="1", text="One"))
    other = Pipe(tmp_path)
    lines = [
        line(id="1", text="Another"),
        line(id="1", text="One"),
        line(id="1/1", text="Two"),
        line(id="2", text="Two"),
    ]
    await other.run(b"".join(lines))
    told = [(reply["type"], reply["in_reply_to"], reply["text"][:20]) for reply in other.lines]
    assert told == [
        ("error", ["1"], "That id stood for an"),
        ("reply", ["1/1"], "You said: Two"),
        ("reply", ["2"], "You said: Two"),
    ]


async def test_no_two_people_have_the_same_message(tmp_path: Path) -> None:
    """Whatever they are called and however they number what they say."""
    names = [("a/b", "c"), ("a", "b/c"), ("a%2Fb", "c"), ("a%2fb", "c"), ("a/", "b/c"), ("console:a", "b/c")]
    pipe = Pipe(tmp_path)
    await pipe.run(b"".join(line(id=i, user=u, text=f"{u} {i}") for u, i in names))
    told = {(*r["in_reply_to"], r["text"]) for r in pipe.lines}
    assert told == {(i, f"You said: {u} {i}") for u, i in names}


async def test_each_users_lines_are_answered_in_order_and_nobody_waits_for_others(tmp_path: Path) -> None:
    users = [f"user{n}" for n in range(6)]
    held, others = asyncio.Event(), 0

    async def script(request: ModelRequest) -> ModelReply:
        nonlocal others
        if newest(request)["name"] == "user0":
            await held.wait()
        else:
            others += 1
            if others == 5 * 5:
                held.set()  # all the others were heard to their ends
        return echo(request)

    pipe = Pipe(tmp_path, script)
    await pipe.run(
        b"".join(
            line(id=f"{user}-{n}", user=user, text=f"{user} line {n}") for n in range(5) for user in users
        )
    )

    for user in users:
        own = [r for r in pipe.lines if f"{user} " in r["text"]]
        assert [r["in_reply_to"] for r in own] == [[f"{user}-{n}"] for n in range(5)]
        assert [r["text"] for r in own] == [f"You said: {user} line {n}" for n in range(5)]
    assert len({r["id"] for r in pipe.lines}) == len(pipe.lines) == 30


async def test_what_nobody_can_store_does_not_stop_the_pipe(tmp_path: Path) -> None:
    odd = "\ud800\0x"
    pipe = Pipe(tmp_path)
    await pipe.run(
        line(id=odd, user="bob", text="One")
        + line(user=odd, text="Two")
        + line(user=odd, text="/whoami")
        + line(user="bob", text=f"/attach {odd}")
        + line(user="bob", text=f"Three {odd}")
    )
    assert {r["text"] for r in pipe.lines if r["type"] == "reply"} == {
        "You said: One",
        "You said: Two",
        "You said: Three ?x",
    }
    assert len(pipe.lines) == 5


# What time it is


async def test_times_are_those_of_the_machine(tmp_path: Path) -> None:
    pipe = Pipe(tmp_path, as_json=False, zone="Asia/Kathmandu")
    await pipe.run(b"Hello\n/dump\n")
    assert newest(pipe.model.requests[0])["time"].endswith(f"+05:45 ({datetime.now(KATHMANDU):%A})")
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d message ada", pipe.printed, re.MULTILINE)  # surely theirs


async def test_a_zone_that_the_person_told_is_kept(tmp_path: Path) -> None:
    def moving(request: ModelRequest) -> ModelReply:
        if request.messages[-1]["role"] == "tool" or "Tokyo" not in newest(request)["message"]:
            return echo(request)
        return call("set_time_zone", zone="Asia/Tokyo", request_heartbeat=True)

    await Pipe(tmp_path, moving, as_json=False, zone="Europe/Berlin").run(b"My time zone is Asia/Tokyo\n")
    again = Pipe(tmp_path, moving, as_json=False, zone="Europe/Berlin")
    await again.run(b"Hello\n/heartbeat on\n")
    assert "+09:00 (" in newest(again.model.requests[0])["time"]
    assert "Asia/Tokyo" in again.printed


async def test_a_time_that_may_be_anothers_names_its_zone(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot) as house:
        await house.say("ada", "Hello")

        async def asked(command: str, argument: str = "") -> str:
            who = house.who("ada")
            del who["key"], who["at"]
            return (await house.app.inbound.invoke(Command(command=command, argument=argument, **who))).text

        assert re.search(r"\d\d:\d\d UTC", await asked("dump"))
        assert re.search(r"due .* \d\d:\d\d UTC\.", await asked("heartbeat", "status"))
        await asked("heartbeat", "hours 9-21 Asia/Tokyo")
        assert not re.search(r"\d\d:\d\d [A-Z]", await asked("dump"))


# Who reads


async def test_a_reply_is_given_to_its_owner_only(tmp_path: Path) -> None:
    """Bob's answer could not be printed any more; who sits at the console next is Ada, then Bob again."""
    lost = Pipe(tmp_path, as_json=False, user="bob")
    lost.target = Broken()
    await lost.run(b"My secret is zq17\n")

    ada = Pipe(tmp_path, as_json=False)
    await ada.run(b"Hello\n")
    assert ada.printed == "You said: Hello\n"

    bob = Pipe(tmp_path, as_json=False, user="bob")
    await bob.run(b"Again\n")
    assert bob.printed == "You said: My secret is zq17\nYou said: Again\n"


async def test_who_writes_json_speaks_for_everybody(tmp_path: Path) -> None:
    lost = Pipe(tmp_path)
    lost.target = Broken()
    await lost.run(line(id="a", user="bob", text="One"))

    again = Pipe(tmp_path)
    await again.run(b"")
    assert [reply["in_reply_to"] for reply in again.lines] == [["a"]]


PAINT = "\x1b]0;PWNED\x07\x1b[2J\x1b[1;31mred\x9b31m\x85\b\r\x7f\u202e!"


async def test_a_terminal_that_can_do_nothing_is_written_to_in_its_own_width(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "40")
    console = TerminalConsole(tmp_path / "history", user="ada", persona="ever")
    told = Reply(
        id="1/0",
        address="console:ada",
        kind="reply",
        text="The ferry leaves at nine and comes back after dark, **unless** the wind turns.",
        in_reply_to=(),
        at=datetime(2026, 11, 26, tzinfo=UTC),
        nonce="1",
    )
    await console.send(told)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 40
    assert "unless" in " ".join(lines)
    assert "\x1b" not in "".join(lines)


async def test_no_text_steers_the_terminal_that_reads_a_pipe(tmp_path: Path) -> None:
    pipe = Pipe(tmp_path, as_json=False)
    await pipe.run(f"Hello{PAINT}\n/attach {PAINT}\n".encode())
    first, second = pipe.printed.splitlines()
    assert first == "You said: Hello]0;PWNED[2J[1;31mred31m!"
    assert "PWNED" in second
    assert second.isprintable()


# Standard output


class Broken(io.StringIO):
    """Takes what is written, but never says that it did."""

    def flush(self) -> None:
        raise BrokenPipeError("nobody reads")


async def test_a_reply_without_a_receipt_is_printed_again_under_the_same_id(tmp_path: Path) -> None:
    first = Pipe(tmp_path)
    first.target = Broken()
    await first.run(line(id="a", text="One"))
    (lost,) = first.lines

    second = Pipe(tmp_path)
    await second.run(line(id="a", text="One"))
    assert second.lines == [lost]
    assert second.model.requests == []

    third = Pipe(tmp_path)
    await third.run(line(id="a", text="One"))
    assert third.printed == ""


async def test_a_command_whose_answer_cannot_be_printed_ends_the_pipe() -> None:
    console = PipeConsole(io.BytesIO(), Broken(), user="ada", persona="ever", as_json=False)
    with pytest.raises(DeliveryError, match="standard output is closed"):
        console._print("notice", "id", [], "text")


# The real program


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path, laid=True)


async def test_a_reader_that_goes_away_is_no_crash(program: Program) -> None:
    process = await program.start("chat", "--json")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line(id="a", text="Hello"))
    await process.stdin.drain()
    assert json.loads(await process.stdout.readline())["in_reply_to"] == ["a"]
    process.stdout._transport.close()  # type: ignore[attr-defined]
    process.stdin.write(line(id="b", text="Anybody there?"))
    process.stdin.close()
    assert process.stderr is not None
    told = (await process.stderr.read()).decode()
    await process.wait()
    assert "Traceback" not in told
    assert "Exception ignored" not in told

    done = await program.run_async("chat", "--json")
    assert [json.loads(text)["in_reply_to"] for text in done.out.splitlines()] == [["b"]]


async def test_a_second_chat_is_told_who_holds_the_directory(program: Program) -> None:
    first = await program.start("chat", "--json")
    assert first.stdin is not None
    assert first.stdout is not None
    first.stdin.write(line(id="a", text="Hello"))
    await first.stdin.drain()
    assert await first.stdout.readline()  # it runs

    second = await program.run_async("chat", source="Hello\n")

    assert f"{program.data} is in use by `everbot chat` (process {first.pid})." in second.sentence
    assert "EVERBOT_DATA_DIR" in second.sentence
    assert second.out == ""
    first.stdin.close()
    assert await first.wait() == 0
    third = await program.run_async("chat", source="Hello\n")
    assert (third.code, third.err) == (0, "")
    assert third.out


async def test_messages_are_kept_while_the_model_is_down(program: Program) -> None:
    async with OpenAIServer() as gone:
        url = gone.url
    program.config.write_text(model_config(url), encoding="utf-8")

    down = await program.run_async("chat", "--json", source=line(id="a", text="Hello").decode())

    assert down.code == 3
    (told,) = map(json.loads, down.out.splitlines())
    assert (told["type"], told["in_reply_to"]) == ("notice", ["a"])
    assert down.err.startswith("everbot: some messages are not answered yet")
    assert len(down.err.splitlines()) == 1

    async with OpenAIServer() as server:
        program.config.write_text(model_config(server.url), encoding="utf-8")
        up = await program.run_async("chat", "--json", source=line(id="b", user="bob", text="Hi").decode())
    replies = [json.loads(text) for text in up.out.splitlines()]
    assert up.code == 0
    assert {(r["type"], *r["in_reply_to"], r["text"]) for r in replies} == {
        ("reply", "b", "You said: Hi"),
        ("reply", "a", "You said: Hello"),
    }


def model_config(url: str) -> str:
    return f'[model]\nkind = "openai"\nbase_url = "{url}"\nname = "test-model"\nretries = 0\n{QUIET}'


async def test_a_persona_that_nobody_defined(program: Program) -> None:
    done = await program.run_async("chat", "--persona", "nobody", source="Hello\n")
    assert "There is no persona 'nobody'. Personas: ever" in done.sentence


@pytest.mark.parametrize("as_json", [True, False])
async def test_a_reminder_is_told_in_a_pipe(program: Program, as_json: bool) -> None:
    how = ["--json"] if as_json else []

    def lines(*texts: str) -> str:
        return "".join(json.dumps({"text": text}) if as_json else text for text in texts) + "\n"

    asked = await program.run_async("chat", *how, source=lines("Remind me tomorrow to water the fig tree."))
    assert "fig tree" in asked.out
    with closing(sqlite3.connect(program.data / "everbot.db")) as database, database:
        (rows,) = database.execute("SELECT count(*) FROM wishes").fetchone()
        assert rows == 1
        a_minute_ago = int((time.time() - 60) * 1_000_000)  # whatever hour it is while this runs
        database.execute("UPDATE wishes SET next_at = ?", (a_minute_ago,))
    told = await program.run_async("chat", *how, source="")
    assert told.code == 0
    assert "fig tree" in told.out


# A terminal


def hanging(request: Json, headers: Any) -> Answer | Fault:
    text = last_words(request)
    if text.startswith("hang"):
        return Fault(kind="hang")
    if text == "half":
        whole = Answer(calls=[("send_message", {"message": "The ferry leaves at nine, and comes back."})])
        return Fault(kind="stall", after=3, of=whole)
    if text == "title":
        text = "title \x1b]0;PWNED\x07\x1b[2J"
    return Answer(calls=[("send_message", {"message": f"**Bold** words on {text}."})])


@pytest.mark.parametrize("before", [CTRL_D, "/help" + ENTER + CTRL_D])
async def test_what_is_pressed_before_the_prompt_is_there_counts(program: Program, before: str) -> None:
    async with Terminal(program, "chat", "--user", "ada", before=before) as terminal:
        assert await terminal.ended() == 0
        assert ("/privacy" in terminal.screen) == before.startswith("/help")
        assert "Traceback" not in terminal.screen


async def test_a_person_at_a_terminal(program: Program) -> None:
    async with OpenAIServer(hanging) as server:
        program.config.write_text(model_config(server.url), encoding="utf-8")
        async with Terminal(program, "chat", "--user", "ada") as terminal:
            await terminal.shown("Talking as ada")
            await terminal.shown("ada>")

            terminal.type("Zoë" + ENTER)
            await terminal.shown("Bold words on Zoë.")  # Markdown is rendered
            await terminal.shown("ada>")

            terminal.type("title" + ENTER)
            await terminal.shown("Bold words on title ]0;PWNED[2J")
            await terminal.shown("ada>")
            assert "\x1b]0;PWNED" not in terminal.raw

            terminal.type("/whoami" + ENTER)
            await terminal.shown("You are ada (console:ada)")
            await terminal.shown("ada>")

            for presses in (1, 2):
                server.arrival.clear()
                server.departure.clear()
                terminal.type("hang" + ENTER)
                await server.arrival.wait()
                terminal.type(CTRL_C * presses)
                await server.departure.wait()  # the request was closed
                await terminal.shown("Stopped.")
                await terminal.shown("ada>")

            server.departure.clear()
            terminal.type("half" + ENTER)
            await terminal.shown(" ever \nThe ferry")  # while it is written
            terminal.type(CTRL_C)
            await server.departure.wait()
            await terminal.shown("(This was not said.)")
            await terminal.shown("Stopped.")
            await terminal.shown("ada>")

            terminal.type("after" + ENTER)
            await terminal.shown("Bold words on after.")
            await terminal.shown("ada>")

            terminal.type("half a line" + CTRL_C)
            await terminal.shown("Ctrl-D leaves.")
            await terminal.shown("ada>")
            terminal.type(CTRL_D)
            assert await terminal.ended() == 0
            assert "Traceback" not in terminal.screen
    assert [exchange.outcome for exchange in server.transcript].count("fault:hang") == 2
    assert (program.data / "history" / "ada").stat().st_mode & 0o777 == 0o600
