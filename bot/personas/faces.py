"""Whose face a reply wears: the persona's that says it, or the bot's own for the default persona."""

from __future__ import annotations

from bot.cache import Cache
from bot.events import Speaker
from bot.personas.definition import parsed
from memory.ports import Store
from memory.records import OutboxRow

_KEPT = 200


class Faces:
    """``default`` is the persona whose name and picture are the bot's own."""

    def __init__(self, store: Store, default: str) -> None:
        self._store = store
        self._default = default
        self._known: Cache[int, tuple[int, Speaker]] = Cache(_KEPT)

    async def of(self, row: OutboxRow) -> Speaker | None:
        """`bot.delivery.courier.SpeakerOf`: as the persona is now. None: the bot itself."""
        async with self._store.read() as session:
            agent = await session.agents.agent(row.agent_id)
            if agent is None:
                return None
            persona = await session.personas.get(agent.persona_id)
            if persona.name == self._default:
                return None
            known = self._known.get(persona.id)
            if known is not None and known[0] == persona.version:
                return known[1]
            definition = parsed(await session.personas.definition(persona.id))
            avatar = await session.personas.avatar(persona.id)
        speaker = Speaker(
            name=definition.nickname or persona.name,
            avatar=avatar.data if avatar else b"",
            avatar_url=definition.avatar_url,
        )
        self._known[persona.id] = (persona.version, speaker)
        return speaker
