"""What was taken over from other programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

IMPORTED = "imported:"
"""How the addresses of conversations begin that were held elsewhere."""
IMPORTED_TURN = "imported"
"""The kind of the turns that were."""


@dataclass(frozen=True, kw_only=True)
class Import:
    """What was taken over of a file of another program. Its conversations are called after its ``name``
    (`import_address`).

    A reflection has read it up to the message of the key ``read_to`` (0: nothing), for ``spent`` tokens; what is asked
    at the moment is counted in.
    """

    agent_id: int
    name: str
    at: datetime
    read_to: int = 0
    spent: int = 0


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a reflection on an import proposes to keep: in core memory if it is ``core``, else as a note. It stands in
    the messages of a turn that was imported; ``origin`` is who said it there, where it was not the person."""

    id: int
    agent_id: int
    import_name: str
    core: bool
    text: str
    turn_id: str
    origin: str
    said_at: datetime


def import_address(name: str, place: str) -> str:
    """Where the messages of an import stand: its conversation ``place``."""
    return f"{IMPORTED}{name}/{place}"


def import_of(address: str) -> str:
    """The name of the import that a conversation is of; empty for one that was held here."""
    return address.removeprefix(IMPORTED).partition("/")[0] if address.startswith(IMPORTED) else ""
