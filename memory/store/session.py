"""One transaction's view of everything: the repositories on one connection."""

from __future__ import annotations

from memory.ports import Session
from memory.store.agents import Agents
from memory.store.asks import Asks
from memory.store.blocks import Blocks
from memory.store.captions import Captions
from memory.store.codes import Codes
from memory.store.connection import Connection
from memory.store.credentials import Credentials
from memory.store.erasing import Erasing
from memory.store.imports import Imports
from memory.store.joining import Joining
from memory.store.mailbox import Mailbox
from memory.store.messages import Messages
from memory.store.meta import Meta
from memory.store.numbers import Numbers
from memory.store.operations import Operations
from memory.store.overview import Overview
from memory.store.passages import Passages
from memory.store.personas import Personas
from memory.store.rooms import Rooms
from memory.store.schedule import Schedule
from memory.store.vectors import Vectors
from memory.store.wastebasket import Wastebasket
from memory.store.web_keys import WebKeys


def session(connection: Connection, numbers: Numbers) -> Session:
    return Session(
        agents=Agents(connection, numbers),
        personas=Personas(connection),
        blocks=Blocks(connection),
        messages=Messages(connection, numbers),
        passages=Passages(connection),
        vectors=Vectors(connection),
        mailbox=Mailbox(connection),
        codes=Codes(connection),
        schedule=Schedule(connection),
        joining=Joining(connection, numbers),
        erasing=Erasing(connection, numbers),
        wastebasket=Wastebasket(connection),
        imports=Imports(connection, numbers),
        overview=Overview(connection),
        web_keys=WebKeys(connection),
        operations=Operations(connection),
        asks=Asks(connection),
        credentials=Credentials(connection),
        captions=Captions(connection),
        rooms=Rooms(connection),
        meta=Meta(connection),
    )
