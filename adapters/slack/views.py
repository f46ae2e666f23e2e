"""Commands' answers as Slack shows them: blocks, App Home, modals. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.text import split
from bot.events import ENTRIES, Action, View
from bot.language import ENGLISH, gettext, marked, spoken

PREFIX = "everbot "  # of the ids of our buttons and forms
_SECTION = 2_900  # of 3,000
_BLOCKS = 40  # of 50 in a message
_ENTRY = 3  # sections of one entry
_INPUT = 3_000
_TITLE = 24  # characters of a modal's title, and of its own buttons (reference, "Modals")
_HEADER = 150  # ... of a header

_SAVE, _CANCEL, _CLOSE = marked("Save"), marked("Cancel"), marked("Close")

Json = dict[str, Any]


def blocks_of(view: View) -> list[Json]:
    """A view's text, its entries, each with its buttons, and the view's own buttons."""
    entries: list[Json] = []
    for entry in view.entries[:ENTRIES]:
        entries.append({"type": "divider"})
        entries += _sections(entry.text, _ENTRY)
        if entry.note:
            note = {"type": "plain_text", "text": entry.note[:_SECTION], "emoji": False}
            entries.append({"type": "context", "elements": [note]})
        entries += buttons(entry.actions)
    if entries:
        entries.append({"type": "divider"})
    own = buttons(view.actions)
    return [*_sections(view.text, _BLOCKS - len(entries) - len(own)), *entries, *own]


def _sections(text: str, most: int) -> list[Json]:
    return [
        {"type": "section", "text": {"type": "plain_text", "text": part, "emoji": False}}
        for part in split(text, _SECTION)[:most]
    ]


def buttons(actions: Sequence[Action]) -> list[Json]:
    buttons = [
        {
            "type": "button",
            "text": {"type": "plain_text", "text": action.label[:75]},
            "action_id": f"{PREFIX}{action.command} {action.argument}".rstrip()[:255],
            **({"style": "danger"} if action.danger else {}),
        }
        for action in actions[:25]
    ]
    return [{"type": "actions", "elements": buttons}] if buttons else []


def home(view: View) -> Json:
    """App Home: what is remembered of the person."""
    with spoken(view.language or ENGLISH):
        header = gettext("What I remember of you")[:_HEADER]
    title = {"type": "header", "text": {"type": "plain_text", "text": header}}
    return {"type": "home", "blocks": [title, *blocks_of(view)]}


def shown(view: View, where: str) -> Json:
    """A modal that shows an answer; ``where`` is kept for its buttons."""
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": "everbot"},
        "close": {"type": "plain_text", "text": _button(_CLOSE, view)},
        "private_metadata": where,
        "blocks": blocks_of(view),
    }


def fits(view: View) -> bool:
    """Whether the view's form can be shown whole: what is cut off would be lost when it is sent."""
    return view.form is not None and len(view.form.value) <= _INPUT


def form(view: View, where: str) -> Json:
    """A modal to edit a text in."""
    asked = view.form
    assert asked is not None
    limit = min(asked.limit, _INPUT)
    element: Json = {
        "type": "plain_text_input",
        "action_id": "value",
        "multiline": True,
        "max_length": limit,
    }
    if asked.value:
        element["initial_value"] = asked.value[:limit]
    return {
        "type": "modal",
        "callback_id": f"{PREFIX}{asked.command} {asked.argument}"[:255],
        "title": {"type": "plain_text", "text": asked.title[:_TITLE]},
        "submit": {"type": "plain_text", "text": _button(_SAVE, view)},
        "close": {"type": "plain_text", "text": _button(_CANCEL, view)},
        "private_metadata": where,
        "blocks": [
            {
                "type": "input",
                "block_id": "value",
                "optional": True,
                "label": {"type": "plain_text", "text": asked.label[:2_000]},
                "element": element,
            }
        ],
    }


def _button(label: str, view: View) -> str:
    """A label of a modal's own buttons, in the view's language."""
    with spoken(view.language or ENGLISH):
        return gettext(label)[:_TITLE]


def asked_by(custom_id: str) -> tuple[str, str]:
    """Command and argument of a button's or form's id."""
    command, _, argument = custom_id.removeprefix(PREFIX).partition(" ")
    return command, argument
