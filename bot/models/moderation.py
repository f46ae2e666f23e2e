"""Texts judged by an OpenAI-compatible server: ``/moderations``."""

from __future__ import annotations

from collections.abc import Collection

from bot.errors import ModelRefused
from bot.models.endpoint import Endpoint

_PIECE = 8_000  # characters of a text that are judged at once
_MOST = 4  # pieces of one


class ModerationEndpoint:
    """`bot.ports.Moderator`. ``categories`` are those that count, as the server names them; none: all."""

    def __init__(self, endpoint: Endpoint, categories: Collection[str]) -> None:
        self._endpoint = endpoint
        self._categories = frozenset(categories)
        self.place = endpoint.place

    async def flagged(self, text: str) -> frozenset[str]:
        pieces = [text[at : at + _PIECE] for at in range(0, min(len(text), _MOST * _PIECE), _PIECE)]
        body = {"model": self._endpoint.name, "input": pieces}
        answer = await self._endpoint.asked(
            lambda client: client.post("/moderations", body=body, cast_to=object)
        )
        try:
            results = answer["results"]  # type: ignore[index]
            found = [_flags(result) for result in results if result["flagged"]]
        except (KeyError, TypeError):
            raise ModelRefused(f"{self.place} gave no judgement.") from None
        return frozenset(
            name for names in found for name in names if not self._categories or name in self._categories
        )

    async def aclose(self) -> None:
        await self._endpoint.aclose()


def _flags(result: dict[str, dict[str, bool]]) -> list[str]:
    """Of what a text was found to be; a server may say no more than that it is."""
    return [name for name, is_one in result.get("categories", {}).items() if is_one] or ["flagged"]
