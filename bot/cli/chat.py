"""`everbot chat`: the console adapter on a running everbot."""

from __future__ import annotations

import sys

from bot.app import open_app
from bot.backends.platforms import pipe_console, terminal_console
from bot.cli.screen import warn
from bot.language import gettext, marked, spoken
from bot.settings import Settings

_UNANSWERED = 3  # exit code
_KEPT = marked(
    "everbot: some messages are not answered yet, because the model cannot be reached. They are kept, and "
    "answered at the next start."
)


async def chat(settings: Settings, user: str, persona: str, *, as_json: bool) -> int:
    """Chat until the person leaves or the pipe ends. Returns the exit code."""
    # The console submits a line when the turn before has ended: there are no bursts to wait for.
    agent = settings.agent.model_copy(update={"debounce_s": 0.0})
    settings = settings.model_copy(update={"agent": agent})
    if sys.stdin.isatty() and sys.stdout.isatty() and not as_json:
        terminal = terminal_console(settings, user, persona)
        async with open_app(settings, [terminal], "chat") as app:
            await app.identities.check(persona)
            async with app.heartbeat.timer():
                await terminal.run(app.inbound)
        return 0
    pipe = pipe_console(user, persona, as_json=as_json)
    async with open_app(settings, [pipe], "chat") as app:
        await app.identities.check(persona)
        await app.heartbeat.remind()  # of what fell due while nobody was here
        async with app.heartbeat.timer():
            await pipe.run(app.inbound)
    if pipe.unanswered:
        with spoken(pipe.language):
            warn(gettext(_KEPT))
        return _UNANSWERED
    return 0
