"""From inbox to outbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.delivery.arrivals import Arrivals
from bot.delivery.beginning import Beginning
from bot.delivery.documents import BOUNDS, Documents
from bot.delivery.heartbeat import Heartbeat
from bot.delivery.keeping import Keeping
from bot.delivery.mailboxes import Mailboxes
from bot.delivery.news import News
from bot.delivery.reminders import Reminders
from bot.delivery.senses import Senses
from bot.delivery.turns import Turns
from bot.ownership.moving_in.formats import talks_elsewhere
from bot.parts.agent import AgentParts
from bot.parts.given import Given
from bot.parts.people import PeopleParts
from memory.documents.reader import Reader


@dataclass(frozen=True, kw_only=True)
class DeliveryParts:
    mailboxes: Mailboxes
    heartbeat: Heartbeat

    @classmethod
    def of(cls, given: Given, people: PeopleParts, agent: AgentParts) -> DeliveryParts:
        settings, runtime, platforms = given.settings, given.runtime, given.platforms
        identities, access, beats = people.identities, people.access, people.beats
        queues, courier = agent.queues, agent.courier
        expire = timedelta(hours=settings.agent.expire_hours)
        turns = Turns(runtime, agent.loop, queues, identities, courier, access, beats, expire)
        arrivals = Arrivals(beats, runtime.clock, settings.events)
        documents = Documents(
            runtime.store, runtime.clock, Reader(BOUNDS), talks_elsewhere, given.masking, given.refusing
        )
        keeping = Keeping(settings.memory.documents, given.memory.counter.count)
        senses = Senses(
            runtime,
            people.media,
            given.models.describer,
            given.masking,
            given.refusing,
            sees_for_all=given.models.describer is given.models.default,
        )
        beginning = Beginning(runtime, queues, identities, beats, courier, documents, keeping, senses)
        mailboxes = Mailboxes(runtime, turns, arrivals, beginning, queues, courier, platforms, settings.agent)
        reminders = Reminders(
            runtime, mailboxes, identities, access, platforms, settings.limits.reminders_per_day
        )
        news = News(runtime.store, given.memory.archival, agent.window)
        return cls(
            mailboxes=mailboxes,
            heartbeat=Heartbeat(runtime, mailboxes, identities, beats, news, access, reminders, platforms),
        )
