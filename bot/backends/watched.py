"""A language model that is watched: whether it answers is known from its last outcome, without asking it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.errors import ModelDenied, ModelError, ModelUnavailable
from bot.ports import ChatModel, Clock, Form, ModelReply, ModelRequest

_STALE = timedelta(minutes=10)  # twice the longest pause before a model that is down is asked again


class WatchedModel:
    """`bot.ports.Mind` of the model within."""

    def __init__(self, model: ChatModel, clock: Clock, forms: Sequence[Form] = (Form.FULL,)) -> None:
        self.name = model.name
        self.forms = tuple(forms)
        self._model = model
        self._clock = clock
        self._failed: tuple[datetime, str] | None = None

    def ready(self) -> str | None:
        """None when it answers, as far as is known; else what is the matter, in a few words."""
        if self._failed is None:
            return None
        at, why = self._failed
        return why if abs(self._clock.now() - at) < _STALE else None

    async def complete(self, request: ModelRequest) -> ModelReply:
        try:
            reply = await self._model.complete(request)
        except ModelUnavailable:
            self._failed = (self._clock.now(), "does not answer")
            raise
        except ModelDenied:
            self._failed = (self._clock.now(), "refuses our key, our account or its name")
            raise
        except ModelError:
            self._failed = None  # it minds this request alone
            raise
        self._failed = None
        return reply

    async def aclose(self) -> None:
        if hasattr(self._model, "aclose"):
            await self._model.aclose()
