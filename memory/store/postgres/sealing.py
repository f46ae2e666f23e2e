"""What people said, sealed on its way into the database and opened on its way out: in one place, below all statements.

Columns that hold it have the types of `memory.store.secret`, which mark each value; whose it is, is told by the
row that a statement inserts or changes (`whose`). What is marked and nobody's never reaches the driver. A sealed value
says by which key it is sealed, so that the driver opens it wherever it turns up, as it reads texts, JSON and bytes.

What was sealed with a key that was thrown away reads as if nothing had been said.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory.records import scope_of
from memory.store.postgres.keys import KeyRing
from memory.store.secret import Form, Sealed, Secret, SecretBytes

if TYPE_CHECKING:
    import asyncpg

_OBJECT = b'{"sealed": "'
_NOTHING: dict[Form, Any] = {"text": "", "object": {}, "list": [], "bytes": b""}
_ASKED = '"image": "data:image/'
"""What SQL looks for in events (`memory.store.mailbox`): that one shows a picture stays to be seen, and these."""
_PLAIN = ("account", "at")
"""Of whom an event is (of nobody: it was undone), and since when: rows of other tables tell it, too."""

Owner = Callable[[Any], str]


def of_agent(number: int) -> str:
    return f"agent:{number}"


def of_archive(number: int) -> str:
    return f"archive:{number}"


def _by_agent_key(key: int) -> str:
    return of_agent(scope_of(key))


def _by_archive_key(key: int) -> str:
    return of_archive(scope_of(key))


_AGENT = ("agent_id", of_agent)
_AGENT_KEY = ("key", _by_agent_key)
_ARCHIVE_KEY = ("key", _by_archive_key)
OWNERS: dict[str, tuple[str, Owner | str]] = {
    "messages": _AGENT_KEY,
    "messages_vectors": _AGENT_KEY,
    "passages": _ARCHIVE_KEY,
    "passages_vectors": _ARCHIVE_KEY,
    "passage_tags": _ARCHIVE_KEY,
    "summaries": (
        "conversation_id",
        "SELECT 'agent:' || agent_id FROM conversations WHERE id = $1",
    ),
    "blocks": ("owner", str),
    "block_history": ("block_id", "SELECT owner FROM blocks WHERE id = $1"),
    "inbox": _AGENT,
    "turns": _AGENT,
    "outbox": _AGENT,
    "outbox_files": ("outbox_id", "SELECT 'agent:' || agent_id FROM outbox WHERE id = $1"),
    "wishes": _AGENT,
    "asks": _AGENT,
    "proposals": _AGENT,
    "findings": _AGENT,
    "captions": _AGENT,
    "wastebasket": _AGENT,
    "reports": ("user_id", lambda number: f"user:{number}"),
}
"""Of each table that holds what is sealed: the column that tells whose a row is, and how; or in which SQL."""
ENDING = {"agents": "agent", "archives": "archive", "users": "user", "personas": "persona"}
"""With whose rows the key of such an owner goes."""


class Sealing:
    """Of one process's connections to one database, whose ``ring`` is known once it was looked at; keys lie in
    ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ring: KeyRing | None = None
        self._sign = b""
        self.gone: list[str] = []
        """Whose keys are thrown away when the unit of work that runs is committed."""

    def begin(self, ring: KeyRing, database: str) -> None:
        """The keys are those of the database of this name, by which what is sealed there is known: version, name, and
        then whose key, space, what it made of it (texts in base64). No name that people give themselves looks so."""
        self.ring = ring
        self._sign = f"\x01k1{database} ".encode()

    @property
    def keys(self) -> KeyRing:
        assert self.ring is not None, "before a database is read its keys are looked at"
        return self.ring

    def seal(self, value: Any, owner: str | None) -> Any:
        """A value as the driver may have it. Raises TypeError for what is to be sealed, and nobody's."""
        if not isinstance(value, Secret | SecretBytes):
            return value
        if owner is None:
            raise TypeError(
                "what is sealed is written by a plain INSERT or UPDATE, and asked for as `Sealed`"
            )
        key = self.keys.make(owner)
        if isinstance(value, SecretBytes):
            return self._sign + owner.encode() + b" " + key.seal(value)
        text = value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="surrogatepass")
        if value.form == "text":
            return Sealed(self._signed(owner, key.seal(text, same=value.same)))
        shown = {"sealed": self._signed(owner, key.seal(text)), "form": value.form}
        if value.form == "object":
            shown |= _shown(text)
        return Sealed(json.dumps(shown))

    def same(self, value: str, owner: str) -> Sealed:
        """As a column holds it that is compared."""
        if not value:
            return Sealed(value)
        return Sealed(self._signed(owner, self.keys.make(owner).seal(value.encode(), same=True)))

    async def open_on(self, driver: asyncpg.Connection) -> None:
        """Let the connection open what it reads."""
        for name, encode, decode in (
            ("text", str.encode, self._text),
            ("json", str.encode, self._json),
            ("bytea", bytes, self._bytes),
        ):
            await driver.set_type_codec(
                name, encoder=encode, decoder=decode, schema="pg_catalog", format="binary"
            )

    def _text(self, held: bytes) -> str:
        if not self._is_sealed(held):
            return held.decode()
        opened = self._opened(held, in_base64=True)
        return held.decode() if opened is None else opened.decode(errors="surrogatepass")

    def _json(self, held: bytes) -> Any:
        if not held.startswith(_OBJECT):
            return json.loads(held)
        found = json.loads(held)
        sealed = found["sealed"].encode()
        opened = self._opened(sealed, in_base64=True) if self._is_sealed(sealed) else None
        if opened is None:
            return found
        return json.loads(opened) if opened else _NOTHING[found["form"]]

    def _bytes(self, held: bytes) -> bytes:
        if not self._is_sealed(held):
            return held
        opened = self._opened(held, in_base64=False)
        return held if opened is None else opened

    def _is_sealed(self, held: bytes) -> bool:
        return bool(self._sign) and held.startswith(self._sign)

    def _signed(self, owner: str, sealed: bytes) -> str:
        return f"{self._sign.decode()}{owner} {base64.b64encode(sealed).decode()}"

    def _opened(self, held: bytes, *, in_base64: bool) -> bytes | None:
        """None: it is not sealed, whatever it looks like. Empty: its key was thrown away."""
        owner, _, sealed = held[len(self._sign) :].partition(b" ")
        kind, _, number = owner.partition(b":")
        if kind.decode(errors="replace") not in ENDING.values() or not number.isdigit():
            return None
        from cryptography.exceptions import InvalidTag

        key = self.keys.key(owner.decode())
        if key is None:
            return b""
        try:
            return key.open(base64.b64decode(sealed) if in_base64 else sealed)
        except (InvalidTag, ValueError, binascii.Error):
            return None


def _shown(text: bytes) -> dict[str, str]:
    held = json.loads(text) if b'"account": ' in text else {}
    shown = {name: held[name] for name in _PLAIN if isinstance(held.get(name), str)}
    if _ASKED.encode() in text:
        shown["image"] = "data:image/"
    return shown
