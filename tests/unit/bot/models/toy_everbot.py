"""A toy household for the offline model: it runs the model's calls against a text and some lists."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.models.offline import OfflineModel
from bot.ports import ModelReply, ModelRequest, ToolCall

TOOLS: dict[str, tuple[str, ...]] = {
    "send_message": ("message",),
    "core_memory_append": ("label", "content"),
    "core_memory_replace": ("label", "old_content", "new_content"),
    "conversation_search": ("query", "page"),
    "archival_memory_insert": ("content", "tags"),
    "archival_memory_search": ("query", "page", "tags"),
    "schedule_message": ("when", "about"),
    "rethink_memory": ("label", "new_value"),
    "rethink_user_memory": ("new_value",),
    "store_memories": ("chunks",),
    "finish_rethinking_memory": (),
}
FINAL = {"send_message", "finish_rethinking_memory"}
PAGE = 5


class Refused(Exception):
    """A tool's failure."""


def schema(name: str) -> dict[str, Any]:
    names = [*TOOLS[name], *([] if name in FINAL else ["request_heartbeat"])]
    properties = {n: {"type": "string"} for n in names}
    return {"type": "function", "function": {"name": name, "parameters": {"properties": properties}}}


@dataclass
class Household:
    human: str = ""
    limit: int = 2000
    offered: tuple[str, ...] = tuple(TOOLS)
    window: int = 60  # messages in view
    person: str = "ada99"
    now: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    passages: list[tuple[str, datetime, str]] = field(default_factory=list)  # text, time, source
    said: list[tuple[str, str, datetime]] = field(default_factory=list)  # author, text, time
    scheduled: list[tuple[str, str]] = field(default_factory=list)
    queue: list[dict[str, Any]] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)  # of the last turn
    replies: list[ModelReply] = field(default_factory=list)  # of the last turn
    turns: int = 0

    async def say(self, *texts: str) -> str:
        """The answer to a burst of messages."""
        return await self.turn(*({"type": "message", "message": text} for text in texts))

    async def turn(self, *events: dict[str, Any]) -> str:
        """What was sent in a turn with these events (or its text); "" for a silent one."""
        for event in events:
            self.now += timedelta(minutes=1)
            shown = {"time": f"{self.now.isoformat()} ({self.now:%A})", "name": self.person, **event}
            self.queue.append({"role": "user", "content": json.dumps(shown)})
            if event.get("type") == "message":
                self.said.append((self.person, event["message"], self.now))
        return await self.go_on()

    async def go_on(self) -> str:
        self.calls, self.replies, self.turns = [], [], self.turns + 1
        self._cut()
        for step in range(12):
            reply = await OfflineModel().complete(self.request(f"turn{self.turns}/{step}"))
            self.replies.append(reply)
            self.calls += reply.calls
            self.queue.append(_message(reply))
            if not reply.calls:
                return reply.text
            outcomes = [self._run(call) for call in reply.calls]
            if any(not ok for ok, _ in outcomes):
                continue
            for call in reply.calls:
                if call.name == "send_message":
                    return str(json.loads(call.arguments)["message"])
            if not any(json.loads(c.arguments).get("request_heartbeat") for c in reply.calls):
                return ""
        raise AssertionError("the turn did not end")

    def request(self, key: str) -> ModelRequest:
        system = (
            "You keep `<memory_blocks>`.\n\n<memory_blocks>\n"
            '<block label="persona" chars="10/2000" description="who > you are">\nI am everbot.\n</block>\n'
            f'<block label="human" chars="{len(self.human)}/{self.limit}" description="the person">\n'
            f"{self.human}\n</block>\n</memory_blocks>"
        )
        messages = [{"role": "system", "content": system}, *self.queue]
        return ModelRequest(key=key, messages=messages, tools=[schema(n) for n in self.offered])

    def _cut(self) -> None:
        if len(self.queue) > self.window:
            kept = self.queue[-self.window // 2 :]
            while kept and kept[0]["role"] != "user":
                kept = kept[1:]
            summary = {"role": "user", "content": json.dumps({"type": "summary", "message": "Older talk."})}
            self.queue = [summary, *kept]

    def _run(self, call: ToolCall) -> tuple[bool, object]:
        assert call.name in self.offered
        arguments = json.loads(call.arguments)
        assert set(arguments) <= {*TOOLS[call.name], "request_heartbeat"}
        arguments.pop("request_heartbeat", None)
        try:
            ok, message = True, getattr(self, f"_{call.name}")(**arguments)
        except Refused as error:
            ok, message = False, str(error)
        result = {"status": "OK" if ok else "Failed", "message": message, "time": self.now.isoformat()}
        self.queue.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
        return ok, message

    def _send_message(self, message: str) -> str:
        self.said.append(("everbot", message, self.now))
        return "Sent."

    def _core_memory_append(self, label: str, content: str) -> str:
        return self._set(label, f"{self.human}\n{content}".strip("\n"))

    def _core_memory_replace(self, label: str, old_content: str, new_content: str) -> str:
        if self.human.count(old_content) != 1:
            raise Refused(f"old_content occurs {self.human.count(old_content)} times")
        return self._set(label, self.human.replace(old_content, new_content))

    def _rethink_user_memory(self, new_value: str) -> str:
        return self._set("human", new_value)

    def _rethink_memory(self, label: str, new_value: str) -> str:
        return self._set(label, new_value)

    def _set(self, label: str, value: str) -> str:
        assert label == "human"
        if len(value) > self.limit:
            raise Refused(f"{len(value)} characters; the limit is {self.limit}. Condense it, or archive.")
        self.human = value
        return "Done."

    def _archival_memory_insert(self, content: str) -> str:
        self.passages.append((content, self.now, ""))
        return "Stored."

    def _store_memories(self, chunks: list[str]) -> str:
        self.passages += [(chunk, self.now, "") for chunk in chunks]
        return f"Stored {len(chunks)}."

    def _finish_rethinking_memory(self) -> str:
        return "Done."

    def _schedule_message(self, when: str, about: str) -> str:
        self.scheduled.append((when, about))
        return "Scheduled."

    def _archival_memory_search(self, query: str, page: int) -> dict[str, Any]:
        rows = [(f"{s} part 1" if s else f"n1 {at:%Y-%m-%d %a %H:%M} noted", t) for t, at, s in self.passages]
        return _found(query, page, rows)

    def _conversation_search(self, query: str, page: int) -> dict[str, Any]:
        return _found(query, page, [(f"m1 {at:%Y-%m-%d %a %H:%M} {a}", t) for a, t, at in self.said])


def _found(query: str, page: int, rows: list[tuple[str, str]]) -> dict[str, Any]:
    """By the number of shared words, as a plain search engine does; oldest first of equals."""
    wanted = set(re.findall(r"\w+", query.lower()))
    scored = [(len(wanted & set(re.findall(r"\w+", text.lower()))), f"{head}: {text}") for head, text in rows]
    hits = sorted((row for row in scored if row[0]), key=lambda row: -row[0])
    shown = [line for _, line in hits[page * PAGE : (page + 1) * PAGE]]
    more = {"more": True} if len(hits) > (page + 1) * PAGE else {}
    return {"results": shown, **more}


def _message(reply: ModelReply) -> dict[str, Any]:
    calls = [
        {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
        for c in reply.calls
    ]
    return {"role": "assistant", "content": reply.text} | ({"tool_calls": calls} if calls else {})
