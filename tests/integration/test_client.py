"""`bot.client`: everbot from Python."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import dataclasses
import inspect
import json
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.client import AgentState, Client, Response, Result, Step, create_client
from bot.errors import AgentExists, AgentNotFound, ModelUnavailable, SettingsError
from bot.ports import ModelReply, ModelRequest
from bot.settings import Settings
from memory.errors import StoreBusy
from tests.fakes.clock import LeapingClock
from tests.fakes.empty_database import lay
from tests.fakes.scripted_model import ScriptedModel, call, calls, say
from tests.patience import PATIENCE_S
from tests.program.program import QUIET, Program

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def open_client(folder: Path, script: Any = lambda _: say("Yes.")) -> Client:
    settings = Settings.model_validate({"data_dir": folder, "agent": {"debounce_s": 0}})
    lay(folder / "everbot.db")
    return Client(settings, model=ScriptedModel(script), embedders=lambda _: None)


def configured(folder: Path, **settings: Any) -> Client:
    """`create_client` as people call it, on the offline model."""
    config = folder / "config.toml"
    config.write_text('[model]\nkind = "offline"\n' + QUIET, encoding="utf-8")
    return create_client(config, data_dir=folder / "data", **settings)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with open_client(tmp_path) as client:
        yield client


def make(client: Client, name: str = "my_agent", **more: str) -> AgentState:
    return client.create_agent(name=name, **more)


def interpreted(program: Program, code: str) -> subprocess.CompletedProcess[str]:
    """What Python makes of it, at the program's place."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=program.folder,
        env=program.environment,
        timeout=PATIENCE_S,
        check=True,
    )


def test_the_readmes_snippet(tmp_path: Path) -> None:
    (snippet,) = [
        code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "create_client" in code
    ]
    look = "\nprint(client.get_core_memory(agent.id))\nclient.close()\n"
    program = Program(tmp_path, f"[agent]\ndebounce_s = 0.0\n{QUIET}")

    done = interpreted(program, snippet + look)

    assert done.stderr == ""
    printed, blocks = done.stdout.splitlines()
    assert printed.startswith("('")  # a reply
    assert "Step(kind='reply'" in printed
    assert ast.literal_eval(blocks) == {
        "persona": "You are a friendly agent.",
        "human": "Bob is a friendly human.",
    }


def test_every_method_in_the_readme_is_there() -> None:
    (told,) = re.findall(r"^Also (.*?)\. It is synchronous", README, re.DOTALL | re.MULTILINE)
    methods = [name.partition("(")[0] for name in re.findall(r"`([^`]+)`", told)]
    assert "insert_archival" in methods
    assert [name for name in methods if not callable(getattr(Client, name, None))] == []
    public = {name for name, value in vars(Client).items() if not name.startswith("_") and callable(value)}
    assert public == {*methods, "create_agent", "user_message"}


def test_the_page_for_people_tells_all_that_there_is() -> None:
    """docs/python.md has every public name with its signature, and every field, as they are."""
    told = (ROOT / "docs" / "python.md").read_text(encoding="utf-8").replace("\\|", "|")
    wanted = {f"create_client{_signature(create_client)}"} | {
        f"Client.{name}{_signature(value)}"
        for name, value in vars(Client).items()
        if not name.startswith("_") and callable(value)
    }
    listed = set(re.findall(r"^\| `((?:Client\.|create_client)[^`]+)`", told, re.MULTILINE))
    assert listed == wanted
    for kind in (AgentState, Response, Step, Result):
        section = told[told.index(f"`{kind.__name__}` ha") :].partition("\n\n")[0]
        for field in dataclasses.fields(kind):
            assert f"`{field.name}: {field.type}`" in section, (kind, field.name)


def _signature(function: Any) -> str:
    signature = inspect.signature(function)
    parameters = [p for name, p in signature.parameters.items() if name != "self"]
    return (
        str(signature.replace(parameters=parameters))
        .replace("'", "")
        .replace("human: str = )", "human: str = '')")
    )


def test_the_pages_example_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    program = Program(tmp_path, QUIET)
    done = interpreted(program, example)
    assert done.stdout.strip()
    assert done.stderr == ""


def test_types_are_shipped() -> None:
    for package in ("bot", "adapters", "memory"):
        assert (ROOT / package / "py.typed").is_file()


def test_agents_are_made_and_found_by_name(client: Client) -> None:
    made = make(client, persona="I am Flora.", human="Bob grows roses.")
    assert made == AgentState(made.id, "my_agent", "I am Flora.", "Bob grows roses.")
    assert client.get_agent("my_agent") == made
    other = make(client, "other")
    assert other.id != made.id
    assert other.human == ""
    assert "Ever" in other.persona


def test_an_agent_is_found_or_made(client: Client) -> None:
    made = client.get_or_create_agent("ada", persona="I listen.", human="Ada.")
    assert client.get_or_create_agent("ada", persona="I am another.") == made
    assert client.get_agent("ada") == made


def test_a_name_is_given_once(client: Client) -> None:
    make(client)
    with pytest.raises(AgentExists, match="'my_agent'"):
        make(client, persona="Another.")
    assert "Ever" in client.get_agent("my_agent").persona


def test_agents_that_are_not_there(client: Client) -> None:
    with pytest.raises(AgentNotFound, match="'nobody'"):
        client.get_agent("nobody")
    for ask in (client.get_messages, client.get_core_memory, client.delete_agent):
        with pytest.raises(AgentNotFound, match="4711"):
            ask(4711)
    for search in (client.search_recall, client.search_archival, client.user_message, client.insert_archival):
        with pytest.raises(AgentNotFound, match="4711"):
            search(4711, "text")


def test_a_message_gives_the_steps_and_the_replies(tmp_path: Path) -> None:
    script = [
        ModelReply(
            text="She lives there.",
            calls=call(
                "core_memory_append", label="human", content="In Lisbon.", request_heartbeat=True
            ).calls,
        ),
        calls(("send_message", {"message": "Noted."}), ("send_message", {"message": "Anything else?"})),
        ModelReply(text="Plain text."),
    ]
    with open_client(tmp_path, script) as client:
        agent = make(client)
        response = client.user_message(agent_id=agent.id, message="I live in Lisbon.")
        plain = client.user_message(agent.id, "Go on.")
        blocks = client.get_core_memory(agent.id)

    kinds = [(step.kind, step.name) for step in response.steps]
    assert kinds == [
        ("thought", ""),
        ("call", "core_memory_append"),
        ("result", "core_memory_append"),
        ("call", "send_message"),
        ("call", "send_message"),
        ("reply", ""),
        ("result", "send_message"),
        ("result", "send_message"),
    ]
    assert response.steps[0].text == "She lives there."
    assert "In Lisbon." in response.steps[1].text
    assert response.replies == ("Noted.\nAnything else?",)
    assert plain.replies == ("Plain text.",)
    assert [step.kind for step in plain.steps] == ["reply"]
    assert blocks["human"] == "In Lisbon."


def test_messages_and_searches(client: Client) -> None:
    agent = make(client)
    for text in ("My dog is called Biscuit.", "It rains.", "a\0b\ud800"):
        client.user_message(agent.id, text)
    uid = client.insert_archival(agent.id, "Ada was born in 1815.", tags=("family",))

    said = client.get_messages(agent.id)
    assert [(row.author, row.text) for row in said][:2] == [
        ("User", "My dog is called Biscuit."),
        ("ever", "Yes."),
    ]
    assert [row.text for row in client.get_messages(agent.id, limit=2)] == ["ab?", "Yes."]
    assert [row.text for row in client.search_recall(agent.id, "dog Biscuit")][:1] == [
        "My dog is called Biscuit."
    ]
    (found,) = client.search_archival(agent.id, "born in 1815")
    assert found.text == "Ada was born in 1815."
    assert found.score > 0
    assert found.time.tzinfo is not None
    assert client.search_archival(agent.id, "born in 1815", page=1) == []
    assert uid


def test_agents_know_nothing_of_each_other(client: Client) -> None:
    one, other = make(client, "one"), make(client, "other")
    client.user_message(one.id, "My dog is called Biscuit.")
    client.insert_archival(one.id, "The dog is called Biscuit.")
    assert client.search_recall(other.id, "Biscuit") == []
    assert client.search_archival(other.id, "Biscuit") == []
    assert client.get_messages(other.id) == []


def test_delete_removes_everything(client: Client, tmp_path: Path) -> None:
    agent, other = make(client, human="A secret: rosebud."), make(client, "other")
    client.user_message(agent.id, "rosebud is what I say")
    client.insert_archival(agent.id, "rosebud is what I keep")
    client.user_message(other.id, "Hello")

    client.delete_agent(agent.id)

    with pytest.raises(AgentNotFound):
        client.get_agent("my_agent")
    with pytest.raises(AgentNotFound):
        client.delete_agent(agent.id)
    assert client.get_messages(other.id)
    with closing(sqlite3.connect(tmp_path / "everbot.db")) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        wanted = [name for name in names if not name.endswith(("_data", "_idx", "_config"))]
        rows = {name: repr(db.execute(f'SELECT * FROM "{name}"').fetchall()) for name in wanted}  # noqa: S608
    assert [name for name, row in rows.items() if "rosebud" in row] == []
    again = make(client)
    assert client.get_core_memory(again.id)["human"] == ""
    assert client.search_archival(again.id, "rosebud") == []


def test_an_agent_can_be_deleted_in_the_middle_of_its_turn(tmp_path: Path) -> None:
    asked = threading.Event()

    async def hang(request: ModelRequest) -> ModelReply:
        asked.set()
        await asyncio.Event().wait()
        return say("Never.")

    with open_client(tmp_path, hang) as client:
        agent = make(client)
        replies: list[tuple[str, ...]] = []
        talk = threading.Thread(target=lambda: replies.append(client.user_message(agent.id, "Hello").replies))
        talk.start()
        assert asked.wait(PATIENCE_S)
        client.delete_agent(agent.id)
        talk.join(PATIENCE_S)
        assert not talk.is_alive()
        assert replies == [()]


def test_memory_outlives_the_client(tmp_path: Path) -> None:
    with configured(tmp_path) as client:
        agent = make(client, human="Bob is friendly.")
        client.user_message(agent.id, "My dog is called Biscuit.")
    with configured(tmp_path) as client:
        known = client.get_agent("my_agent")
        assert known.id == agent.id
        assert "Biscuit" in client.user_message(known.id, "What is my dog's name?").replies[0]


async def test_it_works_where_a_loop_is_running(tmp_path: Path) -> None:
    assert asyncio.get_running_loop().is_running()
    with open_client(tmp_path) as client:
        assert client.user_message(make(client).id, "Hello").replies == ("Yes.",)


def test_threads_may_share_a_client(client: Client) -> None:
    agents = [make(client, f"agent {n}") for n in range(4)]
    replies: list[tuple[str, ...]] = []

    def talk(agent: AgentState) -> None:
        for _ in range(3):
            replies.append(client.user_message(agent.id, f"I am {agent.name}.").replies)

    threads = [threading.Thread(target=talk, args=[agent]) for agent in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert replies == [("Yes.",)] * 12
    assert {len(client.get_messages(agent.id)) for agent in agents} == {6}


def test_what_is_said_at_the_same_time_is_answered_apart(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path})  # with the debounce that platforms have

    def play(request: ModelRequest) -> ModelReply:
        return say(json.loads(request.messages[-1]["content"])["message"])

    answers: dict[str, tuple[str, ...]] = {}
    with Client(settings, model=ScriptedModel(play), embedders=lambda _: None) as client:
        agent = make(client)

        def talk(text: str) -> None:
            answers[text] = client.user_message(agent.id, text).replies

        threads = [threading.Thread(target=talk, args=[f"message {n}"]) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
    assert answers == {f"message {n}": (f"message {n}",) for n in range(8)}


def test_a_reminder_is_told_while_the_client_is_open(tmp_path: Path) -> None:
    clock = LeapingClock()

    def play(request: ModelRequest) -> ModelReply:
        event = json.loads(next(m for m in reversed(request.messages) if m["role"] == "user")["content"])
        if event["type"] == "scheduled":
            return say("Water the fig tree!")
        if request.messages[-1]["role"] == "tool":
            return say("I will.")
        return call("schedule_message", when="every 1d", about="the fig tree", request_heartbeat=True)

    settings = Settings.model_validate({"data_dir": tmp_path})
    with Client(settings, model=ScriptedModel(play), embedders=lambda _: None, clock=clock) as client:
        agent = make(client)
        assert client.user_message(agent.id, "Remind me every day.").replies == ("I will.",)
        assert client.unasked(agent.id) == []
        clock.advance(86_400)
        client._do(client._running.heartbeat.sweep())  # as the timer does every two seconds
        client._do(client._running.inbound.settled())
        assert client.unasked(agent.id) == ["Water the fig tree!"]
        assert client.unasked(agent.id) == []
        assert client.user_message(agent.id, "Thanks").replies


def test_a_second_client_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    with open_client(tmp_path) as first:
        with pytest.raises(StoreBusy, match=r"is in use by `everbot client` \(process \d+\)"):
            open_client(tmp_path)
        assert first.user_message(make(first).id, "Hello").replies
    with open_client(tmp_path) as second:
        assert second.get_agent("my_agent")


def test_a_model_that_is_down_is_told_and_the_message_kept(tmp_path: Path) -> None:
    def down(request: ModelRequest) -> ModelReply:
        raise ModelUnavailable("The model is down.")

    with open_client(tmp_path, down) as client:
        agent = make(client)
        with pytest.raises(ModelUnavailable, match="kept and answered later"):
            client.user_message(agent.id, "Hello")
    with open_client(tmp_path) as client:
        client.user_message(agent.id, "Again")
        said = [row.text for row in client.get_messages(agent.id)]
        assert sorted(said) == ["Again", "Hello", "Yes.", "Yes."]


def test_a_closed_client_says_so(tmp_path: Path) -> None:
    client = open_client(tmp_path)
    agent = make(client)
    client.close()
    client.close()
    with pytest.raises(AgentNotFound, match="The client is closed"):
        client.user_message(agent.id, "Hello")


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"nonsense": 1}, "nonsense"),
        ({"agent": {"timezone": "Mars/Olympus"}}, "agent.timezone"),
        ({"model": {"reply_reserve": 16_000}}, "model.reply_reserve"),
        ({"model": {"context_window": 4_096}}, "model.context_window"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, settings: dict[str, Any], names: str) -> None:
    with pytest.raises(SettingsError, match=names):
        configured(tmp_path, **settings)
    with pytest.raises(SettingsError, match=r"missing\.toml"):
        create_client(tmp_path / "missing.toml")


def test_a_data_directory_may_be_given_in_any_form(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        (tmp_path / "config.toml").write_text(QUIET, encoding="utf-8")
        with create_client(data_dir="here", model={"kind": "offline"}) as client:
            make(client)
    assert (tmp_path / "here" / "everbot.db").exists()
