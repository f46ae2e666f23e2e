from __future__ import annotations

from bot.cache import Cache


def test_only_the_newest_are_kept() -> None:
    kept: Cache[str, int] = Cache(2)
    kept["a"] = 1
    kept["b"] = 2
    kept["a"] = 3
    kept["c"] = 4
    assert dict(kept) == {"a": 3, "c": 4}
