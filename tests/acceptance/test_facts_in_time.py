"""What stopped being true is told as what was; what holds now is told as what is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from adapters.text import plain
from memory.search.stale import still_true
from tests.acceptance.test_forgetting import command
from tests.acceptance.test_forgetting_wishes import Mind, again
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import House, events_in, opened, results_in
from tests.fakes.scripted_model import call, say

APRIL, OCTOBER = datetime(2026, 4, 10, 9, tzinfo=UTC), datetime(2026, 10, 10, 9, tzinfo=UTC)
SMALL = {"context_window": 8_192, "reply_reserve": 512}


async def moved(house: House, mind: Mind, clock: FakeClock) -> None:
    """Ada lives in Berlin from April on, and in Hamburg from October on."""
    mind.then(call("archival_memory_insert", content="Ada lives in Berlin, in the Oderstraße"))
    await house.say("ada", "I live in Berlin, in the Oderstraße")
    mind.then(call("archival_memory_insert", content="Ada cycles to work in Berlin every morning"))
    await house.say("ada", "I cycle to work in Berlin every morning")
    clock.advance((OCTOBER - APRIL).total_seconds())
    mind.then(again("archival_memory_replace", id="n1", content="Ada lives in Hamburg", since="2026-10-01"))
    await house.say("ada", "I have moved to Hamburg on the first!")


async def searched(house: House, mind: Mind, query: str, **more: str) -> str:
    mind.then(again("archival_memory_search", query=query, **more), say("I see."))
    await house.say("ada", query)
    return "\n".join(results_in(mind.asked[-1])[-1]["message"]["results"])


async def test_what_holds_now_is_found_with_what_it_replaced(tmp_path: Path) -> None:
    clock, mind = FakeClock(APRIL), Mind()
    async with opened(tmp_path, mind.play, clock=clock) as house:
        await moved(house, mind, clock)
        first, second, *_ = (await searched(house, mind, "Where does Ada live?")).splitlines()
        assert "Ada lives in Hamburg" in first
        assert "since 2026-10-01" in first
        assert "Ada lives in Berlin" in second
        assert "until 2026-10-01: not any more" in second


async def test_the_past_is_found_by_who_asks_for_it(tmp_path: Path) -> None:
    clock, mind = FakeClock(APRIL), Mind()
    async with opened(tmp_path, mind.play, clock=clock) as house:
        await moved(house, mind, clock)
        for query, more in (
            ("Where did Ada live in spring?", {}),
            ("Where does Ada live?", {"as_of": "2026-05-01"}),
        ):
            found = await searched(house, mind, query, **more)
            assert "Ada lives in Berlin" in found, query
        assert "Hamburg" not in found
        wrong = again("archival_memory_search", query="home", as_of="spring")
        mind.then(wrong, say("Hm."))
        await house.say("ada", "And?")
        assert "as_of must be a day" in str(results_in(mind.asked[-1])[-1])


async def test_what_else_the_change_touches_is_named_and_can_be_doubted(tmp_path: Path) -> None:
    clock, mind = FakeClock(APRIL), Mind()
    async with opened(tmp_path, mind.play, clock=clock) as house:
        await moved(house, mind, clock)
        told = str(results_in(mind.asked[-1])[-1])
        assert "n2 Ada cycles to work in Berlin every morning" in told
        mind.then(again("archival_memory_doubt", ids=["n2"]), say("How do you get to work now?"))
        await house.say("ada", "I love it here")
        assert "doubtful, ask" in await searched(house, mind, "How does Ada get to work?")
        notes = plain(await command(house, "ada", "memory notes"))
        assert "doubtful" in notes
        assert "until 2026-10-01" in notes


async def test_the_same_day_is_no_reason_to_doubt(tmp_path: Path) -> None:
    mind = Mind()
    async with opened(tmp_path, mind.play, clock=FakeClock(APRIL)) as house:
        for note in (
            "Fausto is vaccinated on 2026-04-12 at 15:30.",
            "Ada meets her sister on 2026-04-12 at 15:30.",
            "A neighbour brings Fausto to the vet on 2026-04-12.",
        ):
            mind.then(call("archival_memory_insert", content=note))
            await house.say("ada", note)
        mind.then(again("archival_memory_replace", id="n1", content="Fausto is vaccinated on 2026-04-15."))
        await house.say("ada", "The vet moved it to the 15th.")
        told = str(results_in(mind.asked[-1])[-1])
        assert "n3 A neighbour" in told
        assert "n2 Ada meets" not in told


async def test_what_is_over_does_not_come_to_mind_and_is_marked_where_it_is_found(tmp_path: Path) -> None:
    clock, mind = FakeClock(APRIL), Mind()
    async with opened(tmp_path, mind.play, clock=clock, model=SMALL) as house:
        await moved(house, mind, clock)
        for number in range(8):
            clock.advance(timedelta(hours=1).total_seconds())
            await house.say("ada", f"Number {number}. " + "We talk of bees and of the garden. " * 150)
        await house.say("ada", "In which town and street do I live, Berlin or Hamburg?")
        event = events_in(mind.asked[-1])[-1]
        shown = "\n".join(event.get("brings_to_mind", []))
        assert "Oderstraße" not in shown
        mind.then(again("conversation_search", query="I live in Berlin, in the Oderstraße"), say("You did."))
        await house.say("ada", "Did I not live elsewhere before?")
        [line] = [
            line
            for line in results_in(mind.asked[-1])[-1]["message"]["results"]
            if "I live in Berlin" in line
        ]
        assert "not any more" in line


async def test_a_line_of_core_memory_that_was_replaced_is_over_too(tmp_path: Path) -> None:
    clock, mind = FakeClock(APRIL), Mind()
    async with opened(tmp_path, mind.play, clock=clock) as house:
        mind.then(call("core_memory_append", label="human", content="Works as a baker in Ghent"))
        await house.say("ada", "I work as a baker in Ghent")
        clock.advance(3_600)
        mind.then(
            call(
                "core_memory_replace",
                label="human",
                old_content="Works as a baker in Ghent",
                new_content="Works as a nurse in Ghent",
            )
        )
        await house.say("ada", "I have become a nurse")
        clock.advance(3_600)
        mind.then(again("conversation_search", query="work as a baker"), say("You did."))
        await house.say("ada", "What was my work?")
        [line] = [
            line for line in results_in(mind.asked[-1])[-1]["message"]["results"] if "baker in Ghent" in line
        ]
        assert "not any more" in line


async def test_a_note_is_replaced_once(tmp_path: Path) -> None:
    clock, mind = FakeClock(APRIL), Mind()
    async with opened(tmp_path, mind.play, clock=clock) as house:
        await moved(house, mind, clock)
        mind.then(again("archival_memory_replace", id="n1", content="Ada lives in Bonn"), say("Hm."))
        await house.say("ada", "And now Bonn")
        assert "was replaced already" in str(results_in(mind.asked[-1])[-1])
        mind.then(again("archival_memory_replace", id="n99", content="Ada lives in Bonn"), say("Hm."))
        await house.say("ada", "And now Bonn!")
        assert "There is no note n99" in str(results_in(mind.asked[-1])[-1])


async def test_an_export_takes_the_time_of_facts_along(tmp_path: Path) -> None:
    clock, mind = FakeClock(APRIL), Mind()
    async with opened(tmp_path / "one", mind.play, clock=clock) as house:
        await moved(house, mind, clock)
        await command(house, "ada", "memory add Ada has a boat")
        [file] = (await command(house, "ada", "export")).files
    async with opened(tmp_path / "two", mind.play, clock=clock) as house:
        await house.app.restore.of([file.data], None)
        found = await searched(house, mind, "Where does Ada live?")
        assert "Ada lives in Hamburg" in found.splitlines()[0]
        assert "until 2026-10-01: not any more" in found
        [again_] = (await command(house, "ada", "export")).files
    with ZipFile(BytesIO(file.data)) as one, ZipFile(BytesIO(again_.data)) as two:
        notes = two.read("passages.jsonl").decode().splitlines()
        assert one.read("passages.jsonl").decode().splitlines() == notes


async def test_a_name_makes_nothing_over(tmp_path: Path) -> None:
    """What was replaced is told again by its words, not by the name of the person whom all is about."""
    clock, mind = FakeClock(APRIL), Mind()
    async with opened(tmp_path, mind.play, clock=clock) as house:

        async def tell(text: str) -> None:
            await house.tell(replace(house.message("4711", text), name="Ada"))

        await tell("Ada has a green bicycle")
        mind.then(call("archival_memory_insert", content="Ada drinks green tea"))
        await tell("I drink green tea")
        clock.advance((OCTOBER - APRIL).total_seconds())
        mind.then(again("archival_memory_replace", id="n1", content="Ada prefers mate"))
        await tell("Mate for me from now on!")
        async with house.app.memory.store.read() as session:
            (agent,) = await session.agents.agents()
            said = await session.messages.said(agent.id, None, limit=20)
            true = {
                row.text for row, _ in await still_true(session, agent, None, [(row, 1.0) for row in said])
            }
    assert "Ada has a green bicycle" in true
    assert "I drink green tea" not in true
