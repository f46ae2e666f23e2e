"""Whether a line in a room is for us."""

from __future__ import annotations

from benchmarks import rooms
from bot.people.rooms import opening


def test_nearly_every_line_of_the_scenes_is_judged_rightly() -> None:
    """The weights are those that `benchmarks.rooms --train` gives; what it misses without a scene, it may miss."""
    known = rooms.cases()
    assert len(known) > 100
    wrong = [case.text for case in known if (opening(case.signs) >= 0.5) != case.meant]
    assert len(wrong) <= 2, wrong
    assert not [case for case in known if not case.meant and opening(case.signs) >= 0.5]
