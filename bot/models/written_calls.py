"""Calls that a model wrote into its text, because its server has no parser for them. Pure.

Read are the shapes of the common templates: a JSON object in ``<tool_call>`` (Hermes, Qwen), ``[TOOL_CALLS]``
(Mistral), behind ``<|python_tag|>`` (Llama), in a fence or bare (small models), ``<function=name>`` with tags as
arguments (Qwen3-Coder, Seed-OSS, MiniMax, GLM, DeepSeek), a name before its JSON (Kimi, harmony), Python's
``name(key="value")`` (Llama 3.2, Gemma, LFM2), ReAct's ``Action:``. What stands in the marks of calls is never said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.models.loose_values import MENDED, MOST, arguments_at, fields_in, json_at, literal_at

Offered = Mapping[str, Sequence[str]]
"""The names of the tools that were offered, each with those of its parameters, the required ones first."""

_CALLS = 64  # of one reply
_TRIES = 48  # places of one text where a value is looked for
_MARK = re.compile(
    r"</?(?:[a-z]{1,12}:|｜DSML｜)?(?:tool_?calls?|function_?calls?|tool_?use|tool_code|tools"
    r"|invoke)(?:\s[^<>]{0,200})?>"
    r"|<(?:｜DSML｜)?function(?:=|\s+name\s?=)|</(?:｜DSML｜)?function>|</?(?:arg_key|arg_value)>|<parameter[=\s]"
    r"|<\|?/?[^<>|\s]{0,24}(?:tool|action|function|python_tag|plugin)[^<>|]{0,24}\|?>(?<=\|>)"
    r"|<\|/?[^<>|\s]{0,24}(?:tool|action|function|python_tag|plugin)[^<>|]{0,24}>"
    r"|<｜/?[^<>｜]{0,24}tool[^<>｜]{0,24}｜>|</?(?:start|end)_function_call>"
    r"|\[/?(?:TOOL_CALLS?|TOOL_REQUEST|END_TOOL_REQUEST|ARGS)\]|\bfunctools(?=\[)",
    re.IGNORECASE,
)
_CODE = re.compile(r"```(?:[^`]|`(?!``)){0,20000}```|`[^`\n]{1,200}`")
_FENCE = re.compile(r"```[ \t]*([\w+-]{0,20})[ \t]*\n?((?:[^`]|`(?!``)){1,20000}?)(?:```|\Z)")
_NAMES = ("name", "tool_name", "function_name", "function", "tool", "action", "recipient_name", "tool_call")
_ARGUMENTS = (
    "arguments", "parameters", "args", "params", "input", "action_input", "tool_input", "kwargs", "tool_parameters",
)  # fmt: skip
_LISTS = ("tool_calls", "tool_uses", "calls", "function_calls", "functions", "actions")
_BESIDE = ("thought", "thoughts", "thinking", "reasoning", "inner_thoughts", "type", "role", "time")
"""What small models write beside their answer."""
_ITEM = re.compile(r"(?:[-*•]|\d{1,3}[.)])\s+(.*)")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN = re.compile(
    r"[\"']?\s{0,8}(?::\d{1,4})?(?:\[CALL_ID\][\w-]{1,64})?(?:\[ARGS\])?(?:<[|｜][^<>]{1,40}[|｜]>)?"
    r"(?:\s{0,8}<\|constrain\|>)?\s{0,8}[>:]?(?:json)?\s{0,8}(?:```(?:json)?)?\s{0,8}"
    r"(?:(?:arguments|parameters|action input)\s?[:=])?(?:<[|｜][^<>]{1,40}[|｜]>)?\s{0,8}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Written:
    """``text`` is what is left to be said; ``calls`` are (name, arguments as JSON). ``unread``: there are marks of
    calls from which none can be read."""

    text: str
    calls: tuple[tuple[str, str], ...] = ()
    unread: bool = False


def read(text: str, offered: Offered, meant: Mapping[str, str] | None = None) -> Written:
    """What the text says and what it calls. Without tools offered nothing is called.

    With ``meant``, the names that small models write for tools, an object whose keys are such names is calls, too
    ({"remember": ["..."], "answer": "..."}), and so is any that has a name and arguments.
    """
    mark = next(_outside_code(_MARK, text[:MOST]), None)
    reader = _Reader(text[:MOST], offered, meant)
    if mark is not None:
        calls = reader.marked(mark.start()) if offered else []
        return Written(text[: mark.start()].strip(), tuple(calls), unread=not calls)
    if not offered:
        return Written(text)
    rest, calls = reader.unmarked()
    if calls or reader.silent:
        return Written(rest if calls else "", tuple(calls))
    return Written("", unread=True) if reader.tried else Written(text)


def known_name(name: str, offered: Collection[str], meant: Mapping[str, str] | None = None) -> str | None:
    """The offered tool that is meant: models put a namespace before its name, or write it in other letters."""
    for form in (name.strip(), name.strip().rpartition(".")[2], name.strip().rpartition(":")[2]):
        plain = form.casefold().replace("-", "_").replace(" ", "_")
        snake = _HUMP.sub("_", form).casefold()
        for known in (form, plain, snake):
            if known in offered:
                return known
            if meant and known in meant:
                return meant[known]
    return None


def _outside_code(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    codes = [found.span() for found in _CODE.finditer(text)] if "`" in text else []
    at = 0
    for found in pattern.finditer(text):
        while at < len(codes) and codes[at][1] <= found.start():
            at += 1
        if at == len(codes) or found.start() < codes[at][0]:
            yield found


class _Reader:
    """Reads one text. ``tried``: it holds what is meant to be a call, though it cannot be read; ``silent``: it is an
    object that says nothing."""

    def __init__(self, text: str, offered: Offered, meant: Mapping[str, str] | None = None) -> None:
        self._text, self._offered, self._meant = text, offered, meant or {}
        names = "|".join(sorted(map(re.escape, offered), key=len, reverse=True))
        space = r"(?:(?:functions?|tools?|default_api|api)[.:])?"
        self._name = re.compile(rf"(?<![\w.\"'])['\"]?{space}\b(?P<name>{names})\b", re.IGNORECASE)
        self._start = re.compile(rf"(?P<value>[{{\[])|{self._name.pattern}", re.IGNORECASE)
        known = "|".join(map(re.escape, [*self._meant, *_BESIDE] if self._meant else ()))
        other = (
            rf"|(?:{known}|{names})[\"']\s{{0,8}}:|(?:{'|'.join(_NAMES)})[\"']\s{{0,8}}:\s{{0,8}}[\"'][^\"'\n]{{1,64}}[\"']"
            rf"\s{{0,8}},\s{{0,8}}[\"'](?:{'|'.join(_ARGUMENTS)})[\"']\s{{0,8}}:"
            if known
            else ""
        )
        self._attempt = re.compile(
            rf"[{{\[]\s{{0,40}}(?:[{{\[]\s{{0,40}})?[\"'](?:(?:{'|'.join(_NAMES)})[\"']\s{{0,8}}:\s{{0,8}}[\"']"
            rf"(?:functions?\.)?(?:{names})[\"']|(?:{'|'.join((*_LISTS, *_NAMES))})[\"']\s{{0,8}}:\s{{0,8}}[{{\[]"
            rf"|type[\"']\s{{0,8}}:\s{{0,8}}[\"']function[\"']|(?:{names})[\"']\s{{0,8}}:\s{{0,8}}\{{{other})",
            re.IGNORECASE,
        )
        self.tried = self.silent = False
        self._mended = MENDED  # characters that may be mended yet

    def _json(self, at: int) -> tuple[Any, int]:
        value, after = json_at(self._text, at, len(self._text), max(0, self._mended))
        self._mended -= after - at if value is not None else MENDED // 8
        return value, after

    def marked(self, at: int) -> list[tuple[str, str]]:
        """The calls from a mark on."""
        calls: list[tuple[str, str]] = []
        for _ in range(_TRIES):
            start = self._start.search(self._text, at)
            if start is None or len(calls) >= _CALLS:
                break
            if start["value"]:
                value, after = self._json(start.start())
                found = self._of_value(value, strange=True)
                at = after if found else start.end()
                calls += found
            else:
                found, at = self._named(start)
                calls += found
        return calls

    def unmarked(self) -> tuple[str, list[tuple[str, str]]]:
        """(what is left, the calls) of a text without marks."""
        for attempt in (self._fenced, self._bare, self._lines):
            rest, calls = attempt()
            if calls:
                return rest.strip(), calls
        return self._text, []

    def _fenced(self) -> tuple[str, list[tuple[str, str]]]:
        kept: list[str] = []
        calls: list[tuple[str, str]] = []
        at = 0
        for fence in _FENCE.finditer(self._text):
            inner = _Reader(fence[2], self._offered, self._meant)
            rest, found = inner._bare()
            if not found:
                rest, found = inner._lines()
            self.tried |= inner.tried
            self.silent |= inner.silent
            if found and not rest.strip():
                calls += found
                kept.append(self._text[at : fence.start()])
                at = fence.end()
        return "".join([*kept, self._text[at:]]), calls[:_CALLS]

    def _bare(self) -> tuple[str, list[tuple[str, str]]]:
        """JSON of a known tool, wherever it stands in the text."""
        kept: list[str] = []
        calls: list[tuple[str, str]] = []
        at = since = 0
        for _ in range(_TRIES):
            start = self._attempt.search(self._text, at)
            if start is None:
                break
            value, after = self._json(start.start())
            found = self._of_value(value, strange=False)
            at = max(after, start.end())
            if found:
                calls += found
                kept.append(self._text[since : start.start()])
                since = at
            elif value is None:
                self.tried = True
        return "".join([*kept, self._text[since:]]).strip(" ,;\n\t"), calls[:_CALLS]

    def _lines(self) -> tuple[str, list[tuple[str, str]]]:
        """A text that is calls and nothing else: Python's, a name before its JSON, ReAct's lines."""
        text = self._text
        head = re.search(r"^[ \t]*Action[ \t]*:[ \t]*", text, re.MULTILINE | re.IGNORECASE)
        prefix = text[: head.start()] if head else ""
        at = head.end() if head else len(text) - len(text.lstrip())
        if text[at : at + 1] == "[":
            at += 1
        calls: list[tuple[str, str]] = []
        for _ in range(_TRIES):
            skip = re.compile(r"(?:print\(|>>>|[\s,;\])]|await\s|def\s)*").match(text, at)
            at = skip.end() if skip else at
            start = self._name.match(text, at)
            if start is None:
                break
            found, after = self._named(start)
            if not found or after <= start.end():
                return text, []
            calls += found
            at = after
        if head:
            return prefix, calls
        return (text[at:], calls) if calls and not text[at:].strip("`)] \n") else (text, [])

    def _named(self, start: re.Match[str]) -> tuple[list[tuple[str, str]], int]:
        """(the call, where it ends) whose name was found; nothing where the name is just a word."""
        text, name = self._text, known_name(start["name"], self._offered) or start["name"]
        at = start.end()
        if text[at : at + 1] == "(":
            values, after = arguments_at(text, at + 1, len(text))
            if values is None:
                inner, after = literal_at(text, at + 1, len(text))
                values = inner if isinstance(inner, dict) else None
            return ([_call(name, self._placed(name, values))], after) if values is not None else ([], at)
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
        if text[at : at + 1] == "{":
            value, after = self._json(at)
            if isinstance(value, dict):
                return [_call(name, value.get("arguments", value) if len(value) == 1 else value)], after
            return [], max(after, at + 1)
        tagged = re.compile(r"[\"']?[^<]{0,8}>?\s{0,40}(?=<(?:｜DSML｜|antml:)?(?:param|arg))").match(
            text, start.end()
        )
        if tagged is not None:
            end = re.compile(
                r"</(?:[a-z]{1,12}:|｜DSML｜)?(?:function|invoke|tool_call)>|<function=|<invoke\s"
            ).search(text, tagged.end())
            stop = end.start() if end else len(text)
            return [_call(name, fields_in(text, tagged.end(), stop))], stop
        empty = re.compile(r"[\"']?\s{0,8}>?\s{0,8}(?=</|<\||<｜|\[/|\Z)").match(text, start.end())
        if empty is not None and not self._offered[name]:
            return [_call(name, {})], empty.end()
        return [], start.end()

    def _placed(self, name: str, values: dict[str, Any] | None) -> dict[str, Any] | None:
        """An argument without a name is the first one."""
        if values and "" in values:
            first = next(iter(self._offered.get(name, ())), "")
            if isinstance(values[""], dict) and len(values) == 1:
                return dict(values[""])
            return {first or "message": values[""]} | {k: v for k, v in values.items() if k}
        return values

    def _of_value(self, value: Any, *, strange: bool) -> list[tuple[str, str]]:
        """The calls that a JSON value holds; of tools that were not offered only if ``strange``."""
        if isinstance(value, list):
            return [call for item in value[:_CALLS] for call in self._of_value(item, strange=strange)]
        if not isinstance(value, dict):
            return []
        for key in _LISTS:
            if isinstance(value.get(key), list):
                return self._of_value(value[key], strange=strange)
        if self._meant and (calls := self._keyed(value)):
            return calls
        for key in _NAMES:
            inner = value.get(key)
            if isinstance(inner, dict):
                return self._of_value(inner, strange=strange)
            if isinstance(inner, str) and inner:
                known = known_name(inner, self._offered, self._meant)
                strange = strange or bool(self._meant and any(word in value for word in _ARGUMENTS))
                return self._with_arguments(known or inner, value, key) if known or strange else []
        if len(value) == 1:
            [(key, inner)] = value.items()
            known = known_name(str(key), self._offered)
            if known and isinstance(inner, dict):
                return [_call(known, inner)]
        return []

    def _keyed(self, value: dict[str, Any]) -> list[tuple[str, str]]:
        """The calls of an object whose every key is a tool: one for each text or object under it."""
        calls: list[tuple[str, str]] = []
        for key, inner in value.items():
            if key in _BESIDE:
                continue
            name = known_name(str(key), self._offered, self._meant)
            if name is None or key in _ARGUMENTS:
                return []
            first = next(iter(self._offered.get(name, ())), "message")
            for item in _items(inner):
                if not isinstance(item, str | dict):
                    return []
                calls.append(_call(name, {first: item} if isinstance(item, str) else item))
        self.silent |= not calls
        return calls

    def _with_arguments(self, name: str, value: dict[str, Any], key: str) -> list[tuple[str, str]]:
        for word in _ARGUMENTS:
            if word in value:
                return [_call(name, value[word])]
        beside = {k: v for k, v in value.items() if k not in (key, "id", "type", "call_id", "tool_call_id")}
        parameters = self._offered.get(name, ())
        return (
            [_call(name, beside)] if all(k in parameters or k == "request_heartbeat" for k in beside) else []
        )


def _items(value: Any) -> list[Any]:
    """What is listed: also as lines with a mark each, and nothing for what is empty."""
    if isinstance(value, str):
        lines = [line.strip() for line in value.splitlines() if line.strip()]
        marked = [found[1] for line in lines if (found := _ITEM.fullmatch(line))]
        value = marked if len(marked) == len(lines) > 1 else [value.strip()]
    return [item for item in (value if isinstance(value, list) else [value]) if item]


def _call(name: str, arguments: object) -> tuple[str, str]:
    if isinstance(arguments, str):
        return name, arguments
    return name, json.dumps(arguments if arguments is not None else {}, ensure_ascii=False)
