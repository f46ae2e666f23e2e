"""What is not to be read without its owner's key, on its way to a database that seals it
(`memory.store.postgres.sealing`); SQLite knows nothing of this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

Form = Literal["text", "object", "list", "bytes"]
_NOTHING = ("", "{}", "[]", b"")
"""Says nothing, and stays as it is: so that SQL can ask whether there is anything."""


class Secret(str):
    """A text, or what is JSON by now, that must be sealed before the driver has it."""

    __slots__ = ("form", "same")
    form: Form
    same: bool
    """Whether the same text is sealed alike each time, so that it can be looked for."""


class SecretBytes(bytes):
    form: Form = "bytes"
    same = False


class Sealed(str):
    """As the database has it already."""

    __slots__ = ()


class _Marks:
    """Of the types below."""

    form: Form
    same = False

    def mark(self, value: Any) -> Any:
        """What the driver would be given, to be sealed."""
        if not value or isinstance(value, Sealed) or value in _NOTHING:
            return value
        if isinstance(value, bytes):
            return SecretBytes(value)
        secret = Secret(value)
        secret.form, secret.same = self.form, self.same
        return secret


class SecretText(_Marks, TypeDecorator[str]):
    """A text, compared by code points. ``same``: see `Secret`."""

    impl = sa.Text
    cache_ok = True
    form: Form = "text"

    def __init__(self, *, same: bool = False) -> None:
        super().__init__(collation="C")
        self.same = same

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return self.mark


class SecretJson(_Marks, TypeDecorator[Any]):
    """JSON; ``plain``: the type that makes of it what the column holds."""

    impl = sa.JSON
    cache_ok = True

    def __init__(self, form: Form = "object", plain: TypeDecorator[Any] | None = None) -> None:
        super().__init__()
        self.form = form
        self.plain = plain

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        written = super().bind_processor(dialect)
        assert written is not None
        return lambda value: self.mark(written(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return self.plain.process_result_value(value, dialect) if self.plain else value


class SecretData(_Marks, TypeDecorator[bytes]):
    """Bytes."""

    impl = sa.LargeBinary
    cache_ok = True
    form: Form = "bytes"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return self.mark


def marks(kind: TypeEngine[Any], dialect: Dialect) -> _Marks | None:
    """What marks a column's values on their way, if anything does."""
    found = kind.dialect_impl(dialect)
    return found if isinstance(found, _Marks) else None


TEXT = sa.Text().with_variant(SecretText(), "postgresql")
"""What somebody said, or is made of it."""
WORD = sa.Text().with_variant(SecretText(same=True), "postgresql")
"""The same, where it is compared and grouped. Look for it with `memory.store.connection.Connection.sealed`."""
JSON = sa.JSON().with_variant(SecretJson(), "postgresql")
DATA = sa.LargeBinary().with_variant(SecretData(), "postgresql")
