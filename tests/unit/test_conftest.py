"""What `tests.conftest` stands on that is not its own."""

from __future__ import annotations

import sys

from hypothesis.internal.constants_ast import constants_from_module

from tests import conftest


def test_hypothesis_still_reads_the_constants_of_a_module() -> None:
    """If it moves: workers read all modules again, each for itself. See `tests.conftest.read_by_hypothesis`."""
    assert constants_from_module(sys.modules[conftest.__name__]).integers
