"""How notes and places are shown in lists. Pure."""

from __future__ import annotations

from bot.events import Action, View
from bot.language import gettext, marked, ngettext
from memory.records import PRIVATE, Audience, Block, Message, community_audience, community_of

_DROPPED = marked(
    "It is gone from every view and search, and for good in ten minutes; until then /memory undo brings it back."
)
_SHOWN = 400  # characters of a note in a list; a form shows all of it


def cut(text: str) -> str:
    """The beginning of a text."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"


def named(audience: Audience, names: dict[str, str]) -> str:
    """Where something may be used, for people."""
    if audience == PRIVATE:
        return gettext("private")
    community = community_of(audience)
    name = names.get(community, community)
    return (
        name if audience == community_audience(community) else gettext("a closed place in {name}", name=name)
    )


def sure_of(drop: str, question: str, what: str) -> View:
    """Asks whether the argument ``drop`` of `/memory` is meant, which would delete ``what``."""
    confirm = Action(label=gettext("Delete"), command="memory", argument=drop, danger=True)
    return View(text=f"{question}\n\n{what}", actions=(confirm,))


def dropped(text: str) -> View:
    """Something was deleted, which said that."""
    back = Action(label=gettext("Undo"), command="memory", argument="undo")
    told = gettext("Deleted: {text}", text=text)
    return View(text=f"{told}\n\n{gettext(_DROPPED)}", actions=(back,))


def said_where(message: Message, names: dict[str, str]) -> str:
    """In which place, or in which other program."""
    if message.origin:
        return gettext("imported from {program}", program=message.origin)
    return named(message.audience, names)


def messages_told(n: int) -> str:
    """So many messages."""
    return ngettext("{n} message", "{n} messages", n)


def passages_told(n: int) -> str:
    """So many passages of archival storage."""
    return ngettext("{n} passage", "{n} passages", n)


def filled(block: Block) -> str:
    """How full it is."""
    return gettext("{n}/{most} characters", n=len(block.value), most=block.limit)


def pages_told(n: int) -> str:
    """How far there is something to be turned over."""
    return ngettext("There is {n} page.", "There are {n} pages.", n)
