"""A .venv that cannot be used is noticed, and why is told in words."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_venv", ROOT / "scripts" / "make_venv.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def laid(folder: Path, *, version: str = "3 12", packages: bool = True, pip: str = "pip") -> Path:
    """What looks like a .venv, with a Python that only answers what it is asked."""
    venv = folder / ".venv"
    where = venv / "lib" / "site-packages"
    (venv / "bin").mkdir(parents=True)
    if packages:
        where.mkdir(parents=True)
    answer = "\\n".join([*version.split(), str(where), pip])
    program(venv / "bin" / "python", f"#!/bin/sh\nprintf '{answer}\\n'\n")
    program(venv / "bin" / "everbot", f"#!{venv}/bin/python\n")
    return venv


def program(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def test_one_that_is_in_order_is_left_alone(tmp_path: Path, script: ModuleType) -> None:
    assert script.unfit(tmp_path / ".venv") == ""
    venv = laid(tmp_path)
    assert script.unfit(venv) == ""
    assert script.unfit(venv, (3, 12)) == ""


def test_the_environment_of_these_tests_is_in_order(script: ModuleType) -> None:
    if Path(sys.prefix) != ROOT / ".venv":
        pytest.skip("run by another Python than that of .venv")
    assert script.unfit(ROOT / ".venv") == ""


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"version": "3 10"}, ".venv is of Python 3.10, and everbot needs 3.11"),
        ({"version": "x y"}, "The Python with which .venv was made is gone"),
        ({"packages": False}, ".venv was made with another Python than 3.12, which it has now"),
        ({"pip": "None"}, ".venv was left half made"),
    ],
)
def test_one_of_another_python_is_noticed(
    tmp_path: Path, script: ModuleType, how: dict[str, str], told: str
) -> None:
    assert script.unfit(laid(tmp_path, **how)) == told  # type: ignore[arg-type]


def test_one_of_another_python_than_was_asked_for_is_noticed(tmp_path: Path, script: ModuleType) -> None:
    told = script.unfit(laid(tmp_path), (3, 13))
    assert told == ".venv is of Python 3.12, and 3.13 was asked for"


def test_one_whose_python_is_gone_is_noticed(tmp_path: Path, script: ModuleType) -> None:
    venv = laid(tmp_path)
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to(tmp_path / "nowhere")
    assert script.unfit(venv) == "The Python with which .venv was made is gone"


def test_one_that_was_moved_is_noticed(tmp_path: Path, script: ModuleType) -> None:
    (tmp_path / "before").mkdir()
    laid(tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "after")
    venv = tmp_path / "after" / ".venv"
    program(
        venv / "bin" / "python",
        (venv / "bin" / "python").read_text(encoding="utf-8").replace("before", "after"),
    )
    assert script.unfit(venv) == ".venv was made in another folder"
    (tmp_path / "before").symlink_to(tmp_path / "after")  # the same by another name
    assert script.unfit(venv) == ""


def test_a_link_is_removed_and_what_it_leads_to_stays(tmp_path: Path, script: ModuleType) -> None:
    elsewhere = laid(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(elsewhere)
    script.remove(link)
    assert not os.path.lexists(link)
    assert (elsewhere / "bin" / "python").exists()
    script.remove(elsewhere)
    assert not elsewhere.exists()


def test_what_was_locked_anew_is_installed_anew(tmp_path: Path, script: ModuleType) -> None:
    lock, mark = tmp_path / "lock", tmp_path / ".ready"
    lock.touch()
    assert not script.is_newer(mark, [lock])
    mark.touch()
    os.utime(lock, (1, 1))
    assert script.is_newer(mark, [lock])
    os.utime(mark, (0, 0))
    assert not script.is_newer(mark, [lock])


def test_it_tells_how_far_it_is(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    progress = script.Progress(60)
    for number in range(60):
        progress.hear(f"Collecting p{number}==1.0 (from -r requirements.lock (line 1))\n")
    progress.hear("Installing collected packages: p1, p2\n")
    progress.end()
    assert capsys.readouterr().err.splitlines() == [
        "  25 of 60 packages found ...",
        "  50 of 60 packages found ...",
        "  installing them ...",
    ]
