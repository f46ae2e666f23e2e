"""Whether everything is in order, as `everbot doctor` finds it, asked for at the desk and kept until the next time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from bot.errors import EverbotError
from bot.ports import Clock

Finding = tuple[bool, str, str]
"""Whether it is good, what was looked at, and what there is to tell of it."""
Examine = Callable[[], AsyncIterator[Finding]]
_PATIENCE_S = 120.0


class Examination:
    """``examine`` is None where nobody can look: outside of `everbot run`."""

    def __init__(self, clock: Clock, examine: Examine | None) -> None:
        self._clock, self._examine = clock, examine
        self._one_at_a_time = asyncio.Lock()
        self.found: Sequence[Finding] = ()
        self.at: datetime | None = None

    @property
    def is_possible(self) -> bool:
        return self._examine is not None

    async def make(self) -> None:
        """Look at everything. Raises `EverbotError` when somebody does already, or it takes too long."""
        if self._examine is None or self._one_at_a_time.locked():
            raise EverbotError("It is being examined already.")
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    found = [finding async for finding in self._examine()]
            except TimeoutError:
                raise EverbotError(
                    f"It takes longer than {_PATIENCE_S:.0f} s: `everbot doctor` tells more."
                ) from None
            self.found, self.at = found, self._clock.now()
