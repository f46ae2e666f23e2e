"""What models cost, by the operator's configuration (`[prices]`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.settings import PriceSettings
from memory.records import Usage, Used

_MILLION = 1_000_000


class Prices:
    """Amounts are in the one currency of the configuration."""

    def __init__(self, prices: Mapping[str, PriceSettings]) -> None:
        self._prices = prices

    def __bool__(self) -> bool:
        return bool(self._prices)

    def knows(self, model: str) -> bool:
        return model in self._prices

    def cost(self, model: str, usage: Usage) -> float:
        """0 for a model without a price."""
        price = self._prices.get(model)
        if price is None:
            return 0.0
        cached = min(usage.cached, usage.prompt)
        again = price.input if price.cached is None else price.cached
        paid = (usage.prompt - cached) * price.input + cached * again + usage.completion * price.output
        return paid / _MILLION

    def sum(self, used: Iterable[Used]) -> float:
        return sum(self.cost(each.model, each.usage) for each in used)
