"""What a model wrote for itself, told from what it says. Pure, and linear in the text's length.

Servers without a parser for their model's reasoning leave it in the text, in the marks of the model's own
template: tags of several names (DeepSeek-R1, Qwen3, EXAONE, Seed-OSS), ``[THINK]`` (Magistral), marks with bars
(Cohere's Command A, Apertus, Gemma) and the channels of OpenAI's harmony format (gpt-oss).
"""

from __future__ import annotations

import re
from bisect import bisect_left

_NAME = (
    r"(?:(?:[a-z]{1,12}[:_]|ant)?(?:think(?:ing)?|thoughts?|reasoning|monologue)|reflection|analysis|scratch_?pad|cot"
    r"|思考(?:过程)?)"
)
_KIND = r"(?:think(?:ing)?|thoughts?|reasoning)"
_MENTION = (
    r"(?!\s{0,4}(?:-?tags?|blocks?|tokens?|elements?|marks?|markers?)\b)"  # "the <think> tag" tells of it
)
_OPEN = (
    rf"<{_NAME}(?:\s[^<>]{{0,200}})?>|\[(?:THINK|THINKING|REASONING)\]|◁think▷|<｜begin▁of▁thinking｜>"
    rf"|<\|(?:(?:begin_of_|begin_|start_)?{_KIND}(?:_start|_begin)?|inner_prefix)\|>|<{_KIND}_(?:start|begin)>"
    r"|<\|channel>(?:thought|analysis)\b|<unused94>(?:thought\b)?"
)
_CLOSE = (
    rf"</{_NAME}\s{{0,8}}>|\[/(?:THINK|THINKING|REASONING)\]|◁/think▷|<｜end▁of▁thinking｜>"
    rf"|<\|(?:(?:end_of_|end_|/){_KIND}|{_KIND}_end|inner_suffix)\|>|<{_KIND}_end>|<channel\|>|<unused95>"
    r"|<\|end\|><\|begin\|>assistant(?:<\|content\|>)?"
)
_FENCE = r"```(?:[^`]|`(?!``)){0,20000}```"
_NEXT = re.compile(
    rf"(?P<fence>{_FENCE})|(?P<inline>`[^`\n]{{1,200}}`)|(?P<open>(?:{_OPEN}){_MENTION})"
    rf"|(?P<close>(?:{_CLOSE}){_MENTION})",
    re.IGNORECASE,
)
_OPENS, _CLOSES = re.compile(_OPEN, re.IGNORECASE), re.compile(_CLOSE + _MENTION, re.IGNORECASE)
_WRAPPERS = re.compile(
    r"<\|(?:begin_of_solution|end_of_solution|START_RESPONSE|END_RESPONSE|START_TEXT|END_TEXT)\|>"
)
_ENDS = (
    "<|im_end|>", "<|im_start|>", "<|eot_id|>", "<|eom_id|>", "<|endoftext|>", "<|end_of_text|>", "<|end|>",
    "<|return|>", "<|call|>", "<|end_of_turn|>", "<end_of_turn>", "<turn|>", "<eos>",
    "</s>", "<｜end▁of▁sentence｜>", "[EOS]",
)  # fmt: skip
"""Tokens that end a text, and sometimes come with it."""


def spoken(text: str) -> str:
    """The text without reasoning, and without the marks of a template around it."""
    text = _of_channels(text)
    if "<" in text or "[" in text or "◁" in text:
        text = _WRAPPERS.sub("", _unthought(text))
    for opening, closing, runs_on in _ASIDES:
        text = _without(text, opening, closing, runs_on=runs_on)
    text = text[: _end(text)].strip()
    for told in (_ROLE, _TOLD, _SAID_SO):
        found = told.match(text)
        text = text[found.end() :].strip() if found else text
    whole = _ANSWER.fullmatch(text)
    return whole[2].strip() if whole else text


def _without(text: str, opening: re.Pattern[str], closing: str, *, runs_on: bool) -> str:
    """Without what stands from an opening to its closing; one that is not closed goes to the end, if it ``runs_on``."""
    kept: list[str] = []
    at = 0
    while (found := opening.search(text, at)) is not None:
        end = text.find(closing, found.end())
        if end < 0 and not runs_on:
            break
        kept.append(text[at : found.start()])
        at = end + len(closing) if end >= 0 else len(text)
    return "".join([*kept, text[at:]]) if kept else text


def _end(text: str) -> int:
    """Where the text ends, before blanks and such tokens."""
    end = len(text)
    for _ in range(64):
        while end and text[end - 1].isspace():
            end -= 1
        if not text.endswith(_ENDS, 0, end):
            break
        end -= next(len(token) for token in _ENDS if text.endswith(token, 0, end))
    return end


def _unthought(text: str) -> str:
    """Without what stands between the tags. A closing tag alone ends what the template began; one that is never
    closed goes to the end. Code that shows a tag is left as it is."""
    closes = [match.span() for match in _CLOSES.finditer(text)]
    starts = [start for start, _ in closes]
    kept: list[str] = []
    since = at = 0
    while (found := _NEXT.search(text, at)) is not None:
        if found.lastgroup in ("fence", "inline"):
            after = bisect_left(starts, found.start())
            code = found.lastgroup == "fence" and after < len(closes) and closes[after][1] <= found.end()
            if code and not _OPENS.search(text, found.start(), closes[after][0]):
                kept.clear()  # a fence that the reasoning had left open
                since = at = closes[after][1]
            else:
                at = found.end()
        elif found.lastgroup == "close":
            kept.clear()
            since = at = found.end()
        else:
            kept.append(text[since : found.start()])
            after = bisect_left(starts, found.end())
            if after == len(closes):
                return "".join(kept)
            since = at = closes[after][1]
    kept.append(text[since:])
    return "".join(kept)


# OpenAI's harmony format: <|start|>assistant<|channel|>analysis<|message|>...<|end|>
_HEADER = re.compile(r"<\|channel\|>([^<]{0,200})(?:<\|constrain\|>[^<]{0,40})?<\|message\|>")
_BREAK = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
_WORN = re.compile(
    r"(?:assistant)?\s?(?:analysis|commentary)(?!\w?\s[a-z]).{0,200000}?assistant\s?final", re.DOTALL
)


def _of_channels(text: str) -> str:
    """The final channel's text. A call in the commentary is put into a tag, and read later."""
    heads = list(_HEADER.finditer(text))
    if not heads:
        worn = _WORN.match(text)  # a server that drops the special tokens leaves their names
        return text[worn.end() :] if worn else text
    final: list[str] = []
    aside: list[str] = []
    calls: list[str] = []
    at = 0
    for head in heads:
        before = text[at : head.start()]
        end = _BREAK.search(text, head.end())
        at = end.start() if end else len(text)
        body, channel = text[head.end() : at].strip(), head[1].strip()
        to = f"{before[-200:]} {channel}".partition("to=")[2].split()
        if to and to[0] != "user":
            calls.append(f"<|tool_call|>{to[0]} {body}<|/tool_call|>")
        elif channel.startswith(("final", "commentary")):
            (final if channel.startswith("final") else aside).append(body)
        if head is heads[0] and not before.lstrip().startswith(("<|", "assistant")):
            final.insert(0, before.strip())
    return "\n".join([*(final or aside), *calls])


# What some write instead of marks.
_ASIDES = (
    (
        re.compile(r"^[ \t]*```(?:think(?:ing)?|thoughts?|reasoning)[ \t]*$", re.MULTILINE | re.IGNORECASE),
        "```",
        True,
    ),
    (
        re.compile(
            r"<details(?:\s+type=\"reasoning\"[^<>]{0,200})?>\s{0,8}<summary>\s{0,8}(?:Think|Thought|Reason)[^<]{0,80}</summary>",
            re.IGNORECASE,
        ),
        "</details>",
        True,
    ),  # Open WebUI
    (re.compile(r"\A\s{0,80}Thinking\.\.\."), "...done thinking.", False),  # Ollama's terminal
    (re.compile(r"\A\s{0,80}\[(?:Thoughts?|Thinking|Reasoning)\s?:", re.IGNORECASE), "]", False),
)
_ROLE = re.compile(
    r"(?:<role>assistant</role>|\[BOT\]|\[\|assistant\|\]|<\|assistant\|>|<\|(?:im_start|start_header_id)\|>assistant"
    r"(?:<\|end_header_id\|>|\n))\s{0,8}",
    re.IGNORECASE,
)
_SAID_SO = re.compile(
    r"\W{0,4}(?:Thoughts?|Thinking|Reasoning|Thought process)\W{0,2}:.{0,200000}?"
    r"\n\W{0,4}(?:Final )?(?:Answer|Response|Reply)\W{0,2}:\W{0,4}",
    re.DOTALL,
)  # ReAct, and prompts that ask for it
_TOLD = re.compile(
    r"Here(?:'s| is) my thought process:.{0,200000}?Here(?:'s| is) my response:", re.DOTALL
)  # Granite
_ANSWER = re.compile(r"<(answer|response|final_answer|output|final)>(.*)</\1>", re.DOTALL | re.IGNORECASE)
