"""A heartbeat: tidy core memory by rule; silent unless the event asks for a message."""

from __future__ import annotations

from collections.abc import Sequence

from bot.models.offline.calls import Call, Offered, Step
from bot.models.offline.dates import day
from bot.models.offline.profile import Profile, condensed, told_of
from bot.models.offline.transcript import Seen, Transcript

_REFLECTED = "Last reflected"
_REWRITES = ("rethink_user_memory", "rethink_memory")


def heartbeat(seen: Transcript, offered: Offered) -> Step:
    """The next step of a turn in which nobody waits for an answer."""
    due = [e for e in seen.events if _asks_for_message(e)]
    if due and "send_message" in offered and not seen.results("send_message"):
        return Step((Call("send_message", {"message": "\n".join(e.text for e in due)}),))
    calls = tidy(seen, offered) if any(e.kind in ("heartbeat", "scheduled") for e in seen.events) else []
    calls = [c for c in calls if not c.among(seen.done)]
    if calls:
        return Step(tuple(calls))
    rewrote = any(d.name in _REWRITES for d in seen.done)
    if rewrote and "finish_rethinking_memory" in offered and not seen.results("finish_rethinking_memory"):
        return Step((Call("finish_rethinking_memory"),))
    return Step()


def _asks_for_message(event: Seen) -> bool:
    if not event.text:
        return False
    return event.kind == "scheduled"


def tidy(seen: Transcript, offered: Offered) -> list[Call]:
    """Calls that condense the block about the person; none when it is tidy or cannot be rewritten."""
    block = seen.blocks.get("human")
    if block is None or block.read_only:
        return []
    value, dropped = condensed(block.value)
    if seen.now is not None and (seen.news or any(e.kind == "message" for e in seen.earlier)):
        value = _dated(value, f"{_REFLECTED}: {day(seen.now)}", block.limit)
    if value == block.value.strip():
        return []
    if "rethink_user_memory" in offered:
        rewrite = Call("rethink_user_memory", {"new_value": value})
    elif "rethink_memory" in offered:
        rewrite = Call("rethink_memory", {"label": "human", "new_value": value})
    else:
        return []
    return [*_stored(dropped, Profile(value).value("Name"), offered), rewrite]


def _dated(value: str, line: str, limit: int) -> str:
    """The block with a line that says when it was last looked through, if there is room for it."""
    kept = [known for known in value.splitlines() if not known.startswith(_REFLECTED)]
    dated = "\n".join([*kept, line])
    return dated if not limit or len(dated) <= limit else value


def _stored(dropped: Sequence[str], name: str, offered: Offered) -> list[Call]:
    chunks = [f"Earlier: {told_of(line, name)}" for line in dropped]
    if chunks and "store_memories" in offered:
        return [Call("store_memories", {"chunks": chunks})]
    if "archival_memory_insert" in offered:
        return [Call("archival_memory_insert", {"content": chunk}) for chunk in chunks[:6]]
    return []
