"""The keys by which texts are sealed: a file for each owner, in a folder outside of the database, which its log of
writes, replicas and backups never see. SDK: cryptography, loaded late.

AES-256-GCM (NIST SP 800-38D) with a random nonce; where the same text must look the same each time, the nonce is made
of the text and the key. Owners are called as "agent:5". A key that was thrown away leaves an empty file: what was
sealed with it is forgotten, and its owner's number is never given again.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import os
import secrets
from collections.abc import Collection
from pathlib import Path

from memory.errors import StoreUnavailable

_KEY = 32  # bytes
_NONCE = 12  # as the recommendation has it
_MARK = 8


class Key:
    """Of one owner."""

    def __init__(self, owner: str, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(key)
        self._owner = owner.encode()
        self._of_words = hmac.digest(key, b"everbot: words", "sha256")
        self._of_nonces = hmac.digest(key, b"everbot: nonces", "sha256")

    def seal(self, plain: bytes, *, same: bool = False) -> bytes:
        nonce = hmac.digest(self._of_nonces, plain, "sha256")[:_NONCE] if same else os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, self._owner)

    def open(self, sealed: bytes) -> bytes:
        """Raises `cryptography.exceptions.InvalidTag`, ValueError."""
        return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], self._owner)

    def mark(self, word: str) -> str:
        """What stands for a word in postings."""
        return base64.b64encode(hmac.digest(self._of_words, word.encode(), "sha256")[:_MARK]).decode()


class KeyRing:
    """The keys of one database, in ``folder``, which all processes share. Read without awaiting: files of 32 bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: dict[str, Key | None] = {}
        self._seen = 0

    def refresh(self) -> None:
        """Know of what others threw away. Raises `StoreUnavailable`."""
        try:
            now = self._folder.stat().st_mtime_ns
        except OSError as error:
            raise self._lost(error.strerror or "it cannot be read") from None
        if now != self._seen:
            self._keys.clear()
            self._seen = now

    def key(self, owner: str) -> Key | None:
        """None: it was thrown away. Raises `StoreUnavailable` when it is not there."""
        if owner not in self._keys:
            try:
                held = self._file(owner).read_bytes()
            except OSError as error:
                raise self._lost(f"{self._file(owner).name}: {error.strerror}") from None
            if held and len(held) != _KEY:
                raise self._lost(f"{self._file(owner).name} is damaged")
            self._keys[owner] = Key(owner, held) if held else None
        return self._keys[owner]

    def make(self, owner: str) -> Key:
        """The owner's, made if there is none yet. Raises `StoreUnavailable`, also when it was thrown away."""
        if owner not in self._keys:
            try:
                self._make(owner)
            except OSError as error:
                raise self._lost(error.strerror or "it cannot be written") from None
        key = self.key(owner)
        if key is None:
            raise StoreUnavailable(f"{owner} was forgotten: nothing can be written for it any more.")
        return key

    def throw_away(self, owners: Collection[str]) -> None:
        """Nobody reads any more what was sealed with them. Idempotent. Raises OSError."""
        for owner in owners:
            file = self._file(owner)
            with contextlib.suppress(FileNotFoundError), file.open("r+b") as held:
                held.write(bytes(_KEY))
                held.flush()
                os.fsync(held.fileno())
            empty = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
            empty.touch(0o600)
            empty.replace(file)
            self._keys.pop(owner, None)
        self._lasts()

    def known(self, kind: str) -> dict[int, bool]:
        """The numbers of all owners of a kind that ever had a key, and whether they have it still."""
        found = {}
        with os.scandir(self._folder) as files:
            for file in files:
                name, _, number = file.name.partition("-")
                if name == kind and number.isdecimal():
                    found[int(number)] = file.stat().st_size > 0
        return found

    def _make(self, owner: str) -> None:
        file = self._file(owner)
        if file.exists():
            return
        new = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        made = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(made, "wb") as held:
                held.write(os.urandom(_KEY))
                held.flush()
                os.fsync(held.fileno())
            with contextlib.suppress(FileExistsError):  # another process's, which is the one that counts
                os.link(new, file)
        finally:
            new.unlink()
        self._lasts()

    def _lasts(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _file(self, owner: str) -> Path:
        return self._folder / owner.replace(":", "-")

    def _lost(self, why: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"The keys of this database cannot be used ({self._folder}: {why}). Is [store] keys (EVERBOT_STORE__KEYS) "
            "the folder that it was sealed with, and is it mounted?"
        )


def keys_in(folder: Path, database: str) -> KeyRing:
    """Those of the database of this name, which must be there. Raises `StoreUnavailable`."""
    ring = KeyRing(folder / database)
    ring.refresh()
    return ring


def new_keys_in(folder: Path, database: str) -> KeyRing:
    """Room for those of a new database. Raises `StoreUnavailable`."""
    try:
        (folder / database).mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise StoreUnavailable(
            f"No keys can be kept in {folder} ({error.strerror}): name another folder in [store] keys "
            "(EVERBOT_STORE__KEYS)."
        ) from None
    return keys_in(folder, database)
