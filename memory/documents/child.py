"""The process that reads documents for `memory.documents.reader`.

Standard input brings, for each, a line of JSON (``name``, ``bytes``, ``seconds``, ``characters``) and the file's
bytes; standard output gives a line of JSON (``bytes``, or ``error``) and the text in UTF-8. A parser that runs out
of bounds ends with the process.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from typing import BinaryIO

from memory.documents.reading import text_of
from memory.errors import DocumentError

NO_MEMORY = 3  # how the process ends when a document needs more memory than it may have


def main() -> None:
    _bound(int(sys.argv[1]))
    logging.disable(logging.CRITICAL)  # parsers tell of every oddity
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a parser prints is no answer
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        data = sys.stdin.buffer.read(asked["bytes"])
        _bound_time(asked["seconds"])
        try:
            text = text_of(asked["name"], data)
            if len(text) > asked["characters"]:
                raise DocumentError(
                    f"{asked['name']} is too large: it holds more than {asked['characters']:,} characters."
                )
        except DocumentError as error:
            _answer(answers, {"error": str(error)}, b"")
        except MemoryError:
            os._exit(NO_MEMORY)
        else:
            told = text.encode()
            _answer(answers, {"bytes": len(told)}, told)


def _answer(answers: BinaryIO, head: dict[str, object], body: bytes) -> None:
    answers.write(json.dumps(head).encode() + b"\n")
    answers.write(body)
    answers.flush()


def _bound(memory: int) -> None:
    """Bound what this process may take, as far as the system can: Windows has none of it, macOS no memory."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        for what, most in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_AS, memory),
        ):
            _, hard = resource.getrlimit(what)
            bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(what, (bound, hard))


def _bound_time(seconds: int) -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds, hard))


if __name__ == "__main__":
    main()
