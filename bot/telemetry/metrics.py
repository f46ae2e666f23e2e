"""Metrics as Prometheus reads them (its text format; docs/operations.md lists them). Never a person's: labels are
platforms, models, tools and kinds of what happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.events import HeartbeatDue
from bot.observer import (
    Call,
    Doubtful,
    Evicted,
    Fault,
    Heard,
    Moment,
    Post,
    Question,
    Span,
    Surfaced,
    Turning,
    fault_of,
)
from memory.ports import Store

_OWN = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0)
_SURENESS = tuple(step / 10 for step in range(1, 11))


class Metrics:
    """A `bot.observer.Observer`; ``registry`` is its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._events = self._counter("events", "Events that platforms told of.", "platform", "kind")
        self._turns = self._counter("turns", "Turns that ended.", "platform", "kind")
        self._beats = self._counter("beats", "Heartbeats that ended: reflections of agents by themselves.")
        self._steps = self._counter(
            "steps", "Steps of turns: a model call and its tools.", "platform", "model"
        )
        self._tokens = self._counter(
            "tokens", "Tokens of models: in, of these cached, out.", "platform", "model", "direction"
        )
        self._model_s = self._histogram(
            "model_seconds", "How long a model took to answer.", _SECONDS, "platform", "model"
        )
        self._turn_s = self._histogram(
            "turn_seconds", "How long a turn was at work.", _SECONDS, "platform", "kind"
        )
        self._own_s = self._histogram(
            "own_seconds",
            "What of a turn's time was everbot's own, not the model's.",
            _OWN,
            "platform",
            "kind",
        )
        self._calls = self._counter("tool_calls", "Calls of tools.", "tool", "outcome")
        self._posts = self._counter("posts", "Replies given to platforms.", "platform", "outcome")
        self._post_s = self._histogram(
            "post_seconds", "How long a platform took to take a reply.", _SECONDS, "platform"
        )
        self._doubtful = self._counter(
            "posts_doubtful", "Replies of which nobody can say whether they were posted.", "platform"
        )
        self._evicted = self._counter("evicted_messages", "Messages that left a window for its summary.")
        self._sureness = self._histogram(
            "surfacing_lambda", "How sure a reading of memory was (the gate λ).", _SURENESS
        )
        self._surfaced = self._counter("surfaced_memories", "Memories that came to mind by themselves.")
        self._errors = self._counter("errors", "What went wrong.", "kind", "platform", "model")
        self._waiting = self._gauge("waiting_events", "Events that no turn has taken yet.", "platform")
        self._running = self._gauge("running_turns", "Turns that have begun and not ended.", "platform")
        self._outbox = self._gauge(
            "outbox",
            "Replies not sent yet: ready, or sending (in doubt if everbot died now).",
            "platform",
            "state",
        )
        self._unindexed = self._gauge("unindexed_rows", "Rows that wait for their vectors.")
        self._due = self._gauge("beats_due", "Heartbeats that are due and have not begun.")
        self._agents = self._gauge("agents", "Agents.")
        self._people = self._gauge("people", "People.")
        self._standbys = self._gauge("standbys", "Processes that stand by to take over.")
        self._workers = self._gauge("workers", "Processes that think for a share of the agents.")

    @contextmanager
    def during(self, span: Span) -> Iterator[None]:
        began = perf_counter()
        try:
            yield
        except BaseException as error:
            fault = fault_of(span, error)
            if fault is not None:
                self.noted(fault)
            self._count(span, perf_counter() - began, fault.kind if fault else "called off")
            raise
        self._count(span, perf_counter() - began, "")

    def noted(self, moment: Moment) -> None:
        match moment:
            case Evicted():
                self._evicted.inc(moment.messages)
            case Surfaced():
                self._sureness.observe(moment.certainty)
                self._surfaced.inc(moment.memories)
            case Doubtful():
                self._doubtful.labels(moment.platform).inc()
            case Fault():
                self._errors.labels(moment.kind, moment.platform, moment.model).inc()

    async def page(self, store: Store, now: datetime) -> bytes:
        """All of them, with what waits in the store now, in Prometheus' text format. Raises `StoreUnavailable`."""
        async with store.read() as session:
            depths = await session.overview.depths(now)
            unindexed = await session.vectors.count_unindexed()
        for gauge, counts in ((self._waiting, depths.waiting), (self._running, depths.running)):
            gauge.clear()
            for platform, count in counts.items():
                gauge.labels(platform).set(count)
        self._outbox.clear()
        for (platform, state), count in depths.outbox.items():
            self._outbox.labels(platform, state).set(count)
        self._unindexed.set(unindexed)
        holders = await store.holders()
        self._standbys.set(sum(not (holder.works or holder.shares) for holder in holders))
        self._workers.set(sum(holder.shares > 0 for holder in holders))
        self._due.set(depths.due)
        self._agents.set(depths.agents)
        self._people.set(depths.people)
        return generate_latest(self.registry)

    def _count(self, span: Span, seconds: float, failure: str) -> None:
        match span:
            case Heard() if not failure:
                self._events.labels(span.platform, span.kind).inc()
            case Turning():
                self._turn(span, seconds)
            case Question():
                self._question(span, seconds)
            case Call():
                outcome = "failed" if failure or span.failed else "ok"
                self._calls.labels(span.name or "unknown", outcome).inc()
            case Post():
                self._posts.labels(span.platform, failure or "sent").inc()
                self._post_s.labels(span.platform).observe(seconds)

    def _turn(self, turn: Turning, seconds: float) -> None:
        if turn.steps:
            self._steps.labels(turn.platform, turn.model).inc(turn.steps)
        if not turn.ended:
            return
        self._turns.labels(turn.platform, turn.kind).inc()
        if turn.kind == HeartbeatDue.kind:
            self._beats.inc()
        self._turn_s.labels(turn.platform, turn.kind).observe(seconds)
        self._own_s.labels(turn.platform, turn.kind).observe(turn.own_s)

    def _question(self, question: Question, seconds: float) -> None:
        platform = question.platform
        model = (question.reply.model if question.reply else "") or question.model
        self._model_s.labels(platform, model).observe(seconds)
        usage = question.usage
        for direction, tokens in (("in", usage.prompt), ("cached", usage.cached), ("out", usage.completion)):
            self._tokens.labels(platform, model, direction).inc(tokens)

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(f"everbot_{name}", told, labels, registry=self.registry)

    def _gauge(self, name: str, told: str, *labels: str) -> Gauge:
        return Gauge(f"everbot_{name}", told, labels, registry=self.registry)

    def _histogram(self, name: str, told: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"everbot_{name}", told, labels, registry=self.registry, buckets=buckets)
