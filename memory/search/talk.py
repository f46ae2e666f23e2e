"""The course of a talk: which rows stand beside which, and what their windows and sessions hold. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np

APART = 6  # positions by which neighbours may differ for each step: tool results stand between
PAUSE_S = 6 * 3600.0  # a longer silence begins another session
_DECAY = 0.8  # from one neighbour to the next
_REACH = 2  # neighbours on each side


class Talk:
    """Rows as parallel arrays, by strand and then by key."""

    def __init__(self, keys: Any, strands: Any, times: Any) -> None:
        self._keys = np.asarray(keys)
        count = len(self._keys)
        self.openings = np.ones(count)
        if count > 1:
            pause = np.abs(np.diff(np.asarray(times, float))) > PAUSE_S
            self.openings[1:] = (np.diff(strands) != 0) | pause
        self._sessions = np.cumsum(self.openings).astype(int) - 1
        self._beside = {step: self._apart(step) for step in range(1, _REACH + 1)}

    def _apart(self, step: int) -> Any:
        """For each row but the last ones whether the one ``step`` further on is of its session and near."""
        near = self._keys[step:] - self._keys[:-step] <= APART * step
        return (self._sessions[step:] == self._sessions[:-step]) & near

    def shifted(self, values: Any, step: int) -> Any:
        """For each row the value of the one ``step`` further on in its session, 0 where there is none."""
        out = np.zeros(values.shape)
        if step > 0:
            out[..., :-step] = values[..., step:] * self._beside[step]
        else:
            out[..., -step:] = values[..., :step] * self._beside[-step]
        return out

    def _steps(self) -> list[tuple[int, float]]:
        return [(step, _DECAY ** abs(step)) for step in range(-_REACH, _REACH + 1) if step]

    def sum(self, values: Any) -> Any:
        return values + sum(decay * self.shifted(values, step) for step, decay in self._steps())

    def mean(self, values: Any) -> Any:
        return self.sum(values) / self.sum(np.ones(values.shape))

    def widest(self, values: Any) -> Any:
        """The highest value in the window, those further off counting less."""
        best = values
        for step, decay in self._steps():
            best = np.maximum(best, decay * self.shifted(values, step))
        return best

    def best_of_session(self, values: Any) -> Any:
        """For each row the mean of its session's three best values (missing ones count as 0)."""
        order = np.lexsort((-values, self._sessions))
        ranked = self._sessions[order]
        rank = np.arange(len(ranked)) - np.searchsorted(ranked, ranked)
        sums = np.bincount(ranked[rank < 3], weights=values[order][rank < 3], minlength=len(ranked))
        return sums[self._sessions] / 3
