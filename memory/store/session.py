"""One transaction's view of everything: the repositories on one connection."""

from __future__ import annotations

from functools import cached_property

from sqlalchemy.ext.asyncio import AsyncConnection

from memory.store.agents import Agents
from memory.store.blocks import Blocks
from memory.store.codes import Codes
from memory.store.erasing import Erasing
from memory.store.joining import Joining
from memory.store.mailbox import Mailbox
from memory.store.messages import Messages
from memory.store.passages import Passages
from memory.store.personas import Personas
from memory.store.schedule import Schedule
from memory.store.vectors import Vectors


class Session:
    """`memory.ports.Session` on a connection.

    ``extents`` remembers the newest message number of each agent. Only the process that holds the data
    directory appends messages, so it is never behind the table.
    """

    def __init__(self, connection: AsyncConnection, extents: dict[int, int]) -> None:
        self.connection = connection
        self._extents = extents

    @cached_property
    def agents(self) -> Agents:
        return Agents(self.connection)

    @cached_property
    def personas(self) -> Personas:
        return Personas(self.connection)

    @cached_property
    def blocks(self) -> Blocks:
        return Blocks(self.connection)

    @cached_property
    def messages(self) -> Messages:
        return Messages(self.connection, self._extents)

    @cached_property
    def passages(self) -> Passages:
        return Passages(self.connection)

    @cached_property
    def vectors(self) -> Vectors:
        return Vectors(self.connection)

    @cached_property
    def mailbox(self) -> Mailbox:
        return Mailbox(self.connection)

    @cached_property
    def codes(self) -> Codes:
        return Codes(self.connection)

    @cached_property
    def schedule(self) -> Schedule:
        return Schedule(self.connection)

    @cached_property
    def erasing(self) -> Erasing:
        return Erasing(self.connection)

    @cached_property
    def joining(self) -> Joining:
        return Joining(self.connection, self._extents)
