"""Several models: by name for personas, beats and summaries, and one after another when the first is down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.backends.models import endpoints, is_own
from bot.errors import ModelDenied, ModelError, ModelOverflow, ModelRefused, ModelUnavailable, SettingsError
from bot.events import Command
from bot.models.fallbacks import WithFallbacks
from bot.ports import ModelReply, ModelRequest
from bot.settings import Settings
from tests.fakes.clock import FakeClock
from tests.fakes.openai_server import Answer, Fault, OpenAIServer
from tests.fakes.parlour import House, opened

SMALL = {"context_window": 8_192, "reply_reserve": 512}
REQUEST = ModelRequest(key="t/0", messages=[{"role": "user", "content": "Hello"}])


class One:
    def __init__(self, name: str, error: ModelError | None = None) -> None:
        self.name, self.error, self.asked = name, error, 0

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return ModelReply(text=self.name)


def asked(*models: One) -> list[int]:
    return [model.asked for model in models]


@pytest.mark.parametrize(
    "error", [ModelUnavailable("down"), ModelDenied("no key"), ModelRefused("no", content=True)]
)
async def test_the_next_is_asked_when_one_fails(error: ModelError) -> None:
    first, second = One("first", error), One("second")
    reply = await WithFallbacks({"a": first, "b": second}, FakeClock()).complete(REQUEST)
    assert (reply.text, reply.model) == ("second", "b")


async def test_one_that_was_down_rests_and_is_asked_again_later() -> None:
    clock = FakeClock()
    first, second = One("first", ModelUnavailable("down")), One("second")
    models = WithFallbacks({"a": first, "b": second}, clock)
    for _ in range(3):
        await models.complete(REQUEST)
    assert asked(first, second) == [1, 3]
    clock.advance(61)
    await models.complete(REQUEST)
    assert asked(first, second) == [2, 4]
    clock.advance(61)  # it rests longer now
    await models.complete(REQUEST)
    assert asked(first, second) == [2, 5]
    first.error = None
    clock.advance(61)
    assert (await models.complete(REQUEST)).model == "a"


async def test_one_that_refused_a_request_is_asked_the_next() -> None:
    first, second = One("first", ModelRefused("no")), One("second")
    models = WithFallbacks({"a": first, "b": second}, FakeClock())
    for _ in range(2):
        await models.complete(REQUEST)
    assert asked(first, second) == [2, 2]


async def test_when_all_fail_the_firsts_word_counts_and_the_resting_are_asked_too() -> None:
    first, second = One("first", ModelUnavailable("first")), One("second", ModelRefused("second"))
    models = WithFallbacks({"a": first, "b": second}, FakeClock())
    with pytest.raises(ModelUnavailable, match="first"):
        await models.complete(REQUEST)
    with pytest.raises(ModelRefused, match="second"):
        await models.complete(REQUEST)
    assert asked(first, second) == [2, 2]


async def test_what_is_too_long_is_sent_shorter_to_the_same() -> None:
    first, second = One("first", ModelOverflow("long")), One("second")
    with pytest.raises(ModelOverflow):
        await WithFallbacks({"a": first, "b": second}, FakeClock()).complete(REQUEST)
    assert asked(first, second) == [1, 0]


# In the house


def answering(name: str) -> Callable[[dict[str, Any], Mapping[str, str]], Answer]:
    def script(request: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        if not request.get("tools"):
            return Answer(text=f"Summed up by {name}.")
        return Answer(calls=[("send_message", {"message": f"{name}, as {request['model']}"})])

    return script


def settings_with(**sections: Any) -> Settings:
    return Settings.model_validate(
        {"model": {"kind": "openai", "api_key": "sk-main", "name": "m"}, **sections}
    )


async def test_who_answered_is_told(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        down = await stack.enter_async_context(OpenAIServer(lambda *_: Fault(kind="status"), models=None))
        up = await stack.enter_async_context(OpenAIServer(answering("the second"), models=None))
        fallback = {"name": "small", "base_url": up.url}
        model = {"kind": "openai", "name": "big", "base_url": down.url, "retries": 4, "fallbacks": [fallback]}
        house: House = await stack.enter_async_context(opened(tmp_path, None, model=model))
        for _ in range(2):
            assert [r.text for r in await house.say("ada", "Hello")] == ["the second, as small"]
        assert len(down.transcript) == 2  # once again quickly, then it rests
        assert house.rows("SELECT DISTINCT model FROM steps") == [("small",)]
        origin = house.who("ada")
        who = {name: origin[name] for name in ("account", "name", "address", "audience")}
        view = await house.app.inbound.invoke(Command(**who, command="whoami"))
        assert "small" in view.text


async def test_named_models_are_asked_for_what_they_are_named_for(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        main = await stack.enter_async_context(OpenAIServer(answering("main"), models=None))
        other = await stack.enter_async_context(OpenAIServer(answering("other"), models=None))
        house = await stack.enter_async_context(
            opened(
                tmp_path,
                None,
                model={"kind": "openai", "name": "big", "base_url": main.url} | SMALL,
                models={"sums": {"name": "tiny", "base_url": other.url}},
                memory={"summary_model": "sums"},
            )
        )
        for n in range(8):
            told = await house.say("ada", f"{n} " + "tea and cake " * 400)
            assert {reply.text for reply in told} == {"main, as big"}  # again, when memory fills up
        assert {exchange.request["model"] for exchange in other.transcript} == {"tiny"}
        assert house.rows("SELECT text FROM summaries") == [("Summed up by other.",)]


def test_a_key_goes_only_to_the_server_that_it_was_given_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", "sk-other")
    settings = settings_with(
        models={
            "same": {"name": "nano"},
            "elsewhere": {"name": "llama", "base_url": "http://10.0.0.7:8000/v1"},
            "known": {"name": "mistral", "base_url": "https://api.mistral.ai/v1", "api_key_env": "OTHER_KEY"},
        }
    )
    keys = {}
    for name in ("same", "elsewhere", "known", "never-heard-of"):
        [(label, place)] = endpoints(settings, name)
        keys[label] = (place.name, place.api_key.get_secret_value() if place.api_key else None)
    assert keys == {
        "same": ("nano", "sk-main"),
        "elsewhere": ("llama", None),
        "known": ("mistral", "sk-other"),
        "never-heard-of": ("never-heard-of", "sk-main"),
    }


def test_a_key_that_is_not_there_is_named() -> None:
    settings = settings_with(
        models={"a": {"name": "a", "base_url": "https://a.example/v1", "api_key_env": "NO_SUCH"}}
    )
    with pytest.raises(SettingsError, match="NO_SUCH"):
        list(endpoints(settings, "a"))


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://localhost:11434/v1", True),
        ("http://127.0.0.1:8080/v1", True),
        ("http://ollama:11434/v1", True),
        ("http://192.168.1.7:1234/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://box.local/v1", True),
        ("https://api.mistral.ai/v1", False),
        ("https://8.8.8.8/v1", False),
        (None, False),
    ],
)
def test_which_server_is_ones_own(url: str | None, own: bool) -> None:
    assert is_own(url) is own
