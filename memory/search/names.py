"""Names that tell nothing by themselves: whoever talks calls each other by them."""

from __future__ import annotations

from memory.ports import Session
from memory.records import Agent


async def own_names(session: Session, agent: Agent) -> list[str]:
    """Of the person whom the agent knows, and of the agent as they know it."""
    person = await session.agents.user(agent.user_id)
    persona = await session.personas.get(agent.persona_id)
    return [person.name, persona.name]
