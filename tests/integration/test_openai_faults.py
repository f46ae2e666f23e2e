"""The OpenAI model against a server that fails in every way we know of."""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from bot.errors import ModelDenied, ModelError, ModelOverflow, ModelRefused, ModelUnavailable
from bot.models.openai import OpenAIModel, Patience
from bot.models.openai_errors import ErrorMap, caught
from tests.fakes.clock import FakeClock
from tests.fakes.openai_server import Answer, Fault, OpenAIServer, Raw, Script, faulty
from tests.integration.openai_bench import START, ask, lines, opened
from tests.patience import PATIENCE_S

ERRORS = ErrorMap(model="test-model", place="localhost:1", secret="my-very-secret-word")


async def failure(script: Script, **options: Any) -> ModelError:
    async with opened(script, **options) as (model, _, _):
        with pytest.raises(ModelError) as caught_error:
            await model.complete(ask())
    assert "very-secret" not in str(caught_error.value)
    assert "\n" not in str(caught_error.value)
    return caught_error.value


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("cut", "cut short"),
        ("drop", "broke off"),
        ("corrupt", "cannot be read"),
        ("not_json", "text/html"),
        ("error", "The server had an error"),
        ("huge", "cut off at 4 MB"),
        ("huge_chunk", "limit"),
    ],
)
@pytest.mark.parametrize("after", [0, 3])
async def test_a_broken_answer_is_unavailable(kind: str, says: str, after: int) -> None:
    error = await failure(lines(Fault(kind=kind, after=after)))
    assert type(error) is ModelUnavailable
    assert says in str(error)


@pytest.mark.parametrize("kind", ["hang", "stall"])
@pytest.mark.parametrize("limit", ["stall_s", "timeout_s"])
async def test_silence_ends(kind: str, limit: str) -> None:
    error = await failure(lines(Fault(kind=kind)), **{limit: 0.1})
    assert type(error) is ModelUnavailable
    assert "in time" in str(error)


@pytest.mark.parametrize(
    ("status", "expected", "says"),
    [
        (400, ModelRefused, "[model] name"),
        (401, ModelDenied, "OPENAI_API_KEY"),
        (402, ModelDenied, "402"),
        (403, ModelDenied, "[model] api_key"),
        (404, ModelDenied, "base_url"),
        (408, ModelUnavailable, "408"),
        (409, ModelUnavailable, "409"),
        (413, ModelOverflow, "does not fit"),
        (422, ModelRefused, "422"),
        (429, ModelUnavailable, "quota"),
        (500, ModelUnavailable, "trouble"),
        (503, ModelUnavailable, "trouble"),
        (529, ModelUnavailable, "trouble"),
    ],
)
async def test_status_codes(status: int, expected: type[ModelError], says: str) -> None:
    echo_of_key = "Bad luck with my-very-secret-word and sk-another-1."
    error = await failure(lines(Fault(kind="status", status=status, message=echo_of_key)))
    assert type(error) is expected
    assert says in str(error)
    assert "Bad luck with *** and ***." in str(error)


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        "the request exceeds the available context size, try increasing it",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097.",
        "Please reduce the length of the messages.",
    ],
)
@pytest.mark.parametrize("status", [400, 413, 422])
async def test_too_long_requests_overflow(message: str, status: int) -> None:
    assert type(await failure(lines(Fault(kind="status", status=status, message=message)))) is ModelOverflow


async def test_the_window_of_a_server_overflows() -> None:
    async with opened(server={"window": 100}) as (model, _, _):
        with pytest.raises(ModelOverflow, match="maximum context length is 100"):
            await model.complete(ask("x" * 1000))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("context_length_exceeded", ModelOverflow),
        ("invalid_api_key", ModelDenied),
        ("rate_limit_exceeded", ModelUnavailable),
        (402, ModelDenied),
        (502, ModelUnavailable),
        (None, ModelUnavailable),
    ],
)
async def test_error_objects_in_the_stream(code: str | int | None, expected: type[ModelError]) -> None:
    assert type(await failure(lines(Fault(kind="error", code=code)))) is expected


async def test_an_error_object_as_the_whole_answer() -> None:
    raw = Raw(chunks=[{"error": "model 'x' is still loading"}])
    assert "still loading" in str(await failure(lines(raw)))


@pytest.mark.parametrize(
    "answer",
    [[], [[]], ["3"], ['"text"'], [{"choices": "no"}], [{"choices": [None]}], ["[" * 100_000], ["nul"]],
    ids=str,
)
async def test_nonsense_chunks_are_unavailable(answer: list[Any]) -> None:
    raw = Raw(chunks=[c if isinstance(c, str) else json.dumps(c) for c in answer])
    assert type(await failure(lines(raw))) is ModelUnavailable


async def test_retries_carry_the_same_key_and_wait_longer_each_time() -> None:
    script = lines(*[Fault(kind="status", status=503)] * 3, Answer(text="Here I am."))
    async with opened(script, retries=4) as (model, server, clock):
        reply = await model.complete(ask(key="turn-7/2"))
    assert reply.text == "Here I am."
    assert server.keys == ["turn-7/2"] * 4
    assert (clock.now() - START).total_seconds() == 0.5 + 1 + 2
    assert [e.outcome for e in server.transcript] == ["fault:status"] * 3 + ["answered"]


async def test_retries_end() -> None:
    async with opened(lines(Fault(kind="cut")), retries=2) as (model, server, _):
        with pytest.raises(ModelUnavailable):
            await model.complete(ask())
    assert len(server.transcript) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 413])
async def test_what_waiting_cannot_mend_is_not_retried(status: int) -> None:
    async with opened(lines(Fault(kind="status", status=status)), retries=5) as (model, server, clock):
        with pytest.raises((ModelDenied, ModelRefused)):
            await model.complete(ask())
    assert len(server.transcript) == 1
    assert clock.now() == START


@pytest.mark.parametrize(
    ("value", "waited"),
    [
        ("7", 7.0),
        ("0", 0.5),
        ("59.5", 59.5),
        ("Sat, 21 Nov 2026 09:00:30 GMT", 30.0),
        ("soon", 0.5),
        ("nan", 0.5),
    ],
)
async def test_retry_after_is_honoured(value: str, waited: float) -> None:
    busy = Fault(kind="status", status=429, headers={"Retry-After": value})
    async with opened(lines(busy, Answer(text="Now.")), retries=1) as (model, _, clock):
        assert (await model.complete(ask())).text == "Now."
    assert (clock.now() - START).total_seconds() == waited


async def test_a_long_retry_after_is_left_to_the_caller() -> None:
    busy = Fault(kind="status", status=429, headers={"Retry-After": "3600"})
    async with opened(lines(busy), retries=5) as (model, server, clock):
        with pytest.raises(ModelUnavailable) as caught_error:
            await model.complete(ask())
    assert caught_error.value.retry_after == 3600
    assert (len(server.transcript), clock.now()) == (1, START)


async def test_many_turns_survive_a_server_that_often_fails() -> None:
    script = faulty(lambda request, headers: Answer(text=request["messages"][-1]["content"]), 0.3, seed=1)
    async with opened(script, retries=12) as (model, server, _):
        replies = await asyncio.gather(*(model.complete(ask(f"text {n}", key=f"t/{n}")) for n in range(40)))
    assert [reply.text for reply in replies] == [f"text {n}" for n in range(40)]
    assert len(server.transcript) > 40
    assert set(server.keys) == {f"t/{n}" for n in range(40)}


@pytest.mark.parametrize("kind", ["hang", "stall"])
async def test_cancelling_closes_the_response(kind: str) -> None:
    async with opened(lines(Fault(kind=kind))) as (model, server, _):
        task = asyncio.create_task(model.complete(ask()))
        await asyncio.wait_for(server.arrival.wait(), PATIENCE_S)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.departure.wait(), PATIENCE_S)
    assert server.left == 1


async def test_nobody_listens() -> None:
    async with OpenAIServer() as server:
        url = server.url
    model = OpenAIModel(name="test-model", base_url=url, clock=FakeClock(), patience=Patience(retries=0))
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        await model.complete(ask())
    await model.aclose()


@pytest.mark.parametrize(
    "base_url", ["localhost:11434/v1", "ftp://localhost/v1", "http://[::1/v1", "nonsense"]
)
async def test_a_wrong_base_url_names_the_setting(base_url: str) -> None:
    model = OpenAIModel(name="test-model", base_url=base_url, clock=FakeClock())
    with pytest.raises(ModelDenied, match="base_url"):
        await model.complete(ask())
    await model.aclose()


@pytest.mark.parametrize("key", ["sk-two\nlines", "sk-ключ"])
async def test_an_impossible_key_is_refused_without_showing_it(key: str) -> None:
    error = await failure(lines(Answer()), api_key=key)
    assert type(error) is ModelDenied
    assert key not in str(error)


async def test_no_key_for_openai_itself() -> None:
    with pytest.raises(ModelDenied, match="OPENAI_API_KEY"):
        await OpenAIModel(name="test-model", clock=FakeClock()).complete(ask())


async def test_a_wrong_key_is_refused() -> None:
    async with opened(server={"api_key": "sk-the-right-one"}) as (model, _, _):
        with pytest.raises(ModelDenied, match=r"\[model\] api_key"):
            await model.complete(ask())


# The mapping is complete.


def exceptions_of(package: str) -> Iterator[type[Exception]]:
    """Public exception classes of every loaded module of a package."""
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        for value in vars(sys.modules[name]).values():
            is_class = issubclass(type(value), type)  # isinstance would load what lazy proxies stand for
            if not is_class or not issubclass(value, Exception) or issubclass(value, Warning):
                continue
            if value.__module__.split(".")[0] == package and not value.__name__.startswith("_"):
                yield value


def made(cls: type[Exception]) -> Exception:
    """An instance, whatever its constructor wants."""
    request = httpx2.Request("POST", "http://localhost/v1")
    response = httpx2.Response(getattr(cls, "status_code", 500), request=request)
    values: dict[str, Any] = {
        "message": "my-very-secret-word",
        "request": request,
        "response": response,
        "body": {"message": "my-very-secret-word"},
    }
    wanted = inspect.signature(cls.__init__).parameters
    needed = {name: values.get(name) for name, p in wanted.items() if p.kind is p.KEYWORD_ONLY}
    positional = [
        values.get(name, "my-very-secret-word")
        for name, p in list(wanted.items())[1:]
        if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty
    ]
    try:
        return cls(*positional, **needed)
    except (TypeError, AttributeError):
        return cls.__new__(cls)


@pytest.mark.parametrize("package", ["openai", "httpx2"])
async def test_every_vendor_exception_is_caught_and_mapped(package: str) -> None:
    async with opened() as (model, _, _):
        await model.complete(ask())  # loads what is really used
    found = set(exceptions_of(package))
    assert len(found) > 20
    for cls in found:
        assert issubclass(cls, caught()), cls
        error = ERRORS.of(made(cls), START)
        assert isinstance(error, ModelUnavailable | ModelDenied | ModelRefused), cls
        assert "very-secret" not in str(error), cls


@pytest.mark.parametrize(
    "make",
    [
        lambda: json.JSONDecodeError("x", "y", 0),
        lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
        lambda: TimeoutError(),
        lambda: ConnectionResetError("x"),
        lambda: RecursionError("x"),
        lambda: KeyError("x"),
    ],
)
def test_what_the_sdk_lets_through_is_mapped_too(make: Callable[[], Exception]) -> None:
    assert isinstance(make(), caught())
    assert type(ERRORS.of(make(), START)) is ModelUnavailable
