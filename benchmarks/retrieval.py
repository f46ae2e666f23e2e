"""How much of the evidence for a question the product's own search finds, on conversations that nobody here wrote.

    python -m benchmarks.retrieval --data DIR [--no-embedder] [--tokens 1000] [--out RANKED.jsonl] [--surfaced]

``DIR`` holds ``items.jsonl`` and ``questions.jsonl``. One agent for each scope, authors and times as given; every
question is asked through `memory.recall`, by its asker, a day after the last message. A result's tokens are those of
its day, author and text. With ``--surfaced`` it is measured what would be brought to mind by the question, within the
budget, instead of what a search finds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks import dialogues, report
from benchmarks.dialogues import Asked, Dialogues
from benchmarks.everbot import EmbedderKind
from memory.associative import Associative, Cue
from memory.recall import Searcher
from memory.records import PRIVATE, Message

_DEPTHS = (5, 10, 20)
_PAGE = 50  # results asked for


@dataclass(frozen=True)
class Answer:
    """What was found for a question, best first: ids and the tokens of each."""

    asked: Asked
    ids: Sequence[str]
    tokens: Sequence[int]
    seconds: float
    lines: Sequence[frozenset[str]] = ()  # the ids that each surfaced line tells

    def recall(self, depth: int) -> float:
        return len(self.asked.gold.intersection(self.ids[:depth])) / len(self.asked.gold)

    def within(self, budget: int) -> float:
        """Recall of the results that fit a budget of tokens together."""
        depth, spent = 0, 0
        while depth < len(self.ids) and spent + self.tokens[depth] <= budget:
            spent += self.tokens[depth]
            depth += 1
        return self.recall(depth)


async def search(talks: Dialogues, asked: Asked) -> Answer:
    agent = talks.agents[asked.scope]
    start = perf_counter()
    page = await talks.memory.recall.search(
        agent.id, asked.text, PRIVATE, page_size=_PAGE, searcher=Searcher(asked.asker), now=agent.now
    )
    seconds = perf_counter() - start
    rows = [hit.row for hit in page.hits if isinstance(hit.row, Message)]
    count = talks.memory.counter.count
    return Answer(asked, [agent.items[row.key] for row in rows], [count(line(row)) for row in rows], seconds)


async def surface(talks: Dialogues, asked: Asked, budget: int) -> Answer:
    agent, memory = talks.agents[asked.scope], talks.memory
    async with memory.store.read() as session:
        record = await session.agents.agent(agent.id)
    assert record is not None
    reader = Associative(memory.store, memory.indexer, memory.counter.count, budget)
    start = perf_counter()
    reading = await reader.chosen(
        Cue(agent=record, text=asked.text, audience=PRIVATE, asker=asked.asker, now=agent.now)
    )
    seconds = perf_counter() - start
    lines = [[agent.items[row.key] for row in shown.memories] for shown in reading.lines]
    # A line's tokens are counted with the first of its ids.
    tokens = [
        memory.counter.count(shown.text) if first else 0
        for shown, ids in zip(reading.lines, lines, strict=True)
        for first in [True, *[False] * (len(ids) - 1)]
    ]
    ids = [item for line in lines for item in line]
    return Answer(asked, ids, tokens, seconds, [frozenset(line) for line in lines])


def line(row: Message) -> str:
    return f"{row.created_at:%Y-%m-%d} {row.author}: {row.text}"


async def measure(
    data: Path, directory: Path, embedder: EmbedderKind, surfaced: int | None = None
) -> list[Answer]:
    """``surfaced``: the budget of what is brought to mind; None to search."""
    async with dialogues.opened(data, directory, embedder) as talks:
        if surfaced is None:
            return [await search(talks, asked) for asked in talks.questions]
        return [await surface(talks, asked, surfaced) for asked in talks.questions]


def table(answers: Sequence[Answer], budget: int) -> str:
    by_category: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_category["all"].append(answer)
        by_category[answer.asked.category].append(answer)
    names = sorted(by_category, key=lambda name: (name != "all", name))
    columns: list[Callable[[Answer], float]] = [
        *((lambda answer, depth=depth: answer.recall(depth)) for depth in _DEPTHS),
        lambda answer: answer.within(budget),
    ]
    rows = [
        (name, len(some), *(100 * sum(map(column, some)) / len(some) for column in columns))
        for name in names
        for some in [by_category[name]]
    ]
    heads = [f"recall@{depth} %" for depth in _DEPTHS]
    return report.table(("category", "questions", *heads, f"in {budget} tokens %"), rows)


def precision(answers: Sequence[Answer]) -> str:
    """How much of what was surfaced is evidence: of the lines, and of the rows in them."""
    lines = [bool(line & answer.asked.gold) for answer in answers for line in answer.lines]
    rows = [item in answer.asked.gold for answer in answers for item in answer.ids]
    count, tokens = len(answers), sum(sum(answer.tokens) for answer in answers)
    shares = [100 * sum(some) / max(1, len(some)) for some in (lines, rows)]
    return (
        f"of {len(lines) / count:.2f} lines and {tokens / count:.0f} tokens a question {shares[0]:.1f} % of the lines "
        f"help, {shares[1]:.1f} % of the rows in them"
    )


def write(answers: Sequence[Answer], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for answer in answers:
            file.write(json.dumps({"qid": answer.asked.qid, "ids": list(answer.ids)}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a folder of conversations")
    parser.add_argument("--no-embedder", action="store_true", help="search by words alone")
    parser.add_argument("--surfaced", action="store_true", help="measure what is brought to mind instead")
    parser.add_argument("--tokens", type=int, help="budget of tokens for results (1000; surfaced: 300)")
    parser.add_argument("--out", type=Path, help="write ranked ids here, one question a line")
    parser.add_argument("--keep", type=Path, help="keep the embedded conversations here for the next run")
    options = parser.parse_args()
    embedder: EmbedderKind = "none" if options.no_embedder else "auto"
    tokens = options.tokens or (300 if options.surfaced else 1_000)
    verb = "surfaced" if options.surfaced else "found"
    print(report.heading(f"Evidence {verb} in {options.data.name}, embedder: {embedder}"))
    with TemporaryDirectory(prefix="everbot-bench-") as scratch:
        directory = options.keep or Path(scratch)
        answers = asyncio.run(
            measure(options.data, directory, embedder, tokens if options.surfaced else None)
        )
    print(table(answers, tokens))
    if options.surfaced:
        shown = [answer for answer in answers if answer.ids]
        print(f"\nsomething was surfaced for {100 * len(shown) / len(answers):.1f} % of the questions")
        print(precision(answers))
    spent = sorted(answer.seconds for answer in answers)
    print(
        f"\nms per query: p50 {1e3 * spent[len(spent) // 2]:.1f}, p95 {1e3 * spent[int(len(spent) * 0.95)]:.1f}"
    )
    if options.out is not None:
        write(answers, options.out)


if __name__ == "__main__":
    main()
