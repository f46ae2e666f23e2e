"""TomoriBot's export of memories: one JSON object. What was said to it stays with Discord; see `discord`.

From TomoriBot's own src/types/db/dataExport.ts: ``version``, ``type`` (``personal_memories`` and others),
``exported_at`` and ``data``; in version 1.0 ``data.personal_memories`` is a list of texts or of objects with
``content`` and ``tags``, in 2.0 ``data.buckets`` are lists of such, each with a ``label``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.errors import BundleError
from bot.ownership.moving_in.moments import moment
from bot.ownership.moving_in.source import Source
from bot.ownership.moving_in.talks import Left, Line, Talk, Whose

_LISTS = ("personal_memories", "server_memories")


class TomoriBot:
    """See `bot.ownership.moving_in.talks.Format`."""

    name, what = "tomoribot", "TomoriBot"

    def claims(self, source: Source) -> bool:
        if len(source.names) != 1:
            return False
        fields = source.fields(source.names[0])
        return {"version", "type", "exported_at", "data"} <= fields and bool({*_LISTS, "buckets"} & fields)

    def read(self, source: Source, whose: Whose, left: Left) -> Iterator[Talk]:
        value = source.json(source.names[0])
        data = value.get("data") if isinstance(value, dict) else None
        if not isinstance(data, dict):
            raise BundleError(f"{source.name} is no export of memories.")
        lists = {name: data[name] for name in _LISTS if isinstance(data.get(name), list)}
        for bucket in data.get("buckets") or []:
            if isinstance(bucket, dict) and isinstance(bucket.get("memories"), list):
                lists[str(bucket.get("label") or bucket.get("name"))] = bucket["memories"]
        at = moment(value.get("exported_at"), whose.zone)
        for title, memories in lists.items():
            yield Talk(title=title, lines=_lines(title, memories), at=at)


def _lines(title: str, memories: list[Any]) -> Iterator[Line]:
    for memory in memories:
        text = str(memory.get("content") or "") if isinstance(memory, dict) else str(memory or "")
        yield Line(id=f"{title}/{text}", author=TomoriBot.what, text=text.strip(), at=None)
