"""How much of each prompt a provider's cache would serve.

A long conversation with a scripted model that edits core memory in every tenth turn. Each request is
written down as providers read it, tools first, then the messages in order; what it shares with the
request before, from the start on, could have come from the cache.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import report
from benchmarks.everbot import House, opened, settings_of
from benchmarks.texts import Texts
from bot.ports import ModelReply, ModelRequest, ToolCall
from memory.ports import TokenCounter
from memory.tokens import token_counter


class Talker:
    """A `bot.ports.ChatModel` that answers at length, remembers now and then, and keeps its requests.

    An edit is a step of its own, whose result the model sees before it answers.
    """

    name = "scripted"

    def __init__(self, edit_every: int) -> None:
        self.requests: list[ModelRequest] = []
        self._texts = Texts(seed=2)
        self._every = edit_every
        self._turn = ""
        self._turns = 0
        self._facts: list[str] = []

    async def complete(self, request: ModelRequest) -> ModelReply:
        # The queue's messages are asked for again and again: keep what this request was, not a view.
        self.requests.append(replace(request, messages=list(request.messages)))
        if not request.tools:
            return ModelReply(text=" ".join(self._texts.said(40, 80) for _ in range(6)))
        turn = request.key.partition("/")[0]
        fresh, self._turn = turn != self._turn, turn
        self._turns += fresh
        if fresh and self._every and self._turns % self._every == 0:
            return self._edit()
        return self._call("send_message", message=self._texts.said(15, 90))

    def _edit(self) -> ModelReply:
        """Add a fact; from the eighth on, put it in the place of the oldest one."""
        fact = self._texts.fact()
        self._facts.append(fact)
        if len(self._facts) <= 8:
            return self._call("core_memory_append", label="human", content=fact, request_heartbeat=True)
        old = self._facts.pop(0)
        return self._call(
            "core_memory_replace", label="human", old_content=old, new_content=fact, request_heartbeat=True
        )

    def _call(self, tool: str, **arguments: object) -> ModelReply:
        call = ToolCall(id=f"call_{len(self.requests):08d}", name=tool, arguments=json.dumps(arguments))
        return ModelReply(text="I think of what they said, and answer.", calls=(call,))


@dataclass
class Share:
    """Tokens of some requests: in all, and shared with the request before."""

    requests: int = 0
    tokens: int = 0
    shared: int = 0

    def add(self, tokens: int, shared: int) -> None:
        self.requests += 1
        self.tokens += tokens
        self.shared += shared


def prefix_shares(requests: list[ModelRequest], counter: TokenCounter) -> dict[str, Share]:
    """Shares by what had happened to the prompt. Summaries are prompts of another kind, never shared."""
    shares = {kind: Share() for kind in ("only added to", "memory edited", "queue evicted", "summaries")}
    before = ""
    last: ModelRequest | None = None
    for request in requests:
        text = written(request)
        tokens = counter.count(text)
        if not request.tools:
            shares["summaries"].add(tokens, 0)
            continue
        same = common(before, text)
        shares[_kind(last, request)].add(tokens, min(tokens, counter.count(text[:same])) if same else 0)
        before, last = text, request
    return shares


def _kind(last: ModelRequest | None, request: ModelRequest) -> str:
    if last is None or last.messages[0] == request.messages[0]:
        return "only added to" if last is None or last.messages[1] == request.messages[1] else "queue evicted"
    return "memory edited"


def common(one: str, other: str) -> int:
    """Characters that both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one.startswith(other[:middle]) else (low, middle - 1)
    return low


def written(request: ModelRequest) -> str:
    """The request as a provider reads it."""
    return json.dumps([request.tools, request.messages], ensure_ascii=False)


async def talk(house: House, turns: int) -> None:
    texts = Texts(seed=3)
    for _ in range(turns):
        await house.turn(0, texts.said())
        await house.settle(0)


async def measure(directory: Path, turns: int, edit_every: int, window: int) -> dict[str, Share]:
    model = Talker(edit_every)
    settings = settings_of(directory, None, "none", window)
    async with opened(settings, model) as house:
        await talk(house, turns)
    counter = token_counter("gpt-5", directory / "tiktoken")
    return prefix_shares(model.requests, counter)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--edit-every", type=int, default=10, help="turns from one edit to the next; 0: none")
    parser.add_argument("--window", type=int, default=16_384, help="tokens of the model's context window")
    options = parser.parse_args()
    print(report.heading("Prompt tokens that repeat the previous request's prefix"))
    with TemporaryDirectory(prefix="everbot-bench-") as directory:
        shares = asyncio.run(measure(Path(directory), options.turns, options.edit_every, options.window))
    total = Share(*(sum(values) for values in zip(*map(_values, shares.values()), strict=True)))
    rows = [
        (kind, s.requests, s.tokens, 100 * s.shared / s.tokens)
        for kind, s in [*shares.items(), ("all", total)]
        if s.tokens
    ]
    print(
        f"{options.turns} turns, a memory edit every {options.edit_every}, window {options.window:,} tokens\n"
    )
    print(report.table(("since the request before", "requests", "prompt tokens", "shared %"), rows))
    print()
    print(
        report.goal(
            "shared, of all prompt tokens", 100 * total.shared / total.tokens, 90, " %", at_least=True
        )
    )


def _values(share: Share) -> tuple[int, int, int]:
    return share.requests, share.tokens, share.shared


if __name__ == "__main__":
    main()
