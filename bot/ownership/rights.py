"""A person's rights in what is held of them, in one hand."""

from __future__ import annotations

from dataclasses import dataclass

from bot.ownership.accounts import Accounts
from bot.ownership.amendments import Amendments
from bot.ownership.departures import Departures
from bot.ownership.erasure import Erasure
from bot.people.room_memory import RoomMemory


@dataclass(frozen=True)
class Rights:
    """What the front door calls upon."""

    erasure: Erasure
    amendments: Amendments
    departures: Departures
    accounts: Accounts
    rooms: RoomMemory
