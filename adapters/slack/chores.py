"""What nobody waits for, or not for long: tasks of the adapter's life, whose faults end nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from adapters.faults import fault
from adapters.slack.errors import BROKEN, reason

log = logging.getLogger(__name__)

T = TypeVar("T")


class Chores:
    """Tasks of ``group``; once it has ended nothing is begun any more."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T | None] | None:
        """The task gives what the work gives, and None where it fails."""
        quiet = _quietly(work)
        try:
            return self._group.create_task(quiet)
        except RuntimeError:  # the adapter's life is over
            quiet.close()
            work.close()
            return None


async def _quietly(work: Coroutine[Any, Any, T]) -> T | None:
    try:
        return await work
    except BROKEN as error:
        log.warning("Slack: %s", reason(error))
    except Exception as error:
        log.error("Slack: something beside the conversation failed (%s)", fault(error))
    return None
