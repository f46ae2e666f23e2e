"""What memory needs from outside, as Protocols: a page for each family, all of them to be had from here.

SQL is the truth; every index can be rebuilt from it. Common to all:

- Datetimes are aware and UTC.
- ``audiences`` is what `memory.records.readable_from` gave (None means all of the agent's own) and is a condition
  of the query itself, never applied to its result alone.
- What a repository writes is part of its session's unit of work (see `Store.write`); what it reads is as of now.
- Where nothing is said of it: a list is in no order; to change or delete what is not there does nothing.
"""

from __future__ import annotations

from memory.ports.agents import Agents
from memory.ports.asks import Asks
from memory.ports.blocks import Blocks
from memory.ports.captions import Captions
from memory.ports.cluster import MISSED, Cluster, Single
from memory.ports.codes import Codes
from memory.ports.credentials import Credentials
from memory.ports.embedder import Embedder
from memory.ports.erasing import Erasing
from memory.ports.imports import Imports
from memory.ports.index import Nearness, VectorIndex
from memory.ports.joining import Joining
from memory.ports.leases import Alone, Lease, Leases
from memory.ports.mailbox import Mailbox
from memory.ports.messages import Messages
from memory.ports.meta import Meta
from memory.ports.operations import Operations
from memory.ports.overview import Overview
from memory.ports.passages import Passages
from memory.ports.personas import Personas
from memory.ports.rooms import Rooms
from memory.ports.schedule import Schedule
from memory.ports.store import Also, Busy, First, Session, Store
from memory.ports.tokens import TokenCounter
from memory.ports.vectors import Vectors
from memory.ports.wastebasket import Wastebasket
from memory.ports.web_keys import WebKeys

__all__ = [
    "MISSED",
    "Agents",
    "Alone",
    "Also",
    "Asks",
    "Blocks",
    "Busy",
    "Captions",
    "Cluster",
    "Codes",
    "Credentials",
    "Embedder",
    "Erasing",
    "First",
    "Imports",
    "Joining",
    "Lease",
    "Leases",
    "Mailbox",
    "Messages",
    "Meta",
    "Nearness",
    "Operations",
    "Overview",
    "Passages",
    "Personas",
    "Rooms",
    "Schedule",
    "Session",
    "Single",
    "Store",
    "TokenCounter",
    "VectorIndex",
    "Vectors",
    "Wastebasket",
    "WebKeys",
]
