"""Trains the weights of `memory.search.ranking` and the gate of `memory.search.salience`, and prints them.

    python -m benchmarks.train_ranking --data ../locomo --data ../beam

The product's own search gives the candidates of every question, `memory.search.evidence` what speaks for each. Listwise
softmax regression (ListNet), every set with the same weight whatever its size; figures are leave-one-conversation-out.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import dialogues
from benchmarks.everbot import EmbedderKind
from memory.search import evidence, salience
from memory.search.search import gather, look, meant, question_of

_STEPS = 150
_RATE = 0.05
_DECAY = 3e-3
_SALIENCE = evidence.FEATURES.index("salience")


@dataclass
class Case:
    """One question: features, shapes and (summing to 1) gold of its candidates."""

    data: str
    scope: str
    category: str
    features: Any
    shapes: Any
    gold: Any
    found: float  # share of its evidence among the candidates


async def cases(folder: Path, directory: Path, embedder: EmbedderKind) -> tuple[list[Case], dict[str, Any]]:
    """The cases, and for each scope (shapes, was it evidence) of all its messages."""
    result: list[Case] = []
    gates: dict[str, Any] = {}
    async with dialogues.opened(folder, directory, embedder) as talks:
        for name, agent in talks.agents.items():
            wanted = {item for q in talks.questions if q.scope == name for item in q.gold}
            gates[name] = (
                np.array([salience.shape(text) for text in agent.texts.values()]),
                np.array([agent.items[key] in wanted for key in agent.texts], float),
            )
        for asked in talks.questions:
            agent, memory = talks.agents[asked.scope], talks.memory
            question = question_of(asked.text, asked.asker, agent.now)
            async with memory.store.read() as session:
                embedded = await meant(session, agent.id, None, question)
            vector = await memory.indexer.query_vector(embedded, "messages", agent.id)
            place = await look(memory.indexer.index_of_messages, agent.id, None, vector)
            async with memory.store.read() as session:
                found = await gather(session, "messages", [place], question)
            features = evidence.evidence(question, found.postings, found.total, found.rows)
            keys = [int(key) for key in found.rows.keys]
            chosen = np.isin(found.rows.keys, np.array(list(found.candidates), np.int64))
            gold = np.array([agent.items[key] in asked.gold for key in keys], float)[chosen]
            shapes = np.array([salience.shape(agent.texts[key]) for key in keys])[chosen]
            result.append(
                Case(
                    str(folder),
                    asked.scope,
                    asked.category,
                    features[chosen],
                    shapes,
                    gold,
                    gold.sum() / len(asked.gold),
                )
            )
    return result, gates


def fit_gate(gates: Sequence[tuple[str, Any, Any]]) -> Any:
    """Logistic regression; weights and, last, the bias."""
    shapes = np.concatenate([np.c_[x, np.ones(len(x))] for _, x, _ in gates])
    told = np.concatenate([y for _, _, y in gates])
    sizes: dict[str, int] = defaultdict(int)
    for data, x, _ in gates:
        sizes[data] += len(x)
    share = np.concatenate([np.full(len(x), 1 / sizes[data]) for data, x, _ in gates])
    share /= share.sum()
    weights = np.zeros(shapes.shape[1])
    for _ in range(50):  # Newton's method
        p = 1 / (1 + np.exp(-shapes @ weights))
        slope = shapes.T @ (share * (p - told)) + 1e-4 * weights
        curve = (shapes * (share * p * (1 - p))[:, None]).T @ shapes + 1e-4 * np.eye(len(weights))
        weights -= np.linalg.solve(curve, slope)
    return weights


def gated(case: Case, gate: Any) -> Any:
    """The case's features with the salience that ``gate`` gives."""
    features = case.features.copy()
    opened = 1 / (1 + np.exp(-(np.c_[case.shapes, np.ones(len(case.shapes))] @ gate)))
    opened = np.clip(opened, 0.01, 0.99)
    features[:, _SALIENCE] = np.log(opened / (1 - opened))
    return features


def fit(some: Sequence[Case], gate: Any, width: int) -> Any:
    """Weights that give the evidence the most of the softmax over a question's candidates."""
    used = [case for case in some if case.gold.any()]
    matrices = [gated(case, gate)[:, :width] for case in used]
    sizes = np.array([len(m) for m in matrices])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    x = np.concatenate(matrices)
    gold = np.concatenate([case.gold / case.gold.sum() for case in used])
    counts: dict[str, int] = defaultdict(int)
    for case in used:
        counts[case.data] += 1
    share = np.repeat([1 / counts[case.data] / len(counts) for case in used], sizes)
    mean, spread = x.mean(0), x.std(0) + 1e-6
    x = (x - mean) / spread
    weights = first = second = np.zeros(width)
    for step in range(1, _STEPS + 1):  # Adam
        raised = x @ weights
        raised = np.exp(raised - np.repeat(np.maximum.reduceat(raised, starts), sizes))
        p = raised / np.repeat(np.add.reduceat(raised, starts), sizes)
        slope = x.T @ (share * (p - gold)) + _DECAY * weights
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
        weights = weights - _RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
    return weights / spread


def left_out(all_cases: Sequence[Case], gates: dict[str, tuple[str, Any, Any]], width: int) -> None:
    """Print recall@10 by category, each conversation ranked by what the others taught."""
    rows: dict[tuple[str, str], list[float]] = defaultdict(list)
    for scope in sorted({case.scope for case in all_cases}):
        gate = fit_gate([gates[name] for name in gates if name != scope])
        weights = fit([case for case in all_cases if case.scope != scope], gate, width)
        for case in all_cases:
            if case.scope == scope:
                best = np.argsort(-(gated(case, gate)[:, :width] @ weights), kind="stable")[:10]
                told = case.gold[best].sum() / max(1, case.gold.sum()) * case.found
                rows[Path(case.data).name, case.category].append(told)
                rows[Path(case.data).name, "all"].append(told)
                rows[Path(case.data).name, "candidates"].append(case.found)
    for (data, category), values in sorted(rows.items()):
        print(f"{data:20} {category:26} {100 * np.mean(values):5.1f}  ({len(values)})")


async def load(
    folders: Sequence[Path], directory: Path, embedder: EmbedderKind
) -> tuple[list[Case], dict[str, Any]]:
    every: list[Case] = []
    gates: dict[str, Any] = {}
    for folder in folders:
        some, known = await cases(folder, directory / folder.name, embedder)
        every += some
        gates |= {name: (str(folder), *pair) for name, pair in known.items()}
    return every, gates


def main() -> None:
    options = dialogues.training_options(__doc__)
    with TemporaryDirectory(prefix="everbot-bench-") as scratch:
        variants: tuple[tuple[str, EmbedderKind, int], ...] = (
            ("WITH_VECTORS", "auto", len(evidence.FEATURES)),
            ("WORDS_ALONE", "none", evidence.MEANING),
        )
        for title, embedder, width in variants:
            directory = (options.keep or Path(scratch)) / embedder
            every, gates = asyncio.run(load(options.data, directory, embedder))
            print(f"\n{title}: leave one conversation out, recall@10")
            left_out(every, gates, width)
            gate = fit_gate(list(gates.values()))
            weights = fit(every, gate, width)
            print("gate, the bias last:", [round(float(w), 2) for w in gate])
            print(f"{title} = {{")
            for name, weight in zip(evidence.FEATURES, weights, strict=False):
                print(f'    "{name}": {weight:.2f},')
            print("}")


if __name__ == "__main__":
    main()
