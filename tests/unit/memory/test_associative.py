"""What a message brings to mind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from memory.archival import Archival
from memory.associative import Associative, line
from memory.index.exact import ExactIndex
from memory.indexer import Indexer
from memory.records import (
    PRIVATE,
    Agent,
    Audience,
    Conversation,
    Draft,
    Message,
    community_audience,
    place_audience,
)
from memory.store.database import Database
from tests.fakes.embedder import WordsEmbedder
from tests.fakes.empty_database import lay
from tests.fakes.memory_rows import NOW, said, settle

HERE, THERE = community_audience("here"), community_audience("there")
FILLER = [
    "It rains again.",
    "I made soup.",
    "The bus was late.",
    "We watched a film.",
    "My back hurts.",
    "Nice sun!",
]


class Mind:
    """One agent's memory; texts are told a day apart."""

    def __init__(
        self, store: Database, embedder: WordsEmbedder | None, agent: Agent, home: Conversation
    ) -> None:
        self.store, self.agent, self.home = store, agent, home
        name = embedder.name if embedder else "none"
        own = ExactIndex(store, "passages", name)
        self.indexer = Indexer(store, embedder, ExactIndex(store, "messages", name), own, own)
        self.archival = Archival(store, self.indexer)
        self._days = count()

    async def tell(self, *texts: str, audience: Audience = PRIVATE) -> list[Message]:
        rows = [
            said(self.home, text, audience=audience, created_at=NOW + timedelta(days=next(self._days)))
            for text in texts
        ]
        async with self.store.write() as session:
            stored = await session.messages.append(self.agent.id, rows)
        await self.indexer.drain()
        return stored

    async def recalls(
        self, text: str, audience: Audience = PRIVATE, budget: int = 300, **more: object
    ) -> list[str]:
        reader = Associative(self.store, self.indexer, lambda shown: len(shown.split()), budget)
        now = NOW + timedelta(days=400)
        return await reader.surfaced(self.agent, text, audience, asker="ada", now=now, **more)  # type: ignore[arg-type]


@pytest.fixture(params=["by meaning", "by words alone"])
async def mind(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Mind]:
    store = await Database.open(lay(tmp_path / "x.db"))
    embedder = WordsEmbedder() if request.param == "by meaning" else None
    yield Mind(store, embedder, *await settle(store))
    await store.close()


async def test_what_a_question_is_about_is_surfaced_with_its_day_and_author(mind: Mind) -> None:
    await mind.tell(*FILLER, "My violin teacher lives in Ghent.", *FILLER)
    found = await mind.recalls("Where does my violin teacher live?")
    assert found[0] == "2026-11-27 ada: My violin teacher lives in Ghent."


async def test_small_talk_brings_nothing_to_mind(mind: Mind) -> None:
    await mind.tell(*FILLER, "My violin teacher lives in Ghent.", *FILLER)
    for text in (
        "Hi!",
        "Good morning!",
        "Thanks, how are you?",
        "Ha ha, really?",
        "OK, see you soon",
        "",
        "…",
    ):
        assert await mind.recalls(text) == []


async def test_what_is_in_the_context_is_left_out(mind: Mind) -> None:
    told = await mind.tell(*FILLER, "My violin teacher lives in Ghent.")
    question = "Where does my violin teacher live?"
    (shown,) = [text for text in await mind.recalls(question) if "Ghent" in text]
    assert not any("Ghent" in text for text in await mind.recalls(question, known=[shown]))
    assert not any("Ghent" in text for text in await mind.recalls(question, leave_out={told[-1].key}))
    assert await mind.recalls(question, leave_out={row.key for row in told}) == []


async def test_the_law_of_audiences_holds(mind: Mind) -> None:
    await mind.tell(*FILLER, "My violin teacher lives in Ghent.")
    await mind.tell("My violin teacher lives in Porto.", audience=HERE)
    question = "Where does my violin teacher live?"

    async def places(audience: Audience) -> set[str]:
        text = " ".join(await mind.recalls(question, audience))
        return {place for place in ("Ghent", "Porto") if place in text}

    assert await places(PRIVATE) == {"Ghent", "Porto"}
    assert await places(HERE) == await places(place_audience("here", "x")) == {"Porto"}
    assert await places(THERE) == set()


async def test_passages_come_to_mind_too(mind: Mind) -> None:
    await mind.tell(*FILLER)
    draft = Draft(text="Ada's violin teacher lives in Ghent.", audience=PRIVATE)
    await mind.archival.insert(mind.agent.archive_id, [draft], NOW)
    await mind.indexer.drain()
    found = await mind.recalls("Where does the violin teacher live?")
    assert found[0] == "2026-11-21 noted: Ada's violin teacher lives in Ghent."


async def test_the_budget_holds(mind: Mind) -> None:
    await mind.tell(*FILLER * 15, *(f"My old violin has {n} strings, or so." for n in range(9)))
    question = "How many strings has my old violin?"
    for budget in (0, 10, 40):
        found = await mind.recalls(question, budget=budget)
        assert sum(len(text.split()) for text in found) <= budget
        assert bool(found) == (budget >= 10)
    assert len(await mind.recalls(question, at_most=10)) == 1


async def test_a_message_does_not_wait_for_a_busy_embedder(tmp_path: Path) -> None:
    store, embedder = await Database.open(lay(tmp_path / "x.db")), WordsEmbedder()
    mind = Mind(store, embedder, *await settle(store))
    question, found = "Where does my violin teacher live?", []

    async def ask() -> None:
        found.extend(await mind.recalls(question))

    embedder.meanwhile = ask
    await mind.tell(*FILLER, "My violin teacher lives in Ghent.", *FILLER)
    assert found[0].endswith("My violin teacher lives in Ghent.")
    assert question not in embedder.embedded
    await store.close()


def test_a_line_is_short_and_in_the_persons_zone() -> None:
    place = Conversation(id=1, agent_id=1, address="console:ada", audience=PRIVATE)
    late = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    row = said(place, "so\n\nlong " * 200, created_at=late)
    shown = line(row, ZoneInfo("Europe/Berlin"))
    assert shown.startswith("2026-11-22 ada: so long so long")
    assert len(shown) < 450
