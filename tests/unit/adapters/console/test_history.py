"""What a person typed is kept where it can be; where it cannot, nobody is stopped from talking."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.console.history import History


def test_lines_are_kept_for_the_next_time_but_not_what_connects(tmp_path: Path) -> None:
    file = tmp_path / "history" / "ada"
    for line in ("Hello", "/connect shop sk-secret", "two\nlines"):
        History(file).append_string(line)
    assert list(History(file).load_history_strings()) == ["two\nlines", "Hello"]
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("broken", ["", "history", "history/ada"])
def test_a_file_that_cannot_be_had_stops_nobody(tmp_path: Path, broken: str) -> None:
    """There is a file where a folder was to be, or a folder where the file was to be."""
    data = tmp_path / "data"
    if broken == "history/ada":
        (data / broken).mkdir(parents=True)
    else:
        (data / broken).parent.mkdir(exist_ok=True)
        (data / broken).write_text("", "utf-8")
    history = History(data / "history" / "ada")
    history.append_string("Hello")
    assert history.get_strings() == ["Hello"]
    assert list(history.load_history_strings()) == []
