"""The contract of `memory.ports.Personas` and of lore in `memory.ports.Passages`, for every store."""

from __future__ import annotations

from datetime import timedelta

from memory.ports import Store
from memory.records import PRIVATE, SHARED, Avatar, Draft, Passage, community_audience
from tests.fakes.memory_rows import NOW, core_block, newcomer, persona, proposal_of, settle
from tests.fakes.stores import Backend

HERE, THERE = community_audience("here"), community_audience("there")


async def lore(store: Store, persona_id: int, community: str, *texts: str) -> list[Passage]:
    async with store.write() as session:
        found = await session.passages.lore(persona_id, [community])
        archive = found[0] if found else await session.passages.create_lore(persona_id, community, NOW)
        drafts = [Draft(text=text, audience=community_audience(community), digest=text) for text in texts]
        return await session.passages.insert(archive.id, drafts, NOW)


async def test_a_persona_keeps_its_definition_and_its_versions(store: Store) -> None:
    async with store.write() as session:
        made = await session.personas.create("flora", "of plants", NOW)
        assert await session.personas.definition(made.id) == {}
        await session.personas.put(made.id, "of roses", {"greetings": ["Hello"]})
        ada = await newcomer(session, "ada")
        assert await session.personas.note_version(made.id, {"a": 1}, ada.user_id, NOW) == 1
        assert await session.personas.note_version(made.id, {"a": 2}, None, NOW) == 2
    async with store.read() as session:
        assert await session.personas.definition(made.id) == {"greetings": ["Hello"]}
        known = await session.personas.named("flora")
        assert known is not None
        assert (known.description, known.version, known.retired) == ("of roses", 2, False)
        versions = await session.personas.versions(made.id)
    assert [(v.version, v.data, v.user_id) for v in versions] == [
        (2, {"a": 2}, None),
        (1, {"a": 1}, ada.user_id),
    ]


async def test_who_changed_a_persona_is_forgotten_with_them(store: Store) -> None:
    async with store.write() as session:
        ada = await newcomer(session, "ada")
        await session.personas.note_version(ada.persona_id, {}, ada.user_id, NOW)
        await session.agents.delete_agent(ada.id)
        (kept,) = await session.personas.versions(ada.persona_id)
    assert kept.user_id is None


async def test_the_first_place_that_is_bound_decides(store: Store) -> None:
    async with store.write() as session:
        one, two = [await session.personas.create(name, "", NOW) for name in ("one", "two")]
        await session.personas.bind("c", "c", one.id, NOW)
        await session.personas.bind("c/7", "c", two.id, NOW)
        await session.personas.bind("d", "d", one.id, NOW)
    async with store.read() as session:
        assert await session.personas.at(["c/7", "c"]) == two
        assert await session.personas.at(["c/8", "c"]) == one
        assert await session.personas.at(["e"]) is None
        assert [b.place for b in await session.personas.bindings(community="c")] == ["c", "c/7"]
        assert [b.place for b in await session.personas.bindings(persona_id=one.id)] == ["c", "d"]
    async with store.write() as session:
        await session.personas.retire(two.id, NOW)
        assert await session.personas.at(["c/7", "c"]) == one
        await session.personas.bind("c", "c", two.id, NOW)
        await session.personas.retire(two.id, None)
        assert await session.personas.at(["c"]) == two
        assert await session.personas.unbind("c/7")
        assert not await session.personas.unbind("c/7")
        await session.personas.unbind_all("c")
        assert [b.place for b in await session.personas.bindings()] == ["d"]


async def test_a_pick_holds_for_all_accounts_of_a_person(store: Store) -> None:
    async with store.write() as session:
        ada = await newcomer(session, "ada")
        bob = await session.agents.create_user("discord:9", "ada", "UTC", NOW)
        await session.agents.move_account("discord:9", ada.user_id)
        flora = await session.personas.create("flora", "", NOW)
        await session.personas.pick(ada.user_id, flora.id)
        assert await session.personas.picked("console:ada") == flora
        assert await session.personas.picked("discord:9") == flora
        assert await session.agents.user_of("discord:9") != bob
        await session.personas.pick(ada.user_id, None)
        assert await session.personas.picked("console:ada") is None


async def test_an_agents_newer_proposal_replaces_its_older_one(store: Store) -> None:
    ada, _ = await settle(store)
    bob, _ = await settle(store, "bob")
    async with store.write() as session:
        for agent, value, community in (
            (ada, "a", "here"),
            (bob, "b", "here"),
            (ada, "c", "here"),
            (ada, "d", "x"),
        ):
            await session.personas.propose(proposal_of(agent, community, value))
        assert [p.value for p in await session.personas.proposals(ada.persona_id, "here")] == ["b", "c"]
        assert [p.value for p in await session.personas.proposals(ada.persona_id, None)] == ["b", "c", "d"]
        await session.personas.withdraw_proposals("b")
        await session.agents.delete_agent(ada.id)
        assert await session.personas.proposals(ada.persona_id, None) == []


async def test_avatars_and_departures(store: Store) -> None:
    async with store.write() as session:
        made = await session.personas.create("flora", "", NOW)
        assert await session.personas.avatar(made.id) is None
        for data in (b"one", b"two"):
            await session.personas.put_avatar(made.id, Avatar(media_type="image/png", data=data))
        assert await session.personas.avatar(made.id) == Avatar(media_type="image/png", data=b"two")
        await session.personas.put_avatar(made.id, None)
        assert await session.personas.avatar(made.id) is None
        await session.personas.note_departure("c", NOW)
        await session.personas.note_departure("c", NOW + timedelta(days=9))
        await session.personas.note_departure("d", NOW + timedelta(days=9))
        assert await session.personas.departed(NOW) == ["c"]
        await session.personas.note_return("c")
        assert await session.personas.departed(NOW + timedelta(days=10)) == ["d"]


async def test_a_deleted_persona_leaves_no_row(store: Store, backend: Backend) -> None:
    async with store.write() as session:
        await persona(session)
    before = await backend.rows()
    async with store.write() as session:
        made = await session.personas.create("flora", "", NOW)
        await session.personas.note_version(made.id, {}, None, NOW)
        await session.personas.bind("c", "c", made.id, NOW)
        await session.personas.put_avatar(made.id, Avatar(media_type="image/png", data=b"x"))
        block = await session.blocks.create(core_block(f"persona:{made.id}", "persona", SHARED, "I", 9), NOW)
        await session.blocks.put(block.id, "me", None, NOW)
    await lore(store, made.id, "c", "A word.")
    async with store.write() as session:
        await session.personas.delete(made.id)
    assert await backend.rows() == before


async def test_lore_is_of_one_persona_in_one_community(store: Store) -> None:
    async with store.write() as session:
        one, two = [await session.personas.create(name, "", NOW) for name in ("one", "two")]
    await lore(store, one.id, "here", "The fair is in May.")
    await lore(store, one.id, "there:x", "The pool is closed.")
    async with store.read() as session:
        passages = session.passages
        assert await passages.lore(two.id, ["here", "there:x"]) == []
        (archive,) = await passages.lore(one.id, ["here", "nowhere"])
        assert (archive.kind, archive.name) == ("lore", f"{one.id}:here")
        assert [p.text for p in await passages.page(archive.id, {HERE})] == ["The fair is in May."]
        assert await passages.page(archive.id, {THERE, PRIVATE}) == []
        assert sorted(await passages.lore_of(one.id)) == ["here", "there:x"]
        assert await passages.lore_of(two.id) == {}


async def test_lore_knows_who_contributed(store: Store) -> None:
    ada, _ = await settle(store)
    bob, _ = await settle(store, "bob")
    fair, pool = await lore(store, ada.persona_id, "here", "The fair is in May.", "The pool is closed.")
    keys = [fair.key, pool.key]
    async with store.write() as session:
        passages = session.passages
        await passages.contribute(keys, ada.user_id)
        await passages.contribute([fair.key], bob.user_id)
        await passages.contribute([fair.key], bob.user_id)
        assert await passages.contributors_of(keys) == {
            fair.key: [ada.user_id, bob.user_id],
            pool.key: [ada.user_id],
        }
        assert await passages.contributed_by(bob.user_id) == [fair]
        await passages.withdraw([fair.key], ada.user_id)
        assert await passages.contributors_of([fair.key]) == {fair.key: [bob.user_id]}
        await passages.delete([pool.key])
        assert await passages.contributed_by(ada.user_id) == []


async def test_what_a_user_contributed_is_theirs_after_linking(store: Store) -> None:
    ada, _ = await settle(store)
    (fair,) = await lore(store, ada.persona_id, "here", "The fair is in May.")
    async with store.write() as session:
        other = await session.agents.create_user("discord:9", "ada", "UTC", NOW)
        await session.passages.contribute([fair.key], other.id)
        await session.agents.move_account("discord:9", ada.user_id)
        assert await session.passages.contributors_of([fair.key]) == {fair.key: [ada.user_id]}


async def test_rewritten_lore_is_found_by_its_new_words_only(store: Store) -> None:
    ada, _ = await settle(store)
    (fair,) = await lore(store, ada.persona_id, "here", "The fair is in May.")
    async with store.write() as session:
        await session.vectors.mark_indexed("passages", {fair.key: fair.text})
        await session.passages.rewrite([fair.key], "The market is in June.", "d")
        (archive,) = await session.passages.lore(ada.persona_id, ["here"])
        found = await session.passages.postings(archive.id, ["fair", "market"], None)
        assert {term for term, keys in found.items() if keys} == {"market"}
        assert await session.vectors.count_unindexed() == 1
        await session.passages.drop_archive(archive.id)
        assert await session.passages.lore(ada.persona_id, ["here"]) == []


async def test_blocks_are_reshaped_and_deleted_with_their_history(store: Store) -> None:
    async with store.write() as session:
        made = await persona(session)
        owner = f"persona:{made.id}"
        block = await session.blocks.create(core_block(owner, "persona", SHARED, "I", 9), NOW)
        await session.blocks.reshape(block.id, 20, "who")
        (known,) = await session.blocks.of(owner, None)
        assert (known.limit, known.description) == (20, "who")
        await session.blocks.put(block.id, "me", None, NOW)
        await session.blocks.delete(block.id)
        assert await session.blocks.of(owner, None) == []
        assert await session.blocks.history(owner, None) == []
