"""What an operator does from the command line: letting people in, backing up, setting up platforms."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bot.app import SystemClock, discord_invite_url, open_memory, slack_app_manifest
from bot.errors import EverbotError
from bot.settings import Settings


async def pair(settings: Settings, code: str) -> int:
    """Let the person in who was shown the code."""
    now = SystemClock().now()
    async with open_memory(settings, embedders=lambda _: None) as memory, memory.store.write() as session:
        found = await session.codes.get("pair", code.strip().upper(), now)
        if found is None:
            print(f"There is no code {code}, or it is older than an hour.", file=sys.stderr)
            return 1
        await session.codes.welcome(found.account, now)
        await session.codes.drop(found.code)
    print(f"{found.name} ({found.account}) may talk with the bot now.")
    return 0


async def backup(settings: Settings, path: Path) -> int:
    """Write a consistent copy of the database; the vector index is made anew from it."""
    async with open_memory(settings, embedders=lambda _: None) as memory:
        await memory.store.backup(path)
    print(f"Written to {path}. To restore: put it in place of everbot.db, then run `everbot reindex`.")
    return 0


async def discord_invite(settings: Settings) -> int:
    """Print the invitation's address."""
    try:
        url, notes = await discord_invite_url(settings)
    except EverbotError as error:
        print(error, file=sys.stderr)
        return 1
    print(url)
    for note in notes:
        print(note, file=sys.stderr)
    return 0


def slack_manifest(settings: Settings) -> int:
    """Print the manifest."""
    print(json.dumps(slack_app_manifest(settings), indent=2))
    return 0
