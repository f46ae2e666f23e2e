"""The commands of MemGPT's terminal, on every platform: they look at the agent's mind and change it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from bot.agent import context
from bot.agent.queue_manager import QueueManager
from bot.agent.undo import Undo
from bot.commands.table import Control, Run
from bot.errors import CommandError
from bot.events import (
    LOCAL,
    Command,
    CommandSpec,
    MessageReceived,
    SystemAlert,
    from_json,
    origin_of,
    platform_of,
)
from bot.language import gettext, marked, ngettext
from bot.ownership.export import Export, keep
from bot.people.identities import Identity
from bot.ports import GIVEN
from bot.runtime import Runtime
from memory.records import Message, Role

_FAR = 20  # turns back that /retry looks for a message


class TerminalCommands:
    """`bot.commands.table.Group`."""

    def __init__(
        self,
        runtime: Runtime,
        queues: QueueManager,
        undo: Undo,
        export: Export,
        saves: Path,
    ) -> None:
        self._store, self._clock, self._locks = runtime.store, runtime.clock, runtime.locks
        self._queues = queues
        self._undo = undo
        self._export = export
        self._saves = saves
        self.table: list[tuple[CommandSpec, Run]] = [
            (_inner("dump", marked("the last messages in my view"), "[N]"), self._dump),
            (_inner("pop", marked("undo the last turns and notes"), "[N]"), self._pop),
            (_spec("retry", marked("answer your last message anew")), self._retry),
            (_inner("rethink", marked("replace my last thought"), "TEXT"), self._rethink),
            (_inner("rewrite", marked("replace my last reply"), "TEXT"), self._rewrite),
            (_spec("attach", marked("let me search a source"), "SOURCE"), self._attach),
            (
                CommandSpec(
                    name="save",
                    summary=marked("write what I remember to a file"),
                    argument="[NAME]",
                    local=True,
                ),
                self._save,
            ),
            (_inner("memorywarning", marked("my memory is filling up")), self._memorywarning),
            (_spec("stop", marked("call off the present answer")), self._stop),
        ]

    async def _dump(self, command: Command, who: Identity, control: Control) -> str:
        count = _number(command.argument, 10)
        queue = await self._queues.queue(who.conversation.id)
        shown = queue.messages[-count:]
        if not shown:
            return gettext("Nothing is in view yet.")
        lines = [f"{who.when(m.created_at)} {_described(m)}" for m in shown]
        left = len(queue.messages) - len(shown)
        more = ngettext("({n} earlier message in view)", "({n} earlier messages in view)", left)
        return "\n".join([*([more] if left else []), *lines])

    async def _pop(self, command: Command, who: Identity, control: Control) -> str:
        count = _number(command.argument, 1)
        async with self._locks.of(who.agent.id):
            undone, notes = await self._undo.turns(who.agent, who.conversation, count)
        if not undone:
            raise CommandError(" ".join(notes) or gettext("There is no turn to undo."))
        return " ".join([ngettext("Undid {n} turn.", "Undid {n} turns.", len(undone)), *notes])

    async def _retry(self, command: Command, who: Identity, control: Control) -> str:
        await control.afford(command, who)  # before anything is undone
        async with self._locks.of(who.agent.id):
            async with self._store.read() as session:
                turns = await session.mailbox.last_turns(who.conversation.id, _FAR)
            kinds = [turn.kind for turn in turns]
            if MessageReceived.kind not in kinds:
                raise CommandError(gettext("There is no message to answer again."))
            count = kinds.index(MessageReceived.kind) + 1
            undone, notes = await self._undo.turns(who.agent, who.conversation, count)
        if len(undone) < count:
            raise CommandError(" ".join(notes))
        for row in undone[-1]:
            event = from_json(row.payload)
            key = f"{event.key}~{uuid4().hex[:8]}"
            await control.again(replace(event, key=key, at=self._clock.now(), persona=who.persona.name), who)
        return " ".join([gettext("Answering again."), *notes])

    async def _rethink(self, command: Command, who: Identity, control: Control) -> str:
        text = _text(command)

        def change(rendered: dict[str, Any]) -> str | None:
            rendered["content"] = self._shown(text)
            return None

        await self._change_last(who, lambda m: m.role is Role.ASSISTANT, change)
        return gettext("My last thought was replaced.")

    async def _rewrite(self, command: Command, who: Identity, control: Control) -> str:
        text = _text(command)

        def change(rendered: dict[str, Any]) -> str | None:
            sent = [c for c in rendered.get("tool_calls", ()) if c["function"]["name"] == "send_message"]
            if sent:
                sent[-1]["function"]["arguments"] = context.to_json({"message": self._shown(text)})
            else:
                rendered["content"] = self._shown(text)
            return text

        await self._change_last(who, lambda m: m.role is Role.ASSISTANT and bool(m.text), change)
        return gettext("My last reply was replaced in memory; what was delivered stays as it is.")

    def _shown(self, text: str) -> str:
        window = self._queues.window
        return context.clipped(text, window.fit, window.share // 2)

    async def _change_last(
        self,
        who: Identity,
        wanted: Callable[[Message], bool],
        change: Callable[[dict[str, Any]], str | None],
    ) -> None:
        async with self._locks.of(who.agent.id):
            queue = await self._queues.queue(who.conversation.id)
            message = next(filter(wanted, reversed(queue.messages)), None)
            if message is None:
                raise CommandError(gettext("There is nothing of mine in view to replace."))
            rendered = json.loads(message.rendered)
            text = change(rendered)
            rendered.pop(GIVEN, None)  # it was added to what the model had said
            async with self._store.write() as session:
                await self._queues.rewrite(
                    session, message, message.text if text is None else text, context.to_json(rendered)
                )

    async def _attach(self, command: Command, who: Identity, control: Control) -> str:
        name = command.argument.strip()
        async with self._store.write() as session:
            sources = [archive for archive in await session.passages.archives() if archive.kind == "source"]
            archive = next((a for a in sources if a.name == name), None)
            if archive is None:
                names = ", ".join(a.name for a in sources) or gettext(
                    "none yet; make one with `everbot load`"
                )
                raise CommandError(
                    gettext("There is no source {name!r}. Sources: {names}.", name=name, names=names)
                )
            await session.passages.attach(who.agent.id, archive.id)
            count = await session.passages.count(archive.id, None)
        return ngettext(
            "Attached {name}: {n} passage can be searched now.",
            "Attached {name}: {n} passages can be searched now.",
            count,
            name=name,
        )

    async def _save(self, command: Command, who: Identity, control: Control) -> str:
        if platform_of(command.account) != LOCAL:
            raise CommandError(gettext("/save is for the terminal; /export gives you a file."))
        async with self._locks.of(who.agent.id):
            files = await self._export.files(who.agent, command.audience, command.argument.strip())
        paths = [keep(self._saves, who.agent, file) for file in files]
        return gettext("Saved to {paths}.", paths=", ".join(map(str, paths)))

    async def _memorywarning(self, command: Command, who: Identity, control: Control) -> str:
        await control.afford(command, who)
        queue = await self._queues.queue(who.conversation.id)
        alert = self._queues.pressure_text(queue)
        await control.again(SystemAlert(**self._own(command, "alert"), message=alert), who)
        return gettext("A memory warning is on its way.")

    async def _stop(self, command: Command, who: Identity, control: Control) -> str:
        await control.interrupt(command.address, command.account)
        return gettext("Stopping.")

    def _own(self, command: Command, kind: str) -> dict[str, Any]:
        """The common fields of an event that a command makes."""
        return {**origin_of(command), "key": f"{kind}:{uuid4().hex}", "at": self._clock.now()}


def _spec(name: str, summary: str, argument: str = "") -> CommandSpec:
    return CommandSpec(name=name, summary=summary, argument=argument)


def _inner(name: str, summary: str, argument: str = "") -> CommandSpec:
    return CommandSpec(name=name, summary=summary, argument=argument, inner=True)


def _number(argument: str, default: int) -> int:
    text = argument.strip()
    if not text:
        return default
    if not text.isdecimal() or not 0 < int(text) <= 1_000:
        raise CommandError(gettext("{text!r} is not a number from 1 to 1000.", text=text))
    return int(text)


def _text(command: Command) -> str:
    if not command.argument.strip():
        raise CommandError(gettext("/{name} needs a text: /{name} TEXT", name=command.command))
    return command.argument.strip()


def _described(message: Message) -> str:
    """A message in one line or few, for people."""
    rendered = json.loads(message.rendered)
    content = rendered.get("content") or ""
    if message.role is Role.USER:
        fields = context.told(rendered)
        return f"{fields['type']} {message.author}: {fields.get('message') or fields.get('reason', '')}"
    if message.role is Role.TOOL:
        return f"  {message.author} -> {content}"
    calls = [
        f"  calls {c['function']['name']}({c['function']['arguments']})"
        for c in rendered.get("tool_calls", ())
    ]
    return "\n".join([f"{message.author} thinks: {content}" if content else f"{message.author}:", *calls])
