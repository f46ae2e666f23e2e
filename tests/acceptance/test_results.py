"""What the model is shown of what its searches find."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.ports import ModelReply, ModelRequest
from memory.records import PRIVATE, Audience, Conversation, Draft, Message, community_audience
from tests.fakes.memory_rows import said
from tests.fakes.parlour import House, Stage, is_summary, last_words, opened, results_in
from tests.fakes.scripted_model import calls, say

SPRING = datetime(2022, 4, 20, 21, 30, tzinfo=UTC)
FILLER = ("It rains again.", "I made soup.", "The bus was late.", "We watched a film.", "Nice sun!")


class Life:
    """Ada's agent, and what was said long ago. ``look`` has the model make calls in one step."""

    def __init__(self, house: House, stage: Stage) -> None:
        self.house, self._stage = house, stage
        self._now = SPRING

    async def look(self, *wanted: tuple[str, dict[str, Any]], ask: str = "look") -> list[Any]:
        """What each of the calls gave."""
        self._wanted = wanted
        await self.house.say("ada", ask)
        request = next(r for r in reversed(self._stage.requests) if not is_summary(r))
        return [result["message"] for result in results_in(request)[-len(wanted) :]]

    async def search(self, query: str, ask: str = "look") -> dict[str, Any]:
        (found,) = await self.look(("conversation_search", {"query": query}), ask=ask)
        assert isinstance(found, dict)
        return found

    def play(self, request: ModelRequest) -> ModelReply:
        if is_summary(request):
            return ModelReply(text="They talked.")
        if last_words(request) == "hello" or not request.key.endswith("/0"):
            return say("Well.")
        return calls(*((name, {**given, "request_heartbeat": True}) for name, given in self._wanted))

    async def told(self, *lines: str, audience: Audience = PRIVATE, after_s: float = 60) -> list[Message]:
        """Lines of a talk that left the view, as "author: text", a minute apart."""
        home = await self.home()
        rows = []
        for line in lines:
            author, _, text = line.partition(": ")
            self._now += timedelta(seconds=after_s)
            at = {"created_at": self._now, "queued": False, "rendered": ""}
            rows.append(said(home, text, author=author, audience=audience, **at))
        self._now += timedelta(days=1)
        async with self.house.app.memory.store.write() as session:
            return await session.messages.append(home.agent_id, rows)

    async def home(self) -> Conversation:
        async with self.house.app.memory.store.read() as session:
            user = await session.agents.user_of("parlour:ada")
            assert user is not None
            (agent,) = await session.agents.agents_of(user.id)
            return (await session.agents.conversations(agent.id))[0]

    async def noted(self, *drafts: Draft) -> None:
        async with self.house.app.memory.store.read() as session:
            agent = await session.agents.agent((await self.home()).agent_id)
        assert agent is not None
        await self.house.app.memory.archival.insert(agent.archive_id, drafts, SPRING)


@asynccontextmanager
async def life(folder: Path, **model: int) -> AsyncIterator[Life]:
    stage = Stage(lambda request: lived.play(request))
    async with opened(folder, stage, model=model, memory={"surface_tokens": 0}) as house:
        lived = Life(house, stage)
        await house.say("ada", "hello")
        yield lived


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def names(results: list[str]) -> list[str]:
    return [line.partition(" ")[0] for line in results]


async def test_a_hit_is_one_line_with_its_id_day_and_place_in_the_talk(folder: Path) -> None:
    async with life(folder) as ada:
        told = await ada.told(
            "ada: Good evening.", "ever: Hello!", "ada: My violin\nteacher\n\nis Mira.", "ever: Ah."
        )
        await ada.told(*(f"ada: {text}" for text in FILLER * 4))
        found = await ada.search("violin teacher")
        seq = told[2].key & 0xFFFFFFFF
        assert found["results"][0] == f"m{seq} 2022-04-20 Wed 21:33 (3/4) ada: My violin teacher is Mira."
        assert set(found) <= {"results", "note", "more", "total"}


async def test_a_hit_that_asks_brings_what_was_said_to_it(folder: Path) -> None:
    async with life(folder) as ada:
        asked, answer = await ada.told(
            "ever: Where does your violin teacher live?", "ada: In Ghent, by the canal."
        )
        await ada.told(*(f"ada: {text}" for text in FILLER * 4))
        (later,) = await ada.told("ada: Another violin: where is it?")
        found = await ada.search("violin teacher live")
        at = names(found["results"]).index(f"m{asked.key & 0xFFFFFFFF}")
        assert found["results"][at + 1].endswith("ada: In Ghent, by the canal.")
        assert names(found["results"]).count(f"m{answer.key & 0xFFFFFFFF}") == 1
        assert f"m{later.key & 0xFFFFFFFF}" in names(
            found["results"]
        )  # nobody answered, and nothing is made up


async def test_a_day_and_a_minute_are_told_once(folder: Path) -> None:
    async with life(folder) as ada:
        told = await ada.told(
            "ada: The violin is old.", "ever: A violin, how fine.", "ada: It is a red violin."
        )
        await ada.told(*(f"ada: {text}" for text in FILLER * 4))
        found = await ada.search("violin")
        first, *others = [line for line in found["results"] if "violin" in line]
        assert re.match(r"m\d+ 2022-04-20 Wed 21:3\d \(\d/3\) ", first)
        assert len(others) == 2
        assert all(re.match(r"m\d+ Wed 21:3\d \(\d/3\) (ada|ever): ", line) for line in others)
        days = {"start_date": "2022-04-20", "end_date": "2022-04-20"}
        (listed,) = await ada.look(("conversation_search_date", days))
        assert [line.count("2022-04-20") for line in listed["results"][:3]] == [1, 0, 0]
        assert names(listed["results"])[:3] == [f"m{row.key & 0xFFFFFFFF}" for row in told]


async def test_what_is_in_view_is_named_and_takes_no_place(folder: Path) -> None:
    async with life(folder) as ada:
        await ada.told(*(f"ada: The harbour has {n} boats in the harbour." for n in range(5)))
        await ada.house.say("ada", "hello")
        said = "My harbour is Ostend's, with all of its boats, its fish, its gulls, its wind and its very long pier."
        await ada.search("tea", ask=said)
        found = await ada.search("Ostend's harbour")
        viewed = [line for line in found["results"] if "in view" in line]
        assert len(found["results"]) - len(viewed) == 5
        assert len(viewed) == 1
        assert re.fullmatch(
            r"m\d+ 2026-\S+ \w{3} \d\d:\d\d \(in view\) ada: My harbour is Ostend's, .*…", viewed[0]
        )
        assert len(viewed[0]) < len(said)


async def test_totals_are_told_only_where_they_tell_something(folder: Path) -> None:
    async with life(folder) as ada:
        await ada.told(*(f"ada: We had tea, pot {n}." for n in range(40)))
        found = await ada.search("tea")
        assert found["more"] is True
        assert found.keys().isdisjoint(("total", "pages"))
        await ada.told(*(f"ada: {text} {n}" for text in FILLER for n in range(60)))
        await ada.told(*(f"ada: A heron, the {n}th." for n in range(9)))
        found = await ada.search("heron")
        assert found["more"] is True
        assert found["total"] <= 20
        (last,) = await ada.look(("conversation_search", {"query": "tea", "page": 99}))
        assert last == {"results": [], "note": "There is no page 99."}


async def test_it_is_said_when_nothing_fits(folder: Path) -> None:
    async with life(folder) as ada:
        await ada.told(*(f"ada: {text}" for text in FILLER * 4), "ada: My violin teacher is Mira.")
        assert "note" not in await ada.search("violin teacher")
        assert "Nothing fits well" in (await ada.search("quantum film contracts abroad"))["note"]
        assert (await ada.search("zeppelin"))["note"].startswith("Nothing found.")


async def test_days_are_listed_twenty_a_page(folder: Path) -> None:
    async with life(folder) as ada:
        told = await ada.told(*(f"ada: line {n}" for n in range(27)))
        days = {"start_date": "2022-04-20", "end_date": "2022-04-20"}
        first, second = await ada.look(
            ("conversation_search_date", days), ("conversation_search_date", {**days, "page": 1})
        )
        assert names(first["results"] + second["results"]) == [f"m{row.key & 0xFFFFFFFF}" for row in told]
        assert (len(first["results"]), first["more"], first["total"]) == (20, True, 27)
        assert "more" not in second


async def test_what_was_said_around_a_hit_can_be_read(folder: Path) -> None:
    here = community_audience("here")
    async with life(folder) as ada:
        long = f"{'We walked and walked. ' * 60}The violin is in Ghent. {'We walked on and on. ' * 60}"
        told = await ada.told("ada: One.", "ada: Two.", f"ada: {long}", "ever: Four.", "ada: Five.")
        hidden = await ada.told("ada: Not for this place.", audience=here)
        found = await ada.search("violin Ghent")
        assert "The violin is in Ghent." in found["results"][0]
        assert found["results"][0].endswith(" …")
        name = names(found["results"])[0]
        (around,) = await ada.look(("conversation_around", {"id": name, "lines": 1}))
        assert names(around["results"]) == [f"m{row.key & 0xFFFFFFFF}" for row in told[1:4]]
        assert around["results"][1].endswith(f"ada: {long.strip()}")
        failed, other = await ada.look(
            ("conversation_around", {"id": "n4"}), ("conversation_around", {"id": "m4000"})
        )
        assert "wants the id of a message" in failed
        assert "no message m4000" in other
        # The law of audiences: what was said in private is not read where others hear.
        desk_of = ada.house.app.memory.recall
        agent = (await ada.home()).agent_id
        assert [hit.row.text for hit in await desk_of.around(agent, hidden[0].key, here, 5)] == [
            hidden[0].text
        ]
        assert await desk_of.around(agent, told[0].key, here, 5) == []


async def test_notes_and_documents_are_lines_too(folder: Path) -> None:
    async with life(folder) as ada:
        await ada.noted(
            Draft(text="Ada's violin teacher lives in Ghent.", audience=PRIVATE, tags=("music", "people")),
            Draft(text="A violin has\nfour strings.", audience=PRIVATE, source="violins.pdf", position=4),
        )
        (found,) = await ada.look(("archival_memory_search", {"query": "violin"}))
        assert sorted(found["results"]) == [
            "n1 2022-04-20 Wed 21:30 noted (music, people): Ada's violin teacher lives in Ghent.",
            "violins.pdf part 4: A violin has four strings.",
        ]


@pytest.mark.parametrize("window", [8_192, 16_384])
async def test_parallel_results_are_whole_and_keep_their_hits(folder: Path, window: int) -> None:
    async with life(folder, context_window=window, reply_reserve=512) as ada:
        noise = 'He said "yes\\no" 😀 and the words went on and on, \n as they do. ' * 30
        for n in range(12):
            await ada.told(f"ada: {noise} The violin number {n} is the needle{n}. {noise}")
        wanted = [("conversation_search", {"query": f"violin needle{n}"}) for n in range(8)]
        for n, found in enumerate(await ada.look(*wanted)):
            assert isinstance(found, dict), found
            assert f"needle{n}" in found["results"][0]
            assert len(json.dumps(found)) > 60


async def test_i_in_a_query_is_the_agent(folder: Path) -> None:
    async with life(folder) as ada:
        await ada.told("ada: I recommended the red wine of Porto.", "ever: And I the oboe by Bach.")
        await ada.told("ever: I recommended the red wine of Ghent.", "ada: And I the tuba.")
        await ada.told(*(f"ada: {text}" for text in FILLER * 4))
        assert "Ghent" in (await ada.search("the red wine that I recommended"))["results"][0]
        assert "Porto" in (await ada.search("which red wine was recommended"))["results"][0]
        # In the person's own words "I" is the person.
        asked = "Tell me: which is the red wine that I recommended?"
        assert "Porto" in (await ada.search("the red wine that I recommended", ask=asked))["results"][0]
