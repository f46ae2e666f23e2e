"""Answers by ``response_url``: they reach a person also where we are no member (docs.slack.dev, "Handling user
interaction")."""

from __future__ import annotations

import logging

import aiohttp
from yarl import URL

from adapters.hosts import Hosts
from adapters.slack.errors import BROKEN, RENDERING, reason
from adapters.slack.markup import escaped
from adapters.wire import Json

log = logging.getLogger(__name__)


class Responses:
    def __init__(self, session: aiohttp.ClientSession, hosts: Hosts) -> None:
        self._session = session
        self._hosts = hosts

    async def send(self, url: str, words: str, blocks: list[Json], thread: str | None) -> bool:
        """Whether the person sees it now, and nobody else does."""
        message = {
            **shown(words, blocks),
            "replace_original": False,
            **({"thread_ts": thread} if thread else {}),
        }
        try:
            if not url or not self._hosts.may_have_token(URL(url)):
                return False
            status, told = await self._post(url, message)
            if status != 200 and any(name in told for name in RENDERING):
                status, told = await self._post(
                    url, {key: message[key] for key in message if key != "blocks"}
                )
        except BROKEN as error:
            log.warning("Slack: an answer was not delivered by response_url (%s).", reason(error))
            return False
        return status == 200

    async def _post(self, url: str, message: Json) -> tuple[int, str]:
        async with self._session.post(url, json=message, allow_redirects=False) as answer:
            return answer.status, (await answer.text())[:1_000]


def shown(words: str, blocks: list[Json]) -> Json:
    """An answer that only the asker sees."""
    return {"response_type": "ephemeral", "text": escaped(words), "blocks": blocks}
