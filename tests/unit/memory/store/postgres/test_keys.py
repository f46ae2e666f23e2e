"""Files of keys: who makes them, reads them, and throws them away. No server is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory.errors import StoreUnavailable
from memory.store.postgres.keys import KeyRing, keys_in, new_keys_in


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return new_keys_in(tmp_path / "keys", "database")


def file_of(tmp_path: Path, owner: str) -> Path:
    return tmp_path / "keys" / "database" / owner.replace(":", "-")


def test_a_key_is_made_once_and_everybody_has_the_same(ring: KeyRing, tmp_path: Path) -> None:
    other = keys_in(tmp_path / "keys", "database")
    sealed = ring.make("agent:1").seal(b"hello")
    assert other.make("agent:1").open(sealed) == b"hello"
    assert (
        other.make("agent:1").mark("tea")
        == ring.make("agent:1").mark("tea")
        != ring.make("agent:2").mark("tea")
    )
    assert file_of(tmp_path, "agent:1").stat().st_mode & 0o077 == 0
    assert {file.name for file in file_of(tmp_path, "x").parent.iterdir()} == {"agent-1", "agent-2"}


def test_the_same_text_looks_the_same_only_where_that_is_asked(ring: KeyRing) -> None:
    one, other = ring.make("agent:1"), ring.make("agent:2")
    assert one.seal(b"tea") != one.seal(b"tea")
    assert one.seal(b"tea", same=True) == one.seal(b"tea", same=True)
    assert one.seal(b"tea", same=True) not in (other.seal(b"tea", same=True), one.seal(b"tee", same=True))


def test_a_key_that_was_thrown_away_is_gone_for_all_and_is_not_made_again(
    ring: KeyRing, tmp_path: Path
) -> None:
    other = keys_in(tmp_path / "keys", "database")
    ring.make("agent:1")
    assert other.key("agent:1") is not None
    ring.throw_away(["agent:1", "agent:7"])
    ring.throw_away(["agent:1"])
    assert file_of(tmp_path, "agent:1").read_bytes() == b""
    for each in (ring, other):
        each.refresh()
        assert each.key("agent:1") is None
        with pytest.raises(StoreUnavailable, match="agent:1 was forgotten"):
            each.make("agent:1")
    ring.make("agent:2")
    assert ring.known("agent") == {1: False, 2: True, 7: False}


def test_what_is_wrong_with_the_folder_is_said_with_the_settings_name(ring: KeyRing, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"agent-3.*\[store\] keys \(EVERBOT_STORE__KEYS\)"):
        ring.key("agent:3")
    file_of(tmp_path, "agent:3").write_bytes(b"short")
    with pytest.raises(StoreUnavailable, match="agent-3 is damaged"):
        ring.key("agent:3")
    with pytest.raises(StoreUnavailable, match="EVERBOT_STORE__KEYS"):
        keys_in(tmp_path / "elsewhere", "database")
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="EVERBOT_STORE__KEYS"):
        new_keys_in(tmp_path / "file", "database")
