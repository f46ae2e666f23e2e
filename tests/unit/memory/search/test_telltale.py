"""What tells of something that was to be forgotten, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memory.search.telltale import Telltale

NOW = datetime(2026, 12, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["It was 4471.", "my locker PIN at the museum", "Ada's museum locker PIN is 4471.", "I write 4471 here"],
)
def test_a_number_or_half_of_the_words_tells(text: str) -> None:
    assert Telltale(["Ada's museum locker PIN is 4471."], ["Ada"], now=NOW)(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"status": "OK", "message": "Sent.", "time": "2026-12-01T16:08:32+00:00"}',
        "The vet moved to 2026-12-04 17:00 (from 12-01).",
        "n4 2026-12-01 Tue 16:08 noted: orchids",
        "On 01.12.2026 the sun shone.",
        "In 2026 it rained.",
    ],
)
def test_when_something_was_said_does_not_tell_what(text: str) -> None:
    assert not Telltale(["Broke up with Joel at 16:08 on 2026-12-01; it was over by 01.12.2026."], now=NOW)(
        text
    )


def test_a_date_of_long_ago_tells() -> None:
    tells = Telltale(["Ada was born on 1987-03-04."], ["Ada"], now=NOW)
    assert tells("Year of birth: 1987.")
    assert tells("1987-03-04, in the passport")


def test_a_name_that_stays_elsewhere_does_not_tell_by_itself() -> None:
    staying = ["Sister: Inês, who lives in Porto.", "Partner: Joel, a baker."]
    tells = Telltale(["I told Joel and Inês that Joel is a baker."], ["Ada"], staying=staying, now=NOW)
    assert not tells("Inês arrives by train.")
    assert tells("Joel arrives by train."), "what stays says the same as what is to be forgotten"


def test_the_rest_of_a_text_is_what_does_not_tell() -> None:
    tells = Telltale(["Ada's locker at the museum has the code 4471."], ["Ada"], now=NOW)
    said = "We'll go to Sintra. You can forget the code, that was silly of me! Which bus?"
    assert tells.rest(said) == said
    assert tells.rest(said, tells.touches) == "We'll go to Sintra. Which bus?"
    assert tells.rest("It is 4471. Which bus?") == "Which bus?"
    assert tells.rest("Forget the code.", tells.touches) == ""
