"""Trains the gates of `memory.search.sureness`: is there anything in memory that this is about, is it about anything?

    python -m benchmarks.train_gate --data ../locomo --data ../beam --data ../multilingual [--out e5_telling.npy]

Questions of the conversations are what memory knows of, `benchmarks.small_talk` what it does not need to. What small
talk is, is told by a direction in the embedder's space, learned from questions, from what was evidence, and from
small talk; ``--out`` writes it for `memory.index.e5`. What tells languages apart is taken out of it, so that it holds
for others, too. Logistic regression, both with the same weight; figures are leave-one-conversation-out.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import dialogues
from benchmarks.dialogues import Agent, Dialogues
from benchmarks.everbot import EmbedderKind
from benchmarks.small_talk import by_language, small_talk
from memory.search.evidence import SIGN
from memory.search.search import gather, look, question_of
from memory.search.terms import telling_words

_TALKS = 40  # of small talk that are said in a conversation
_TOLD = 20  # messages of a conversation that were evidence
_OPENED = 0.004  # of small talk, for which something comes to mind
_APART = 20  # directions in which languages lie apart
_MANY = 10  # texts of a language whose mean tells where it lies
_SEED = 1


@dataclass
class Case:
    """A text, whether it is about memory, what `memory.search.sureness.signs` gives (also with signs of scripts without
    spaces for what they are of a word), its vector as a question, and its language."""

    data: str
    scope: str
    text: str
    about: bool
    signs: list[float]
    weighed: list[float]
    vector: Any | None
    language: str


async def cases(folder: Path, directory: Path, embedder: EmbedderKind) -> tuple[list[Case], list[Case]]:
    """Every question, with small talk in every scope; and messages that were evidence, by their vectors alone."""
    found: list[Case] = []
    told: list[Case] = []
    picked = random.Random(_SEED)
    spoken = {text: name for name, texts in by_language().items() for text in texts}
    async with dialogues.opened(folder, directory, embedder) as talks:
        asked = [(q.scope, q.text, q.asker, True) for q in talks.questions]
        for name, agent in talks.agents.items():
            asked += [(name, text, None, False) for text in picked.sample(small_talk(), _TALKS)]
            gold = {item for q in talks.questions if q.scope == name for item in q.gold}
            texts = [text for key, text in agent.texts.items() if agent.items[key] in gold]
            for text in picked.sample(texts, min(_TOLD, len(texts))) if embedder != "none" else ():
                vector = await _vector(talks, text)
                told.append(Case(str(folder), name, text, True, [], [], vector, _language(name)))
        for scope, text, asker, about in asked:
            if telling_words(text):  # else nothing is surfaced
                vector = await _vector(talks, text)
                both = await _signs(talks, talks.agents[scope], text, asker, vector)
                language = spoken.get(text) or _language(scope)
                found.append(Case(str(folder), scope, text, about, *both, vector, language))
    return found, told


def _language(scope: str) -> str:
    """Conversations in other languages are named after these."""
    return scope if scope in by_language() else "en"


async def _vector(talks: Dialogues, text: str) -> Any | None:
    return await talks.memory.indexer.query_vector(text, "messages")


async def _signs(
    talks: Dialogues, agent: Agent, text: str, asker: str | None, vector: Any | None
) -> tuple[list[float], list[float]]:
    place = await look(talks.memory.indexer.index_of_messages, agent.id, None, vector)
    question = question_of(text, asker, agent.now)
    async with talks.memory.store.read() as session:
        found = await gather(session, "messages", [place], question)
    features = found.features()
    return found.signs(features), found.signs(features, SIGN)


def fit(x: Any, y: Any, groups: Sequence[Any]) -> Any:
    """Weights and, last, the bias; of each answer every group has the same weight."""
    counts = Counter(zip(groups, y.tolist(), strict=True))
    share = np.array([1 / counts[group, told] for group, told in zip(groups, y.tolist(), strict=True)])
    for told in (0.0, 1.0):
        share[y == told] *= 0.5 / share[y == told].sum()
    x = np.c_[x, np.ones(len(x))]
    weights = np.zeros(x.shape[1])
    for _ in range(15):  # Newton's method
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (share * (p - y)) + 1e-3 * weights
        weights -= np.linalg.solve(
            (x * (share * p * (1 - p))[:, None]).T @ x + 1e-3 * np.eye(len(weights)), slope
        )
    return weights


def direction(some: Sequence[Case], told: Sequence[Case]) -> Any:
    """What tells content from small talk, in any language, by the vectors of all texts, each once."""
    each = [*{case.text: case for case in some}.values(), *told]
    groups = ["asked"] * (len(each) - len(told)) + ["told"] * len(told)
    apart = languages_apart(each)
    x = np.array([c.vector for c in each])
    weights = fit(x - (x @ apart.T) @ apart, np.array([c.about for c in each], float), groups)
    weights[:-1] -= apart.T @ (apart @ weights[:-1])
    return weights


def languages_apart(each: Sequence[Case]) -> Any:
    """The directions in which texts of the same kind lie apart because of their languages."""
    means: list[Any] = []
    for about in (False, True):
        by_name: dict[str, list[Any]] = {}
        for case in each:
            if case.about is about:
                by_name.setdefault(case.language, []).append(case.vector)
        some = np.array([np.mean(vectors, 0) for vectors in by_name.values() if len(vectors) >= _MANY])
        means.append(some - some.mean(0))
    return np.linalg.svd(np.concatenate(means), full_matrices=False)[2][:_APART]


def gate(some: Sequence[Case], width: int, talk: Any | None = None) -> Any:
    """Every conversation counts the same. With ``talk`` the bias is such that the gate opens for little small talk: it
    had rather open once too often, for questions in other languages are less sure."""
    x = np.array([known(case, width, talk) for case in some])
    about = np.array([case.about for case in some])
    weights = fit(x, about.astype(float), [case.scope for case in some])
    if talk is not None:
        weights[-1] = -np.quantile(x[~about] @ weights[:-1], 1 - _OPENED)
    return weights


def known(case: Case, width: int, talk: Any | None) -> list[float]:
    """What a gate sees: the last ``width`` signs, and where the vector lies along ``talk``."""
    if talk is None:
        return case.signs[-width:]
    return [*case.weighed[-width:], float(talk[:-1] @ case.vector + talk[-1])]


def report(name: str, every: Sequence[Case], told: Sequence[Case], width: int, *, talks: bool) -> None:
    """Print the weights, and how often the gate opens in conversations that they never saw."""
    passed: dict[bool, list[bool]] = {True: [], False: []}
    for scope in {case.scope for case in every}:
        some = [case for case in every if case.scope != scope]
        talk = direction(some, [case for case in told if case.scope != scope]) if talks else None
        weights = gate(some, width, talk)
        for case in every:
            if case.scope == scope:
                passed[case.about].append(float(np.dot(weights, [*known(case, width, talk), 1.0])) >= 0)
    weights = gate(every, width, direction(every, told) if talks else None)
    print(f"{name} = {tuple(round(float(w), 2) for w in weights)}")
    print(f"  opens for {100 * np.mean(passed[True]):.1f} % of questions", end=", ")
    print(f"{100 * np.mean(passed[False]):.1f} % of small talk")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, action="append", required=True, help="a folder of conversations")
    parser.add_argument("--keep", type=Path, help="keep the embedded conversations here for the next run")
    parser.add_argument("--out", type=Path, help="write what tells content from small talk here")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="everbot-bench-") as scratch:
        for embedder in ("auto", "none"):
            root = (options.keep or Path(scratch)) / embedder
            loaded = [asyncio.run(cases(folder, root / folder.name, embedder)) for folder in options.data]
            every = [case for some, _ in loaded for case in some]
            told = [case for _, some in loaded for case in some]
            if embedder == "none":
                report("GATE_OF_WORDS", every, told, 1, talks=False)
                continue
            report("GATE", every, told, 2, talks=False)
            report("GATE_OF_TALK", every, told, 2, talks=True)
            if options.out is not None:
                np.save(options.out, direction(every, told).astype(np.float32))


if __name__ == "__main__":
    main()
