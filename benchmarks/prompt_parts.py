"""Where those tokens of a request come from that the request before did not begin with. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.agent.context import told
from bot.ports import ModelRequest

WORDS, FORM = "words said and thought", "their form (JSON, names, times, ids)"
MIND, RESULTS = "what was brought to mind", "results of tools"
ALERTS, MEMORY, SUMMARY = "memory alerts", "core memory, told anew", "the summary"
AGAIN, SYSTEM = "sent again, after a change before it", "tools and system text"
OTHERS = "prompts of summaries and beats"

_BROUGHT = "brings_to_mind"
_EVENTS = {"summary": SUMMARY, "core_memory": MEMORY, "system_alert": ALERTS}
_SHORT = 160  # characters of a result that tells nothing

Count = Callable[[str], int]


def parts(last: ModelRequest | None, request: ModelRequest, new: int, count: Count) -> Counter[str]:
    """The ``new`` tokens of a turn's request, by what they are."""
    before = [] if last is None else list(last.messages)
    same = 0
    while same < min(len(before), len(request.messages)) and before[same] == request.messages[same]:
        same += 1
    found: Counter[str] = Counter()
    for message in request.messages[max(1, same) :]:
        found.update(_of(message, before, count))
    rest = new - found.total()
    found[FORM if same else SYSTEM] += rest
    return found


def _of(message: Mapping[str, Any], before: Sequence[Mapping[str, Any]], count: Count) -> Counter[str]:
    whole = count(json.dumps(message, ensure_ascii=False))
    if message in before:
        return Counter({AGAIN: whole})
    if message["role"] == "tool":
        return Counter({RESULTS if len(message["content"]) > _SHORT else FORM: whole})
    if message["role"] == "assistant":
        words = sum(map(count, _words(message)))
        return Counter({WORDS: words, FORM: whole - words})
    fields = told(dict(message))
    if fields["type"] in _EVENTS:
        return Counter({_EVENTS[fields["type"]]: whole})
    said = str(fields.get("message", ""))
    if any(m["role"] == "user" and told(dict(m)).get("message") == said for m in before):
        return Counter({AGAIN: whole})  # shown without what it brought to mind
    brought = count(json.dumps(json.dumps(fields[_BROUGHT], ensure_ascii=False))) if _BROUGHT in fields else 0
    return Counter({WORDS: count(said), MIND: brought, FORM: whole - count(said) - brought})


def _words(message: Mapping[str, Any]) -> list[str]:
    """What the model thought, and the texts of its calls."""
    calls = [json.loads(call["function"]["arguments"]) for call in message.get("tool_calls") or ()]
    return [message.get("content") or "", *(v for call in calls for v in call.values() if isinstance(v, str))]
