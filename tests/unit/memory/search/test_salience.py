"""The writer's gate."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memory.search.salience import SHAPE, WEIGHTS, salience, shape


def test_what_tells_something_opens_the_gate_further() -> None:
    told = salience("I moved to the coast in 2019, because my sister Jo had found me a job at the harbour.")
    assert told > salience("Really?") * 1.5
    assert told > salience("Wow, that sounds great!")
    assert told > salience("ok")


def test_what_nobody_said_is_not_remembered() -> None:
    assert salience("") == 0


def test_every_weight_is_of_a_part_of_the_shape() -> None:
    assert len(SHAPE) == len(WEIGHTS) == len(shape("x"))


@given(st.text(max_size=300))
def test_any_text_has_a_salience(text: str) -> None:
    assert 0 <= salience(text) < 1
    assert salience(text) > 0 or not text


@given(st.text("abcdefghij ", min_size=5, max_size=60))
def test_the_gate_sees_the_shape_alone(text: str) -> None:
    other = text.translate(str.maketrans("abcdefghij", "bcdefghija"))
    if not {"i"} & {*text.split(), *other.split()}:
        assert salience(text) == salience(other)
