"""A turn as OpenTelemetry sees it, from its event to its replies."""

from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.trace import SpanKind, StatusCode

from bot.errors import ModelRefused
from bot.telemetry.traces import Traces
from tests.fakes.parlour import Play, opened
from tests.fakes.scripted_model import calls, say


async def traced(folder: Path, play: Play, *said: str, texts: bool = False) -> list[ReadableSpan]:
    """The spans of a life in which this was said."""
    kept, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    async with opened(folder, play, observer=Traces(provider, texts=texts)) as house:
        for text in said:
            await house.say("ada", text)
    provider.shutdown()
    return list(kept.get_finished_spans())


def script() -> Play:
    lines = [
        calls(("archival_memory_insert", {"content": "She sails a ketch.", "request_heartbeat": True})),
        say("A ketch it is."),
    ]
    return lambda _: lines.pop(0)


def parent_of(span: ReadableSpan, spans: list[ReadableSpan]) -> str | None:
    if span.parent is None:
        return None
    return next(other.name for other in spans if other.context.span_id == span.parent.span_id)


async def test_a_turn_is_one_trace_from_its_event_to_its_reply(tmp_path: Path) -> None:
    spans = await traced(tmp_path, script(), "I bought a ketch.")
    assert len({span.context.trace_id for span in spans}) == 1
    assert {(span.name, parent_of(span, spans)) for span in spans} == {
        ("receive parlour", None),
        ("invoke_agent ever", "receive parlour"),
        ("chat stage", "invoke_agent ever"),
        ("execute_tool archival_memory_insert", "invoke_agent ever"),
        ("execute_tool send_message", "invoke_agent ever"),
        ("deliver parlour", "invoke_agent ever"),
    }
    asked = [span for span in spans if span.name == "chat stage"]
    assert len(asked) == 2
    for span in asked:
        told = dict(span.attributes or {})
        assert span.kind is SpanKind.CLIENT
        assert (told["gen_ai.operation.name"], told["gen_ai.request.model"]) == ("chat", "stage")
        assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (100, 10)
    conventions = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_")}
    used = {name for span in spans for name in span.attributes or {} if name.startswith("gen_ai.")}
    assert used <= conventions


async def test_what_was_said_is_in_no_trace_unless_that_is_switched_on(tmp_path: Path) -> None:
    silent = await traced(tmp_path / "silent", script(), "I bought a ketch.")
    assert "ketch" not in "".join(span.to_json() for span in silent)
    told = await traced(tmp_path / "told", script(), "I bought a ketch.", texts=True)
    chat = [dict(span.attributes or {}) for span in told if span.name == "chat stage"]
    assert "I bought a ketch." in str(chat[0]["gen_ai.input.messages"])
    assert "A ketch it is." in str(chat[1]["gen_ai.output.messages"])
    [note] = [dict(s.attributes or {}) for s in told if s.name == "execute_tool archival_memory_insert"]
    assert "She sails a ketch." in str(note["gen_ai.tool.call.arguments"])


async def test_each_turn_is_a_trace_of_its_own(tmp_path: Path) -> None:
    spans = await traced(tmp_path, lambda _: say("Hi"), "Hello", "Hello again")
    assert len({span.context.trace_id for span in spans if span.name == "invoke_agent ever"}) == 2


async def test_an_error_is_told_by_its_class_without_its_text(tmp_path: Path) -> None:
    spans = await traced(tmp_path, lambda _: ModelRefused("not about the ketch"), "A ketch")
    failed = [span for span in spans if span.name == "chat stage"]
    assert failed
    for span in failed:
        assert span.status.status_code is StatusCode.ERROR
        assert dict(span.attributes or {})["error.type"] == "ModelRefused"
    assert "ketch" not in "".join(span.to_json() for span in spans)


@pytest.mark.parametrize("texts", [True, False])
async def test_what_is_not_understood_breaks_no_turn(tmp_path: Path, *, texts: bool) -> None:
    lines = [calls(("no_such_tool", "{broken")), say("Sorry")]
    spans = await traced(tmp_path, lambda _: lines.pop(0), "Hello", texts=texts)
    assert "execute_tool unknown" in {span.name for span in spans}
