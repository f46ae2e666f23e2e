"""What models cost, by the operator's configuration (`[prices]`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bot.settings import PriceSettings
from memory.records import Usage, Used

_MILLION = 1_000_000
_NONE = PriceSettings.model_construct()  # nothing is known


class Prices:
    """Amounts are in the one currency of the configuration."""

    def __init__(self, prices: Mapping[str, PriceSettings]) -> None:
        self._prices = prices

    def __bool__(self) -> bool:
        return bool(self._prices)

    def knows(self, model: str, usage: Usage) -> bool:
        """Whether all that was used has a price."""
        price = self._prices.get(model)
        return all(each is not None for _, each in _parts(usage, price))

    def cost(self, model: str, usage: Usage) -> float:
        """What has no price costs nothing."""
        return sum(amount * price for amount, price in _parts(usage, self._prices.get(model)) if price)

    def sum(self, used: Iterable[Used]) -> float:
        return sum(self.cost(each.model, each.usage) for each in used)


def _parts(usage: Usage, price: PriceSettings | None) -> Iterator[tuple[float, float | None]]:
    """How much was used of what is used at all, and the price of one of it."""
    cached = min(usage.cached, usage.prompt)
    p = price or _NONE
    parts = (
        ((usage.prompt - cached) / _MILLION, p.input),
        (cached / _MILLION, p.input if p.cached is None else p.cached),
        (usage.completion / _MILLION, p.output),
        (float(usage.pictures), p.picture),
        (usage.characters / 1_000, p.characters),
        (usage.seconds / 60, p.minute),
    )
    return (part for part in parts if part[0])
