"""MemGPT's nested key-value task (arXiv 2310.08560, section 3.2.2) through the real loop and search.

140 pairs of UUIDs, more than the window holds, lie in a fresh agent's archival storage, one passage each.
The question names a key; where a value is itself a key, the lookup goes on with it: ``level`` times. The
scripted model knows nothing but what the tools return, so a wrong answer is the search's or the loop's.

DATA_DIR holds the task's files as published with the paper: ``kv-retrieval-140_keys.jsonl.gz`` and
``random_orderings_100_samples_140_indices_<n>_levels.jsonl`` (n indices chain n - 1 times).
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import report
from benchmarks.everbot import EmbedderKind, House, opened, settings_of
from benchmarks.history import event
from bot.ports import ModelReply, ModelRequest, ToolCall
from memory.records import PRIVATE, Agent, Draft

LEVELS = range(5)
WINDOW = 8_192
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Question:
    """``pairs`` with the chain written in; ``key`` is asked for, ``answer`` is the end of the chain."""

    level: int
    pairs: dict[str, str]
    key: str
    answer: str

    @property
    def text(self) -> str:
        return (
            "Your archival storage holds pairs of a key and a value. What is the value of the key "
            f"{self.key}? If the value is itself a key, go on with that key's value. Say the last value only."
        )


def questions(data: Path, level: int, samples: int) -> Iterator[Question]:
    """The first ``samples`` orderings of a level, each on a record of its own."""
    orderings = (data / f"random_orderings_100_samples_140_indices_{level + 1}_levels.jsonl").read_text()
    with gzip.open(data / "kv-retrieval-140_keys.jsonl.gz", "rt", encoding="utf-8") as records:
        for _, line, record in zip(range(samples), orderings.splitlines(), records, strict=False):
            pairs = dict(json.loads(record)["ordered_kv_records"])
            chain = [list(pairs)[index] for index in json.loads(line)]
            pairs |= dict(pairwise(chain))
            yield Question(level, pairs, chain[0], pairs[chain[-1]])


@dataclass
class Lookup:
    """A turn of the model: where it has got to."""

    wanted: str
    page: int = 0
    asked: bool = True  # the key of the question, which must be there; later ones may be plain values
    searches: int = 0
    answered: bool = False


@dataclass
class Follower:
    """A `bot.ports.ChatModel` that looks keys up, page by page, and believes what it reads."""

    name: str = "scripted"
    lookups: dict[str, Lookup] = field(default_factory=dict)

    async def complete(self, request: ModelRequest) -> ModelReply:
        if not request.tools:
            return ModelReply(text="Keys were looked up.")
        turn = request.key.partition("/")[0]
        if turn not in self.lookups:
            self.lookups[turn] = Lookup(_asked_for(request))
            return self._search(self.lookups[turn])
        if self.lookups[turn].answered:
            return ModelReply(text="")  # asked once more for some other reason; the turn may end
        # What is told behind a result, such as that the window fills up, changes nothing for a lookup.
        result = next(m for m in reversed(request.messages) if m["role"] == "tool")
        return self._follow(self.lookups[turn], json.loads(result["content"])["message"])

    def _follow(self, lookup: Lookup, page: dict[str, Any]) -> ModelReply:
        """On with the value where the page has it; else on to the next page while that may help."""
        texts = [str(line).partition(" noted: ")[2] for line in page["results"]]
        for text in texts:
            key, _, value = text.partition(": ")
            if key == lookup.wanted:
                lookup.wanted, lookup.page, lookup.asked = value, 0, False
                return self._search(lookup)
        # The best come first: a page without a mention of it has none behind it either.
        mentioned = any(lookup.wanted in text for text in texts)
        if page.get("more") and (mentioned or lookup.asked):
            lookup.page += 1
            return self._search(lookup)
        lookup.answered = True
        said = "I could not find it." if lookup.asked else lookup.wanted
        return self._call("send_message", message=said)

    def _search(self, lookup: Lookup) -> ModelReply:
        lookup.searches += 1
        return self._call(
            "archival_memory_search", query=lookup.wanted, page=lookup.page, request_heartbeat=True
        )

    def _call(self, tool: str, **arguments: object) -> ModelReply:
        call = ToolCall(id=f"call_{time.monotonic_ns()}", name=tool, arguments=json.dumps(arguments))
        return ModelReply(text="", calls=(call,))


def _asked_for(request: ModelRequest) -> str:
    """The key in the newest message from the person."""
    keys = [_UUID.search(m["content"]) for m in reversed(request.messages) if m["role"] == "user"]
    return next(key.group() for key in keys if key is not None)


@dataclass
class Score:
    """What became of one level's questions. Searches are timed by themselves, after the questions."""

    right: list[bool] = field(default_factory=list)
    searches: list[int] = field(default_factory=list)
    turn_ms: list[float] = field(default_factory=list)
    search_ms: list[float] = field(default_factory=list)


async def ask(house: House, model: Follower, number: int, question: Question, score: Score) -> int:
    """Ask a fresh agent; returns the tokens that its pairs would take in the window."""
    memory = house.app.memory
    agent = (await house.app.identities.of(event(number, "", "first"))).agent
    texts = [f"{key}: {value}" for key, value in question.pairs.items()]
    drafts = [Draft(text=text, audience=PRIVATE) for text in texts]
    await memory.archival.insert(agent.archive_id, drafts, datetime.now(UTC))
    await memory.indexer.drain()
    model.lookups.clear()
    seconds, _ = await house.turn(number, question.text)
    score.right.append(house.heard == question.answer)
    score.searches.append(sum(lookup.searches for lookup in model.lookups.values()))
    score.turn_ms.append(seconds * 1000)
    score.search_ms += [await _search_ms(house, agent, key) for key in list(question.pairs)[:5]]
    await house.settle(number)
    return memory.counter.count("\n".join(texts))


async def _search_ms(house: House, agent: Agent, key: str) -> float:
    start = time.perf_counter()
    await house.app.memory.archival.search(agent, key, PRIVATE)
    return (time.perf_counter() - start) * 1000


async def measure(
    directory: Path, data: Path, samples: int, embedder: EmbedderKind
) -> tuple[list[Score], int]:
    model, scores, numbers, smallest = Follower(), [], 0, 10**9
    async with opened(settings_of(directory, None, embedder, WINDOW), model) as house:
        for level in LEVELS:
            scores.append(Score())
            for question in questions(data, level, samples):
                smallest = min(smallest, await ask(house, model, numbers, question, scores[-1]))
                numbers += 1
    return scores, smallest


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA_DIR")
    parser.add_argument("--samples", type=int, default=30, help="questions of each level (the paper: 30)")
    parser.add_argument("--embedder", choices=("auto", "none"), default="auto")
    options = parser.parse_args()
    print(report.heading("MemGPT's nested key-value task"))
    with TemporaryDirectory(prefix="everbot-bench-") as directory:
        scores, tokens = asyncio.run(
            measure(Path(directory), options.data, options.samples, options.embedder)
        )
    print(
        f"embedder {options.embedder}; 140 pairs take {tokens:,} tokens or more, the window has {WINDOW:,}\n"
    )
    rows = [
        (level, len(s.right), 100 * mean(s.right), mean(s.searches), mean(s.search_ms), mean(s.turn_ms))
        for level, s in zip(LEVELS, scores, strict=True)
    ]
    head = ("level", "questions", "right %", "searches each", "ms per search", "ms per question")
    print(report.table(head, rows))
    print()
    right = 100 * mean(answer for s in scores for answer in s.right)
    print(report.goal("right at levels 0 to 4", right, 100, " %", at_least=True))


if __name__ == "__main__":
    main()
