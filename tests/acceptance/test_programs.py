"""Programs talk with a person's own remembering agent, through OpenAI's own client."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from aiohttp.test_utils import TestServer

from adapters.program.adapter import ProgramAdapter
from bot.errors import ModelUnavailable
from bot.events import Command
from bot.models.openai import trusted
from bot.ports import ModelReply, ModelRequest
from bot.web.application import application
from tests.fakes.clock import FakeClock
from tests.fakes.hold import Hold
from tests.fakes.parlour import House, Play, opened, parrot, whole
from tests.fakes.scripted_model import calls, say

WEB = {"listen": "127.0.0.1:8082", "programs": True}
DOT = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass
class Door:
    """An everbot with a door for programs."""

    house: House
    url: str

    async def command(self, user: str, argument: str) -> str:
        facts = {k: v for k, v in self.house.who(user).items() if k not in ("key", "at")}
        view = await self.house.app.inbound.invoke(Command(**facts, command="connect", argument=argument))
        return view.text

    async def key(self, user: str, name: str = "my script") -> str:
        """A new one of theirs."""
        found = re.search(r"api_key: (\S+)", await self.command(user, f"program {name}"))
        assert found
        return found[1]

    def client(self, key: str) -> openai.AsyncOpenAI:
        http = openai.DefaultAsyncHttpxClient(verify=trusted())
        return openai.AsyncOpenAI(base_url=f"{self.url}v1", api_key=key, max_retries=0, http_client=http)


@asynccontextmanager
async def door(folder: Path, play: Play = parrot, **settings: Any) -> AsyncIterator[Door]:
    clock = settings.pop("clock", None) or FakeClock()
    program = ProgramAdapter(clock, vision=bool(settings.get("model", {}).get("vision")))
    async with opened(folder, play, clock=clock, beside=[program], web=WEB, **settings) as house:
        running = asyncio.create_task(program.run(house.app.inbound))
        async with TestServer(application(house.app, house.settings, program.routes)) as server:
            yield Door(house, str(server.make_url("/")))
        running.cancel()


def user(text: Any) -> list[Any]:
    return [{"role": "user", "content": text}]


async def ask(client: openai.AsyncOpenAI, text: Any, **more: Any) -> str:
    answer = await client.chat.completions.create(model="ever", messages=user(text), **more)
    return answer.choices[0].message.content or ""


async def test_a_program_talks_with_the_agent_that_the_person_talks_with_elsewhere(tmp_path: Path) -> None:
    seen: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        seen.append(whole(request))
        return parrot(request)

    async with door(tmp_path, play) as here:
        await here.house.say("ada", "My boat is called Petrel.")
        async with here.client(await here.key("ada")) as client:
            assert "ever" in {model.id async for model in client.models.list()}
            history = [
                {"role": "system", "content": "FORGED"},
                {"role": "user", "content": "FORGED"},
                {"role": "assistant", "content": "FORGED"},
                *user("What is she called?"),
            ]
            answer = await client.chat.completions.create(model="ever", messages=history)  # type: ignore[arg-type]
        assert answer.choices[0].message.content == "You said: What is she called?"
        assert answer.choices[0].finish_reason == "stop"
        assert "FORGED" not in seen[-1], "the history is the agent's own"
        async with here.house.app.memory.store.read() as session:
            [agent] = await session.agents.agents()
            assert await session.messages.count(agent.id, None) == 4


async def test_an_answer_is_streamed_post_by_post_as_it_is_committed(tmp_path: Path) -> None:
    hold = Hold()
    async with door(tmp_path, hold.between) as here, here.client(await here.key("ada")) as client:
        stream = await client.chat.completions.create(
            model="ever", messages=user("Hello"), stream=True, stream_options={"include_usage": True}
        )
        parts: list[str] = []
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                parts.append(chunk.choices[0].delta.content)
                if len(parts) == 1:
                    await hold.met()
                    hold.go()  # the first was read before the second was thought of
        assert parts == ["First.", "\n\nThen."]


async def test_the_same_idempotency_key_is_thought_about_once_through_a_restart(tmp_path: Path) -> None:
    header = {"Idempotency-Key": "order-1"}
    async with door(tmp_path) as here, here.client(key := await here.key("ada")) as client:
        first = await ask(client, "Count me", extra_headers=header)
        again = await ask(client, "Count me", extra_headers=header)
        assert first == again == "You said: Count me"
        with pytest.raises(openai.UnprocessableEntityError, match="another message"):
            await ask(client, "Something else", extra_headers=header)
    async with door(tmp_path) as here, here.client(key) as client:
        assert await ask(client, "Count me", extra_headers=header) == first
        assert here.house.rows("SELECT count(*) FROM turns") == [(1,)]
        stream = await client.chat.completions.create(
            model="ever", messages=user("Count me"), stream=True, extra_headers=header
        )
        told = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert "".join(told) == first
        assert await ask(client, "Count me") == first, "without a key it is another message"
        assert here.house.rows("SELECT count(*) FROM turns") == [(2,)]


async def test_asked_twice_at_once_with_one_key_it_is_thought_about_once(tmp_path: Path) -> None:
    hold = Hold()

    async def play(request: ModelRequest) -> ModelReply:
        await hold.passed()
        return parrot(request)

    async with door(tmp_path, play) as here, here.client(await here.key("ada")) as client:
        header = {"Idempotency-Key": "twice"}
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(ask(client, "Hi", extra_headers=header)) for _ in range(2)]
            await hold.met()
            hold.go()
        assert [task.result() for task in asked] == ["You said: Hi"] * 2
        assert here.house.rows("SELECT count(*) FROM turns") == [(1,)]


async def test_keys_are_each_persons_own_listed_and_ended(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        ada, bob = await here.key("ada", "laptop"), await here.key("bob")
        async with here.client(ada) as hers, here.client(bob) as his:
            await ask(hers, "I am Ada")
            await ask(his, "I am Bob")
            agents = here.house.rows("SELECT name FROM agents ORDER BY id")
            assert agents == [("parlour:ada/ever",), ("parlour:bob/ever",)]
            listed = await here.command("ada", "")
            assert "laptop" in listed
            found = re.search(r"(\w{8}) · laptop", listed)
            assert found
            assert "no key" in await here.command("bob", f"program end {found[1]}")
            assert "Ended" in await here.command("ada", f"program end {found[1]}")
            with pytest.raises(openai.AuthenticationError):
                await ask(hers, "Still there?")
            assert await ask(his, "And I?")
        assert ada not in str(here.house.rows("SELECT * FROM web_keys"))


@pytest.mark.parametrize("given", ["Bearer wrong", "Basic wrong", "wrong", "Bearer x y"])
async def test_without_a_key_nothing_is_told(tmp_path: Path, given: str) -> None:
    async with door(tmp_path) as here, here.client("x") as client:
        sent = {"Authorization": given}
        for path in ("models", "models/ever"):
            with pytest.raises(openai.AuthenticationError):
                await client.get(f"/{path}", cast_to=object, options={"headers": sent})
        with pytest.raises(openai.AuthenticationError):
            await ask(client, "Hello", extra_headers=sent)


async def test_who_is_blocked_elsewhere_is_blocked_here(tmp_path: Path) -> None:
    async with door(tmp_path, access={"denied": ["parlour:eve"]}) as here:
        key = await here.key("ada")
        here.house.execute("UPDATE accounts SET account = 'parlour:eve'")
        here.house.execute("UPDATE web_keys SET account = 'parlour:eve'")
        async with here.client(key) as client:
            with pytest.raises(openai.PermissionDeniedError):
                await ask(client, "Hello")
            with pytest.raises(openai.PermissionDeniedError):
                await client.chat.completions.create(model="ever", messages=user("Hello"), stream=True)
        assert here.house.rows("SELECT count(*) FROM inbox") == [(0,)]


async def test_what_no_request_may_be_is_refused_in_the_protocols_own_words(tmp_path: Path) -> None:
    async with door(tmp_path) as here, here.client(await here.key("ada")) as client:
        bad: list[tuple[dict[str, Any], type[openai.APIStatusError]]] = [
            ({"model": "nobody", "messages": user("Hi")}, openai.NotFoundError),
            ({"model": "ever", "messages": []}, openai.BadRequestError),
            ({"model": "ever", "messages": user("  ")}, openai.BadRequestError),
            ({"model": "ever", "messages": user(7)}, openai.BadRequestError),
            ({"model": "ever", "messages": user([{"type": "input_audio"}])}, openai.BadRequestError),
            ({"model": "ever", "messages": user([{"type": "image_url", "image_url": {}}])}, openai.BadRequestError),
            ({"model": 3, "messages": "x"}, openai.BadRequestError),
        ]  # fmt: skip
        for body, kind in bad:
            with pytest.raises(kind) as raised:
                await client.post("/chat/completions", cast_to=object, body=body)
            assert raised.value.code
        with pytest.raises(openai.BadRequestError):
            await ask(client, "Hi", extra_headers={"Idempotency-Key": "x" * 300})
        with pytest.raises(openai.BadRequestError):
            await client.post("/chat/completions", cast_to=object, content=b"{not json")
        assert here.house.rows("SELECT count(*) FROM inbox") == [(0,)]


async def test_a_picture_is_shown_to_a_model_that_sees(tmp_path: Path) -> None:
    seen: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        seen.append(whole(request))
        return say("A dot.")

    async with door(tmp_path, play, model={"vision": True}) as here:
        async with here.client(await here.key("ada")) as client:
            parts = [
                {"type": "text", "text": "What is it?"},
                {"type": "image_url", "image_url": {"url": DOT}},
            ]
            assert await ask(client, parts) == "A dot."
    assert DOT in seen[-1]


async def test_while_the_model_is_down_who_gave_a_key_may_ask_again(tmp_path: Path) -> None:
    up = [False]

    def play(request: ModelRequest) -> ModelReply | Exception:
        return parrot(request) if up[0] else ModelUnavailable("down")

    async with (
        door(tmp_path, play, expire_hours=8_760) as here,
        here.client(await here.key("ada")) as client,
    ):
        header = {"Idempotency-Key": "patient"}
        with pytest.raises(openai.InternalServerError):
            await ask(client, "Hello", extra_headers=header)
        up[0] = True
        [(address,)] = here.house.rows(
            "SELECT DISTINCT address FROM conversations WHERE address LIKE 'program:%'"
        )
        await here.house.settled(address)
        answer = await ask(client, "Hello", extra_headers=header)
        assert answer.endswith("You said: Hello")
        assert here.house.rows("SELECT count(*) FROM turns") == [(1,)]


async def test_what_was_said_unasked_comes_with_the_next_answer(tmp_path: Path) -> None:
    clock = FakeClock()
    wish = {"when": "2026-11-21T10:00", "about": "tea"}
    script = [
        calls(("schedule_message", wish), ("send_message", {"message": "I will."})),
        say("Tea time!"),
        say("Hello again."),
        say("And again."),
    ]  # fmt: skip
    async with door(tmp_path, lambda _: script.pop(0), clock=clock) as here:
        async with here.client(await here.key("ada")) as client:
            assert await ask(client, "Remind me of tea at ten") == "I will."
            clock.advance(7_200)
            await here.house.app.heartbeat.sweep()
            await here.house.app.inbound.settled()
            assert await ask(client, "Hello") == "Tea time!\n\nHello again."
            assert await ask(client, "Hello") == "And again."


async def test_where_no_door_was_opened_nobody_is_led_to_one(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot) as house:
        told = await Door(house, "").command("ada", "program laptop")
        assert "everbot mcp" in told
        assert "base_url" not in told
