"""The short names under which the model is shown rows, and names them to its tools. Pure.

``m12`` is a message of this agent's recall storage, ``n12`` a passage (a note) of its own archive, by their sequence
numbers (see `memory.records`). Lore is ``l3-12``: an agent may read the lore of several communities, so the archive is
named, too; and so is a room, of which ``r3-12`` is a line. ``d12`` is a piece of a document that the person sent, and
names the document. A part of an attached one has no id: it is named by its file.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from bot.errors import ToolError
from memory.records import SEQ_BITS, Agent, Message, Passage, scope_of

MESSAGE, NOTE, LORE, DOCUMENT, OVERHEARD = "m", "n", "l", "d", "r"
_KINDS = {
    MESSAGE: "a message",
    NOTE: "a note of your archive",
    LORE: "a line of the community's lore",
    DOCUMENT: "a document that the person sent",
    OVERHEARD: "a line of the room's",
}
_LOOKS = {MESSAGE: "m12", NOTE: "n12", LORE: "l3-12", DOCUMENT: "d12", OVERHEARD: "r3-12"}
_NAME = re.compile(r"([mnldr]?)(?:(\d{1,10})-)?(\d{1,10})", re.ASCII)
_AROUND = " \t\n[](){}<>#`'\".,:;"  # that models put around a name
_SHOWN = 60  # characters of what was taken for an id


def id_of(row: Message | Passage, agent: Agent) -> str:
    """The row's name; "" for a part of an attached document."""
    seq = row.key & ((1 << SEQ_BITS) - 1)
    if isinstance(row, Message):
        scope = scope_of(row.key)
        return f"{MESSAGE}{seq}" if scope == agent.id else f"{OVERHEARD}{scope}-{seq}"
    archive = scope_of(row.key)
    if row.file and archive == agent.archive_id:
        return f"{DOCUMENT}{seq}"
    if row.source:
        return ""
    return f"{NOTE}{seq}" if archive == agent.archive_id else f"{LORE}{archive}-{seq}"


def key_of(name: str, agent: Agent, kinds: Collection[str] = (MESSAGE, NOTE)) -> int:
    """The key of the row that is named so; whether there is one, and who may see it, is for the store to tell.

    ``kinds`` are those that the tool takes; where it takes one, the bare number will do. Raises `ToolError`, saying
    what an id looks like.
    """
    found = _NAME.fullmatch(name.strip(_AROUND).casefold())
    kind = found[1] or "".join(kinds) if found else ""
    if not found or kind not in _KINDS or (kind in (LORE, OVERHEARD)) != (found[2] is not None):
        looks = " or ".join(f"{_LOOKS[kind]} ({_KINDS[kind]})" for kind in kinds)
        raise ToolError(
            f"{name[:_SHOWN]!r} is no id. An id looks like {looks}: it stands at the beginning of a line that a search "
            "shows."
        )
    if kind not in kinds:
        wanted = " or ".join(_KINDS[kind] for kind in kinds)
        raise ToolError(f"{found[0]} is {_KINDS[kind]}; this wants the id of {wanted}.")
    own = dict.fromkeys((NOTE, DOCUMENT), agent.archive_id)
    scope = {MESSAGE: agent.id, **own}.get(kind, int(found[2] or 0))
    seq = int(found[3])
    if seq >> SEQ_BITS or scope >> (63 - SEQ_BITS):
        raise ToolError(f"There is no {found[0]}: take an id as a search shows it.")
    return scope << SEQ_BITS | seq
