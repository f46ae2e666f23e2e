"""A file, a zip or a folder of somebody's is read within bounds, and by its own names alone."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from bot.errors import BundleError
from bot.ownership.moving_in import source as sources
from bot.ownership.moving_in.source import Source


def zipped(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_what_unpacks_to_far_more_than_it_is_is_not_unpacked(tmp_path: Path) -> None:
    source = Source(zipped(tmp_path / "x.zip", bomb=bytes(70_000_000), small=b"{}"))
    with pytest.raises(BundleError, match="would unpack to 70,000,000 bytes"):
        source.text("bomb")
    assert source.text("small") == "{}"


def test_more_than_is_read_at_once_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_WHOLE", 10)
    with pytest.raises(BundleError, match="larger than the 10 bytes"):
        Source(zipped(tmp_path / "x.zip", a=b"x" * 11)).text("a")


def test_a_zip_of_too_many_files_is_refused_before_it_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "x.zip", **{f"file{n}": b"" for n in range(50)})
    monkeypatch.setattr(sources, "_LIST", 500)
    with pytest.raises(BundleError, match="too many files"):
        Source(path)
    monkeypatch.undo()
    monkeypatch.setattr(sources, "_FILES", 49)
    with pytest.raises(BundleError, match="more than the 49 files"):
        Source(path)


def test_a_damaged_zip_is_told_in_a_sentence(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "x.zip", a=b"hello " * 1_000).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:-30])
    with pytest.raises(BundleError, match=r"cut.zip is damaged, or not whole"):
        Source(tmp_path / "cut.zip")
    (tmp_path / "spoilt.zip").write_bytes(whole[:40] + b"\xff" * 10 + whole[50:])
    with pytest.raises(BundleError, match=r"a in spoilt.zip cannot be read"):
        Source(tmp_path / "spoilt.zip").text("a")


def test_a_folder_is_read_without_what_is_hidden_or_leads_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    (folder / ".git").mkdir(parents=True)
    (folder / "memory").mkdir()
    for name in (".git/MEMORY.md", "memory/2024-05-03.md", "USER.md"):
        (folder / name).write_text("x")
    (folder / "link.md").symlink_to("/etc/hostname")
    source = Source(folder)
    assert source.names == ("USER.md", "memory/2024-05-03.md")
    assert source.ending("user.md") == ["USER.md"]
    before = source.digest()
    (folder / "USER.md").write_text("y")
    assert Source(folder).digest() != before


def test_lines_are_numbered_and_an_overlong_one_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_LONGEST", 10)
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbfone\n\n" + b"y" * 35 + b"\nfour")
    assert [(n, line.strip()) for n, line in Source(tmp_path / "x").lines("x")] == [
        (1, b"one"),
        (3, b""),
        (4, b"four"),
    ]
