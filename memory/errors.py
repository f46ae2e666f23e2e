"""What can go wrong in memory.

MemoryError_
├── Mendable             the model can mend it: the text says how, and goes back to it as a tool result
│   ├── BlockNotFound        no block of that label is visible in this audience
│   ├── BlockReadOnly        the block is shown, but not this turn's to write
│   ├── BlockLimitExceeded   the new value is longer than the block's limit
│   ├── TextNotFound         the text to replace is not in the block
│   └── TextNotUnique        it is there more than once
├── StoreError           the operator must mend it: one sentence naming the setting
│   ├── StoreUnavailable     disk full or read-only, file locked or damaged
│   ├── StoreTooNew          the database was written by a newer everbot
│   ├── StoreBusy            another process holds the data directory, or works on the database
│   │   └── StoreShared      it shares the work with whoever comes
│   └── StaleAgent           another process changed the agent, or has it now: nothing was written
├── EmbedderError        vectors cannot be made now; search goes on by words alone
│   └── TextRefused          not of this text, or of one of these
└── DocumentError        a file cannot be read as a document
    └── ReaderMissing        the operator must mend it: what reads such files is not installed
"""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from pathlib import Path

_FRAMES = 8
_DEEP = 4  # causes of causes that are told


def where(error: BaseException, deep: int = _DEEP) -> str:
    """The kind of an exception, where it was raised (innermost first) and what caused it, in a line for a log. Never
    its text: that may quote what people said."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = [f"{'/'.join(Path(f.filename).parts[-3:])}:{f.lineno} {f.name}" for f in reversed(frames)]
    told = f"{type(error).__qualname__}{' at ' if places else ''}{' < '.join(places)}"
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and deep:
        told = f"{told}, after {where(before, deep - 1)}"
    if isinstance(error, BaseExceptionGroup) and deep:
        told = f"{told} [{'; '.join(where(inner, deep - 1) for inner in error.exceptions[:_FRAMES])}]"
    return told


_SCARCE = (errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOSPC)
_THREADLESS = "can't start new thread"  # as CPython says it


def scarce(error: BaseException) -> bool:
    """Whether it comes of a lack of memory, threads, open files or room on the disk: what failed may be done later."""
    return any(
        isinstance(one, MemoryError)
        or (isinstance(one, OSError) and one.errno in _SCARCE)
        or (isinstance(one, RuntimeError) and str(one) == _THREADLESS)
        or (isinstance(one, ImportError) and "Cannot allocate memory" in str(one))
        for one in _chain(error, 2 * _DEEP)
    )


def _chain(error: BaseException, deep: int) -> Iterator[BaseException]:
    yield error
    before = error.__cause__ or error.__context__
    if before is not None and deep:
        yield from _chain(before, deep - 1)
    if isinstance(error, BaseExceptionGroup) and deep:
        for inner in error.exceptions[:_FRAMES]:
            yield from _chain(inner, deep - 1)


class MemoryError_(Exception):
    """Base of every error of this package. Its text is a sentence for its reader."""


class Mendable(MemoryError_):
    """The model can mend this; the text says how."""


class BlockNotFound(Mendable):
    pass


class BlockReadOnly(Mendable):
    pass


class BlockLimitExceeded(Mendable):
    pass


class TextNotFound(Mendable):
    pass


class TextNotUnique(Mendable):
    pass


class StoreError(MemoryError_):
    """The operator must mend this; the text names the setting."""


class StoreUnavailable(StoreError):
    pass


class StoreTooNew(StoreError):
    pass


class StoreBusy(StoreError):
    pass


class StoreShared(StoreBusy):
    pass


class StaleAgent(StoreError):
    """What was thought out stands on what is not so any more: another process changed the agent since it was read, or
    has it now. Nothing of the unit is written. Read again, and think again where it is still yours."""


class EmbedderError(MemoryError_):
    pass


class TextRefused(EmbedderError):
    pass


class DocumentError(MemoryError_):
    pass


class ReaderMissing(DocumentError):
    """``kind`` is such a file's kind, as people write it; ``remedy`` what the operator is to do."""

    def __init__(self, name: str, kind: str, remedy: str) -> None:
        super().__init__(f"{name} is not read: for {kind} files {remedy}.")
        self.kind, self.remedy = kind, remedy
