"""The log: lines for whoever runs the bot, on standard error and in a file, as text or as JSON.

It never holds what people said. Of other people's libraries only what their authors wrote is shown, from warnings
on: whatever they put into a line may be a message, a query or a prompt. Of an exception its kind and where it was
raised is shown, not its text, for the same reason.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from logging.handlers import TimedRotatingFileHandler
from types import FrameType
from typing import IO, TYPE_CHECKING

from bot.errors import SettingsError, refused
from bot.events import printable
from bot.settings import Settings
from memory.errors import where

OURS = ("bot", "adapters", "memory")
FIELDS = "fields"
"""Under this name a line's ``extra`` has values that stand beside its text in JSON."""

_QUIET = {
    **dict.fromkeys(("aiohttp", "aiosqlite", "alembic", "asyncio", "chromadb"), logging.WARNING),
    **dict.fromkeys(("discord", "httpcore", "httpcore2", "httpx", "httpx2", "markitdown"), logging.WARNING),
    **dict.fromkeys(("openai", "pdfminer", "sqlalchemy", "tzlocal", "urllib3"), logging.WARNING),
    # It warns of each tick that is left out while the one before still runs; the next sees to the same rows.
    "apscheduler": logging.ERROR,
    # They log what came over the wire, and where it was asked for.
    **dict.fromkeys(("mcp", "client"), logging.CRITICAL),
    # They show whole requests when nobody listens to one.
    **dict.fromkeys(("slack_bolt", "slack_sdk"), logging.ERROR),
}
_VALUE = re.compile(r"%(\(\w+\))?[#0 +-]*[\d.*]*[a-zA-Z]")  # where a value is put into a text

if TYPE_CHECKING:
    _Stream = logging.StreamHandler[IO[str]]
else:
    _Stream = logging.StreamHandler


def quiet() -> None:
    """Libraries that log people's words, below warnings or as warnings, do not, whoever listens."""
    for name, level in _QUIET.items():
        logger = logging.getLogger(name)
        if logger.level < level:  # each setting clears what every logger of the process has remembered
            logger.setLevel(level)


def begin(settings: Settings) -> None:
    """Log as the settings say, in a process that is everbot's. Raises `SettingsError` when a file can't be written."""
    quiet()
    handlers = [_Screen(), *_files(settings)]
    for handler in handlers:
        handler.setFormatter(_AsJson() if settings.log.format == "json" else _AsText())
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(settings.log.level.upper())
    # What Python itself would print, with the exception's text.
    threading.excepthook = lambda args: _unheard("A thread", args.exc_value)
    sys.unraisablehook = lambda args: _unheard("Cleaning up", args.exc_value)


def check(settings: Settings) -> None:
    """Raises `SettingsError` when the log file cannot be written."""
    for handler in _files(settings):
        handler.close()


class _Screen(_Stream):
    """Standard error as it is now: a prompt puts another in its place, which it draws around."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> IO[str]:  # type: ignore[override]
        return sys.stderr


def _files(settings: Settings) -> list[logging.Handler]:
    path = settings.log.file
    if path is None:
        return []
    keep = settings.privacy.keep_logs_days
    try:
        return [TimedRotatingFileHandler(path, when="midnight", utc=True, backupCount=keep, encoding="utf-8")]
    except OSError as error:
        raise SettingsError(f"log.file: {path} cannot be written ({refused(error)}).") from None


def _unheard(what: str, error: BaseException | None) -> None:
    logging.getLogger(__name__).error("%s failed", what, exc_info=error)


class _AsText(logging.Formatter):
    """``2026-11-27 09:00:00,000 INFO bot.cli.run: discord: ready.``: each line of the log is one line."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).astimezone()
        told = printable(_told(record)).replace("\n", "\\n")
        return f"{at:%Y-%m-%d %H:%M:%S},{record.msecs:03.0f} {record.levelname} {record.name}: {told}"


class _AsJson(logging.Formatter):
    """One JSON object a line: ``time`` (ISO 8601), ``level``, ``logger``, ``message``, and the line's own values."""

    def format(self, record: logging.LogRecord) -> str:
        values = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _told(record),
        }
        return json.dumps(values | getattr(record, FIELDS, {}))


def _told(record: logging.LogRecord) -> str:
    """What a record says, and where the exception came from that it is about."""
    error = record.exc_info[1] if record.exc_info else None
    told = _said(record)
    return told if error is None else f"{told} ({where(error)})"


def _said(record: logging.LogRecord) -> str:
    """The text of a record; of a library's, as far as its author wrote it: values that it put in are left out."""
    if record.name.partition(".")[0] in OURS:
        return record.getMessage()
    if not _is_written(record):
        return (
            f"(line {record.lineno} of {record.module} has a text that may hold what people said: left out)"
        )
    values = iter(record.args if isinstance(record.args, tuple) else ())

    def shown(_: re.Match[str]) -> str:
        value = next(values, "")
        return str(value) if isinstance(value, int | float) else "…"

    return _VALUE.sub(shown, record.msg)


def _is_written(record: logging.LogRecord) -> bool:
    """Whether the record's text stands as it is in the source that logs it: then nothing was put into it."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if (frame.f_code.co_filename, frame.f_lineno) == (record.pathname, record.lineno):
            return record.msg in frame.f_code.co_consts
        frame = frame.f_back
    return False
