"""What an operator does from the command line: letting hearts beat, setting up platforms."""

from __future__ import annotations

import json
from dataclasses import replace

from bot.app import open_app
from bot.backends.clock import SystemClock
from bot.backends.memory import open_memory
from bot.backends.platforms import discord_invite_url, silent_platforms, slack_app_manifest
from bot.cli.screen import tell, warn
from bot.data_dir import holder, is_held
from bot.errors import AgentNotFound, EverbotError
from bot.people.identities import find_agent
from bot.settings import Settings


async def heartbeat(settings: Settings, user: str, persona: str) -> int:
    """Let an agent's heart beat now: by the process that runs, or here if there is none."""
    if is_held(settings.data_dir):
        async with open_memory(settings, embedders=lambda _: None) as memory, memory.store.write() as session:
            agent = await find_agent(session, user, persona)
            beat = await session.schedule.beat(agent.id)
            # heard_at None: whoever runs looks at neither the interval nor the person's being active.
            await session.schedule.put_beat(replace(beat, next_at=SystemClock().now(), heard_at=None))
        tell(f"{holder(settings.data_dir)} lets its heart beat within seconds.")
        return 0
    async with open_app(settings, silent_platforms(), "heartbeat") as app:
        async with app.memory.store.read() as session:
            agent = await find_agent(session, user, persona)
            before = await session.blocks.history(f"agent:{agent.id}", None)
            conversation_id = await session.schedule.home(
                agent.id, [place.platform for place in silent_platforms()]
            )
            place = await session.agents.conversation(conversation_id) if conversation_id else None
        identity = await app.identities.at(place) if place else None
        if identity is None:
            raise AgentNotFound(f"{user} has not talked with {persona} yet.")
        await app.heartbeat.beat_now(identity)
        answered = await app.inbound.settled(identity.conversation.address)
        async with app.memory.store.read() as session:
            edits = await session.blocks.history(f"agent:{agent.id}", None)
    if not answered:
        warn("The model cannot be reached; the heartbeat is kept for the next start.")
        return 3
    for edit in reversed(edits[: len(edits) - len(before)]):
        tell(
            f"[{edit.label}] was:\n{edit.before or '(empty)'}\n[{edit.label}] now reads:\n{edit.after or '(empty)'}"
        )
    if len(edits) == len(before):
        tell("Its heart beat; core memory is as it was.")
    return 0


async def discord_invite(settings: Settings) -> int:
    """Print the invitation's address."""
    try:
        url, notes = await discord_invite_url(settings)
    except EverbotError as error:
        warn(error)
        return 1
    tell(url)
    for note in notes:
        warn(note)
    return 0


def slack_manifest(settings: Settings) -> int:
    """Print the manifest."""
    tell(json.dumps(slack_app_manifest(settings), indent=2))
    return 0
