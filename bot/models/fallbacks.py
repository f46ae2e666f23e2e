"""Several models as one: the next is asked when one is down or refuses."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.errors import ModelError, ModelOverflow, ModelRefused
from bot.ports import ChatModel, Clock, ModelReply, ModelRequest

log = logging.getLogger(__name__)

REST, LONGEST_REST = timedelta(minutes=1), timedelta(minutes=10)


@dataclass
class _Rest:
    """One that was down is asked last for a while, and longer each time."""

    until: datetime
    length: timedelta


class WithFallbacks:
    """A `bot.ports.ChatModel` of others, in order of preference, by the names under which they are known. Raises what
    the first raised, if all fail; `ModelOverflow` at once."""

    def __init__(self, models: Mapping[str, ChatModel], clock: Clock) -> None:
        self.name = next(iter(models))
        self._models = dict(models)
        self._clock = clock
        self._resting: dict[str, _Rest] = {}

    async def complete(self, request: ModelRequest) -> ModelReply:
        first: ModelError | None = None
        for name in self._order():
            try:
                reply = await self._models[name].complete(request)
            except ModelOverflow:
                raise
            except ModelError as error:
                log.warning("%s does not answer %s: %s", name, request.key, error)
                if not isinstance(error, ModelRefused):
                    self._let_rest(name)
                first = first or error
                continue
            self._resting.pop(name, None)
            return replace(reply, model=name)
        assert first is not None
        raise first

    async def aclose(self) -> None:
        for model in self._models.values():
            if hasattr(model, "aclose"):
                await model.aclose()

    def _order(self) -> list[str]:
        now = self._clock.now()
        awake = [
            name for name in self._models if name not in self._resting or self._resting[name].until <= now
        ]
        return awake + [name for name in self._models if name not in awake]

    def _let_rest(self, name: str) -> None:
        before = self._resting.get(name)
        length = min(before.length * 2, LONGEST_REST) if before else REST
        self._resting[name] = _Rest(self._clock.now() + length, length)
