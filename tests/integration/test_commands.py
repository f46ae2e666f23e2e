"""The chat commands on a running everbot, with a scripted model and an adapter in this process."""

from __future__ import annotations

import ast
import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.text import plain, spelling
from bot import bundle
from bot.app import App, open_app
from bot.events import Command, MessageReceived, Reply, View
from bot.ownership.export import FORMAT
from bot.ports import Found, ModelReply, ModelRequest
from bot.settings import Settings
from memory.archival import store
from memory.records import PRIVATE, SHARED, Agent, Draft
from tests.fakes.clock import FakeClock
from tests.fakes.empty_database import lay
from tests.fakes.parlour import Parlour, opened, parrot
from tests.fakes.scripted_model import Line, ScriptedModel, call, calls, say

ADA = "console:ada"
COMMANDS = set(
    (
        "allow attach connect dump export forget heartbeat help language link memory memorywarning persona pop privacy "
        "rethink retry rewrite room save scheduled stop unlink whoami why"
    ).split()
)
Script = Sequence[Line] | Callable[[ModelRequest], ModelReply]


class Phone(Parlour):
    """At the console; what it was told to post is never found there."""

    platform = "console"

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        return Found.ABSENT


class Chat:
    """Ada at the console, talking with an everbot."""

    def __init__(self, app: App, model: ScriptedModel, phone: Phone, clock: FakeClock) -> None:
        self.app, self.model, self.phone, self.clock = app, model, phone, clock
        self._said = 0

    async def submit(self, text: str, place: str = ADA) -> None:
        self._said += 1
        self.clock.advance(60)
        event = MessageReceived(
            key=f"{place}/{id(self.app)}-{self._said}",
            account=ADA,
            name="ada",
            address=place,
            audience=PRIVATE,
            at=self.clock.now(),
            text=text,
        )
        await self.app.inbound.submit(event)

    async def settled(self, place: str = ADA) -> list[str]:
        """Waits for the turn to end; what was posted since the last time."""
        assert await self.app.inbound.settled(place)
        posted, self.phone.posted = self.phone.posted, []
        return [f"{reply.kind}: {reply.text}" for reply in posted]

    async def say(self, text: str, place: str = ADA) -> list[str]:
        await self.submit(text, place)
        return await self.settled(place)

    async def command(self, line: str) -> View:
        name, _, argument = line.partition(" ")
        command = Command(
            command=name.removeprefix("/"),
            argument=argument,
            account=ADA,
            name="ada",
            address=ADA,
            audience=PRIVATE,
        )
        return await self.app.inbound.invoke(command)

    async def done(self, line: str) -> str:
        view = await self.command(line)
        assert view.kind == "notice", view.text
        return plain(view)

    async def refused(self, line: str) -> str:
        view = await self.command(line)
        assert view.kind == "error", view.text
        return view.text

    async def agent(self) -> Agent:
        async with self.app.memory.store.read() as session:
            (agent,) = await session.agents.agents()
        return agent

    async def human(self) -> str:
        async with self.app.memory.store.read() as session:
            blocks = await session.blocks.visible(await self.agent(), PRIVATE)
        return next(block.value for block in blocks if block.label == "human")

    async def recalled(self, query: str) -> list[str]:
        page = await self.app.memory.recall.search((await self.agent()).id, query, PRIVATE)
        return [hit.row.text for hit in page.hits]

    async def archived(self, query: str) -> list[str]:
        page = await self.app.memory.archival.search(await self.agent(), query, PRIVATE)
        return [hit.row.text for hit in page.hits]

    def seen(self) -> str:
        """What the model was shown in its newest request."""
        return json.dumps(self.model.requests[-1].messages, ensure_ascii=False)


@asynccontextmanager
async def chatting(folder: Path, script: Script, **model: Any) -> AsyncIterator[Chat]:
    settings = Settings.model_validate({"data_dir": folder, "model": model, "agent": {"debounce_s": 0}})
    scripted, phone, clock = ScriptedModel(script), Phone(), FakeClock()
    lay(folder / "everbot.db")
    async with open_app(
        settings, [phone], "test", model=scripted, clock=clock, embedders=lambda _: None
    ) as app:
        yield Chat(app, scripted, phone, clock)
        assert not phone.posted
    assert scripted.exhausted or callable(script)


def note(fact: str) -> ModelReply:
    """Notes a fact in core memory and in archival storage, and says so."""
    return calls(
        ("core_memory_append", {"label": "human", "content": fact}),
        ("archival_memory_insert", {"content": f"{fact} It is so."}),
        ("send_message", {"message": f"I noted: {fact}"}),
    )


def thinking(thought: str, text: str) -> ModelReply:
    return ModelReply(text=thought, calls=say(text).calls)


# Looking


async def test_help_and_whoami(tmp_path: Path) -> None:
    async with chatting(tmp_path, lambda _: say("Yes.")) as chat:
        text = await chat.done("/help")
        listed = set(re.findall(r"^/(\w+)", text, re.MULTILINE))
        assert listed == COMMANDS
        for name in sorted(COMMANDS):
            view = await chat.command(f"/{name}")
            assert "There is no command" not in view.text, name
        await chat.settled()
        assert "ada (console:ada)" in await chat.done("/whoami")
        assert "ever" in await chat.done("/whoami")


async def test_help_fits_any_screen(tmp_path: Path) -> None:
    """A terminal of 40 columns, and one message on Discord; what looks inside is for those who ask for it."""
    async with opened(tmp_path, parrot) as house:

        async def helped(account: str, argument: str = "") -> str:
            who = {"account": account, "name": "ada", "address": account, "audience": PRIVATE}
            command = Command(command="help", argument=argument, **who)
            return (await house.app.inbound.invoke(command)).text

        everyday, all_ = await helped("discord:1"), await helped("discord:1", "all")
        owners = await helped("console:ada")
        for text in (everyday, all_, owners):
            assert max(map(len, text.splitlines())) <= 40
            assert len(text) <= 2_000
        inner = {"dump", "pop", "rethink", "rewrite", "memorywarning"}
        listed = [set(re.findall(r"^/(\w+):", text, re.MULTILINE)) for text in (everyday, all_, owners)]
        assert listed == [COMMANDS - inner - {"save"}, COMMANDS - {"save"}, COMMANDS]
        for name in COMMANDS:
            usage = await helped("discord:1", name)
            assert usage.startswith(f"/{name}")
            assert len(usage) <= 2_000
        assert "hours SPAN ZONE: " in await helped("discord:1", "/heartbeat")
        assert await helped("discord:1", "nonsense") == "There is no command /nonsense. /help lists them."


def test_every_text_that_names_a_command_is_spelled_otherwise_on_slack() -> None:
    """``/forget yes`` reads ``/everbot forget yes`` there, wherever a text of ours says it."""
    typed = spelling(COMMANDS, "/everbot ")
    named = 0
    for path in (path for path in Path("bot").rglob("*") if path.suffix in (".py", ".md")):
        text = path.read_text(encoding="utf-8")
        if not any(f"/{name}" in text for name in COMMANDS):
            continue
        tree = ast.walk(ast.parse(text)) if path.suffix == ".py" else [ast.Constant(text)]
        for text in [n.value for n in tree if isinstance(n, ast.Constant) and isinstance(n.value, str)]:
            if not text.startswith("^"):  # a rule that reads what people write
                names = re.findall(rf"(?<![\w/.])/(?:{'|'.join(COMMANDS)})\b(?!/)", text)
                named += len(names)
                assert typed(text).count("/everbot ") == len(names), (path.name, text)
    assert named > 60


async def test_a_command_that_is_none(tmp_path: Path) -> None:
    async with chatting(tmp_path, []) as chat:
        assert await chat.refused("/nonsense") == "There is no command /nonsense. /help lists them."


async def test_memory_shows_blocks_and_counts(tmp_path: Path) -> None:
    async with chatting(tmp_path, [note("Ada lives in Lisbon.")]) as chat:
        assert "1. [human]\n(empty)\n   0/2000 characters" in await chat.done("/memory")
        await chat.say("I live in Lisbon.")
        text = await chat.done("/memory")
    assert "[persona]" in text
    assert "1. [human]\nAda lives in Lisbon.\n   20/2000 characters" in text
    assert "Recall storage: 2 messages. Archival storage: 1 passage." in text


async def test_dump_shows_thoughts_calls_and_results(tmp_path: Path) -> None:
    async with chatting(tmp_path, [thinking("She greets.", "Hello!"), say("Bye!")]) as chat:
        assert await chat.done("/dump") == "Nothing is in view yet."
        await chat.say("Hi there")
        await chat.say("See you")
        whole = await chat.done("/dump")
        part = await chat.done("/dump 3")
    lines = whole.splitlines()
    assert "message ada: Hi there" in lines[0]
    assert lines[0].startswith("2026-11-21 09:01 ")
    assert "ever thinks: She greets." in lines[1]
    assert 'calls send_message({"message": "Hello!"})' in whole
    assert "send_message -> " in whole
    assert part.startswith("(3 earlier messages in view)\n")
    assert "Hi there" not in part
    assert "See you" in part


async def test_numbers_are_checked(tmp_path: Path) -> None:
    async with chatting(tmp_path, []) as chat:
        for line in ("/dump x", "/dump 0", "/dump -1", "/pop 1001", "/pop ²", "/dump 1.5"):
            assert "is not a number from 1 to 1000." in await chat.refused(line)


# Undoing


async def test_pop_undoes_a_turn_with_all_that_was_noted(tmp_path: Path) -> None:
    async with chatting(tmp_path, [say("Hello!"), note("Ada lives in Lisbon."), say("No idea.")]) as chat:
        await chat.say("Good morning")
        assert await chat.say("I live in Lisbon.") == ["reply: I noted: Ada lives in Lisbon."]
        assert await chat.human() == "Ada lives in Lisbon."

        assert await chat.done("/pop") == "Undid 1 turn."

        assert await chat.human() == ""
        assert await chat.recalled("Lisbon") == []
        assert await chat.archived("Lisbon") == []
        await chat.say("Where do I live?")
        assert "Lisbon" not in chat.seen()
        assert "Good morning" in chat.seen()


async def test_pop_undoes_several_steps_and_several_turns(tmp_path: Path) -> None:
    script: list[Line] = [
        call("core_memory_append", label="human", content="One.", request_heartbeat=True),
        call("core_memory_append", label="human", content="Two.", request_heartbeat=True),
        say("Noted."),
        note("Three."),
        note("Four."),
    ]
    async with chatting(tmp_path, script) as chat:
        for text in ("a", "b", "c"):
            await chat.say(text)
        assert await chat.human() == "One.\nTwo.\nThree.\nFour."
        assert await chat.done("/pop 2") == "Undid 2 turns."
        assert await chat.human() == "One.\nTwo."
        assert await chat.done("/pop 1000") == "Undid 1 turn."
        assert await chat.human() == ""
        assert await chat.refused("/pop") == "There is no turn to undo."


async def test_what_was_undone_stays_undone_after_a_restart(tmp_path: Path) -> None:
    async with chatting(tmp_path, [say("Hello!"), note("Ada lives in Lisbon.")]) as chat:
        await chat.say("Good morning")
        await chat.say("I live in Lisbon.")
        await chat.done("/pop")
    async with chatting(tmp_path, [say("No idea.")]) as chat:
        assert await chat.say("Where do I live?") == ["reply: No idea."]
        assert "Lisbon" not in chat.seen()
        assert "Good morning" in chat.seen()


async def test_a_block_that_was_edited_since_stays_and_it_says_so(tmp_path: Path) -> None:
    async with chatting(tmp_path, [note("Here."), note("Elsewhere.")]) as chat:
        await chat.say("a")
        await chat.say("b", "console:elsewhere")

        answer = await chat.done("/pop")

        assert answer == "Undid 1 turn. The block 'human' was edited since and stays as it is."
        assert await chat.human() == "Here.\nElsewhere."
        assert await chat.archived("Here") == []
        assert await chat.archived("Elsewhere") == ["Elsewhere. It is so."]


async def test_evicted_turns_stay_and_it_says_so(tmp_path: Path) -> None:
    def answering(request: ModelRequest) -> ModelReply:
        return say("Yes.") if request.tools else ModelReply(text="They talked.")

    async with chatting(tmp_path, answering, context_window=8_192, reply_reserve=1_024) as chat:
        for n in range(12):
            await chat.say(f"Story number{n}: " + "once upon a time there was a fox. " * 60)
        assert "They talked." in chat.seen()

        answer = await chat.done("/pop 1000")

        assert answer.endswith("Older turns have left my view and stay.")
        assert await chat.recalled("number0") != []
        assert await chat.recalled("number11") == []
        assert await chat.refused("/pop") == "Older turns have left my view and stay."
        assert await chat.refused("/retry") == "Older turns have left my view and stay."


async def test_retry_answers_the_same_message_anew(tmp_path: Path) -> None:
    async with chatting(tmp_path, [note("Wrong."), note("Right.")]) as chat:
        await chat.say("I live in Lisbon.")

        assert await chat.done("/retry") == "Answering again."

        assert await chat.settled() == ["reply: I noted: Right."]
        assert "I live in Lisbon." in chat.seen()
        assert "Wrong." not in chat.seen()
        assert await chat.human() == "Right."
        assert await chat.archived("Wrong") == []
        assert (await chat.recalled("Lisbon"))[0] == "I live in Lisbon."


async def test_retry_goes_back_over_a_heartbeat(tmp_path: Path) -> None:
    async with chatting(tmp_path, [say("One."), ModelReply(text="Nothing to do."), say("Two.")]) as chat:
        await chat.say("Hello")
        await chat.done("/heartbeat")
        await chat.settled()
        await chat.done("/retry")
        assert await chat.settled() == ["reply: Two."]
        assert '\\"heartbeat\\"' not in chat.seen()


async def test_retry_twice_and_without_a_message(tmp_path: Path) -> None:
    async with chatting(tmp_path, [say("One."), say("Two."), say("Three.")]) as chat:
        assert await chat.refused("/retry") == "There is no message to answer again."
        await chat.say("Hello")
        for wanted in ("Two.", "Three."):
            await chat.done("/retry")
            assert await chat.settled() == [f"reply: {wanted}"]
        assert chat.seen().count("Hello") == 1


# Rewriting


async def test_rethink_replaces_the_last_thought(tmp_path: Path) -> None:
    async with chatting(tmp_path, [thinking("She is sad.", "Hello!"), say("Yes.")]) as chat:
        assert "nothing of mine" in await chat.refused("/rethink She is glad.")
        await chat.say("Hi")
        assert "needs a text" in await chat.refused("/rethink  ")

        await chat.done("/rethink She is glad.")

        await chat.say("Really?")
        assert "She is glad." in chat.seen()
        assert "She is sad." not in chat.seen()
        assert "Hello!" in chat.seen()


async def test_rewrite_replaces_the_last_reply_in_memory(tmp_path: Path) -> None:
    async with chatting(tmp_path, [thinking("Hm.", "Hello comrade!"), say("Yes.")]) as chat:
        assert "nothing of mine" in await chat.refused("/rewrite Good evening!")
        assert await chat.say("Hi") == ["reply: Hello comrade!"]

        assert "delivered stays" in await chat.done("/rewrite Good evening, Ada!")

        assert await chat.recalled("comrade") == []
        assert (await chat.recalled("evening"))[0] == "Good evening, Ada!"
        await chat.say("Really?")
        assert "Good evening, Ada!" in chat.seen()
        assert "comrade" not in chat.seen()
        assert "Hm." in chat.seen()


async def test_rewrite_of_a_reply_in_plain_text(tmp_path: Path) -> None:
    async with chatting(tmp_path, [ModelReply(text="Hello comrade!"), say("Yes.")]) as chat:
        assert await chat.say("Hi") == ["reply: Hello comrade!"]
        await chat.done("/rewrite Good evening!")
        await chat.say("Really?")
        assert "Good evening!" in chat.seen()
        assert "comrade" not in chat.seen()


# Documents and files


async def test_attach_makes_a_source_searchable(tmp_path: Path) -> None:
    script: list[Line] = [
        say("Hi!"),
        call("archival_memory_search", query="lighthouse", request_heartbeat=True),
        say("Zoë."),
    ]
    async with chatting(tmp_path, script) as chat:
        assert "none yet; make one with `everbot load`" in await chat.refused("/attach manual")
        await chat.say("Hi")
        async with chat.app.memory.store.write() as session:
            source = await session.passages.create_source("manual", chat.clock.now())
            await session.passages.create_source("novel", chat.clock.now())
            text = "The lighthouse was built by Zoë."
            await store(session, source.id, [Draft(text=text, audience=SHARED)], chat.clock.now())
        assert await chat.archived("lighthouse") == []

        assert await chat.refused("/attach nothing") == (
            "There is no source 'nothing'. Sources: manual, novel."
        )
        for _ in range(2):
            assert await chat.done("/attach  manual ") == "Attached manual: 1 passage can be searched now."

        assert await chat.say("Who built the lighthouse?") == ["reply: Zoë."]
        assert chat.seen().count("built by Zoë") == 1
        assert "Attached sources: manual." in await chat.done("/memory")


async def test_save_writes_a_private_file(tmp_path: Path) -> None:
    async with chatting(tmp_path, [note("Ada lives in Köln."), say("Yes.")]) as chat:
        await chat.say("I live in Köln.")
        await chat.say("Really.")
        answer = await chat.done("/save before the move")
        unnamed = await chat.done("/save")
        agent = await chat.agent()
    path = tmp_path / "saves" / f"agent-{agent.id}-before-the-move.zip"
    assert answer == f"Saved to {path}."
    assert path.stat().st_mode & 0o777 == 0o600
    header, tables = bundle.unpack([path.read_bytes()], FORMAT)
    assert header["exported_at"] == "2026-11-21T09:02:00+00:00"
    [who] = tables["agent"]
    assert (who["name"], who["persona"]) == ("ada", "ever")
    assert [(b["label"], b["value"]) for b in tables["blocks"]] == [("human", "Ada lives in Köln.")]
    assert [(m["author"], m["text"]) for m in tables["messages"] if m["text"]] == [
        ("ada", "I live in Köln."),
        ("ever", "I noted: Ada lives in Köln."),
        ("ada", "Really."),
        ("ever", "Yes."),
    ]
    assert tables["messages"][0]["at"] == "2026-11-21T09:01:00+00:00"
    assert [p["text"] for p in tables["passages"]] == ["Ada lives in Köln. It is so."]
    assert unnamed == f"Saved to {tmp_path / 'saves' / f'agent-{agent.id}-20261121-090200.zip'}."


async def test_a_saves_name_stays_in_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with chatting(folder, []) as chat:
        for name in ("../../evil", "/etc/passwd", "..", "a/../../b", "x" * 100, "Zoë 🦊"):
            await chat.done(f"/save {name}")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert len(list((folder / "saves").iterdir())) == 6


async def test_a_save_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "saves").write_text("a file where the folder should be")
    async with chatting(tmp_path, []) as chat:
        assert (await chat.refused("/save")).startswith("Nothing was saved: ")
        assert (await chat.refused(f"/save {'x' * 300}")).startswith("Nothing was saved: ")


# Waking


async def test_a_heartbeat_is_silent_unless_it_speaks(tmp_path: Path) -> None:
    async with chatting(tmp_path, [ModelReply(text="Nothing to do."), say("Are you well?")]) as chat:
        await chat.done("/heartbeat on")
        await chat.done("/heartbeat hours 0-24")
        assert await chat.done("/heartbeat") == "A heartbeat is on its way."
        assert await chat.settled() == []
        event = json.loads(chat.model.requests[-1].messages[-1]["content"])
        assert event["type"] == "heartbeat"
        assert event["reason"]
        await chat.done("/heartbeat")
        assert await chat.settled() == ["reply: Are you well?"]


async def test_a_memory_warning_reaches_the_model_only(tmp_path: Path) -> None:
    async with chatting(tmp_path, [ModelReply(text="I will save what matters.")]) as chat:
        await chat.done("/memorywarning")
        assert await chat.settled() == []
        event = json.loads(chat.model.requests[-1].messages[-1]["content"])
        assert event["type"] == "system_alert"
        assert re.search(r"Your context is \d+% full", event["message"])


# While a turn runs


class Slow:
    """An answer that waits until it is let go."""

    def __init__(self, reply: ModelReply) -> None:
        self.asked, self.go, self.called_off = asyncio.Event(), asyncio.Event(), False
        self._reply = reply

    async def __call__(self, request: ModelRequest) -> ModelReply:
        self.asked.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.called_off = True
            raise
        return self._reply


async def test_commands_answer_while_a_turn_runs(tmp_path: Path) -> None:
    slow = Slow(note("Ada likes tea."))
    async with chatting(tmp_path, [note("Ada lives in Lisbon."), slow, say("You do.")]) as chat:
        await chat.say("I live in Lisbon.")
        await chat.submit("I like tea.")
        await slow.asked.wait()

        assert "Lisbon" in await chat.done("/memory")
        assert "I like tea." in await chat.done("/dump")
        assert await chat.done("/whoami")
        assert (await chat.done("/save now")).startswith("Saved")
        assert await chat.done("/pop") == "Undid 1 turn."  # the one that has ended
        slow.go.set()

        assert await chat.settled() == ["reply: I noted: Ada likes tea."]
        assert await chat.human() == "Ada likes tea."
        await chat.say("Do I like tea?")
        assert "I like tea." in chat.seen()
        assert "I live in Lisbon." not in chat.seen()


async def test_stop_calls_off_the_answer_under_way(tmp_path: Path) -> None:
    slow = Slow(say("Too late."))
    async with chatting(tmp_path, [slow, say("Yes?")]) as chat:
        await chat.submit("Tell me everything.")
        await slow.asked.wait()

        assert await chat.done("/stop") == "Stopping."

        assert await chat.settled() == ["notice: Stopped."]
        assert slow.called_off
        assert await chat.say("Hello?") == ["reply: Yes?"]
        assert "Tell me everything." in chat.seen()


async def test_stop_when_nothing_runs_does_no_harm(tmp_path: Path) -> None:
    async with chatting(tmp_path, [say("Yes?")]) as chat:
        await chat.done("/stop")
        assert await chat.say("Hello?") == ["reply: Yes?"]
        await chat.done("/stop")


async def test_a_persons_message_goes_before_a_heartbeat_under_way(tmp_path: Path) -> None:
    slow = Slow(say("Are you well?"))
    async with chatting(tmp_path, [slow, say("Yes?")]) as chat:
        await chat.done("/heartbeat")
        await slow.asked.wait()
        assert await chat.say("Hello?") == ["reply: Yes?"]
        assert slow.called_off


async def test_texts_that_nobody_can_store(tmp_path: Path) -> None:
    async with chatting(tmp_path, [thinking("Hm.", "Hello!"), say("Yes.")]) as chat:
        await chat.say("Hi")
        await chat.done("/rethink a\ud800b\0c")
        await chat.done("/rewrite a\ud800b\0c")
        await chat.refused("/attach \ud800")
        await chat.done("/save \ud800\0")
        await chat.say("Go on")
        assert "a?bc" in chat.seen()


def test_every_command_is_in_the_readme() -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    assert [name for name in sorted(COMMANDS) if f"`/{name}" not in readme] == []
