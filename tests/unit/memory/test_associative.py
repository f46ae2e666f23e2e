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
from memory.store.sqlite.database import Database
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

    async def talk(self, *lines: str) -> None:
        """Lines of one talk, as "author: text", a minute apart."""
        day = next(self._days)
        rows = []
        for n, text in enumerate(lines):
            author, _, text = text.partition(": ")
            at = NOW + timedelta(days=day, minutes=n)
            rows.append(said(self.home, text, author=author, created_at=at))
        async with self.store.write() as session:
            await session.messages.append(self.agent.id, rows)
        await self.indexer.drain()

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


async def test_what_core_memory_tells_is_left_out(mind: Mind) -> None:
    await mind.tell(*FILLER, "My violin teacher lives in Ghent.", "My violin teacher is from Porto.")
    question = "Where does my violin teacher live?"
    core = ["Name: Ada", "Ada's violin teacher Mira lives in Ghent, Belgium."]
    shown = " ".join(await mind.recalls(question, known=core))
    assert "Porto" in shown
    assert "Ghent" not in shown
    # A question tells nothing, whatever words it has.
    assert "Ghent" in " ".join(await mind.recalls(question, known=["Does my violin teacher live in Ghent?"]))


async def test_known_lines_take_no_room(mind: Mind) -> None:
    await mind.tell(*FILLER * 15, *(f"My old violin has {n} strings, or so." for n in range(6)))
    question = "How many strings has my old violin?"
    first = await mind.recalls(question, budget=12)
    again = await mind.recalls(question, budget=12, known=first)
    assert first
    assert again
    assert not set(first) & set(again)


async def test_the_askers_old_question_gives_way_to_its_answer(mind: Mind) -> None:
    await mind.tell(*FILLER)
    await mind.talk("ada: Where does my violin teacher live?", "bot: She lives in Ghent, by the canal.")
    await mind.tell(*FILLER, "Where does my violin teacher live now?")  # nobody answered
    (shown,) = await mind.recalls("Where does my violin teacher live?")
    assert shown == "2026-11-27 bot: She lives in Ghent, by the canal."


async def test_what_was_asked_is_followed_by_what_was_said_to_it(mind: Mind) -> None:
    await mind.tell(*FILLER)
    await mind.talk("bot: Where does your violin teacher live?", "ada: By the canal in Ghent!")
    await mind.tell(*FILLER)
    shown = await mind.recalls("I want to visit my violin teacher.")
    assert shown[0] == "2026-11-27 bot: Where does your violin teacher live? / ada: By the canal in Ghent!"


async def test_what_stands_side_by_side_is_one_line(mind: Mind) -> None:
    await mind.tell(*FILLER)
    await mind.talk(
        "ada: My violin teacher is Mira.",
        "bot: A teacher of the violin, how nice.",
        "ada: The violin teacher lives in Ghent.",
    )
    await mind.tell(*FILLER)
    shown = await mind.recalls("Tell me of my violin teacher.")
    assert len(shown) == 1
    assert shown[0].index("Mira") < shown[0].index("Ghent")
    assert shown[0].count(" / ") in (1, 2)


async def test_the_part_around_the_match_is_shown(mind: Mind) -> None:
    before = "We walked along the shore and talked of nothing. " * 30
    await mind.tell(*FILLER, f"{before}My violin teacher lives in Ghent. {before}", *FILLER)
    shown = (await mind.recalls("Where does my violin teacher live?"))[0]
    assert "My violin teacher lives in Ghent." in shown
    assert len(shown) < 350


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


async def test_what_holds_no_more_does_not_come_to_mind(mind: Mind) -> None:
    await mind.tell(*FILLER)
    drafts = [
        Draft(text=f"Ada's violin teacher lives in {town}.", audience=PRIVATE) for town in ("Ghent", "Porto")
    ]
    old, new = await mind.archival.insert(mind.agent.archive_id, drafts, NOW)
    async with mind.store.write() as session:
        await session.passages.close([old.key], NOW + timedelta(days=1), new.uid)
    await mind.indexer.drain()
    shown = " ".join(await mind.recalls("Where does the violin teacher live?"))
    assert "Porto" in shown
    assert "Ghent" not in shown


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
