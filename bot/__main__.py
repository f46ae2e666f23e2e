"""``python -m bot`` and the console script ``everbot``."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; what the operator must mend is one sentence and exit code 1."""
    from bot.cli.main import app
    from bot.errors import EverbotError
    from memory.errors import MemoryError_

    try:
        app()
    except (EverbotError, MemoryError_) as error:
        print(f"everbot: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BaseExceptionGroup as group:
        # A TaskGroup wraps what stopped it; people want the sentence inside.
        known, unknown = group.split((EverbotError, MemoryError_))
        if known is None or unknown is not None:
            raise
        first: BaseException = known
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        print(f"everbot: {first}", file=sys.stderr)
        sys.exit(1)
    finally:
        _let_go()


def _let_go() -> None:
    """Whoever read standard output may be gone; Python would complain of it at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
