"""The contract of what operators see and do, for every store."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from memory.ports import Store
from memory.records import (
    PRIVATE,
    Agent,
    Deed,
    Delivery,
    FaultCount,
    OutboxRow,
    Turn,
    TurnState,
    Usage,
    community_audience,
    place_audience,
)
from tests.fakes.memory_rows import NOW, newcomer

DAY = timedelta(days=1)
USAGE = Usage(prompt=100, completion=10, cached=40)


async def thought(
    store: Store, agent: Agent, audience: str, address: str, *, days: int = 0, done: bool = True
) -> str:
    """A turn of one step, so many days ago; its id."""
    at = NOW - days * DAY
    async with store.write() as session:
        place = await session.agents.conversation_at(agent.id, address, audience)
        place = place or await session.agents.create_conversation(agent.id, address, audience, at)
        turn = Turn(
            id=f"{address}-{audience}-{days}",
            agent_id=agent.id,
            conversation_id=place.id,
            kind="message",
            state=TurnState.RUNNING,
            steps=0,
            started_at=at,
        )
        await session.mailbox.begin(turn, [])
        await session.mailbox.commit_step(turn.id, 0, f"m{days}", USAGE, at, agent_id=agent.id)
        if done:
            await session.mailbox.finish(turn.id, at)
    return turn.id


async def test_usage_is_summed_by_day_model_persona_community_and_person(store: Store) -> None:
    async with store.write() as session:
        ada, bob = await newcomer(session, "ada"), await newcomer(session, "bob")
    await thought(store, ada, PRIVATE, "console:ada")
    await thought(store, ada, community_audience("slack:T1"), "slack:T1/C1", days=1)
    await thought(store, bob, place_audience("slack:T1", "C2"), "slack:T1/C2", days=1)
    await thought(store, bob, PRIVATE, "slack:T1/D1", days=2)
    await thought(store, bob, PRIVATE, "slack:T1/D1", days=40)
    since = NOW - 7 * DAY
    async with store.read() as session:
        day, model, persona, community, person = [
            {(u.key, u.model): u.steps for u in await session.overview.used(by, since)}
            for by in ("day", "model", "persona", "community", "person")
        ]
        mine = await session.overview.used_by([ada.id], since)
        here = await session.overview.used_in("slack:T1", since)
        others = await session.overview.used_in("slack:T", since)
    assert day == {("2026-11-21", "m0"): 1, ("2026-11-20", "m1"): 2, ("2026-11-19", "m2"): 1}
    assert model == {("m0", "m0"): 1, ("m1", "m1"): 2, ("m2", "m2"): 1}
    assert persona == {("everbot", "m0"): 1, ("everbot", "m1"): 2, ("everbot", "m2"): 1}
    assert community == {("", "m0"): 1, ("slack:T1", "m1"): 2, ("slack:T1", "m2"): 1}
    ada_, bob_ = "console:ada", "console:bob"
    assert person == {(ada_, "m0"): 1, (ada_, "m1"): 1, (bob_, "m1"): 1, (bob_, "m2"): 1}
    assert {used.model: used.usage for used in mine} == {"m0": USAGE, "m1": USAGE}
    assert {used.model: used.steps for used in here} == {"m1": 2, "m2": 1}
    assert others == [], "a community whose name only begins so"


async def test_what_was_spent_beside_the_steps_counts_where_it_was_spent(store: Store) -> None:
    async with store.write() as session:
        ada = await newcomer(session, "ada")
        hall = await session.agents.create_conversation(
            ada.id, "slack:T1/C1", community_audience("slack:T1"), NOW
        )
        for days in (0, 1, 40):
            spent = Usage(prompt=5, completion=1, pictures=2, characters=30, seconds=4)
            await session.mailbox.spend(ada.id, hall.id, "painter", spent, NOW - days * DAY)
    await thought(store, ada, community_audience("slack:T1"), "slack:T1/C1")
    since = NOW - 7 * DAY
    both = Usage(prompt=10, completion=2, pictures=4, characters=60, seconds=8)
    async with store.read() as session:
        for by in ("day", "model", "persona", "community", "person"):
            found = [u for u in await session.overview.used(by, since) if u.model == "painter"]
            assert sum((u.usage for u in found), Usage()) == both, by
            assert {u.steps for u in found} == {0}, by
        assert {u.model: u.usage for u in await session.overview.used_by([ada.id], since)} == {
            "m0": USAGE,
            "painter": both,
        }
        assert {u.model: u.usage for u in await session.overview.used_in("slack:T1", since)} == {
            "m0": USAGE,
            "painter": both,
        }
        assert (await session.mailbox.usage_since([ada.id], since)).total == USAGE.total + both.total
    async with store.write() as session:
        await session.erasing.expire(NOW - 7 * DAY)
    async with store.read() as session:
        [used] = [u for u in await session.overview.used_by([ada.id], NOW - 60 * DAY) if u.model == "painter"]
        assert used.usage == both, "what is older than is kept has gone"
    async with store.write() as session:
        await session.erasing.conversation(hall, ada, NOW)
    async with store.read() as session:
        assert await session.overview.used_by([ada.id], since) == []


async def test_people_turns_and_replies_are_seen_without_a_word_of_theirs(store: Store) -> None:
    async with store.write() as session:
        ada, _ = await newcomer(session, "ada"), await newcomer(session, "bob")
    turn = await thought(store, ada, PRIVATE, "console:ada", done=False)
    async with store.write() as session:
        place = await session.agents.conversation_at(ada.id, "console:ada", PRIVATE)
        assert place is not None
        await session.mailbox.receive("k1", place, "message", {"text": "SECRET"}, NOW)
        post = OutboxRow(
            id="p1",
            agent_id=ada.id,
            conversation_id=place.id,
            address=place.address,
            turn_id=turn,
            kind="reply",
            text="SECRET",
            in_reply_to=(),
            created_at=NOW,
        )
        await session.mailbox.post([post, replace(post, id="p2"), replace(post, id="p3")])
        await session.mailbox.settle([("p2", Delivery.SENT, "r"), ("p3", Delivery.DOUBTFUL, None)], NOW)
    async with store.read() as session:
        people = await session.overview.people("", 10)
        found = await session.overview.people("CONSOLE:AD", 10)
        underway = await session.overview.underway()
        undelivered = await session.overview.undelivered(10)
        depths = await session.overview.depths(NOW)
    assert [person.name for person in people] == ["bob", "ada"]
    assert [(p.accounts, p.personas, p.last_at) for p in found] == [(("console:ada",), ("everbot",), NOW)]
    assert [(each.turn_id, each.person, each.kind, each.steps) for each in underway] == [
        (turn, "ada", "message", 1),
        ("", "ada", "message", 0),
    ]
    assert [(each.id, each.state) for each in undelivered] == [("p3", "doubtful"), ("p1", "ready")]
    assert (depths.waiting, depths.running) == ({"console": 1}, {"console": 1})
    assert (depths.outbox, depths.agents, depths.people) == ({("console", "ready"): 1}, 2, 2)
    assert "SECRET" not in f"{people}{underway}{undelivered}"
    async with store.write() as session:
        assert [await session.overview.send_again(post) for post in ("p1", "p2", "p3")] == [
            False,
            False,
            True,
        ]


async def test_restrictions_are_replaced_dropped_when_empty_and_outlive_a_forgotten_name(
    store: Store,
) -> None:
    async with store.write() as session:
        ada = await newcomer(session, "ada")
        operations = session.operations
        new = operations.unrestricted("account:console:ada", NOW)
        await operations.restrict(replace(new, blocked=True))
        await operations.restrict(replace(new, blocked=True, tokens_per_day=5))
        await operations.restrict(replace(operations.unrestricted("community:c", NOW), cost_per_month=1.5))
        await operations.note(Deed(at=NOW, who="boss", did="blocked", about="account:console:ada"))
    async with store.write() as session:
        assert [r.subject for r in await session.operations.restrictions()] == [
            "account:console:ada",
            "community:c",
        ]
        await session.operations.restrict(session.operations.unrestricted("community:c", NOW))
        await session.agents.delete_agent(ada.id)
    async with store.read() as session:
        [left] = await session.operations.restrictions()
        assert left.subject == ""
        assert left == await session.operations.restriction("account:console:ada")
        assert (left.blocked, left.tokens_per_day, left.cost_per_month) == (True, 5, None)
        assert [deed.about for deed in await session.operations.deeds(5)] == [""]


async def test_orders_are_taken_once_and_faults_added_up(store: Store) -> None:
    fault = FaultCount(day=NOW.date(), kind="E", platform="p", model="", count=2, last_at=NOW)
    old = replace(fault, day=date(2026, 1, 1), kind="Old")
    async with store.write() as session:
        assert not await session.operations.has_orders()
        await session.operations.order("stop", "t1", NOW)
        await session.operations.order("retry", "t2", NOW)
        assert await session.operations.has_orders()
        assert [(o.what, o.about) for o in await session.operations.take_orders()] == [
            ("stop", "t1"),
            ("retry", "t2"),
        ]
        assert await session.operations.take_orders() == []
        await session.operations.add_faults([fault, old])
        await session.operations.add_faults([replace(fault, count=3, last_at=NOW + DAY)])
        await session.operations.forget_faults(NOW - DAY)
        assert await session.operations.faults(NOW - 999 * DAY) == [
            replace(fault, count=5, last_at=NOW + DAY)
        ]


async def test_pictures_that_are_still_to_be_described_are_told_until_they_are(store: Store) -> None:
    async with store.write() as session:
        ada, bob = await newcomer(session, "ada"), await newcomer(session, "bob")
        place = await session.agents.create_conversation(ada.id, "console:ada", PRIVATE, NOW)
        for days, digest in ((0, "d2"), (1, "d1"), (2, "d3")):
            await session.captions.put(ada.id, digest, "", place.id, f"e:{digest}", NOW - days * DAY)
        await session.captions.put(ada.id, "d4", "A barn", place.id, "e:d4", NOW)
        assert await session.captions.get(ada.id, "d1") is None
        assert await session.captions.open(ada.id) == ["e:d3", "e:d1", "e:d2"]
        assert await session.captions.open(bob.id) == []
        await session.captions.put(ada.id, "d1", "A bicycle", place.id, "e:d1", NOW)
        await session.captions.close(ada.id, "d3")
        await session.captions.drop("e:d2")
        assert await session.captions.open(ada.id) == []
        assert await session.captions.get(ada.id, "d1") == "A bicycle"
        assert await session.captions.get(ada.id, "d4") == "A barn"
        await session.captions.put(ada.id, "d5", "A boat", place.id, "e:d4", NOW)
        await session.captions.drop("e:d4", "d4")
        assert await session.captions.get(ada.id, "d4") is None
        assert await session.captions.get(ada.id, "d5") == "A boat"
