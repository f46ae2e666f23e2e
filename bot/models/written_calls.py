"""Calls that a model wrote into its text, because its server has no parser for them. Pure.

Read are the shapes of the common templates: a JSON object in ``<tool_call>`` (Hermes, Qwen), ``[TOOL_CALLS]``
(Mistral), behind ``<|python_tag|>`` (Llama), in a fence or bare (small models), ``<function=name>`` with tags as
arguments (Qwen3-Coder, Seed-OSS, MiniMax, GLM, DeepSeek), a name before its JSON (Kimi, harmony), Python's
``name(key="value")`` (Llama 3.2, Gemma, LFM2), ReAct's ``Action:``. What stands in the marks of calls is never said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.models.call_values import (
    ARGUMENTS,
    BESIDE,
    CALLS,
    LISTS,
    NAMES,
    Call,
    CallValues,
    Offered,
    known_name,
)
from bot.models.loose_values import MENDED, MOST, arguments_at, fields_in, json_at, literal_at
from bot.models.tagged_calls import children, tagged

_TRIES = 48  # places of one text where a value is looked for
_MARK = re.compile(
    r"</?(?:[a-z]{1,12}:|｜DSML｜)?(?:tool_?calls?|function_?calls?|tool_?use|tool_code|tools"
    r"|invoke)(?:\s[^<>]{0,200})?>"
    r"|<(?:｜DSML｜)?function(?:=|\s+name\s?=)|</(?:｜DSML｜)?function>|</?(?:arg_key|arg_value)>|<parameter[=\s]"
    r"|<\|?/?[^<>|\s]{0,24}(?:tool|action|function|python_tag|plugin)[^<>|]{0,24}\|?>(?<=\|>)"
    r"|<\|/?[^<>|\s]{0,24}(?:tool|action|function|python_tag|plugin)[^<>|]{0,24}>"
    r"|<｜/?[^<>｜]{0,24}tool[^<>｜]{0,24}｜>|</?(?:start|end)_function_call>"
    r"|\[/?(?:TOOL_CALLS?|TOOL_REQUEST|END_TOOL_REQUEST|ARGS)\]|\bfunctools(?=\[)"
    r"|<tool\s{1,4}name\s?=|</?use_tool>|(?:<\|from\|>assistant\s{0,4})?<\|recipient\|>"
    r"|(?:assistant)?(?:commentary|analysis)\s{0,2}to=(?=\w)",
    re.IGNORECASE,
)
_CODE = re.compile(r"```(?:[^`]|`(?!``)){0,20000}```|`[^`\n]{1,200}`")
_FENCE = re.compile(
    r"```[ \t]*[\w+-]{0,20}[ \t]*\n?(?P<fence>(?:[^`]|`(?!``)){1,20000}?)(?:```|\Z)"
    r"|<code>(?P<code>(?:[^<]|<(?!/?code>)){1,20000})</code>"
)
_QUOTE = re.compile(r'<escape>|<\|"\|>')  # quotation marks of Gemma's templates
_SKIP = re.compile(
    r"(?:print\(|>>>|[\s,;\])*#]|await\s|def\s|(?:function|tool)?[ _]?calls?\s?:)*", re.IGNORECASE
)
_TEXT = re.compile(
    r"\s{0,8}\n\s{0,8}Action Input\s?:\s{0,8}(.{1,20000}?)\s*(?=\n\s*(?:Observation|Thought)\s?:|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_FIELDS_NEXT = re.compile(
    r"[\"']?[^<]{0,8}>?\s{0,40}(?=<(?:[a-z]{1,12}:|｜DSML｜)?(?:param(?:eter)?[=\s]|arg))"
)
_FIELDS_END = re.compile(r"</(?:[a-z]{1,12}:|｜DSML｜)?(?:function|invoke|tool_call)>|<function=|<invoke\s")
_BETWEEN = re.compile(
    r"[\"']?\*{0,2}(?:</\w{1,20}>)?\s{0,8}(?::\d{1,4})?(?:\[CALL_ID\][\w-]{1,64})?(?:\[ARGS\])?(?:<[|｜][^<>]{1,40}[|｜]>)?"
    r"(?:\s{0,8}<\|constrain\|>)?\s{0,8}[>:=]?(?:json)?\s{0,8}(?:```(?:json)?)?\s{0,8}"
    r"(?:(?:arguments|parameters|action input)\s?[:=])?(?:<(?:arguments|parameters|args|params|input|tool_input)>)?"
    r"(?:<[|｜][^<>]{1,40}[|｜]>)?\s{0,8}",
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
    text = _QUOTE.sub('"', text)
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
        self._tag = re.compile(rf"<(?:{names})(?:\s[^<>]{{0,20000}})?>")
        self._line = re.compile(rf"^[ \t]*(?:{names})\(", re.MULTILINE)
        self._start = re.compile(rf"(?P<value>[{{\[])|{self._name.pattern}", re.IGNORECASE)
        known = "|".join(map(re.escape, [*self._meant, *BESIDE] if self._meant else ()))
        other = (
            rf"|(?:{known}|{names})[\"']\s{{0,8}}:|(?:{'|'.join(NAMES)})[\"']\s{{0,8}}:\s{{0,8}}[\"'][^\"'\n]{{1,64}}[\"']"
            rf"\s{{0,8}},\s{{0,8}}[\"'](?:{'|'.join(ARGUMENTS)})[\"']\s{{0,8}}:"
            if known
            else ""
        )
        self._attempt = re.compile(
            rf"[{{\[]\s{{0,40}}(?:[{{\[]\s{{0,40}})?[\"'](?:(?:{'|'.join(NAMES)})[\"']\s{{0,8}}:\s{{0,8}}[\"']"
            rf"(?:functions?\.)?(?:{names})[\"']|(?:{'|'.join((*LISTS, *NAMES))})[\"']\s{{0,8}}:\s{{0,8}}[{{\[]"
            rf"|type[\"']\s{{0,8}}:\s{{0,8}}[\"']function[\"']|(?:{names})[\"']\s{{0,8}}:\s{{0,8}}[\{{\"']{other})",
            re.IGNORECASE,
        )
        self._values = CallValues(offered, self._meant)
        self.tried = False
        self._mended = MENDED  # characters that may be mended yet

    @property
    def silent(self) -> bool:
        return self._values.silent

    def _json(self, at: int) -> tuple[Any, int]:
        value, after = json_at(self._text, at, len(self._text), max(0, self._mended))
        self._mended -= after - at if value is not None else MENDED // 8
        return value, after

    def marked(self, at: int) -> list[Call]:
        """The calls from a mark on."""
        calls: list[Call] = []
        for _ in range(_TRIES):
            start = self._start.search(self._text, at)
            if start is None or len(calls) >= CALLS:
                break
            if start["value"]:
                value, after = self._json(start.start())
                found = self._values.calls(value, strange=True)
                at = after if found else start.end()
                calls += found
            else:
                found, at = self._named(start)
                calls += found
        return calls

    def unmarked(self) -> tuple[str, list[Call]]:
        """(what is left, the calls) of a text without marks."""
        for attempt in (self._tagged, self._fenced, self._bare, self._lines, self._alone):
            rest, calls = attempt()
            if calls:
                return rest.strip(), calls
        return self._text, []

    def _tagged(self) -> tuple[str, list[Call]]:
        if not any(True for _ in _outside_code(self._tag, self._text)):
            return self._text, []
        rest, found = tagged(self._text, self._offered)
        return rest, [self._values.placed(name, values) for name, values in found]

    def _alone(self) -> tuple[str, list[Call]]:
        """A text that is the arguments of a tool, and nothing else. Where several would fit, none is called."""
        text = self._text.strip()
        fence = _FENCE.fullmatch(text)
        text = (fence["fence"] or fence["code"] or "").strip() if fence else text
        if not text.startswith("{"):
            return self._text, []
        value, after = json_at(text, 0, len(text), 0)
        calls = self._values.alone(value) if isinstance(value, dict) and after == len(text) else []
        self.tried |= len(calls) > 1
        return "", calls if len(calls) == 1 else []

    def _fenced(self) -> tuple[str, list[Call]]:
        kept: list[str] = []
        calls: list[Call] = []
        at = 0
        for fence in _FENCE.finditer(self._text):
            inner = _Reader(fence["fence"] or fence["code"], self._offered, self._meant)
            rest, found = inner._bare()
            if not found:
                rest, found = inner._lines()
            self.tried |= inner.tried
            self._values.silent |= inner.silent
            if found and not rest.strip():
                calls += found
                kept.append(self._text[at : fence.start()])
                at = fence.end()
        return "".join([*kept, self._text[at:]]), calls[:CALLS]

    def _bare(self) -> tuple[str, list[Call]]:
        """JSON of a known tool, wherever it stands in the text."""
        kept: list[str] = []
        calls: list[Call] = []
        at = since = 0
        for _ in range(_TRIES):
            start = self._attempt.search(self._text, at)
            if start is None:
                break
            value, after = self._json(start.start())
            found = self._values.calls(value, strange=False)
            at = max(after, start.end())
            if found:
                calls += found
                kept.append(self._text[since : start.start()])
                since = at
            elif value is None:
                self.tried = True
        return "".join([*kept, self._text[since:]]).strip(" ,;\n\t"), calls[:CALLS]

    def _lines(self) -> tuple[str, list[Call]]:
        """A text that is calls and nothing else: Python's, a name before its JSON, ReAct's lines."""
        text = self._text
        head = re.search(r"^[ \t]*Action[ \t]*:[ \t]*", text, re.MULTILINE | re.IGNORECASE)
        line = None if head else self._line.search(text)
        begin = head or line
        prefix = text[: begin.start()] if begin else ""
        at = head.end() if head else line.start() if line else len(text) - len(text.lstrip())
        if text[at : at + 1] == "[":
            at += 1
        calls: list[Call] = []
        for _ in range(_TRIES):
            skip = _SKIP.match(text, at)
            at = skip.end() if skip else at
            start = self._name.match(text, at)
            if start is None:
                break
            found, after = self._named(start)
            if not found and head and (told := _TEXT.match(text, start.end())):
                name = known_name(start["name"], self._offered) or start["name"]
                found, after = [self._values.placed(name, {"": told[1]})], told.end()
            if not found or after <= start.end():
                return text, []
            calls += found
            at = after
        if head:
            return prefix, calls
        return (prefix, calls) if calls and not text[at:].strip("`)] \n") else (text, [])

    def _named(self, start: re.Match[str]) -> tuple[list[Call], int]:
        """(the call, where it ends) whose name was found; nothing where the name is just a word."""
        text, name = self._text, known_name(start["name"], self._offered) or start["name"]
        at = start.end() + (len(".call") if text.startswith(".call(", start.end()) else 0)
        if text[at : at + 1] == "(":
            values, after = arguments_at(text, at + 1, len(text))
            if values is None:
                inner, after = literal_at(text, at + 1, len(text))
                values = inner if isinstance(inner, dict) else None
            return ([self._values.placed(name, values)], after) if values is not None else ([], at)
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
        if text[at : at + 1] == "{":
            value, after = self._json(at)
            if isinstance(value, dict):
                return [
                    self._values.call(name, value.get("arguments", value) if len(value) == 1 else value)
                ], after
            return [], max(after, at + 1)
        if (before := _FIELDS_NEXT.match(text, start.end())) is not None:
            end = _FIELDS_END.search(text, before.end())
            stop = end.start() if end else len(text)
            return [self._values.call(name, fields_in(text, before.end(), stop))], stop
        known = self._offered.get(name, ())
        tags = "|".join(map(re.escape, known)) or "-"
        near = re.compile(rf"[^<]{{0,8}}(?:</?\w{{1,20}}>\s{{0,20}}){{0,3}}?(?=<(?:{tags})>)").match(
            text, start.end()
        )
        if near is not None:
            close = text.find("</tool_call>", near.end())
            stop = close if close >= 0 else len(text)
            return [self._values.call(name, children(text, near.end(), stop, known))], stop
        empty = re.compile(r"[\"']?\s{0,8}>?\s{0,8}(?=</|<\||<｜|\[/|\Z)").match(text, start.end())
        if empty is not None and not self._offered[name]:
            return [self._values.call(name, {})], empty.end()
        return [], start.end()
