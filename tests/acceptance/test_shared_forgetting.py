"""What one everbot has heard, and not received yet, when another one on the same PostgreSQL forgets who said it."""

from __future__ import annotations

from pathlib import Path

from bot.events import DocumentUploaded, MessageReceived
from memory.records import community_audience
from tests.acceptance.test_shared_work import Shared, pytestmark, shared

__all__ = ["pytestmark", "shared"]

HALL = community_audience("parlour:1")
SECRET = "Zebulon"


async def holding(shared: Shared) -> list[str]:
    """The tables in which the secret is."""
    return [name for name, rows in (await shared.backend.rows()).items() if any(SECRET in r for r in rows)]


async def test_what_another_process_is_still_reading_goes_with_the_rest(
    shared: Shared, tmp_path: Path
) -> None:
    async with shared.open(tmp_path):
        here, there = shared.gateway, shared.workers[0].app.inbound
        await here.say("ada", "Hello.")
        coming = here.message("ada", f"My secret is {SECRET}.")
        facts = {name: value for name, value in here.who("ada").items() if name != "key"}
        file = DocumentUploaded(**facts, key=f"{coming.key}/1", document="x.txt", text=SECRET)
        async with there.reading(coming.account, coming.address, coming.key):
            assert await there.awaits(coming)
            assert "forgotten" in (await shared.command("ada", "forget yes")).text.lower()
            told = await there.submit(file)
            assert told is not None
            assert "let it go" in told.text
            assert await there.submit(coming) is None  # that is said once
        for inbound in (there, here.app.inbound):  # however often it is told, and to whom
            assert await inbound.submit(coming) is None
        assert here.rows("SELECT count(*) FROM inbox") == [(0,)]
        assert await holding(shared) == []
        # They are new, to both; and what is told again of what was answered before stays forgotten.
        again = here.message("ada", "I am new here.")
        assert await there.submit(again) is None
        await shared.posted("ada", "I am new here")
        await shared.command("ada", "forget yes")
        assert await there.submit(again) is None
        assert here.rows("SELECT count(*) FROM inbox") == [(0,)]


async def test_what_another_place_is_waiting_for_stays(shared: Shared, tmp_path: Path) -> None:
    async with shared.open(tmp_path):
        here, there = shared.gateway, shared.workers[1].app.inbound
        await here.say("ada", "Hello.")
        elsewhere = here.message("ada", "And here, too", audience=HALL, place="hall")
        coming = here.message("ada", f"My secret is {SECRET}.")
        for event in (elsewhere, coming):
            assert await there.awaits(event)
        await shared.command("ada", "forget here yes")
        told = await there.submit(coming)
        assert told is not None
        assert "let it go" in told.text
        assert await there.submit(elsewhere) is None
        await shared.posted("hall", "And here, too")
        assert here.rows("SELECT count(*) FROM inbox WHERE NOT done OR payload::text LIKE '%here, too%'") == [
            (1,)
        ]
        assert await holding(shared) == []


async def test_who_is_kept_out_of_a_room_meanwhile_is_not_kept(shared: Shared, tmp_path: Path) -> None:
    async with shared.open(tmp_path):
        here, rooms = shared.gateway, shared.workers[0].app.inbound._rights.rooms
        await rooms.switch_on("parlour:1")

        def line(text: str) -> MessageReceived:
            return here.message("bob", text, audience=HALL, place="hall", addressed=False)

        async def admitted(session: object) -> None:
            pass

        async def opted_out(session: object) -> None:
            async with here.app.memory.store.read() as seen:
                user = await seen.agents.user_of("parlour:bob")
            assert user is not None
            await here.app.erasure.keep_out(user)

        await rooms.hear(line("I am told of it."), admitted)
        await rooms.hear(line("This is kept."), admitted)
        assert here.rows("SELECT text FROM messages") == [("This is kept.",)]
        await rooms.hear(line(f"This is {SECRET}."), opted_out)
        assert here.rows("SELECT text FROM messages") == []
