"""What people may do with what is held of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.ownership.accounts import Accounts
from bot.ownership.amendments import Amendments
from bot.ownership.corrections import Corrections
from bot.ownership.departures import Departures
from bot.ownership.erasure import Erasure
from bot.ownership.export import Export
from bot.ownership.guests import Guests
from bot.ownership.moving_in.moving_in import MovingIn
from bot.ownership.moving_in.reflection import ImportReflection
from bot.ownership.restore import Restore
from bot.ownership.rights import Rights
from bot.ownership.wishes import Wishes
from bot.parts.agent import AgentParts
from bot.parts.delivery import DeliveryParts
from bot.parts.given import Given
from bot.parts.people import PeopleParts
from bot.people.room_memory import RoomMemory
from bot.safety.writing import Writing


@dataclass(frozen=True, kw_only=True)
class OwnershipParts:
    rights: Rights
    guests: Guests
    corrections: Corrections
    wishes: Wishes
    export: Export
    restore: Restore
    moving_in: MovingIn
    import_reflection: ImportReflection

    @classmethod
    def of(
        cls, given: Given, people: PeopleParts, agent: AgentParts, delivery: DeliveryParts
    ) -> OwnershipParts:
        settings, runtime, masking = given.settings, given.runtime, given.masking
        identities, allowance, personas = people.identities, people.allowance, people.personas
        mailboxes, queues = delivery.mailboxes, agent.queues
        keep_days = settings.privacy.keep_messages_days
        erasure = Erasure(
            runtime, mailboxes, identities, queues, allowance, given.files, keep_days, agent.forgetting
        )
        writing = Writing(masking, given.refusing)
        return cls(
            rights=Rights(
                erasure,
                Amendments(runtime, queues, mailboxes, erasure, masking),
                Departures(runtime, queues, agent.forgetting, settings.personas),
                Accounts(runtime, mailboxes, identities, allowance, agent.forgetting),
                RoomMemory(runtime, identities, personas, agent.courier.wake),
            ),
            guests=Guests(runtime, erasure, settings.web.widget),
            corrections=Corrections(runtime, erasure, writing),
            wishes=Wishes(runtime, writing),
            export=Export(runtime.store, runtime.clock),
            restore=Restore(runtime, personas, queues, masking),
            moving_in=MovingIn(
                runtime, personas, timedelta(days=keep_days), settings.agent.timezone, masking
            ),
            import_reflection=ImportReflection(runtime, given.models.quiet, agent.window, allowance),
        )
