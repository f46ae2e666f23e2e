"""How much of each prompt a provider's cache would serve, and what the prompts of a life cost.

Lives of as many turns with a scripted model: of talk alone, answered in plain text (as a model answers that is put
behind several bots to compare them) or by calls of `send_message` with a thought beside each; and one that is lived,
with edits of core memory, searches and beats. Each request is written down as providers read it, tools first, then the
messages in order; what it shares with the request before, from the start on, could have come from the cache. Beats and
summaries are prompts of another kind: they are compared with the last of their kind.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import prompt_parts, report
from benchmarks.everbot import House, opened, settings_of
from benchmarks.texts import Texts
from bot.ports import ModelReply, ModelRequest, ToolCall
from memory.ports import TokenCounter
from memory.tokens import token_counter

_CACHED = 0.1  # what a cached token costs, of an uncached one


@dataclass(frozen=True)
class Life:
    """What happens in every so many turns; 0: never."""

    name: str
    said: tuple[int, int]  # words of a message, and of a reply
    answered: tuple[int, int]
    edit_every: int = 0
    search_every: int = 0
    beat_every: int = 0
    in_words: bool = False  # it answers in plain text: what a model says that is put behind any bot


SHORT = Life("short talk, answered in plain text", (4, 20), (6, 30), in_words=True)
CALLED = Life("short talk, answered by calls", (4, 20), (6, 30))
LIVED = Life("lived", (8, 60), (15, 90), edit_every=10, search_every=6, beat_every=25)


class Talker:
    """A `bot.ports.ChatModel` that answers at length, remembers and searches now and then, reflects in three steps, and
    keeps its requests.

    An edit or a search is a step of its own, whose result the model sees before it answers.
    """

    name = "scripted"

    def __init__(self, life: Life) -> None:
        self.requests: list[ModelRequest] = []
        self._texts = Texts(seed=2)
        self._life = life
        self._turn = ""
        self._turns = 0
        self._facts: list[str] = []

    async def complete(self, request: ModelRequest) -> ModelReply:
        # The queue's messages are asked for again and again: keep what this request was, not a view.
        self.requests.append(replace(request, messages=list(request.messages)))
        if _kind(request) == "summaries":
            return ModelReply(text=" ".join(self._texts.said(40, 80) for _ in range(6)))
        turn, _, step = request.key.partition("/")
        if _kind(request) == "beats":
            return self._reflect(int(step))
        fresh, self._turn = turn != self._turn, turn
        self._turns += fresh
        if fresh and _now(self._turns, self._life.edit_every):
            return self._edit()
        if fresh and _now(self._turns, self._life.search_every):
            return self._call("conversation_search", query=self._texts.fact(), request_heartbeat=True)
        answer = self._texts.said(*self._life.answered)
        return ModelReply(text=answer) if self._life.in_words else self._call("send_message", message=answer)

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

    def _reflect(self, step: int) -> ModelReply:
        if step == 0:
            return self._call("store_memories", chunks=[self._texts.fact()], request_heartbeat=True)
        if step == 1:
            self._facts = [self._texts.fact() for _ in range(4)]
            return self._call("rethink_user_memory", new_value="\n".join(self._facts), request_heartbeat=True)
        return self._call("finish_rethinking_memory")

    def _call(self, tool: str, **arguments: object) -> ModelReply:
        call = ToolCall(id=f"call_{len(self.requests):08d}", name=tool, arguments=json.dumps(arguments))
        return ModelReply(text="I think of what they said, and answer.", calls=(call,))


def _now(turns: int, every: int) -> bool:
    return bool(every) and turns % every == 0


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

    @property
    def new(self) -> int:
        return self.tokens - self.shared

    @property
    def bill(self) -> float:
        """In tokens that are not cached."""
        return self.new + _CACHED * self.shared


@dataclass(frozen=True)
class Measured:
    """``shares`` by what had happened to the prompt, and what the new tokens of all requests were."""

    shares: dict[str, Share]
    parts: Counter[str]


def prefix_shares(requests: list[ModelRequest], counter: TokenCounter) -> Measured:
    shares = {
        kind: Share() for kind in ("only added to", "view changed", "memory shown anew", "beats", "summaries")
    }
    parts: Counter[str] = Counter()
    before: dict[str, ModelRequest] = {}
    for request in requests:
        kind = _kind(request)
        last = before.get(kind)
        before[kind] = request
        text = written(request)
        same = common(written(last), text) if last else 0
        tokens = counter.count(text)
        shared = min(tokens, counter.count(text[:same])) if same else 0
        new = tokens - shared
        if kind == "turns":
            shares[_change(last, request)].add(tokens, shared)
            parts += prompt_parts.parts(last, request, new, counter.count)
        else:
            shares[kind].add(tokens, shared)
            parts[prompt_parts.OTHERS] += new
    return Measured(shares, parts)


def _kind(request: ModelRequest) -> str:
    if not request.tools:
        return "summaries"
    events = [m["content"] for m in request.messages if m["role"] == "user"]
    return "beats" if json.loads(events[-1])["type"] == "heartbeat" else "turns"


def _change(last: ModelRequest | None, request: ModelRequest) -> str:
    if last is None or list(request.messages[: len(last.messages)]) == list(last.messages):
        return "only added to"
    return "memory shown anew" if last.messages[0] != request.messages[0] else "view changed"


def common(one: str, other: str) -> int:
    """Characters that both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one.startswith(other[:middle]) else (low, middle - 1)
    return low


def written(request: ModelRequest) -> str:
    """The request as a provider reads it: text that goes on where the last one ended."""
    return "\n".join(json.dumps(part, ensure_ascii=False) for part in (request.tools, *request.messages))


async def talk(house: House, turns: int, life: Life) -> None:
    texts = Texts(seed=3)
    for number in range(1, turns + 1):
        await house.turn(0, texts.said(*life.said))
        await house.settle(0)
        if _now(number, life.beat_every):
            await house.beat(0)
            await house.settle(0)


async def measure(directory: Path, turns: int, life: Life, window: int, *, surfacing: bool) -> Measured:
    model = Talker(life)
    settings = settings_of(directory, None, "none", window, surfacing=surfacing)
    async with opened(settings, model) as house:
        await talk(house, turns, life)
    return prefix_shares(model.requests, token_counter("gpt-5", directory / "tiktoken"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=150)
    parser.add_argument("--window", type=int, default=16_384, help="tokens of the model's context window")
    parser.add_argument(
        "--no-surfacing", dest="surfacing", action="store_false", help="nothing is brought to mind"
    )
    options = parser.parse_args()
    print(report.heading("Prompt tokens that repeat the previous request's prefix"))
    for life, goal in ((SHORT, 97), (CALLED, 97), (LIVED, 90)):
        with TemporaryDirectory(prefix="everbot-bench-") as directory:
            measured = asyncio.run(
                measure(Path(directory), options.turns, life, options.window, surfacing=options.surfacing)
            )
        show(life, measured, options, goal)


def show(life: Life, measured: Measured, options: argparse.Namespace, goal: int) -> None:
    shares = measured.shares
    every = Share(*(sum(values) for values in zip(*map(_values, shares.values()), strict=True)))
    print(f"\n{life.name}: {options.turns} turns, window {options.window:,} tokens\n")
    rows = [
        (kind, s.requests, s.tokens, s.new, 100 * s.shared / s.tokens, round(s.bill))
        for kind, s in [*shares.items(), ("all", every)]
        if s.tokens
    ]
    print(report.table(("since the request before", "requests", "tokens", "new", "shared %", "bill"), rows))
    print()
    origins = [(part, new, new / options.turns) for part, new in measured.parts.most_common()]
    print(report.table(("new tokens", "in all", "a turn"), origins))
    print()
    share = 100 * every.shared / every.tokens
    print(report.goal("shared, of all prompt tokens", share, goal, " %", at_least=True))


def _values(share: Share) -> Sequence[int]:
    return share.requests, share.tokens, share.shared


if __name__ == "__main__":
    main()
