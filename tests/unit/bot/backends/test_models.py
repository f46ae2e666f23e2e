"""How long a model's server is waited for."""

from __future__ import annotations

import pytest

from bot.backends.models import patience_of
from bot.settings import ModelSettings

HOME = {"base_url": "http://192.168.1.5:8080/v1"}
FAR = {"base_url": "https://api.example.com/v1"}


@pytest.mark.parametrize(
    ("settings", "whole", "first", "at_once"),
    [
        (HOME, 3_600.0, 600.0, 4),
        (HOME | {"first_s": 30.0}, 3_600.0, 30.0, 4),
        (HOME | {"timeout_s": 90.0}, 90.0, None, 4),
        (HOME | {"stall_s": 9.0, "at_once": 2}, 120.0, None, 2),
        (FAR, 120.0, None, 64),
        (FAR | {"first_s": 30.0}, 120.0, 30.0, 64),
    ],
)
def test_a_server_of_ones_own_is_given_time(
    settings: dict[str, object], whole: float, first: float | None, at_once: int
) -> None:
    patience = patience_of(ModelSettings.model_validate({"kind": "openai", **settings}))
    assert (patience.timeout_s, patience.first_s, patience.at_once) == (whole, first, at_once)
