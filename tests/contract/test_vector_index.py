"""The contract of `memory.ports.VectorIndex`, for every implementation.

A `World` is an index together with the rows that it is an index of. An implementation joins the suite by
a World of its own in `WORLDS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from memory.ports import VectorIndex
from memory.records import PRIVATE, SHARED, VectorEntry, community_audience, place_audience, readable_from
from tests.fakes.chroma_rows import ChromaWorld, circle
from tests.fakes.chroma_server import ChromaServer
from tests.fakes.exact_rows import ExactWorld

HERE, THERE = community_audience("here"), community_audience("there")


class World(Protocol):
    index: VectorIndex

    async def scope(self) -> int:
        """A new, empty scope."""
        ...

    async def entries(self, scope: int, vectors: Any, audience: str = SHARED) -> list[VectorEntry]:
        """New committed rows of ``scope``, one for each vector, not in the index yet."""
        ...

    async def forget(self, entries: Sequence[VectorEntry]) -> None:
        """Delete the rows, behind the index's back."""
        ...

    async def waiting(self, scope: int) -> list[int]:
        """Keys of the rows that are not marked as indexed."""
        ...

    async def reopen(self) -> None:
        """Close the index and open it again on the same data."""
        ...

    async def close(self) -> None: ...


@pytest.fixture(scope="module")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The url of a real Chroma server on loopback."""
    with ChromaServer(tmp_path_factory.mktemp("server")) as server:
        yield server.url


def embedded(tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return ChromaWorld(path=tmp_path / "data" / "chroma")


def served(tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return ChromaWorld(url=request.getfixturevalue("chroma_server"))


def exact(tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return ExactWorld(tmp_path / "x.db")


WORLDS: list[Callable[[Path, pytest.FixtureRequest], World]] = [embedded, served, exact]


@pytest.fixture(params=WORLDS, ids=lambda world: world.__name__)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    made: World = request.param(tmp_path, request)
    yield made
    await made.close()


def keys(hits: Sequence[tuple[int, float]]) -> list[int]:
    return [key for key, _ in hits]


async def test_nearest_come_best_first_with_their_cosines(world: World) -> None:
    scope, vectors = await world.scope(), circle(20)
    entries = await world.entries(scope, vectors)
    await world.index.add(scope, entries[::-1])
    hits = await world.index.search(scope, vectors[0], None, 5)
    assert keys(hits) == [entry.key for entry in entries[:5]]
    assert [cosine for _, cosine in hits] == pytest.approx(list(vectors[:5] @ vectors[0]), abs=0.01)


async def test_limit_is_kept_and_may_exceed_what_there_is(world: World) -> None:
    scope, vectors = await world.scope(), circle(50)
    entries = await world.entries(scope, vectors)
    await world.index.add(scope, entries)
    assert [len(await world.index.search(scope, vectors[7], None, n)) for n in (0, 1, 49, 50, 500)] == [
        0,
        1,
        49,
        50,
        50,
    ]


async def test_an_empty_scope_has_no_neighbours(world: World) -> None:
    scope = await world.scope()
    assert await world.index.search(scope, circle(1)[0], None, 5) == []
    await world.index.add(scope, [])
    assert await world.index.search(scope, circle(1)[0], None, 5) == []


async def test_adding_again_changes_nothing(world: World) -> None:
    scope, vectors = await world.scope(), circle(12)
    entries = await world.entries(scope, vectors)
    await world.index.add(scope, entries)
    before = await world.index.search(scope, vectors[3], None, 100)
    await world.index.add(scope, entries)
    await world.index.add(scope, [*entries, *entries])
    after = await world.index.search(scope, vectors[3], None, 100)
    assert len(before) == 12
    assert dict(after) == pytest.approx(dict(before), abs=0.001)


async def test_what_was_added_is_marked_as_indexed_unless_its_text_is_another_by_now(world: World) -> None:
    scope, vectors = await world.scope(), circle(3)
    entries = await world.entries(scope, vectors)
    assert await world.waiting(scope) == [entry.key for entry in entries]
    await world.index.add(scope, [entries[0], replace(entries[1], text="as it was before")])
    assert await world.waiting(scope) == [entry.key for entry in entries[1:]]


async def test_adding_a_known_key_replaces_its_vector(world: World) -> None:
    scope, vectors = await world.scope(), circle(12)
    entries = await world.entries(scope, vectors)
    await world.index.add(scope, entries)
    moved = replace(entries[0], vector=-vectors[0])
    await world.index.add(scope, [moved])
    hits = await world.index.search(scope, vectors[0], None, 100)
    assert keys(hits) == [entry.key for entry in [*entries[1:], entries[0]]]


@pytest.mark.parametrize(
    ("place", "seen"),
    [
        (PRIVATE, {PRIVATE, SHARED, HERE, THERE, "place:here#room"}),
        (HERE, {SHARED, HERE}),
        (THERE, {SHARED, THERE}),
        (place_audience("here", "room"), {SHARED, HERE, "place:here#room"}),
        (place_audience("there", "room"), {SHARED, THERE}),
    ],
)
async def test_the_law_of_privacy(world: World, place: str, seen: set[str]) -> None:
    scope, vectors = await world.scope(), circle(3)
    learned = {}
    for audience in (PRIVATE, SHARED, HERE, THERE, place_audience("here", "room")):
        entries = await world.entries(scope, vectors, audience)
        await world.index.add(scope, entries)
        learned |= {entry.key: audience for entry in entries}
    hits = await world.index.search(scope, vectors[0], readable_from(place), 100)
    assert {learned[key] for key in keys(hits)} == seen
    assert len(hits) == 3 * len(seen)
    assert await world.index.search(scope, vectors[0], frozenset(), 100) == []


async def test_far_rows_are_found_behind_many_near_ones_of_another_audience(world: World) -> None:
    scope, vectors = await world.scope(), circle(520)
    hidden = await world.entries(scope, vectors[:500], THERE)
    open_ = await world.entries(scope, vectors[500:], HERE)
    await world.index.add(scope, [*hidden, *open_])
    hits = await world.index.search(scope, vectors[0], {HERE}, 5)
    assert keys(hits) == [entry.key for entry in open_[:5]]


async def test_removed_rows_are_not_found(world: World) -> None:
    scope, vectors = await world.scope(), circle(10)
    entries = await world.entries(scope, vectors)
    await world.index.add(scope, entries)
    gone = [entry.key for entry in entries[:4]]
    await world.index.remove(scope, gone)
    await world.index.remove(scope, gone)
    await world.index.remove(scope, [])
    hits = await world.index.search(scope, vectors[0], None, 100)
    assert keys(hits) == [entry.key for entry in entries[4:]]


async def test_rows_are_removed_after_sql_has_forgotten_them(world: World) -> None:
    scope, vectors = await world.scope(), circle(10)
    entries = await world.entries(scope, vectors)
    await world.index.add(scope, entries)
    await world.forget(entries[:4])
    await world.index.remove(scope, [entry.key for entry in entries[:4]])
    hits = await world.index.search(scope, vectors[0], None, 100)
    assert keys(hits) == [entry.key for entry in entries[4:]]


async def test_a_dropped_scope_is_empty_and_can_be_filled_anew(world: World) -> None:
    scope, vectors = await world.scope(), circle(10)
    await world.index.drop(scope)
    entries = await world.entries(scope, vectors)
    await world.index.add(scope, entries)
    await world.index.drop(scope)
    await world.index.drop(scope)
    assert await world.index.search(scope, vectors[0], None, 100) == []
    await world.index.remove(scope, [entries[0].key])
    await world.index.add(scope, entries[5:])
    hits = await world.index.search(scope, vectors[0], None, 100)
    assert keys(hits) == [entry.key for entry in entries[5:]]


async def test_scopes_do_not_meet(world: World) -> None:
    first, second, vectors = await world.scope(), await world.scope(), circle(6)
    ours, theirs = await world.entries(first, vectors), await world.entries(second, vectors)
    await world.index.add(first, ours)
    await world.index.add(second, theirs)
    assert set(keys(await world.index.search(first, vectors[0], None, 100))) == {e.key for e in ours}
    await world.index.drop(first)
    assert set(keys(await world.index.search(second, vectors[0], None, 100))) == {e.key for e in theirs}


async def test_keys_of_another_scope_are_not_removed(world: World) -> None:
    first, second, vectors = await world.scope(), await world.scope(), circle(6)
    theirs = await world.entries(second, vectors)
    await world.index.add(second, theirs)
    await world.index.remove(first, [entry.key for entry in theirs])
    assert len(await world.index.search(second, vectors[0], None, 100)) == 6


async def test_six_thousand_rows_in_one_call(world: World) -> None:
    scope = await world.scope()
    vectors = np.random.default_rng(7).normal(size=(6_000, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    entries = await world.entries(scope, vectors)
    await world.index.add(scope, entries)
    for n in (0, 5_460, 5_461, 5_999):
        truth = {entries[i].key for i in np.argsort(-(vectors @ vectors[n]))[:10]}
        hits = await world.index.search(scope, vectors[n], None, 10)
        assert keys(hits)[0] == entries[n].key
        assert len(truth & set(keys(hits))) >= 9
    assert len(await world.index.search(scope, vectors[0], None, 10_000)) >= 5_990


async def test_the_data_outlives_the_index_object(world: World) -> None:
    scope, vectors = await world.scope(), circle(30)
    entries = await world.entries(scope, vectors)
    await world.index.add(scope, entries)
    before = await world.index.search(scope, vectors[4], None, 10)
    await world.reopen()
    assert await world.index.search(scope, vectors[4], None, 10) == before
    await world.index.add(scope, entries)
    assert len(await world.index.search(scope, vectors[4], None, 100)) == 30


async def test_many_callers_at_once(world: World) -> None:
    scope, vectors = await world.scope(), circle(40, turn=6.0)
    entries = await world.entries(scope, vectors)
    await asyncio.gather(*(world.index.add(scope, entries[n : n + 10]) for n in range(0, 40, 10)))
    answers = await asyncio.gather(*(world.index.search(scope, vector, None, 1) for vector in vectors))
    assert [keys(hits) for hits in answers] == [[entry.key] for entry in entries]
