"""Values as models write them: JSON with small faults, Python's arguments, tags. Pure.

Everything is bounded, because what is read here was written by whoever made the model say it.
"""

from __future__ import annotations

import json
import re
from typing import Any

MOST = 200_000  # characters of one value
MENDED = 20_000  # of one that is mended: it takes 30 microseconds a character
_STRICT = json.JSONDecoder(strict=False)  # a raw line break in a string is no fault
_DEEP = 60
_FIELDS = 32
_BRACKET = re.compile(r"""["'{}\[\]]""")
_STRING = {
    '"': re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL),
    "'": re.compile(r"'(?:[^'\\]|\\.)*+'", re.DOTALL),
}


def json_at(text: str, at: int, end: int, mended: int = MENDED) -> tuple[Any, int]:
    """The JSON object or list that begins at ``at``, and where it ends; (None, at) for what is none.

    One that is not quite JSON is mended, up to so many characters: a missing brace, single quotes, a trailing comma.
    """
    end = min(end, at + MOST)
    stop, whole = _extent(text, at, end)
    if stop is None:
        return None, at
    if whole:
        try:
            return _STRICT.decode(text[at:stop]), stop
        except (ValueError, RecursionError):
            pass
    if stop - at > mended:
        return None, at
    import json_repair

    try:
        value = json_repair.loads(text[at:stop])
    except (ValueError, RecursionError):
        return None, at
    return (value, stop) if isinstance(value, dict | list) and value else (None, at)


def _extent(text: str, at: int, end: int) -> tuple[int | None, bool]:
    """Where the value that begins at ``at`` closes, and whether it does; None for one that is absurdly deep."""
    depth = 0
    place = at
    while (mark := _BRACKET.search(text, place, end)) is not None:
        sign = mark[0]
        place = mark.end()
        if sign in "{[":
            depth += 1
            if depth > _DEEP:
                return None, False
        elif sign in "}]":
            depth -= 1
            if depth <= 0:
                return place, depth == 0
        elif sign == '"' or _opens_string(text, mark.start()):
            closed = _STRING[sign].match(text, mark.start(), end)
            if closed is None:
                return end, False
            place = closed.end()
    return end, False


def _opens_string(text: str, at: int) -> bool:
    """Is this apostrophe a quotation mark? Only after what a value may follow."""
    before = text[max(0, at - 8) : at].rstrip()
    return before[-1:] in ("{", "[", ",", ":")


# name(key="value", other=3)
_KEY = re.compile(r"\s*+([A-Za-z_]\w{0,63})\s{0,8}=(?!=)\s*+")
_LITERAL = re.compile(
    r'("""(?:[^\\]|\\.)*?"""|"(?:[^"\\]|\\.)*+"|\'(?:[^\'\\]|\\.)*+\')|([^\s,()\[\]{}]{1,64})', re.DOTALL
)
_WORDS = {"true": True, "false": False, "none": None, "null": None}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}


def arguments_at(text: str, at: int, end: int) -> tuple[dict[str, Any] | None, int]:
    """Python's arguments from behind ``(`` to behind ``)``; one without a name has the key "". None for anything
    else."""
    end = min(end, at + MOST)
    values: dict[str, Any] = {}
    while len(values) <= _FIELDS:
        while at < end and (text[at].isspace() or text[at] == ","):
            at += 1
        if at < end and text[at] == ")":
            return values, at + 1
        key = _KEY.match(text, at, end)
        name, start = (key[1], key.end()) if key else ("", at)
        value, at = literal_at(text, start, end)
        if at == start or name in values:
            break
        values[name] = value
    return None, at


def literal_at(text: str, at: int, end: int) -> tuple[Any, int]:
    """A Python literal: a text, a number, a word, a list or a dict of such; the same ``at`` for none."""
    if at < end and text[at] in "[{":
        return json_at(text, at, end)
    found = _LITERAL.match(text, at, end)
    if found is None:
        return None, at
    if found[1]:
        quoted = found[1]
        size = 3 if quoted.startswith('"""') and len(quoted) >= 6 else 1
        return _unescaped(quoted[size:-size]), found.end()
    word = found[2]
    if word.lower() in _WORDS:
        return _WORDS[word.lower()], found.end()
    try:
        return json.loads(word), found.end()
    except ValueError:
        return word, found.end()


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", _escape, text, flags=re.DOTALL)


def _escape(found: re.Match[str]) -> str:
    sign = found[1]
    return chr(int(sign[1:], 16)) if len(sign) == 5 else _ESCAPES.get(sign, sign)


# <parameter=key>value</parameter>, <parameter name="key">value</parameter>, <arg_key>key</arg_key><arg_value>...
_FIELD = re.compile(
    r"<(?:[a-z]{1,12}:|｜DSML｜)?(?:parameter|param|argument|arg)"
    r"(?:=[\"']?(?P<plain>[\w.-]{1,64})[\"']?|\s{1,8}name\s?=\s?[\"'](?P<named>[\w.-]{1,64})[\"'][^<>]{0,80})>"
    r"|<arg_key>\s{0,8}(?P<key>[\w.-]{1,64})\s{0,8}</arg_key>\s{0,80}<arg_value>"
)
_FIELD_END = re.compile(r"</(?:[a-z]{1,12}:|｜DSML｜)?(?:parameter|param|argument|arg|arg_value)>")


def fields_in(text: str, at: int, end: int) -> dict[str, Any]:
    """The parameters that are written as tags, each as the text between them."""
    values: dict[str, Any] = {}
    while (field := _FIELD.search(text, at, end)) is not None and len(values) < _FIELDS:
        following = _FIELD.search(text, field.end(), end)
        most = following.start() if following else end
        closing = _FIELD_END.search(text, field.end(), most)
        at = closing.start() if closing else most
        name = field["plain"] or field["named"] or field["key"]
        values[name] = text[field.end() : at].removeprefix("\n").removesuffix("\n")
    return values
