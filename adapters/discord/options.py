"""What the Discord adapter is told at its start."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

SHARD = "discord shard"
"""What is leased."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """``message_content``: the privileged intent is granted, so lines that were not for us may be shown beside one
    that was, ``context_lines`` of them at most. ``guilds_wait_s`` seconds without news of another guild
    mean that all were named. ``vision``: images are fetched for the model. ``catch_up`` is how far back is read for
    what came during an outage. ``shards`` is how many there are; 0: as many as Discord recommends."""

    token: str = field(repr=False)
    api_url: str
    gateway_url: str
    message_content: bool
    guilds_wait_s: float
    vision: bool
    context_lines: int
    catch_up: timedelta
    hearing: bool = False
    shards: int = 0
