"""Everbot in a town of platforms: the real adapters and SDKs, on wire-level servers, with a scripted model.

``async with Town(folder, play, discord=server) as town:`` runs it as `everbot run` does. It may be entered
again after it was left: that is a restart.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bot.app import App, open_app
from bot.backends.platforms import platforms
from bot.cli.run import attend
from bot.delivery.courier import SpeakerOf
from bot.ports import Adapter, ChatModel, Clock, ModelReply, ModelRequest
from bot.settings import Settings
from tests.fakes.clock import HastyClock
from tests.fakes.discord_server import DiscordServer
from tests.fakes.empty_database import lay
from tests.fakes.parlour import Play, Stage
from tests.fakes.scripted_model import say
from tests.fakes.slack_server import SlackServer
from tests.patience import PATIENCE_S

FAST = {
    "limits": {
        "messages": (1000, 1.0),
        "webhooks": (1000, 1.0),
        "other": (1000, 1.0),
        "global": (5000, 1.0),
        "reactions": (100, 1.0),
    }
}


def heard(request: ModelRequest) -> dict[str, Any]:
    """The newest event that the request shows; a request for a summary shows none."""
    if not request.tools:
        return {"type": "summarize"}
    for message in reversed(request.messages):
        if message["role"] == "user":
            content = message["content"]
            fields: dict[str, Any] = json.loads(content if isinstance(content, str) else content[0]["text"])
            if fields["type"] not in ("system_alert", "core_memory"):
                return fields
    raise AssertionError("the request shows no event")


def echo(request: ModelRequest) -> ModelReply:
    """Says what was said."""
    return say(f"You said: {heard(request).get('message', '')}")


class Town:
    """``settings`` are sections of the configuration, as ``access={"dm_policy": "pairing"}``; ``clock`` must let
    its sleepers sleep: `SystemClock` as long as they say, for a story of times, else a twentieth of it. ``adapters``
    makes the platforms' adapters."""

    def __init__(
        self,
        folder: Path,
        play: Play | ChatModel | None = echo,
        *,
        discord: DiscordServer | None = None,
        slack: SlackServer | None = None,
        clock: Clock | None = None,
        speaker_of: SpeakerOf | None = None,
        adapters: Callable[[Settings, Clock], list[Adapter]] = platforms,
        **settings: dict[str, Any],
    ) -> None:
        self._clock = clock or HastyClock()
        self._speaker_of = speaker_of
        self._platforms = adapters
        self.model = Stage(play) if inspect.isroutine(play) else play
        sections: dict[str, dict[str, Any]] = {
            "agent": {"debounce_s": 0.0},
            "run": {"health": ""},
            "embedder": {"kind": "none"},
            "limits": {"messages_per_minute": 0},
        }
        if discord is not None:
            urls = {"api_url": discord.api_url, "gateway_url": discord.gateway_url}
            sections["discord"] = {
                "token": discord.token,
                "message_content": True,
                "guilds_wait_s": 0.1,
                **urls,
            }
        if slack is not None:
            tokens = {"bot_token": slack.bot_token, "app_token": slack.app_token}
            sections["slack"] = {
                "post_interval_s": 0.02,
                **tokens,
                "signing_secret": slack.signing_secret,
                "api_url": slack.api_url,
            }
        for name, values in settings.items():
            sections[name] = {**sections.get(name, {}), **values}
        self.settings = Settings.model_validate({"data_dir": folder, **sections})

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        clock = self._clock
        self.adapters: list[Adapter] = self._platforms(self.settings, clock)
        lay(self.settings.data_dir / "everbot.db")
        opened = open_app(
            self.settings,
            self.adapters,
            "test",
            model=self.model,  # type: ignore[arg-type]
            clock=clock,
            speaker_of=self._speaker_of,
        )
        self.app: App = await self._stack.enter_async_context(opened)
        self._stop = asyncio.Event()
        self._serving = asyncio.create_task(attend(self.app, self.adapters, clock, self._stop, 5.0))
        await self.ready()
        return self

    async def ready(self) -> None:
        """Until every platform is connected."""
        async with asyncio.timeout(PATIENCE_S):
            while any(adapter.ready() for adapter in self.adapters):
                assert not self._serving.done(), self._serving.result()
                await asyncio.sleep(0.01)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        await self._serving
        await self._stack.aclose()
