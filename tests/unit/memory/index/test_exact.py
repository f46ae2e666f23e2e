"""What only the exact index promises: a large scope is compared by signs first, and nothing is lost by it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fakes.exact_rows import ExactWorld

LARGE = 9_000


def vectors(count: int, seed: int = 1) -> Any:
    """Of 40 subjects, as texts are."""
    chance = np.random.default_rng(seed)
    subjects = np.random.default_rng(0).standard_normal((40, 128))
    made = subjects[chance.integers(0, 40, count)] + 0.8 * chance.standard_normal((count, 128))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ExactWorld]:
    made = ExactWorld(tmp_path / "x.db")
    yield made
    await made.close()


async def test_the_nearest_of_many_are_found_and_how_near_every_row_is(world: ExactWorld) -> None:
    scope, held = await world.scope(), vectors(LARGE)
    entries = await world.entries(scope, held)
    await world.index.add(scope, entries)
    keys = np.array([entry.key for entry in entries])
    for query in vectors(5, seed=2):
        near = await world.index.compare(scope, query, None, 80)
        truth = held @ query
        assert set(keys[np.argsort(-truth)[:80]]) <= set(near.keys)
        assert len(near.keys) < LARGE
        assert near.best == pytest.approx(truth.max(), abs=0.02)
        # Nearness is the cosine, but for the mean and the spread in the scope; what has nothing in common is not near.
        some, nearness = truth > 0.03, near.of(keys)
        slope, offset = np.polyfit(truth[some], nearness[some], 1)
        assert nearness[some] == pytest.approx(truth[some] * slope + offset, abs=0.05)
        assert offset == pytest.approx(0.149, abs=0.03)
        assert slope * truth.std() == pytest.approx(0.121, abs=0.03)
        assert not nearness[truth < -0.03].any()
        assert list(near.of(np.array([keys[-1] + 1]))) == [0]


async def test_how_like_rows_are_to_each_other_is_told_by_their_signs(world: ExactWorld) -> None:
    scope, held = await world.scope(), vectors(300)
    entries = await world.entries(scope, held)
    await world.index.add(scope, entries)
    near = await world.index.compare(scope, held[0], None, 80)
    keys = np.array([entry.key for entry in entries])
    found = near.likeness(keys[:50], keys)
    assert found.shape == (50, 300)
    assert np.diag(found) == pytest.approx(1)
    assert np.abs(found - held[:50] @ held.T).mean() < 0.15  # of 128 dimensions; of 384 it is half of that
    unknown = near.likeness(np.array([keys[0], keys[-1] + 1]), keys[:2])
    assert unknown[0, 0] == pytest.approx(1)
    assert not unknown[1].any()


async def test_rows_added_to_a_large_scope_are_found_at_once(world: ExactWorld) -> None:
    scope, held = await world.scope(), vectors(LARGE + 20)
    await world.index.add(scope, await world.entries(scope, held[:LARGE]))
    await world.index.search(scope, held[0], None, 5)
    late = await world.entries(scope, held[LARGE:])
    for first in (0, 10):
        await world.index.add(scope, late[first : first + 10])
    for entry, vector in zip(late, held[LARGE:], strict=True):
        ((key, cosine), *_) = await world.index.search(scope, vector, None, 5)
        assert key == entry.key
        assert cosine == pytest.approx(1, abs=0.02)
