"""Who there is, and what they may."""

from __future__ import annotations

from dataclasses import dataclass

from bot.parts.given import Given
from bot.people.access import Access
from bot.people.adults import Adults
from bot.people.allowance import Allowance
from bot.people.beats import Beats
from bot.people.identities import Identities
from bot.people.pace import Pace
from bot.people.paid_media import PaidMedia
from bot.people.prices import Prices
from bot.people.restrictions import Restrictions
from bot.people.roles import Roles
from bot.people.rooms import Rooms
from bot.personas.personas import Personas


@dataclass(frozen=True, kw_only=True)
class PeopleParts:
    personas: Personas
    identities: Identities
    allowance: Allowance
    media: PaidMedia
    access: Access
    beats: Beats
    restrictions: Restrictions
    adults: Adults
    roles: Roles

    @classmethod
    def of(cls, given: Given) -> PeopleParts:
        settings, runtime = given.settings, given.runtime
        personas = Personas(runtime.clock, settings.personas.default, settings.agent.block_limit)
        restrictions = Restrictions(runtime.store, runtime.clock, Prices(settings.prices), runtime.cluster)
        allowance = Allowance(runtime, settings.limits, restrictions)
        pace = Pace(runtime, allowance, settings.limits)
        rooms = Rooms(runtime, personas, settings.rooms)
        return cls(
            personas=personas,
            identities=Identities(runtime, personas, settings.agent),
            allowance=allowance,
            media=PaidMedia(runtime, allowance, given.media.images, given.media.audio, given.media.mouth),
            access=Access(runtime, pace, rooms, settings.access, restrictions, given.platforms),
            beats=Beats(settings.heartbeat),
            restrictions=restrictions,
            adults=Adults(settings.safety.adults),
            roles=Roles(settings.access),
        )
