"""Blocks as people read them: rich text, sections, tables, menus and what else Block Kit shows. Pure.

docs.slack.dev, "Blocks" and "Rich text"; of a block that is new, whatever it holds that looks like words.
"""

from __future__ import annotations

from collections.abc import Iterator

from adapters.slack.markup import Names, date, link, plain
from adapters.wire import Json, number, record, records, text

_DEPTH = 8
_WORDS = (  # fields that hold what people read, in the order in which they are shown
    "title rich_text_title subtitle caption label text body description hint fields alt_text details output "
    "elements child_blocks tasks accessory element sources actions call v1 name"
).split()
_MENU = ("options", "option_groups")


def read(blocks: object, names: Names) -> str:
    """All blocks, one under the other."""
    return "\n".join(
        part for block in records(blocks) if (part := "\n".join(_lines(block, names, 0)).strip())
    )


def _lines(block: Json, names: Names, depth: int) -> Iterator[str]:
    kind = text(block.get("type"))
    if depth > _DEPTH or kind == "divider":
        return
    if kind == "rich_text":
        yield from _rich_text(block, names)
    elif kind in ("mrkdwn", "plain_text", "raw_text", "markdown"):
        words = text(block.get("text"))
        yield plain(words, names) if kind == "mrkdwn" else words
    elif kind == "raw_number":
        yield str(block.get("text") or block.get("value") or "")
    elif kind in ("button", "workflow_button"):
        yield f"(button: {_words(block.get('text'), names)})"
    elif kind == "image":
        words = _words(block.get("title"), names) or text(block.get("alt_text"))
        yield f"(picture: {words})" if words else "(picture)"
    elif kind in ("table", "data_table"):
        yield from _table(block, names, depth)
    elif any(block.get(key) for key in _MENU):
        yield _menu(block, names)
    else:
        yield from _any(block, names, depth)
        if kind == "video":
            yield text(block.get("title_url")) or text(block.get("video_url"))


def _any(block: Json, names: Names, depth: int) -> Iterator[str]:
    for key in _WORDS:
        value = block.get(key)
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from _lines(value, names, depth + 1)
        elif isinstance(value, list):
            row = key == "elements" and block.get("type") in ("context", "actions", "context_actions")
            parts = [line for item in records(value) for line in _lines(item, names, depth + 1)]
            yield from ([" ".join(filter(None, parts))] if row else parts)


def _table(block: Json, names: Names, depth: int) -> Iterator[str]:
    yield text(block.get("caption"))
    rows = block.get("rows")
    for row in rows if isinstance(rows, list) else ():
        yield " | ".join(" ".join(_lines(cell, names, depth + 1)) for cell in records(row))


def _menu(block: Json, names: Names) -> str:
    groups = [block, *records(block.get("option_groups"))]
    options = [option for group in groups for option in records(group.get("options"))]
    shown = ", ".join(filter(None, (_words(option.get("text"), names) for option in options)))
    asked = _words(block.get("placeholder"), names)
    return f"(choice{f' “{asked}”' if asked else ''}: {shown})"


def _words(value: object, names: Names) -> str:
    """A text, or a text object."""
    return text(value) or " ".join(_lines(record(value), names, _DEPTH))


def _rich_text(block: Json, names: Names) -> Iterator[str]:
    """Its sections, lists, quotes and preformatted parts."""
    for part in records(block.get("elements")):
        kind = text(part.get("type"))
        if kind == "rich_text_list":
            yield from _list(part, names)
            continue
        words = _inline(part.get("elements"), names)
        if kind == "rich_text_quote":
            words = "\n".join(f"> {line}" for line in words.split("\n"))
        elif kind == "rich_text_preformatted":
            words = f"```\n{words}\n```"
        yield words.rstrip("\n")


def _list(part: Json, names: Names) -> Iterator[str]:
    indent = "  " * min(number(part.get("indent")), _DEPTH)
    for place, item in enumerate(records(part.get("elements")), number(part.get("offset")) + 1):
        mark = f"{place}." if part.get("style") == "ordered" else "•"
        yield f"{indent}{mark} {_inline(item.get('elements'), names)}"


def _inline(elements: object, names: Names) -> str:
    return "".join(_word(element, names) for element in records(elements))


def _word(element: Json, names: Names) -> str:
    kind = text(element.get("type"))
    words = text(element.get("text"))
    if kind == "link":
        return link(text(element.get("url")), words)
    if kind in ("user", "usergroup"):
        who = text(element.get(f"{kind}_id"))
        return f"@{names.get(who, who).removeprefix('@')}"
    if kind == "channel":
        where = text(element.get("channel_id"))
        return f"#{names.get(where, where)}"
    if kind == "broadcast":
        return f"@{text(element.get('range')) or 'channel'}"
    if kind == "emoji":
        return f":{text(element.get('name'))}:"
    if kind == "date":
        return text(element.get("fallback")) or date(element.get("timestamp"))
    if kind == "color":
        return text(element.get("value"))
    inner = _inline(element.get("elements"), names)
    return (
        words
        or inner
        or text(element.get("fallback"))
        or text(element.get("label"))
        or text(element.get("name"))
    )


def ids(value: object) -> list[str]:
    """The ids of people, groups and channels that rich text mentions anywhere in it."""
    found: list[str] = []
    _find_ids(value, found, 0)
    return found


def _find_ids(value: object, found: list[str], depth: int) -> None:
    if isinstance(value, dict):
        for key in ("user_id", "usergroup_id", "channel_id"):
            if text(value.get(key)):
                found.append(value[key])
        value = list(value.values())
    if isinstance(value, list) and depth < 2 * _DEPTH:
        for inner in value:
            if isinstance(inner, dict | list):
                _find_ids(inner, found, depth + 1)


def strings(value: object) -> list[str]:
    """Every text in it."""
    found: list[str] = []
    _find_strings(value, found, 0)
    return found


def _find_strings(value: object, found: list[str], depth: int) -> None:
    if isinstance(value, str):
        found.append(value)
    elif isinstance(value, dict | list) and depth <= 2 * _DEPTH:
        for inner in value.values() if isinstance(value, dict) else value:
            _find_strings(inner, found, depth + 1)
