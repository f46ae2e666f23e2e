"""People, and what is theirs: agents, and conversations with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from memory.records.audiences import Audience, community_of


@dataclass(frozen=True, kw_only=True)
class User:
    id: int
    name: str
    timezone: str  # IANA name
    language: str = ""  # that they chose; empty: their platform's
    locale: str = ""  # as their platform last told it
    rooms: str = (
        ""  # "told" that rooms keep what is said, or "out": nothing of theirs is kept; empty: neither
    )
    keeps_secrets: bool = False  # they want what they say to be kept with the secrets in it


@dataclass(frozen=True, kw_only=True)
class Agent:
    """One persistent agent: a user as one persona knows them."""

    id: int
    user_id: int
    persona_id: int
    name: str
    archive_id: int  # its own archive
    paused_until: datetime | None = None  # pause_heartbeats: no timed event is thought about before


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """An agent in one place, with its own FIFO queue and running summary."""

    id: int
    agent_id: int
    address: str  # "<platform>:<place>", see bot.events.Address
    audience: Audience
    warned: bool = False  # the memory-pressure alert was given for the present fill
    shown_edit: int | None = (
        None  # the newest edit of core memory that its system text shows; None: it shows nothing
    )

    @property
    def home(self) -> str:
        """The community in which it is; empty for a direct message."""
        return community_of(self.audience)
