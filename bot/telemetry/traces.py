"""OpenTelemetry traces of a turn, from its event to its replies, by the semantic conventions for generative AI
(opentelemetry.io/docs/specs/semconv/gen-ai): ``invoke_agent``, ``chat``, ``execute_tool``; around them ``receive`` and
``deliver``. What people, models and tools said is in them only where ``texts`` is switched on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TracerProvider

from bot.cache import Cache
from bot.observer import Call, Heard, Moment, Post, Question, Span, Turning, fault_of
from bot.ports import ModelReply

_KEPT = 10_000  # events and turns whose trace is known: what follows much later begins one of its own
_Attributes = dict[str, str | int | float | bool | Sequence[str]]


class Traces:
    """A `bot.observer.Observer`. Who made the ``provider`` shuts it down."""

    def __init__(self, provider: TracerProvider, *, texts: bool = False) -> None:
        self._tracer = provider.get_tracer("everbot")
        self._texts = texts
        self._events: Cache[str, SpanContext] = Cache(_KEPT)
        self._turns: Cache[str, SpanContext] = Cache(_KEPT)

    @contextmanager
    def during(self, span: Span) -> Iterator[None]:
        name, kind, attributes = _begun(span)
        before = self._before(span)
        with self._tracer.start_as_current_span(
            name,
            context=_after(before[0]) if before else (Context() if _begins(span) else None),
            kind=kind,
            attributes=attributes,
            links=[trace.Link(other) for other in before[1:]],
            record_exception=False,  # its text may hold what people said
            set_status_on_exception=False,
        ) as traced:
            self._remember(span, traced.get_span_context())
            try:
                yield
            except BaseException as error:
                if (fault := fault_of(span, error)) is None:
                    traced.set_attribute("everbot.called_off", True)
                else:
                    traced.set_attribute("error.type", fault.kind)
                    traced.set_status(Status(StatusCode.ERROR))
                raise
            finally:
                traced.set_attributes(_ended(span))
                if self._texts:
                    traced.set_attributes(_texts(span))

    def noted(self, moment: Moment) -> None:
        pass

    def _before(self, span: Span) -> list[SpanContext]:
        """What it follows, the first of them as its parent; none: what is at work now."""
        if isinstance(span, Turning):
            return [self._events[key] for key in span.events if key in self._events]
        if isinstance(span, Post) and span.turn in self._turns:
            return [self._turns[span.turn]]
        return []

    def _remember(self, span: Span, context: SpanContext) -> None:
        if isinstance(span, Heard):
            self._events[span.key] = context
        elif isinstance(span, Turning):
            self._turns[span.id] = context


def _begins(span: Span) -> bool:
    """Whether nothing that is at work now is its cause."""
    return isinstance(span, Heard | Turning | Post)


def _after(parent: SpanContext) -> Context:
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


def _begun(span: Span) -> tuple[str, SpanKind, _Attributes]:
    match span:
        case Heard():
            told: _Attributes = {"messaging.system": span.platform, "everbot.event": span.kind}
            return f"receive {span.platform}", SpanKind.CONSUMER, told
        case Turning():
            told = {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.provider.name": "everbot",
                "gen_ai.agent.name": span.persona,
                "gen_ai.agent.id": str(span.agent_id),
                "gen_ai.conversation.id": str(span.conversation_id),
                "everbot.event": span.kind,
                "everbot.turn": span.id,
            }
            return f"invoke_agent {span.persona}", SpanKind.INTERNAL, told
        case Question():
            told = {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",  # the protocol that it is asked in
                "gen_ai.request.model": span.model,
                "everbot.turn": span.turn,
            }
            if span.request.max_tokens is not None:
                told["gen_ai.request.max_tokens"] = span.request.max_tokens
            return f"chat {span.model}", SpanKind.CLIENT, told
        case Call():
            told = {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": span.name or "unknown",
                "gen_ai.tool.call.id": span.id,
                "gen_ai.tool.type": "function",
            }
            return f"execute_tool {span.name or 'unknown'}", SpanKind.INTERNAL, told
        case Post():
            told = {"messaging.system": span.platform, "everbot.turn": span.turn, "everbot.post": span.id}
            return f"deliver {span.platform}", SpanKind.PRODUCER, told


def _ended(span: Span) -> _Attributes:
    match span:
        case Turning():
            return {"everbot.steps": span.steps, "everbot.own_s": span.own_s, "everbot.ended": span.ended}
        case Question(reply=ModelReply() as reply):
            return {
                "gen_ai.response.model": reply.model or span.model,
                "gen_ai.response.finish_reasons": [
                    "length" if reply.truncated else "tool_calls" if reply.calls else "stop"
                ],
                "gen_ai.usage.input_tokens": span.usage.prompt,
                "gen_ai.usage.output_tokens": span.usage.completion,
                "gen_ai.usage.cache_read.input_tokens": span.usage.cached,
            }
        case Call(failed=True):
            return {"error.type": "failed"}
    return {}


def _texts(span: Span) -> _Attributes:
    match span:
        case Question():
            said: _Attributes = {"gen_ai.input.messages": _json([_asked(m) for m in span.request.messages])}
            if span.reply is not None:
                said["gen_ai.output.messages"] = _json([_answered(span.reply)])
            return said
        case Call():
            return {"gen_ai.tool.call.arguments": span.arguments, "gen_ai.tool.call.result": span.result}
    return {}


def _asked(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message of the chat-completions protocol as the conventions have it."""
    content, parts = message.get("content"), []
    if isinstance(content, str) and content:
        text = {"type": "text", "content": content}
        if message["role"] == "tool":
            text = {
                "type": "tool_call_response",
                "id": str(message.get("tool_call_id", "")),
                "response": content,
            }
        parts.append(text)
    elif isinstance(content, Sequence):
        parts += [{"type": "text", "content": part["text"]} for part in content if part.get("type") == "text"]
    parts += [
        _called(call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in message.get("tool_calls") or ()
    ]
    return {"role": message["role"], "parts": parts}


def _answered(reply: ModelReply) -> dict[str, Any]:
    parts = [{"type": "text", "content": reply.text}] if reply.text else []
    parts += [_called(call.id, call.name, call.arguments) for call in reply.calls]
    reason = "length" if reply.truncated else "tool_call" if reply.calls else "stop"
    return {"role": "assistant", "parts": parts, "finish_reason": reason}


def _called(id_: str, name: str, arguments: str) -> dict[str, Any]:
    return {"type": "tool_call", "id": id_, "name": name, "arguments": arguments}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
