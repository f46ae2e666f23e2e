"""Facts planted in documents, found by paging search results and by following them.

    python -m benchmarks.documents [--documents 1000] [--questions 200] [--chains 30] [--no-embedder]

A generator writes documents of a few hundred words about invented places, each with facts that are stated once in all
of them. They are loaded as `everbot load` does. Questions ask for a fact in other words; a chain's question names
nothing of the document that holds its answer: a fact of another document does. The scripted model knows nothing but
what the tools return.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import report
from benchmarks.everbot import EmbedderKind, House, opened, settings_of
from benchmarks.history import event
from benchmarks.texts import Texts
from bot.cli.load import load
from bot.ports import ModelReply, ModelRequest, ToolCall
from memory.records import PRIVATE

_SYLLABLES = (
    "ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu bra cle dri sto gran mil tor vek".split()
)
_ROLES = (
    ("keeper", "looks after the lighthouse of {place}", "Who takes care of {place}'s lighthouse?"),
    ("founder", "founded the music school in {place}", "Who started the school for music at {place}?"),
    ("baker", "has baked all the bread of {place} since the flood", "Whose bread do people in {place} eat?"),
    ("surveyor", "drew the first map of {place}", "By whom was {place} mapped for the first time?"),
)
_MOST_PAGES = 20
_PAGES = re.compile(r"(?:is kept|was put down) in the chronicle of (\w+)")


@dataclass(frozen=True)
class Fact:
    """``answer`` stands in one document only."""

    question: str
    answer: str


@dataclass(frozen=True)
class Chain:
    """The first document tells where to read on; the chronicle of ``place`` has the answer."""

    thing: str
    place: str
    answer: str

    @property
    def question(self) -> str:
        return f"What became of {self.thing}?"


@dataclass(frozen=True)
class Library:
    texts: dict[str, str]
    """By file name."""
    facts: Sequence[Fact]
    chains: Sequence[Chain]


def library(documents: int, chains: int, seed: int = 1) -> Library:
    """Documents with one or two facts each; equal seeds give equal ones."""
    chosen, texts = random.Random(seed), Texts(seed)
    used: set[str] = set()

    def name() -> str:
        while True:
            made = "".join(chosen.choice(_SYLLABLES) for _ in range(chosen.choice((3, 4)))).capitalize()
            if made not in used:
                used.add(made)
                return made

    places = [name() for _ in range(documents)]
    told: dict[str, list[str]] = {place: [] for place in places}
    facts = []
    for place in places:
        role, tells, asks = chosen.choice(_ROLES)
        person = f"{name()} {name()}"
        told[place].append(f"{person}, {role} by trade, {tells.format(place=place)}.")
        facts.append(Fact(asks.format(place=place), person))
    linked = []
    for first, last in zip(places[: 2 * chains : 2], places[1 : 2 * chains : 2], strict=False):
        thing, end = f"the {name()} clock", f"{name()} {name()}"
        told[first].append(f"What became of {thing} is kept in the chronicle of {last}.")
        told[last].append(f"The chronicle of {last} says: {thing} was sold to {end}.")
        linked.append(Chain(thing, last, end))
    return Library({f"{p}.txt": _document(p, told[p], chosen, texts) for p in places}, facts, linked)


def _document(place: str, told: Sequence[str], chosen: random.Random, texts: Texts) -> str:
    paragraphs = [texts.said(30, 90) for _ in range(chosen.randint(4, 8))]
    for sentence in told:
        at = chosen.randrange(len(paragraphs))
        paragraphs[at] = f"{paragraphs[at]} {sentence} {texts.said(10, 30)}"
    return f"# {place}\n\n" + "\n\n".join(paragraphs) + "\n"


class Reader:
    """A `bot.ports.ChatModel` that searches, reads its pages, and follows where they point."""

    name = "scripted"

    def __init__(self) -> None:
        self._turn = self._thing = self._query = ""
        self._page = 0

    async def complete(self, request: ModelRequest) -> ModelReply:
        if not request.tools:
            return ModelReply(text="They read.")
        turn = request.key.partition("/")[0]
        if turn != self._turn:
            told = [str(m["content"]) for m in reversed(request.messages) if m["role"] == "user"]
            asked = next(found for text in told if (found := re.search(r"What became of (.+?)\?", text)))
            self._turn, self._thing, self._query, self._page = turn, asked[1], asked[0], 0
            return self._search()
        result = json.loads(next(m for m in reversed(request.messages) if m["role"] == "tool")["content"])
        page = result["message"]
        if not isinstance(page, dict):
            return ModelReply(text="")  # the answer was sent
        return self._read(page["results"], more=bool(page.get("more")))

    def _read(self, results: Sequence[str], *, more: bool) -> ModelReply:
        for line in results:
            told = re.search(rf"{self._thing} was sold to (\w+ \w+)", line)
            if told:
                return self._call("send_message", message=told[1])
        for line in results:
            on = re.search(rf"{self._thing} {_PAGES.pattern}", line)
            query = f"chronicle of {on[1]}" if on else self._query
            if query != self._query:
                self._query, self._page = query, 0
                return self._search()
        self._page += 1
        if not more or self._page >= _MOST_PAGES:
            return self._call("send_message", message="I could not find it.")
        return self._search()

    def _search(self) -> ModelReply:
        return self._call(
            "archival_memory_search", query=self._query, page=self._page, request_heartbeat=True
        )

    def _call(self, tool: str, **arguments: object) -> ModelReply:
        call = ToolCall(id=f"call_{time.monotonic_ns()}", name=tool, arguments=json.dumps(arguments))
        return ModelReply(text="", calls=(call,))


@dataclass
class Score:
    found: float  # share of facts on the first page
    reached: float  # share of chains followed to their end
    loading_s: float
    search_ms: list[float]


async def measure(
    directory: Path, documents: int, questions: int, chains: int, embedder: EmbedderKind
) -> Score:
    books = library(documents, chains)
    folder = directory / "books"
    folder.mkdir(parents=True)
    for name, text in books.texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    settings = settings_of(directory / "data", None, embedder)
    start = time.perf_counter()
    if await load(settings, [folder], "books"):
        raise SystemExit("Not every document could be loaded.")
    loading_s = time.perf_counter() - start
    async with opened(settings, Reader()) as house:
        agent = (await house.app.identities.of(event(0, "", "first"))).agent
        async with house.app.memory.store.write() as session:
            source = await session.passages.archive_named("books")
            assert source is not None
            await session.passages.attach(agent.id, source.id)
        found, spent = [], []
        for fact in random.Random(2).sample(list(books.facts), min(questions, len(books.facts))):
            start = time.perf_counter()
            page = await house.app.memory.archival.search(agent, fact.question, PRIVATE)
            spent.append(1e3 * (time.perf_counter() - start))
            found.append(any(fact.answer in hit.row.text for hit in page.hits))
        reached = [await _follow(house, chain) for chain in books.chains]
    return Score(sum(found) / len(found), sum(reached) / max(1, len(reached)), loading_s, spent)


async def _follow(house: House, chain: Chain) -> bool:
    await house.turn(0, chain.question)
    await house.settle(0)
    return house.heard == chain.answer


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=1_000)
    parser.add_argument("--questions", type=int, default=200, help="facts that are asked for")
    parser.add_argument("--chains", type=int, default=30, help="questions that take two documents")
    parser.add_argument("--no-embedder", action="store_true", help="search by words alone")
    options = parser.parse_args()
    embedder: EmbedderKind = "none" if options.no_embedder else "auto"
    print(report.heading(f"Facts in {options.documents:,} documents, embedder: {embedder}"))
    with TemporaryDirectory(prefix="everbot-bench-") as scratch:
        score = asyncio.run(
            measure(Path(scratch), options.documents, options.questions, options.chains, embedder)
        )
    print(
        f"loaded in {score.loading_s:.0f} s; a search takes p50 {report.quantile(score.search_ms, 0.5):.1f}, "
    )
    print(f"p95 {report.quantile(score.search_ms, 0.95):.1f} ms\n")
    print(report.goal("facts found on the first page of five", 100 * score.found, 95, " %", at_least=True))
    print(report.goal("chains followed to their end", 100 * score.reached, 100, " %", at_least=True))


if __name__ == "__main__":
    main()
