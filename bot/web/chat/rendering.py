"""Pieces of the chat as HTML: the page shows them, and the stream brings more of them."""

from __future__ import annotations

from bot.events import View
from bot.web.chat.talk import Entry
from bot.web.memory.owned import Owned
from bot.web.pages import piece


def shown(mine: Owned, entry: Entry) -> str:
    """Something that was said."""
    return piece("chat/entry.html", mine=mine, who=mine.who, root=mine.site.root, entry=entry, **_key(mine))


def answer(mine: Owned, view: View) -> str:
    """What a command answers: to the page that asked alone, and kept nowhere."""
    name = mine.site.notices.leave(mine.visitor.key.id, view) if view.files else ""
    return piece("chat/view.html", mine=mine, root=mine.site.root, view=view, view_name=name, **_key(mine))


def _key(mine: Owned) -> dict[str, str]:
    return {"form_key": mine.visitor.form_key}
