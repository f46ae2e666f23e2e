"""What must not be read without the key: sealed with AES-256-GCM (NIST SP 800-38D). SDK: cryptography, loaded late.

The key is made of ``secret_key`` (EVERBOT_SECRET_KEY) where that is set, else it lies in the data directory, in a file
for its owner's eyes only. A backup of the database does not hold it.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import SecretStr

from bot.errors import SettingsError, refused

_NONCE = 12  # bytes, as the recommendation has it
_KEY = 32
_LEAST = 16  # characters of a key that somebody made up


class Unreadable(Exception):
    """It was sealed with another key, or changed since."""


class Seal:
    """``file`` holds the key where ``given`` does not tell it; it is made when it is first needed."""

    def __init__(self, file: Path, given: SecretStr | None) -> None:
        self._file = file
        self._given = given
        self._key = b""

    def close(self, text: str, about: str) -> bytes:
        """Sealed: `open` gives it back to who names the same thing that it is about. Raises `SettingsError`."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self._secret()).encrypt(nonce, text.encode(), about.encode())

    def open(self, sealed: bytes, about: str) -> str:
        """Raises `Unreadable`, and `SettingsError` where there can be no key."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            return AESGCM(self._secret()).decrypt(sealed[:_NONCE], sealed[_NONCE:], about.encode()).decode()
        except (InvalidTag, ValueError):
            raise Unreadable from None

    def check(self) -> None:
        """Raises `SettingsError` when the key cannot be had."""
        self._secret()

    def _secret(self) -> bytes:
        if not self._key:
            self._key = self._derived() if self._given is not None else self._kept()
        return self._key

    def _derived(self) -> bytes:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        assert self._given is not None
        given = self._given.get_secret_value()
        if len(given) < _LEAST:
            raise SettingsError(
                f"secret_key (EVERBOT_SECRET_KEY) must be at least {_LEAST} characters that nobody guesses."
            )
        return HKDF(SHA256(), _KEY, salt=None, info=b"everbot: credentials").derive(given.encode())

    def _kept(self) -> bytes:
        try:
            self._file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
            try:
                file = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                key = self._file.read_bytes()
            else:
                key = os.urandom(_KEY)
                with os.fdopen(file, "wb") as made:
                    made.write(key)
                    made.flush()
                    os.fsync(made.fileno())
        except OSError as error:
            raise SettingsError(
                f"The key {self._file} cannot be used ({refused(error)}); make it readable, or set EVERBOT_SECRET_KEY."
            ) from None
        if len(key) != _KEY:
            raise SettingsError(
                f"{self._file} holds no key: delete it (people connect their accounts anew), or set EVERBOT_SECRET_KEY."
            )
        return key
