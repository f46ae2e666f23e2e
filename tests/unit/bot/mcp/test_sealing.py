from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.errors import SettingsError
from bot.mcp.sealing import Seal, Unreadable


def test_what_is_sealed_is_read_with_the_key_alone(tmp_path: Path) -> None:
    file = tmp_path / "secret.key"
    sealed = Seal(file, None).close("sk-1", "calendar")
    assert b"sk-1" not in sealed
    assert Seal(file, None).open(sealed, "calendar") == "sk-1"
    assert file.stat().st_mode & 0o777 == 0o600
    assert Seal(file, None).close("sk-1", "calendar") != sealed


def test_what_was_changed_or_is_of_something_else_is_unreadable(tmp_path: Path) -> None:
    seal = Seal(tmp_path / "secret.key", None)
    sealed = seal.close("sk-1", "calendar")
    others = [
        (seal, sealed, "mail"),
        (seal, sealed[:-1] + bytes([sealed[-1] ^ 1]), "calendar"),
        (seal, b"", "calendar"),
        (Seal(tmp_path / "other.key", None), sealed, "calendar"),
        (Seal(tmp_path / "secret.key", SecretStr("another one, made up")), sealed, "calendar"),
    ]
    for opener, bits, about in others:
        with pytest.raises(Unreadable):
            opener.open(bits, about)


def test_a_key_of_ones_own_lies_in_no_file(tmp_path: Path) -> None:
    key = SecretStr("correct horse battery staple")
    sealed = Seal(tmp_path / "secret.key", key).close("sk-1", "calendar")
    assert Seal(tmp_path / "elsewhere", key).open(sealed, "calendar") == "sk-1"
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(b"short")
    for seal in (Seal(tmp_path / "secret.key", None), Seal(tmp_path / "x", SecretStr("short"))):
        with pytest.raises(SettingsError, match="EVERBOT_SECRET_KEY"):
            seal.check()
