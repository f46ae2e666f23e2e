"""Where what Slack tells comes in: events go to whoever listens to them; commands, buttons and forms are Bolt's.

An event is acknowledged when it is committed, and only then: what is not acknowledged Slack tells again.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from slack_bolt.app.async_app import AsyncApp

from adapters.faults import fault
from adapters.wire import Json, record, text
from memory.errors import StoreError

log = logging.getLogger(__name__)

STRANGE = (TypeError, KeyError, AttributeError, ValueError)
"""What Bolt raises at an interaction whose shape it does not know."""
Listener = Callable[[Json, object], Awaitable[None]]
"""Takes an event, and whether other workspaces see its channel."""


@dataclass(frozen=True)
class Door:
    """``listeners`` are by the types of events; what nobody listens to is let go."""

    listeners: Mapping[str, Listener]
    app: AsyncApp

    async def event(self, payload: Json) -> bool:
        """Whether it was taken, or needs not be. One that cannot be read costs nothing but itself."""
        event = record(payload.get("event"))
        listener = self.listeners.get(text(event.get("type")))
        if listener is None:
            return True
        try:
            await listener(event, payload.get("is_ext_shared_channel"))
        except StoreError as error:
            log.warning("Slack: an event was not taken yet: %s", error)
            return False
        except Exception as error:
            log.error("Slack: an event could not be handled (%s)", fault(error))
        return True
