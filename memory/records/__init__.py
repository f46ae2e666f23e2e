"""What memory holds, as frozen records: a page for each family, all of them to be had from here."""

from __future__ import annotations

from memory.records.agents import Agent, Conversation, User
from memory.records.asks import Ask
from memory.records.audiences import (
    PRIVATE,
    SHARED,
    Audience,
    Audiences,
    community_audience,
    community_of,
    place_audience,
    public_in,
    readable_from,
)
from memory.records.blocks import Block, BlockEdit
from memory.records.codes import Code, Welcomed
from memory.records.found import Hit, Outlines, Page, Position
from memory.records.imports import IMPORTED, IMPORTED_TURN, Finding, Import, import_address, import_of
from memory.records.keys import SEQ_BITS, scope_of, scope_range
from memory.records.mailbox import Delivery, InboxRow, OutboxRow, Turn, TurnState
from memory.records.messages import ALL_SAID, IMPORTED_FROM, ROOM, Lines, Message, Role, Summary
from memory.records.operations import Deed, FaultCount, Holder, Order, Report, Restriction
from memory.records.overview import Depths, PersonSeen, Undelivered, Underway, Used
from memory.records.passages import ALL_KEPT, Archive, Draft, KeptDocument, LoadedFile, Notes, Passage, unique
from memory.records.personas import Avatar, Binding, Persona, PersonaVersion, Proposal
from memory.records.schedule import Beat, Spent, Wish
from memory.records.surfaced import Brought, Surfaced
from memory.records.usage import Usage
from memory.records.vectors import VectorEntry
from memory.records.wastebasket import Waste
from memory.records.web import WebKey, WebPass, WebWrite

__all__ = [
    "ALL_KEPT",
    "ALL_SAID",
    "IMPORTED",
    "IMPORTED_FROM",
    "IMPORTED_TURN",
    "PRIVATE",
    "ROOM",
    "SEQ_BITS",
    "SHARED",
    "Agent",
    "Archive",
    "Ask",
    "Audience",
    "Audiences",
    "Avatar",
    "Beat",
    "Binding",
    "Block",
    "BlockEdit",
    "Brought",
    "Code",
    "Conversation",
    "Deed",
    "Delivery",
    "Depths",
    "Draft",
    "FaultCount",
    "Finding",
    "Hit",
    "Holder",
    "Import",
    "InboxRow",
    "KeptDocument",
    "Lines",
    "LoadedFile",
    "Message",
    "Notes",
    "Order",
    "OutboxRow",
    "Outlines",
    "Page",
    "Passage",
    "PersonSeen",
    "Persona",
    "PersonaVersion",
    "Position",
    "Proposal",
    "Report",
    "Restriction",
    "Role",
    "Spent",
    "Summary",
    "Surfaced",
    "Turn",
    "TurnState",
    "Undelivered",
    "Underway",
    "Usage",
    "Used",
    "User",
    "VectorEntry",
    "Waste",
    "WebKey",
    "WebPass",
    "WebWrite",
    "Welcomed",
    "Wish",
    "community_audience",
    "community_of",
    "import_address",
    "import_of",
    "place_audience",
    "public_in",
    "readable_from",
    "scope_of",
    "scope_range",
    "unique",
]
