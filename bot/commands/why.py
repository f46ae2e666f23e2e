"""`/why`: the messages that something known came from, with day and place."""

from __future__ import annotations

from collections.abc import Sequence

from bot.commands.listing import cut, said_where
from bot.commands.table import Control, Run
from bot.errors import CommandError
from bot.events import Command, CommandSpec, View
from bot.language import gettext, marked
from bot.people.identities import Identity
from bot.runtime import Runtime
from memory.ports import Store
from memory.records import Agent, Audience, Message, readable_from
from memory.sources import Source, Sources

_KINDS = {"core memory": marked("core memory"), "note": marked("note"), "reply": marked("reply")}
_SHOWN = 8  # things that are known, at most
_USAGE = marked("Say /why and what I seem to know, such as /why I live in Hamburg, or the id of a note.")


class WhyCommands:
    """`bot.commands.table.Group`."""

    def __init__(self, runtime: Runtime, sources: Sources) -> None:
        self._store = runtime.store
        self._sources = sources
        self.table: list[tuple[CommandSpec, Run]] = [
            (
                CommandSpec(name="why", summary=marked("how I know something"), argument="TEXT"),
                self._why,
            )
        ]

    async def _why(self, command: Command, who: Identity, control: Control) -> View:
        text = command.argument.strip()
        if not text:
            raise CommandError(gettext(_USAGE))
        async with self._store.read() as session:
            names = await session.agents.communities()
        found = await sources_of(self._store, self._sources, who.agent, text, command.audience)
        if not found:
            raise CommandError(gettext("I find nothing of that in my memory here."))
        parts = [_told(source, who, names) for source in found[:_SHOWN]]
        if len(found) > _SHOWN:
            parts.append(gettext("And {n} more; ask of one of them.", n=len(found) - _SHOWN))
        return View(text="\n\n".join(parts))


async def sources_of(
    store: Store, sources: Sources, agent: Agent, text: str, audience: Audience
) -> Sequence[Source]:
    """Where it is known from: a block of core memory by its name, a note by its id, or whatever says ``text``."""
    async with store.read() as session:
        blocks = await session.blocks.visible(agent, audience)
        note = (
            await session.passages.by_uid(agent.archive_id, text, readable_from(audience), originals=True)
            if _may_be_uid(text)
            else None
        )
    if any(block.label == text for block in blocks):
        return await sources.lines(agent, text, audience)
    if note is not None:
        return await sources.of_notes(agent, [note], audience)
    return await sources.of(agent, text, audience)


def caveat(source: Source) -> str:
    """What is to be said of a source before its messages are shown."""
    parts = [gettext("That is what {origin} says, not you.", origin=source.origin)] if source.origin else []
    if source.messages:
        nearest = gettext("I did not note where it is from. Nearest to it is:")
        parts.append(gettext("It came from:") if source.sure else nearest)
    elif not source.origin:
        parts.append(
            gettext(
                "I find no message that it came from: you or whoever runs me may have written it by hand."
            )
        )
    return "\n".join(parts)


def _told(source: Source, who: Identity, names: dict[str, str]) -> str:
    kind = gettext(_KINDS.get(source.kind, ""))
    lines = [f"[{kind}] {source.what}" if kind else source.what, caveat(source)]
    lines += [_line(message, who, names) for message in source.messages]
    return "\n".join(filter(None, lines))


def _line(message: Message, who: Identity, names: dict[str, str]) -> str:
    where = said_where(message, names)
    return f"- {who.when(message.created_at)}, {where}, {message.author}: {cut(message.text)}"


def _may_be_uid(text: str) -> bool:
    return 6 <= len(text) <= 16 and all(c in "0123456789abcdef" for c in text)
