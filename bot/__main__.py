"""``python -m bot`` and the console script ``everbot``."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator


def main() -> None:
    """Run the command line. However it ends, people are told in one sentence, and never see a traceback.

    Exit code 1: something must be mended; 130: called off by Ctrl-C.
    """
    from bot.cli import process

    process.begin()
    from bot.cli.main import command_line
    from bot.cli.screen import warn

    os.umask(0o077)  # whatever is written may be what people said
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show every sign
    try:
        command_line()()
    except KeyboardInterrupt:
        sys.exit(130)
    except (Exception, BaseExceptionGroup) as error:
        warn(f"everbot: {sentence_of(error)}")
        sys.exit(1)
    finally:
        _let_go()


def sentence_of(error: BaseException) -> str:
    """What to tell of an error that ended everbot. What nobody foresaw is logged with where it was raised."""
    import logging

    from bot import logs
    from bot.errors import EverbotError
    from bot.settings import Settings
    from memory.errors import MemoryError_, where

    found = list(_inside(error))
    for one in found:
        if isinstance(one, EverbotError | MemoryError_):
            return str(one)
        if isinstance(one, MemoryError):
            return "There is not enough memory: give it more, or stop what else takes it. Nothing was lost."
        if isinstance(one, OSError) and one.errno in (errno.ENOSPC, errno.EDQUOT):
            return "The disk is full: free some space (data_dir), then start again. Nothing was lost."
    if not logging.getLogger().handlers:
        logs.begin(Settings())
    logging.getLogger("bot").critical("everbot ended by a fault of its own: %s", where(error))
    return (
        f"It ended by a fault of its own ({type(found[0]).__name__}); the log says where. Please report it."
    )


def _inside(error: BaseException) -> Iterator[BaseException]:
    """The error itself, or those that a TaskGroup wrapped; what stopped it comes first."""
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    for inner in error.exceptions:
        yield from _inside(inner)


def _let_go() -> None:
    """Whoever read standard output may be gone; Python would complain of it at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
