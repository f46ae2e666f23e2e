"""Schemathesis makes requests of the description alone, good ones and bad ones, and finds what is not as it is told."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from tests.acceptance.test_memory_api import door
from tests.patience import PATIENCE_S

_LONGEST_S = 20 * PATIENCE_S
_CHECKED = (
    "--checks=all",
    "--max-examples=6",
    "--seed=1",
    "--generation-deterministic",
    "--no-color",
    "--warnings=off",
)


async def test_what_is_answered_is_what_is_described(tmp_path: Path) -> None:
    """Everything is fixed: what is remembered, the time, and the requests."""
    limits = {"commands_per_minute": 0}
    async with door(tmp_path / "data", limits=limits, web={"requests_per_minute": 10**9}) as here:
        await here.house.say("ada", "note Has a boat called Petrel")
        await here.house.say("ada", "mind Lives in Hamburg")
        key = (await here.program("ada")).key
        process = await asyncio.create_subprocess_exec(
            os.environ["SCHEMATHESIS"],
            "run",
            f"{here.client.make_url('/v1/openapi.json')}",
            f"--url={here.client.make_url('/')}",
            f"--header=Authorization: Bearer {key}",
            *_CHECKED,
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await asyncio.wait_for(process.communicate(), _LONGEST_S)
    assert process.returncode == 0, told.decode()
    assert b"Tested: 14" in told, told.decode()
