"""What can be made to go wrong between a bot and the REST side."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.fakes.hold import Hold


@dataclass
class Fault:
    """``kind`` is ``refuse``, ``storm``, ``lose_request``, ``lose_response``, ``hold`` or ``redirect`` (to
    ``target``)."""

    kind: str
    route: str  # a regular expression, searched for in "POST /channels/123/messages"
    times: int
    status: int = 500
    code: int = 0
    seconds: float = 0.0
    everywhere: bool = False
    target: str = ""
    hold: Hold = field(default_factory=Hold)


class Faults:
    def __init__(self) -> None:
        self.down = False
        self.pending: list[Fault] = []

    def take(self, kind: str, line: str) -> Fault | None:
        """The first fault of this kind that the request meets; each is met so many times."""
        for fault in self.pending:
            if fault.kind == kind and fault.times > 0 and re.search(fault.route, line):
                fault.times -= 1
                return fault
        return None
