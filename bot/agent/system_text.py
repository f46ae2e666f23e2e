"""The system text of a request: our instructions, the persona's own, and core memory, each in its bounds."""

from __future__ import annotations

from collections.abc import Sequence

from bot.agent import core_memory
from bot.agent.job import Job
from bot.agent.window import Window
from bot.personas.definition import cast, instructions
from memory.records import Block


class SystemText:
    """``ours`` are the instructions that every agent has, ``tools`` the tools as the model is shown them; ``frame``
    shows a block of core memory, None: in tags."""

    def __init__(self, ours: str, tools: str, window: Window, frame: core_memory.Frame | None = None) -> None:
        self._ours = ours
        self._tools = tools
        self._window = window
        self._frame = frame

    def of(self, job: Job, blocks: Sequence[Block]) -> tuple[str, int]:
        """The system text with these blocks, and the tokens that it takes with the tools."""
        text = self._instructions(job)
        room = self._window.most_fixed - self._window.fixed(
            text, self._tools
        )  # the conversation keeps its own
        memory = core_memory.within(blocks, room, self._window.fixed, self._window.fit, self._frame)
        return f"{text}\n\n{memory}", self._window.fixed(text, memory, self._tools)

    def _instructions(self, job: Job) -> str:
        """Ours, with the persona's own in at most half of what ours and the tools leave."""
        left = (self._window.most_fixed - self._window.fixed(self._ours, self._tools)) // 2

        def fit(own: str) -> str:
            nonlocal left
            shown = self._window.fit(own, max(0, left))
            if len(shown) < len(own):
                shown += f" … [clipped: {len(shown)} of {len(own)} characters are shown]"
            left -= self._window.fixed(shown)
            return shown

        who = cast(job.definition, job.persona, job.person)
        return instructions(job.definition, self._ours, who, fit, self._window.fixed)
