"""`everbot export`, `everbot forget`: a person's memory is taken out, deleted."""

from __future__ import annotations

from pathlib import Path

from bot.app import open_app
from bot.backends.clock import SystemClock
from bot.backends.memory import open_memory
from bot.backends.platforms import silent_platforms
from bot.cli.screen import tell, warn
from bot.data_dir import holder, is_held
from bot.errors import refused
from bot.ownership.export import Export
from bot.people.identities import account_of, find_agent
from bot.settings import Settings
from memory.records import PRIVATE


async def export(settings: Settings, user: str, persona: str, folder: Path) -> int:
    """Write a person's memory to files."""
    clock = SystemClock()
    async with open_memory(settings, embedders=lambda _: None) as memory:
        async with memory.store.read() as session:
            agent = await find_agent(session, user, persona)
        for file in await Export(memory.store, clock).files(agent, PRIVATE):
            path = folder / file.name
            try:
                path.touch(mode=0o600, exist_ok=False)
                path.write_bytes(file.data)
            except OSError as error:
                warn(f"{path} cannot be written: {refused(error)}.")
                return 1
            tell(path)
    return 0


async def forget(settings: Settings, user: str, *, sure: bool) -> int:
    """Forget a person: by the process that runs, or here if there is none."""
    account = account_of(user)
    async with open_memory(settings, embedders=lambda _: None) as memory:
        async with memory.store.read() as session:
            known = await session.agents.user_of(account)
            quoted = await session.erasing.quoting([account], [])
            coded = await session.codes.knows(account)
        if known is None and not quoted and not coded:
            warn(f"Nothing is held of {account}.")
            return 1
        if not sure:
            who = f" ({known.name})" if known else ""
            warn(f"This deletes all that is held of {account}{who}. Say --yes if you mean it.")
            return 2
        if is_held(settings.data_dir):
            async with memory.store.write() as session:
                await session.erasing.add_chores([f"user:{account}"], SystemClock().now())
            tell(f"{holder(settings.data_dir)} forgets {account} within a minute.")
            return 0
    async with open_app(settings, silent_platforms(), "forget") as app:
        if known is not None:
            await app.erasure.user(known)
        else:
            await app.erasure.bystander(account)
    tell(f"{account} is forgotten.")
    return 0
