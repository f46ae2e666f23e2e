"""What a file or a folder refuses is told in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.data_dir import hold, private
from bot.errors import SettingsError, refused
from bot.settings.loading import load
from memory.errors import StoreUnavailable

IN_THE_WAY = "a file is where a folder must be"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "file"
    file.write_text("in the way")
    return file


def _made(file: Path) -> None:
    file.mkdir(exist_ok=True)


def _made_below(file: Path) -> None:
    (file / "below").mkdir(parents=True)


def _written(file: Path) -> None:
    (file / "below").write_text("")


def _read(file: Path) -> None:
    file.parent.read_text()


@pytest.mark.parametrize(
    ("done", "told"),
    [
        (_made, IN_THE_WAY),
        (_made_below, IN_THE_WAY),
        (_written, IN_THE_WAY),
        (_read, "it is a folder, not a file"),
    ],
)
def test_what_is_in_the_way(file: Path, done: Callable[[Path], None], told: str) -> None:
    with pytest.raises(OSError) as raised:  # noqa: PT011 what it says is seen below
        done(file)
    assert refused(raised.value) == told


def test_what_the_system_says_is_told_else() -> None:
    assert refused(PermissionError(13, "Permission denied")) == "Permission denied"
    assert refused(OSError("no number")) == "it cannot be used"


@pytest.mark.parametrize("below", ["", "below"])
def test_a_data_directory_that_is_a_file(file: Path, below: str) -> None:
    told = f"^data_dir {file / below} cannot be used: {IN_THE_WAY}. .*EVERBOT_DATA_DIR"
    with pytest.raises(StoreUnavailable, match=told):
        private(file / below)
    with pytest.raises(StoreUnavailable, match=told), hold(file / below, "chat"):
        pass


def test_a_configuration_that_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\(--config\) cannot be read: it is a folder, not a file\.$"):
        load(tmp_path)
