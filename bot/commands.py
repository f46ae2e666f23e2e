"""Chat commands, written once for every adapter (design: MemGPT's terminal commands, and people's own)."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from bot import context
from bot.errors import CommandError
from bot.events import Command, HeartbeatDue, MessageReceived, SystemAlert, View, from_json
from bot.identities import Identity
from bot.locks import Locks
from bot.ports import Clock, Inbound
from bot.queue_manager import QueueManager
from bot.undo import Undo
from memory.ports import Store
from memory.records import Message, Role, readable_from

_FAR = 20  # turns back that /retry looks for a message
_HELP = """\
/memory              what I hold in core memory about you, and how much I remember
/dump [N]            the last N messages in my view (default 10)
/pop [N]             undo the last N turns (default 1), with what I noted in them
/retry               undo the last turn and answer the same message anew
/rethink TEXT        replace my last inner thought
/rewrite TEXT        replace the text of my last reply
/attach SOURCE       let me search a document source (made with `everbot load`)
/save [NAME]         write all that I remember to a file
/heartbeat           wake me as if time had passed
/memorywarning       tell me that my memory is filling up
/stop                call off the answer that I am working on
/whoami              who I take you for
/exit                leave"""


class Commands:
    """Each answers at once, even while a turn runs; those that change memory wait for the step to end."""

    def __init__(
        self,
        store: Store,
        queues: QueueManager,
        undo: Undo,
        locks: Locks,
        clock: Clock,
        saves: Path,
    ) -> None:
        self._store = store
        self._queues = queues
        self._undo = undo
        self._locks = locks
        self._clock = clock
        self._saves = saves
        self._commands: dict[str, Callable[[Command, Identity, Inbound], Awaitable[str]]] = {
            "help": self._help,
            "memory": self._memory,
            "dump": self._dump,
            "pop": self._pop,
            "retry": self._retry,
            "rethink": self._rethink,
            "rewrite": self._rewrite,
            "attach": self._attach,
            "save": self._save,
            "heartbeat": self._heartbeat,
            "memorywarning": self._memorywarning,
            "stop": self._stop,
            "whoami": self._whoami,
        }

    async def run(self, command: Command, who: Identity, inbound: Inbound) -> View:
        """The command's answer. What a person used wrongly is answered, too, and changes nothing."""
        run = self._commands.get(command.name)
        if run is None:
            return View(text=f"There is no command /{command.name}. /help lists them.", kind="error")
        try:
            return View(text=await run(command, who, inbound))
        except CommandError as error:
            return View(text=str(error), kind="error")

    async def _help(self, command: Command, who: Identity, inbound: Inbound) -> str:
        return _HELP

    async def _whoami(self, command: Command, who: Identity, inbound: Inbound) -> str:
        return f"You are {who.user.name} ({command.account}); you talk with {who.persona.name}."

    async def _memory(self, command: Command, who: Identity, inbound: Inbound) -> str:
        audiences = readable_from(command.audience)
        async with self._store.read() as session:
            blocks = await session.blocks.visible(who.agent, command.audience)
            said = await session.messages.count(who.agent.id, audiences)
            passages = await session.passages.count(who.agent.archive_id, audiences)
            sources = [archive.name for archive in await session.passages.attached(who.agent.id)]
        parts = [f"[{b.label}] {len(b.value)}/{b.limit} characters\n{b.value or '(empty)'}" for b in blocks]
        parts.append(f"Recall storage: {said} messages. Archival storage: {passages} passages.")
        if sources:
            parts.append(f"Attached sources: {', '.join(sources)}.")
        return "\n\n".join(parts)

    async def _dump(self, command: Command, who: Identity, inbound: Inbound) -> str:
        count = _number(command.argument, 10)
        queue = await self._queues.queue(who.conversation.id)
        shown = queue.messages[-count:]
        if not shown:
            return "Nothing is in view yet."
        lines = [f"{m.created_at.astimezone(who.zone):%Y-%m-%d %H:%M} {_described(m)}" for m in shown]
        left = len(queue.messages) - len(shown)
        return "\n".join(([f"({left} earlier messages in view)"] if left else []) + lines)

    async def _pop(self, command: Command, who: Identity, inbound: Inbound) -> str:
        count = _number(command.argument, 1)
        async with self._locks.of(who.agent.id):
            undone, notes = await self._undo.turns(who.agent, who.conversation, count)
        if not undone:
            raise CommandError(" ".join(notes) or "There is no turn to undo.")
        return " ".join([f"Undid {len(undone)} turn{'s' if len(undone) > 1 else ''}.", *notes])

    async def _retry(self, command: Command, who: Identity, inbound: Inbound) -> str:
        async with self._locks.of(who.agent.id):
            async with self._store.read() as session:
                turns = await session.mailbox.last_turns(who.conversation.id, _FAR)
            kinds = [turn.kind for turn in turns]
            if MessageReceived.kind not in kinds:
                raise CommandError("There is no message to answer again.")
            count = kinds.index(MessageReceived.kind) + 1
            undone, notes = await self._undo.turns(who.agent, who.conversation, count)
        if len(undone) < count:
            raise CommandError(" ".join(notes))
        for row in undone[-1]:
            event = from_json(row.payload)
            key = f"{event.key}~{uuid4().hex[:8]}"
            await inbound.submit(replace(event, key=key, at=self._clock.now()))
        return " ".join(["Answering again.", *notes])

    async def _rethink(self, command: Command, who: Identity, inbound: Inbound) -> str:
        text = _text(command)

        def change(rendered: dict[str, Any]) -> str | None:
            rendered["content"] = text
            return None

        await self._change_last(who, lambda m: m.role is Role.ASSISTANT, change)
        return "My last thought was replaced."

    async def _rewrite(self, command: Command, who: Identity, inbound: Inbound) -> str:
        text = _text(command)

        def change(rendered: dict[str, Any]) -> str | None:
            sent = [c for c in rendered.get("tool_calls", ()) if c["function"]["name"] == "send_message"]
            if sent:
                sent[-1]["function"]["arguments"] = context.to_json({"message": text})
            else:
                rendered["content"] = text
            return text

        await self._change_last(who, lambda m: m.role is Role.ASSISTANT and bool(m.text), change)
        return "My last reply was replaced in memory; what was delivered stays as it is."

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
                raise CommandError("There is nothing of mine in view to replace.")
            rendered = json.loads(message.rendered)
            text = change(rendered)
            async with self._store.write() as session:
                await self._queues.rewrite(
                    session, message, message.text if text is None else text, context.to_json(rendered)
                )

    async def _attach(self, command: Command, who: Identity, inbound: Inbound) -> str:
        name = command.argument.strip()
        async with self._store.write() as session:
            sources = [archive for archive in await session.passages.archives() if archive.kind == "source"]
            archive = next((a for a in sources if a.name == name), None)
            if archive is None:
                names = ", ".join(a.name for a in sources) or "none yet; make one with `everbot load`"
                raise CommandError(f"There is no source {name!r}. Sources: {names}.")
            await session.passages.attach(who.agent.id, archive.id)
            count = await session.passages.count(archive.id, None)
        return f"Attached {name}: {count} passages can be searched now."

    async def _save(self, command: Command, who: Identity, inbound: Inbound) -> str:
        label = re.sub(r"[^\w.-]+", "-", command.argument.strip()).strip(".-")
        name = label or f"{self._clock.now():%Y%m%d-%H%M%S}"
        path = self._saves / f"agent-{who.agent.id}-{name}.json"
        data = await self._snapshot(who)
        try:
            self._saves.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
        except OSError as error:
            raise CommandError(f"Nothing was saved: {path} cannot be written ({error.strerror}).") from None
        return f"Saved to {path}."

    async def _snapshot(self, who: Identity) -> dict[str, Any]:
        audiences = readable_from(who.conversation.audience)
        agent = who.agent
        async with self._store.read() as session:
            blocks = await session.blocks.visible(agent, who.conversation.audience)
            count = await session.messages.count(agent.id, audiences)
            messages = await session.messages.said(agent.id, audiences, limit=count)
            held = await session.passages.count(agent.archive_id, audiences)
            passages = await session.passages.page(agent.archive_id, audiences, limit=held)
            summary = await session.messages.summary(who.conversation.id)
        return {
            "format": "everbot-save/1",
            "saved_at": _iso(self._clock.now()),
            "user": who.user.name,
            "persona": who.persona.name,
            "blocks": {block.label: block.value for block in blocks},
            "summary": summary.text if summary else "",
            "messages": [{"time": _iso(m.created_at), "author": m.author, "text": m.text} for m in messages],
            "passages": [
                {"time": _iso(p.created_at), "text": p.text, "tags": list(p.tags)} for p in reversed(passages)
            ],
        }

    async def _heartbeat(self, command: Command, who: Identity, inbound: Inbound) -> str:
        reason = "The person asked for a heartbeat. Nobody is waiting for an answer."
        await inbound.submit(HeartbeatDue(**self._own(command, "heartbeat"), reason=reason))
        return "A heartbeat is on its way."

    async def _memorywarning(self, command: Command, who: Identity, inbound: Inbound) -> str:
        queue = await self._queues.queue(who.conversation.id)
        alert = self._queues.pressure_text(queue)
        await inbound.submit(SystemAlert(**self._own(command, "alert"), message=alert))
        return "A memory warning is on its way."

    async def _stop(self, command: Command, who: Identity, inbound: Inbound) -> str:
        await inbound.interrupt(command.address)
        return "Stopping."

    def _own(self, command: Command, kind: str) -> dict[str, Any]:
        """The common fields of an event that a command makes."""
        return {
            "key": f"{kind}:{uuid4().hex}",
            "account": command.account,
            "name": command.person,
            "address": command.address,
            "audience": command.audience,
            "at": self._clock.now(),
            "persona": command.persona,
        }


def _number(argument: str, default: int) -> int:
    text = argument.strip()
    if not text:
        return default
    if not text.isdecimal() or not 0 < int(text) <= 1_000:
        raise CommandError(f"{text!r} is not a number from 1 to 1000.")
    return int(text)


def _text(command: Command) -> str:
    if not command.argument.strip():
        raise CommandError(f"/{command.name} needs a text: /{command.name} TEXT")
    return command.argument.strip()


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _described(message: Message) -> str:
    """A message in one line or few, for people."""
    rendered = json.loads(message.rendered)
    content = rendered.get("content") or ""
    if message.role is Role.USER:
        fields = json.loads(content)
        return f"{fields['type']} {message.author}: {fields.get('message') or fields.get('reason', '')}"
    if message.role is Role.TOOL:
        return f"  {message.author} -> {content}"
    calls = [
        f"  calls {c['function']['name']}({c['function']['arguments']})"
        for c in rendered.get("tool_calls", ())
    ]
    return "\n".join([f"{message.author} thinks: {content}" if content else f"{message.author}:", *calls])
