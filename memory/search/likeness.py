"""What a room's lines are to each other: many say the same again and again, and what was decided changes. Pure.

- What is said often, a little otherwise each time, is near to nearly every question and answers none: hubs
  (Radovanović, Nanopoulos and Ivanović, "Hubs in space", 2010). Of the rows nearest to a question each loses a part of
  how near it is to those of them that are most like it (cross-domain similarity local scaling: Conneau et al., "Word
  translation without parallel data", 2018).
- Of what few lines are about the later ones hold: they are moved above the earlier ones, from wherever they are.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from memory.ports import Nearness

_POOL = 320  # rows, the nearest to a question, that are compared with each other
_MOST_ALIKE = 10  # rows by which it is told whether one is said often
_FEW = 64  # of fewer rows none is told to be
_LOST = 0.5  # of a row's nearness to those
_SAME = 0.5  # the cosine from which two rows may be about the same
_OFTEN = 8  # rows about the same, from which on none of them is what holds
_FIRST = 10  # rows, the best, of which what was said later is looked for
_ABOVE = 2.0  # by which what holds is above what held before, where they are wholly alike


class Likeness(Protocol):
    """See `memory.ports.Nearness.likeness`."""

    def __call__(self, keys: Any, others: Any) -> Any: ...


class Apart:
    """`memory.ports.Nearness`, but that what is said often is less near than it was."""

    def __init__(self, near: Nearness) -> None:
        self._near = near
        self.keys, self.best, self.scale, self.likeness = near.keys, near.best, near.scale, near.likeness
        nearest = np.sort(np.argsort(-near.nearness, kind="stable")[:_POOL])
        self._pool = near.keys[nearest]
        self._lost = _often(near, self._pool)
        self.nearness = near.nearness.copy()
        self.nearness[nearest] = np.maximum(self.nearness[nearest] - self._lost, 0)

    def of(self, keys: Any) -> Any:
        """See `memory.ports.Nearness`."""
        found = self._near.of(keys)
        if not len(self._pool):
            return found
        at = np.minimum(np.searchsorted(self._pool, keys), len(self._pool) - 1)
        return np.maximum(found - np.where(self._pool[at] == keys, self._lost[at], 0), 0)


def _often(near: Nearness, keys: Any) -> Any:
    """How much each of these rows loses, less than nothing where it is said by fewer than most of them."""
    if len(keys) < _FEW:
        return np.zeros(len(keys), np.float32)
    alike = near.likeness(keys, keys)
    most = np.partition(alike, -_MOST_ALIKE - 1, axis=1)[:, -_MOST_ALIKE - 1 :]
    mean = (most.sum(axis=1) - 1) / _MOST_ALIKE  # each is wholly like itself
    return _LOST * near.scale * (mean - np.median(mean))


def revised(scores: Any, keys: Any, times: Any, likeness: Likeness) -> Any:
    """The scores of these rows, of which those that are what was said last of one of the best move above it."""
    best = np.argsort(-scores, kind="stable")[:_FIRST]
    alike = likeness(keys[best], keys)
    seldom = (alike > _SAME).sum(axis=1) <= _OFTEN
    later = times[None] > times[best][:, None]
    same = np.clip((alike - _SAME) / (1 - _SAME), 0, 1) * later * seldom[:, None]
    return scores + (same * np.maximum(scores[best][:, None] - scores + _ABOVE, 0)).max(axis=0, initial=0)
