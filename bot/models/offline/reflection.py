"""A heartbeat: tidy core memory by rule; silent unless the event asks for a message."""

from __future__ import annotations

from bot.models.offline.calls import Call, Offered, Step
from bot.models.offline.profile import Profile, condensed, told_of
from bot.models.offline.words import day
from bot.models.transcript import Transcript

_REFLECTED = "Last reflected"
_FINISH = "finish_rethinking_memory"
_REWRITES = ("rethink_user_memory", "rethink_memory")


def heartbeat(seen: Transcript, offered: Offered) -> Step:
    """The next step of a turn in which nobody waits for an answer."""
    due = [e.text for e in seen.events if e.kind == "scheduled" and e.text]
    if due and "send_message" in offered and not seen.results("send_message"):
        asked = [text.partition(" asked to be reminded now: ")[2] for text in due]
        told = [
            f"You asked me to remind you: {about}" if about else text
            for about, text in zip(asked, due, strict=True)
        ]
        return Step((Call("send_message", {"message": "\n".join(told)}),))
    calls = tidy(seen, offered) if any(e.kind in ("heartbeat", "scheduled") for e in seen.events) else []
    calls = [c for c in calls if c.name in offered and not c.among(seen.done)]
    rewrote = any(d.name in _REWRITES for d in seen.done)
    if not calls and rewrote and _FINISH in offered and not seen.results(_FINISH):
        calls = [Call(_FINISH)]
    return Step(tuple(calls))


def tidy(seen: Transcript, offered: Offered) -> list[Call]:
    """Calls that condense the block about the person; none when it is tidy or cannot be rewritten."""
    block = seen.blocks.get("human")
    tool = next((name for name in _REWRITES if name in offered), None)
    if block is None or block.read_only or tool is None:
        return []
    value, dropped = condensed(block.value)
    if seen.now is not None and (
        any(e.news for e in seen.events) or any(e.kind == "message" for e in seen.earlier)
    ):
        # When it was last looked through, if there is room for it.
        kept = [line for line in value.splitlines() if not line.startswith(_REFLECTED)]
        dated = "\n".join([*kept, f"{_REFLECTED}: {day(seen.now)}"])
        value = dated if not block.limit or len(dated) <= block.limit else value
    if value == block.value.strip():
        return []
    rewrite = Call(
        tool, {"label": "human", "new_value": value} if tool == "rethink_memory" else {"new_value": value}
    )
    name = " ".join(Profile(value).values("Name"))
    chunks = [f"Earlier: {told_of(line, name)}" for line in dropped]
    if chunks and "store_memories" in offered:
        return [Call("store_memories", {"chunks": chunks}), rewrite]
    return [*(Call("archival_memory_insert", {"content": chunk}) for chunk in chunks[:6]), rewrite]
