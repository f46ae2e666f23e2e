"""What thinks, and the courier, which posts what it says."""

from __future__ import annotations

from dataclasses import dataclass

from bot.agent.asking import Asking
from bot.agent.commit import Commit
from bot.agent.desks import Bounds, Desks
from bot.agent.eviction import Eviction
from bot.agent.forgetting import Forgetting
from bot.agent.forms import Forms
from bot.agent.loop import AgentLoop, Limits
from bot.agent.meter import Meter
from bot.agent.queue_manager import QueueManager
from bot.agent.tools.executor import Executor
from bot.agent.tools.registry import Registry
from bot.agent.window import Window
from bot.delivery.courier import Courier
from bot.observer import Surfaced
from bot.parts.given import Given
from bot.parts.people import PeopleParts
from bot.parts.servers import ServerParts
from bot.parts.tools import registry_of
from bot.parts.window import window_of
from bot.personas.faces import Faces
from bot.ports import Form
from bot.settings import Settings
from memory.associative import Associative
from memory.sources import Sources


@dataclass(frozen=True, kw_only=True)
class AgentParts:
    window: Window
    outside: ServerParts
    queues: QueueManager
    sources: Sources
    forgetting: Forgetting
    courier: Courier
    loop: AgentLoop

    @classmethod
    def of(cls, given: Given, people: PeopleParts) -> AgentParts:
        settings, memory, models, runtime = given.settings, given.memory, given.models, given.runtime
        registry = registry_of(settings, people.media)
        forms = Forms(registry, models.all_forms(), settings.agent.max_steps)
        window = window_of(settings, memory.counter, forms.always)
        forms.fit(window)
        queues = _queues(given, window)
        speaker_of = given.speaker_of or Faces(runtime.store, people.personas.default).of
        courier = Courier(runtime, given.platforms, speaker_of, people.access.may_post, people.media)
        executor = Executor(
            registry,
            window.count,
            window.fit,
            settings.agent.max_calls,
            settings.agent.tool_timeout_s,
            runtime.observer,
        )
        forgetting = Forgetting(runtime, queues)
        commit = Commit(runtime.store, queues, courier.handing_over, forgetting)
        meter = Meter(people.allowance, window, runtime.observer)
        eviction = Eviction(runtime.store, window, runtime.clock, runtime.observer)
        asking = Asking(models, queues, eviction, forms, settings.model.reserve, meter)
        desks = _desks(given, people, window, registry)
        outside = ServerParts.of(given, window)
        limits = _limits(settings)
        return cls(
            window=window,
            outside=outside,
            queues=queues,
            sources=Sources(runtime.store, memory.recall, memory.archival),
            forgetting=forgetting,
            courier=courier,
            loop=AgentLoop(asking, queues, executor, desks, commit, limits, outside.toolbox, given.refusing),
        )


def _queues(given: Given, window: Window) -> QueueManager:
    settings, models, runtime = given.settings, given.models, given.runtime
    observer = runtime.observer
    associative = Associative(
        runtime.store,
        runtime.indexer,
        window.count,
        settings.memory.surface_tokens,
        lambda read: observer.noted(Surfaced(certainty=read.certainty, memories=len(read.lines))),
    )
    alerts = settings.events.memory_pressure and Form.FULL in models.all_forms()
    return QueueManager(
        runtime.store, window, runtime.clock, associative, alerts=alerts, steady=models.are_local()
    )


def _desks(given: Given, people: PeopleParts, window: Window, registry: Registry) -> Desks:
    settings, memory = given.settings, given.memory
    return Desks(
        given.runtime,
        memory.recall,
        memory.archival,
        people.personas,
        window,
        given.platforms,
        Bounds(
            page_size=settings.agent.page_size,
            wishes=settings.limits.reminders,
            posts=settings.agent.max_posts,
        ),
        frozenset(tool.name for tool in registry.custom),
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        steps=settings.agent.max_steps,
        quiet_steps=settings.heartbeat.max_steps,
    )
