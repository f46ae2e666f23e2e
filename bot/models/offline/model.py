"""The stand-in as a `bot.ports.ChatModel`."""

from __future__ import annotations

from bot.models.offline.calls import Offered, Step
from bot.models.offline.reflection import heartbeat
from bot.models.offline.summary import summarize, wants_summary
from bot.models.offline.turn import Turn
from bot.models.transcript import read, text_of
from bot.ports import ModelReply, ModelRequest
from memory.records import Usage

_CHARACTERS_PER_TOKEN = 4


class OfflineModel:
    """Answers by rules. Stateless, deterministic, never raises, never waits.

    ``usage`` is counted from characters.
    """

    name = "offline"

    async def complete(self, request: ModelRequest) -> ModelReply:
        offered = Offered(request)
        step = _step(request, offered)
        calls = offered.written(step.calls, request.key)
        asked = sum(len(text_of(message)) for message in request.messages)
        answered = len(step.text) + sum(len(call.name) + len(call.arguments) for call in calls)
        prompt, completion = (-(-count // _CHARACTERS_PER_TOKEN) for count in (asked, answered))
        return ModelReply(text=step.text, calls=calls, usage=Usage(prompt=prompt, completion=completion))


def _step(request: ModelRequest, offered: Offered) -> Step:
    if wants_summary(request, offered):
        return Step(text=summarize(request.messages))
    seen = read(request)
    if any(event.from_person for event in seen.events):
        return Turn(seen, offered).step()
    if any(event.kind == "system_alert" for event in seen.events):
        turn = Turn(seen, offered)
        return Step(turn.due(turn.unsaved()))
    return heartbeat(seen, offered)
