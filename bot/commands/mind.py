"""`/memory mind`: what the person's last message brought to mind, how much each weighed, and why."""

from __future__ import annotations

from dataclasses import dataclass

from bot.events import Command, MessageReceived, View
from bot.language import gettext, marked
from bot.people.identities import Identity
from memory.associative import Memory, together
from memory.ports import Session, Store
from memory.records import Agent, Audience, Surfaced, readable_from, scope_of

_REASONS = {
    "words": marked("its words"),
    "meaning": marked("its meaning"),
    "around": marked("what was said around it"),
    "who": marked("who it is about"),
    "when": marked("its time"),
}
_TURNS = 8  # the newest, among which is the last that a message began


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """One line of what came to mind: how it is told now, its share of the attention in per cent, and why."""

    text: str
    share: int
    why: str
    memories: tuple[Memory, ...]


class Mind:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def told(self, who: Identity, command: Command) -> View:
        async with self._store.read() as session:
            turns = await session.mailbox.last_turns(who.conversation.id, _TURNS)
            turn = next((each for each in turns if each.kind == MessageReceived.kind), None)
            then = await session.mailbox.surfaced(turn.id) if turn else None
            lines = await weighed(session, who, then, command.audience) if then else []
        if then is None or not lines:
            return View(text=gettext("Your last message here brought nothing to mind."))
        shown = "\n".join(f"- {each.share} % · {each.text} ({each.why})" for each in lines)
        return View(text=f"{sure_of(then)}\n{shown}")


def sure_of(then: Surfaced) -> str:
    """How sure it was that the message is about something that is remembered."""
    sure = f"{round(100 * then.certainty)} %"
    return gettext(
        "By how much attention each got then; that it was about something at all was {sure} sure.", sure=sure
    )


async def weighed(session: Session, who: Identity, then: Surfaced, audience: Audience) -> list[Weighed]:
    """What came to mind and may be read in ``audience``, as it reads now. What others said in a room is not shown."""
    found = []
    for line in then.lines:
        memories = await _held(session, who.agent, audience, line.messages, line.passages)
        others = any(scope_of(key) != who.agent.id for key in line.messages)
        if not memories and not others:
            continue
        text = (
            together(memories, who.zone) if memories else gettext("something that was said there in public")
        )
        why = ", ".join(gettext(_REASONS[reason]) for reason in line.why if reason in _REASONS)
        found.append(Weighed(text=text, share=round(100 * line.weight), why=why, memories=tuple(memories)))
    return found


async def _held(
    session: Session, agent: Agent, audience: Audience, messages: tuple[int, ...], passages: tuple[int, ...]
) -> list[Memory]:
    audiences = readable_from(audience)
    own = [key for key in messages if scope_of(key) == agent.id]
    said = await session.messages.get(agent.id, own, audiences) if own else []
    noted = await session.passages.get(agent.archive_id, passages, audiences) if passages else []
    return [*(message for message in said if message.text), *noted]
