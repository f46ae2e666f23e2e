"""What a server puts into a reply beside text and calls, and wants back with it: thought signatures, reasoning. Pure.

Google's ``extra_content`` on calls (ai.google.dev, "Thought signatures"), DeepSeek's and Moonshot's
``reasoning_content`` (api-docs.deepseek.com/guides/thinking_mode), OpenRouter's ``reasoning_details``
(openrouter.ai/docs, "Preserving reasoning"), Mistral's thinking parts of ``content`` (docs.mistral.ai, "Reasoning"),
and whatever comes next: fields that are not known are kept too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_OURS = frozenset(
    ("role", "content", "tool_calls", "function_call", "index", "id", "type", "function", "name")
)
_PASSING = frozenset((
    "refusal", "annotations", "audio", "images", "logprobs", "citations", "search_results", "obfuscation", "token_ids",
    "prompt_token_ids", "finish_reason", "stop_reason", "created", "model", "object", "usage", "arguments", "delta",
    "executed_tools", "matched_stop", "prefix", "metadata", "parsed", "hidden_states", "context",
))  # fmt: skip
"""What tells of a reply, and that no server wants back."""
_GROWING = ("reasoning", "think", "thought", "text", "content", "summary", "data")
"""In the names of fields whose text comes in pieces."""
_DEEP = 8


def kept(delta: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a message or a call that are to be given back."""
    return {
        str(name): value
        for name, value in delta.items()
        if value is not None and name not in _OURS and name not in _PASSING and not str(name).startswith("_")
    }


def grown(old: Any, new: Any, name: str = "", deep: int = 0) -> Any:
    """A field after one more piece of it: texts that come in pieces and lists grow, objects are joined."""
    if old is None or new is None or deep > _DEEP:
        return old if new is None else new
    if isinstance(old, dict) and isinstance(new, dict):
        joined = dict(old)
        for key, value in new.items():
            joined[key] = grown(joined.get(key), value, str(key), deep + 1)
        return joined
    if isinstance(old, list) and isinstance(new, list):
        return _listed(old, new, deep)
    if isinstance(old, str) and isinstance(new, str):
        grows = any(word in name for word in _GROWING) and "signature" not in name
        return old + new if grows else new or old
    return new


def _listed(old: list[Any], new: Iterable[Any], deep: int) -> list[Any]:
    """A list after more of it came: an entry that goes on with the last one of its kind and index is joined to it."""
    result = list(old)
    for entry in new:
        last = result[-1] if result else None
        if isinstance(entry, dict) and isinstance(last, dict) and _goes_on(last, entry):
            result[-1] = grown(last, entry, deep=deep + 1)
        else:
            result.append(entry)
    return result


def _goes_on(last: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    if "index" in entry or "index" in last:
        return entry.get("index") == last.get("index") and entry.get("type") == last.get("type")
    same = entry.get("type") == last.get("type") and entry.get("id", last.get("id")) == last.get("id")
    grows = any(name in entry for name in ("text", "thinking", "signature"))
    return same and grows and "signature" not in last and not last.get("closed")


_THOUGHT = ("reasoning", "think")


def is_thought(part: Any) -> bool:
    """Whether a part of a message's content is the model's reasoning."""
    return isinstance(part, dict) and any(word in str(part.get("type")) for word in _THOUGHT)


def thought_in(extra: Mapping[str, Any]) -> bool:
    """Whether reasoning came beside the text; ``content`` are parts of it."""
    return any(
        value and (name == "content" or any(word in name for word in _THOUGHT))
        for name, value in extra.items()
    )


def given_back(extra: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they go out again: where reasoning came in two forms, the exact one."""
    if extra.get("reasoning_details"):
        return {
            name: value for name, value in extra.items() if name not in ("reasoning", "reasoning_content")
        }
    return dict(extra)
