"""What was told to other processes is known until they are done with it."""

from __future__ import annotations

from bot.delivery.others import Others


def test_who_is_not_busy_any_more_has_dealt_with_it() -> None:
    others = Others()
    others.tell("slack:a", 1)
    others.tell("slack:b", 2)
    assert (others.at("slack:a"), others.at(None)) == ({1}, {1, 2})
    others.settle(others.told(), busy=[2])
    assert (others.at("slack:a"), others.at(None)) == (set(), {2})


def test_what_was_told_since_it_was_asked_is_not_dealt_with() -> None:
    others = Others()
    others.tell("slack:a", 1)
    told = others.told()
    others.tell("slack:a", 1)
    others.settle(told, busy=[])
    assert others.at("slack:a") == {1}
    others.settle(others.told(), busy=[])
    assert others.at("slack:a") == set()
