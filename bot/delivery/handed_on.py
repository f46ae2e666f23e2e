"""What was received here for agents of other processes, until it is dealt with."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bot.events import Address

Told = Mapping[tuple[Address, int], int]
"""By place and agent: as the how-manieth word."""


class HandedOn:
    def __init__(self) -> None:
        self._told: dict[tuple[Address, int], int] = {}
        self._words = 0

    def tell(self, address: Address, agent_id: int) -> None:
        """Another process is told of an event in that place, for an agent of its own."""
        self._words += 1
        self._told[address, agent_id] = self._words

    def at(self, address: Address | None) -> set[int]:
        """The agents that may not be done with what was told of that place; None: of any."""
        return {agent_id for place, agent_id in self._told if address in (None, place)}

    def told(self) -> Told:
        """All of it, before it is asked who is `busy` still."""
        return dict(self._told)

    def settle(self, told: Told, busy: Collection[int]) -> None:
        """Of what was told by then, that of agents who are not busy is dealt with."""
        for each, word in told.items():
            if each[1] not in busy and self._told.get(each) == word:
                del self._told[each]
