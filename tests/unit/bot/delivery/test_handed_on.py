"""What was told to other processes is known until they are done with it."""

from __future__ import annotations

from bot.delivery.handed_on import HandedOn


def test_who_is_not_busy_any_more_has_dealt_with_it() -> None:
    handed_on = HandedOn()
    handed_on.tell("slack:a", 1)
    handed_on.tell("slack:b", 2)
    assert (handed_on.at("slack:a"), handed_on.at(None)) == ({1}, {1, 2})
    handed_on.settle(handed_on.told(), busy=[2])
    assert (handed_on.at("slack:a"), handed_on.at(None)) == (set(), {2})


def test_what_was_told_since_it_was_asked_is_not_dealt_with() -> None:
    handed_on = HandedOn()
    handed_on.tell("slack:a", 1)
    told = handed_on.told()
    handed_on.tell("slack:a", 1)
    handed_on.settle(told, busy=[])
    assert handed_on.at("slack:a") == {1}
    handed_on.settle(handed_on.told(), busy=[])
    assert handed_on.at("slack:a") == set()
