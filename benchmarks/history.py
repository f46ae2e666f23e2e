"""Data directories with agents that have talked before: straight into recall storage, in batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import batched
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.texts import Texts
from bot import context
from bot.app import SystemClock, open_memory
from bot.events import MessageReceived
from bot.identities import Identities, Identity
from bot.ports import ToolCall
from bot.settings import Settings
from memory.index.exact import quantise
from memory.ports import Session, TokenCounter
from memory.records import PRIVATE, Message, Role

IN_QUEUE = 100  # newest messages of an agent that are still in its FIFO queue
_TURN = 3  # messages: the event, the call, its result
_BATCH = 1_000  # turns of one unit of work
_DIMENSIONS = 384
