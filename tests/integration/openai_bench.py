"""An OpenAI model on the bench: wired to the fake server, with a clock that costs no time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from bot.models.openai import OpenAIModel, Patience
from bot.ports import ModelRequest
from tests.fakes.clock import FakeClock
from tests.fakes.openai_server import Answer, Fault, OpenAIServer, Raw, Script, echo
from tests.patience import PATIENCE_S

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("send_message", "archival_memory_search")
]


def ask(text: str = "Hello!", **options: Any) -> ModelRequest:
    return ModelRequest(
        **{"key": "turn-1/0", "messages": [{"role": "user", "content": text}], "tools": TOOLS, **options}
    )


def lines(*script: Answer | Raw | Fault) -> Script:
    """One line per request; the last one for ever."""
    left = list(script)
    return lambda request, headers: left.pop(0) if len(left) > 1 else left[0]


@asynccontextmanager
async def opened(
    script: Script = echo, *, server: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[OpenAIModel, OpenAIServer, FakeClock]]:
    """A model and its server; the clock starts at START."""
    clock = FakeClock(START)
    async with OpenAIServer(script, **(server or {})) as running:
        settings = {"name": "test-model", "base_url": running.url, "api_key": "my-very-secret-word"}
        waits = {
            name: options.pop(name)
            for name in ("stall_s", "first_s", "at_once", "retries")
            if name in options
        }
        patience = Patience(**{"timeout_s": options.pop("timeout_s", PATIENCE_S), "retries": 0, **waits})
        model = OpenAIModel(**{**settings, "clock": clock, "patience": patience, **options})
        yield model, running, clock
        await model.aclose()
