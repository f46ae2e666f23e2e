"""What a model wrote for itself, told from what it says. Pure, and linear in the text's length.

Servers without a parser for their model's reasoning leave it in the text, in the marks of the model's own
template: tags of several names (DeepSeek-R1, Qwen3, EXAONE, Seed-OSS), ``[THINK]`` (Magistral), marks with bars
(Cohere's Command A, Apertus, Gemma) and the channels of OpenAI's harmony format (gpt-oss).
"""

from __future__ import annotations

import re
from bisect import bisect_left

_NAME = r"(?:seed:|ant)?(?:think(?:ing)?|(?:internal_)?thoughts?|reasoning|reflection|scratch_?pad|inner_monologue)"
_MENTION = (
    r"(?!\s{0,4}(?:-?tags?|blocks?|tokens?|elements?|marks?|markers?)\b)"  # "the <think> tag" tells of it
)
_OPEN = (
    rf"<{_NAME}(?:\s[^<>]{{0,200}})?>|\[(?:THINK|THINKING|REASONING)\]|◁think▷|<｜begin▁of▁thinking｜>"
    r"|<\|(?:begin_of_thought|START_THINKING|inner_prefix|think(?:ing)?|thought_start)\|>"
    r"|<\|channel>(?:thought|analysis)\b|<unused94>(?:thought\b)?"
)
_CLOSE = (
    rf"</{_NAME}\s{{0,8}}>|\[/(?:THINK|THINKING|REASONING)\]|◁/think▷|<｜end▁of▁thinking｜>"
    r"|<\|(?:end_of_thought|END_THINKING|inner_suffix|/think(?:ing)?|thought_end)\|>|<channel\|>|<unused95>"
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
    text = text[: _end(text)].strip()
    told = _TOLD.match(text)
    text = text[told.end() :].strip() if told else text
    whole = _ANSWER.fullmatch(text)
    return whole[2].strip() if whole else text


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
_WORN = re.compile(r"(?:assistant)?(?:analysis|commentary)(?=\S).{0,200000}?assistantfinal", re.DOTALL)


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


_TOLD = re.compile(
    r"Here(?:'s| is) my thought process:.{0,200000}?Here(?:'s| is) my response:", re.DOTALL
)  # Granite
_ANSWER = re.compile(r"<(answer|response|final_answer|output|final)>(.*)</\1>", re.DOTALL | re.IGNORECASE)
