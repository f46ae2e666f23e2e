"""What makes pictures, hears and speaks, on a person's account: it is asked within what they and their community may
spend, and what it took is counted."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.events import LOCAL, platform_of
from bot.people.allowance import Allowance, Bill
from bot.people.restrictions import home_of
from bot.ports import Ears, Mouth, Painter, Spoken
from bot.runtime import Runtime
from memory.records import Usage


@dataclass(frozen=True)
class Whose:
    """The agent that asks, and the conversation in which it does."""

    agent_id: int
    conversation_id: int


class PaidMedia:
    """Each is None where nothing is set up for it. What is asked for raises `ModelError`, and `AllowanceUsed`; who
    sits at the machine is under no limit. Asked twice is paid twice: it was used twice."""

    def __init__(
        self,
        runtime: Runtime,
        allowance: Allowance,
        painter: Painter | None = None,
        ears: Ears | None = None,
        mouth: Mouth | None = None,
    ) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._allowance = allowance
        self._painter, self._ears, self._mouth = painter, ears, mouth

    @property
    def paints(self) -> bool:
        return self._painter is not None

    @property
    def hears(self) -> bool:
        return self._ears is not None

    @property
    def speaks(self) -> bool:
        return self._mouth is not None

    async def paint(self, whose: Whose, prompt: str) -> bytes:
        """As `bot.ports.Painter`."""
        assert self._painter is not None
        async with self.account(whose) as bill:
            data = await self._painter.paint(prompt)
            await self.spend(whose, bill, self._painter.model, Usage(pictures=1))
        return data

    async def transcribe(self, whose: Whose, name: str, media_type: str, sound: bytes) -> str:
        """As `bot.ports.Ears`: the words."""
        assert self._ears is not None
        async with self.account(whose) as bill:
            heard = await self._ears.transcribe(name, media_type, sound)
            await self.spend(whose, bill, self._ears.model, Usage(seconds=math.ceil(heard.seconds)))
        return heard.text

    async def speak(self, whose: Whose, text: str) -> Spoken:
        """As `bot.ports.Mouth`."""
        assert self._mouth is not None
        async with self.account(whose) as bill:
            spoken = await self._mouth.speak(text)
            characters = min(len(text), self._mouth.longest)
            await self.spend(whose, bill, self._mouth.speech, Usage(characters=characters))
        return spoken

    @asynccontextmanager
    async def account(self, whose: Whose, tokens: int = 0) -> AsyncIterator[Bill]:
        """Ask in the block; see `Allowance.reserved`."""
        async with self._store.read() as session:
            agent = await session.agents.agent(whose.agent_id)
            place = await session.agents.conversation(whose.conversation_id)
        user_id = agent.user_id if agent else 0
        limited = platform_of(place.address) != LOCAL
        async with self._allowance.reserved(user_id, tokens, home=home_of(place), limited=limited) as bill:
            yield bill

    def charge(self, bill: Bill, model: str, usage: Usage) -> None:
        """Write on the bill what a step of a turn will count."""
        self._allowance.charge(bill, model, usage)

    async def spend(self, whose: Whose, bill: Bill, model: str, usage: Usage) -> None:
        """Count what was used beside the steps of turns."""
        async with self._store.write() as session:
            agent = await session.agents.agent(whose.agent_id)
            if agent is not None:
                await session.mailbox.spend(agent.id, whose.conversation_id, model, usage, self._clock.now())
        self._allowance.charge(bill, model, usage)
        if agent is not None:
            bill.took = 0  # it is in the store already
