"""Which files there are."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from memory.documents.finding import digest, find_files
from memory.errors import DocumentError


def test_digest(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(os.urandom(300_000))
    assert digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(DocumentError, match="was not found"):
        digest(tmp_path / "none")


def test_a_directory_walk(tmp_path: Path) -> None:
    wanted = ["a.md", "b/c.PY", "b/d/e.pdf", "z.html"]
    unwanted = [".hidden.md", ".git/config.txt", "b/picture.png", "b/noname", "b/.d/f.md"]
    for name in wanted + unwanted:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert find_files([tmp_path]) == [tmp_path / name for name in wanted]


def test_named_files_are_taken_as_they_are_and_once(tmp_path: Path) -> None:
    for name in ("b.odd", ".hidden.md", "sub/a.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    named = [tmp_path / "b.odd", tmp_path / ".hidden.md", tmp_path / "sub", tmp_path / "sub/a.md"]
    assert find_files(named) == [tmp_path / ".hidden.md", tmp_path / "b.odd", tmp_path / "sub/a.md"]
    assert find_files([]) == []
    with pytest.raises(DocumentError, match="was not found"):
        find_files([tmp_path / "none"])


def test_links_are_followed_and_never_for_ever(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "m.md").write_text("x")
    (outside / "o.md").write_text("x")
    (inside / "a-copy.md").symlink_to(inside / "m.md")
    (inside / "back").symlink_to(inside, target_is_directory=True)
    (inside / "there").symlink_to(outside, target_is_directory=True)
    (outside / "home").symlink_to(inside, target_is_directory=True)
    (inside / "broken.md").symlink_to(tmp_path / "none")
    (inside / "self.md").symlink_to(inside / "self.md")
    assert find_files([inside]) == [inside / "m.md", inside / "there" / "o.md"]
    with pytest.raises(DocumentError, match=r"self\.md"):
        find_files([inside / "self.md"])
