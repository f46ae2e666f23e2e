"""What is said often is near to no question, and of what few lines are about the latest holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from memory.search.likeness import Apart, revised

SMALL_TALK = 90


class Near:
    """`memory.ports.Nearness` by given vectors."""

    scale = 1.0

    def __init__(self, vectors: Any, query: Any) -> None:
        self._vectors, self.keys = vectors, np.arange(10, 10 + len(vectors))
        self.nearness = vectors @ query
        self.best = float(self.nearness.max(initial=0.0))

    def of(self, keys: Any) -> Any:
        return self.nearness[keys - 10]

    def likeness(self, keys: Any, others: Any) -> Any:
        return self._vectors[keys - 10] @ self._vectors[others - 10].T


def near(small_talk: int = SMALL_TALK) -> Near:
    """One line that answers, the last one; and others that are nearer to the question, and all alike."""
    chance = np.random.default_rng(3)
    axes = np.eye(40)
    often = 0.62 * axes[0] + 0.78 * axes[1] + 0.05 * chance.standard_normal((small_talk, 40))
    others = 0.3 * axes[0] + chance.standard_normal((small_talk, 40)) / 6
    vectors = np.vstack([often, others, [0.55 * axes[0] + 0.83 * axes[2]]])
    return Near(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), axes[0])


def test_what_is_said_often_comes_behind_what_one_line_says() -> None:
    plain = near()
    apart, answer = Apart(plain), plain.keys[-1]
    assert plain.keys[plain.nearness.argmax()] != answer
    assert apart.keys[apart.nearness.argmax()] == answer
    assert apart.best == plain.best
    assert np.array_equal(apart.of(plain.keys), apart.nearness)
    assert np.array_equal(apart.of(plain.keys[::-1]), apart.nearness[::-1])
    assert apart.nearness.min() >= 0


def test_of_few_lines_none_is_said_often() -> None:
    plain = near(small_talk=20)
    assert np.array_equal(Apart(plain).nearness, np.maximum(plain.nearness, 0))
    nothing = Apart(Near(np.empty((0, 40)), np.eye(40)[0]))
    assert not len(nothing.nearness)
    assert not len(nothing.of(np.empty(0, np.int64)))


def likeness(pairs: dict[tuple[int, int], float]) -> Any:
    def like(keys: Any, others: Any) -> Any:
        return np.array(
            [[1.0 if a == b else pairs.get((min(a, b), max(a, b)), 0.0) for b in others] for a in keys]
        )

    return like


def test_what_was_decided_last_stands_above_what_it_changed() -> None:
    scores, keys, times = np.array([9.0, 8.5, 4.0]), np.array([1, 2, 3]), np.array([10.0, 20.0, 30.0])
    found = revised(scores, keys, times, likeness({(1, 3): 0.9}))
    assert found[2] > found[0] == 9.0
    assert found[1] == 8.5
    assert np.array_equal(revised(scores, keys, times, likeness({(1, 3): 0.4})), scores)


def test_what_was_said_before_is_not_moved() -> None:
    scores, keys, times = np.array([9.0, 4.0]), np.array([1, 2]), np.array([20.0, 10.0])
    assert np.array_equal(revised(scores, keys, times, likeness({(1, 2): 0.9})), scores)


def test_what_many_lines_are_about_is_no_decision() -> None:
    keys = np.arange(1, 12)
    scores, times = np.linspace(9, 1, 11), np.arange(11) * 10.0
    alike = likeness({(a, b): 0.9 for a in range(1, 12) for b in range(a + 1, 12)})
    assert np.array_equal(revised(scores, keys, times, alike), scores)
