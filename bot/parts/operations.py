"""What an operator sees and does while it runs."""

from __future__ import annotations

from dataclasses import dataclass

from bot.backups import Backups, folder_of
from bot.operations.loads import Loads
from bot.operations.orders import Orders
from bot.parts.agent import AgentParts
from bot.parts.delivery import DeliveryParts
from bot.parts.given import Given
from bot.parts.people import PeopleParts


@dataclass(frozen=True, kw_only=True)
class OperationsParts:
    orders: Orders
    loads: Loads
    backups: Backups

    @classmethod
    def of(
        cls, given: Given, people: PeopleParts, agent: AgentParts, delivery: DeliveryParts
    ) -> OperationsParts:
        settings, runtime, memory = given.settings, given.runtime, given.memory
        return cls(
            orders=Orders(runtime, delivery.mailboxes, agent.courier, people.restrictions),
            loads=Loads(runtime, memory.counter.count, settings.data_dir / "sent"),
            backups=Backups(memory.store, runtime.clock, folder_of(settings), settings.backup),
        )
