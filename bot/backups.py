"""Backups of the database in a folder: made, and thrown away when there are newer ones."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.data_dir import DataDir
from bot.errors import refused
from bot.ports import Clock
from bot.settings import BackupSettings, Settings
from memory.errors import StoreError, StoreUnavailable, where
from memory.ports import Store

log = logging.getLogger(__name__)

_FORM = "everbot-%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"((everbot-\d{8}T\d{6}Z)\.(db|dump))(\.part.*)?")
_LOOK_S = 60.0
_AGAIN_S = 3_600.0  # after one that failed
_STALE = timedelta(days=1)  # of one that is not whole: its process died


class Backups:
    """Those in one folder, by the time in their names (UTC). Other files there are nobody's business."""

    def __init__(self, store: Store, clock: Clock, folder: Path, rules: BackupSettings) -> None:
        self._store, self._clock = store, clock
        self._folder, self._keep = folder, rules.keep
        self._every = timedelta(hours=rules.every_hours)

    async def make(self, keep: int) -> Path:
        """Make one, and throw away all but the ``keep`` newest (0: none is). Raises `StoreUnavailable`."""
        at = self._clock.now()
        with usable(self._folder):
            self._folder.mkdir(parents=True, mode=0o700, exist_ok=True)
            while (path := self._folder / f"{at.strftime(_FORM)}{self._store.ending}").exists():
                at += timedelta(seconds=1)
            await self._store.backup(path)
            self._clear(path, keep)
        return path

    async def sweep(self) -> None:
        """Make one if it is time."""
        now = self._clock.now()
        if not self._keep:
            return
        with usable(self._folder):
            newest = max((at for at, _ in kept(self._folder) if at <= now), default=None)
        if newest is None or now - newest >= self._every:
            log.info("Backed up to %s.", await self.make(self._keep))

    async def run(self) -> None:
        """Make one whenever it is time, until cancelled."""
        while True:
            wait_s = _LOOK_S
            try:
                await self.sweep()
            except StoreError as error:
                log.error("No backup was made: %s", error)
                wait_s = _AGAIN_S
            except Exception as error:
                log.error("No backup was made: %s", where(error))
                wait_s = _AGAIN_S
            await asyncio.sleep(wait_s)  # real time: an injected clock may stand still, or run

    def _clear(self, made: Path, keep: int) -> None:
        others = sorted((found for found in kept(self._folder) if found[1] != made), reverse=True)
        for _, path in others[keep - 1 :] if keep else ():
            path.unlink(missing_ok=True)
        for at, path in _named(self._folder):
            if not _is_whole(path) and at < self._clock.now() - _STALE:
                path.unlink(missing_ok=True)


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """What a folder of backups refuses, as a sentence: raises `StoreUnavailable`."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(
            f"{folder} cannot be used for backups ({refused(error)}). Make it writable, or set another one "
            "(backup.folder)."
        ) from None


def folder_of(settings: Settings) -> Path:
    """Where backups are kept."""
    return (settings.backup.folder or DataDir(settings.data_dir).backups).expanduser().absolute()


def kept(folder: Path) -> list[tuple[datetime, Path]]:
    """The whole backups in a folder, each with its time."""
    return [(at, path) for at, path in _named(folder) if _is_whole(path)]


def _is_whole(path: Path) -> bool:
    found = _NAME.fullmatch(path.name)
    return found is not None and found[4] is None


def _named(folder: Path) -> Iterator[tuple[datetime, Path]]:
    """Files of a backup's name, whole or not. A link is none of ours."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        found = _NAME.fullmatch(path.name)
        if found is None or path.is_symlink() or not path.is_file():
            continue
        try:
            yield datetime.strptime(found[2], _FORM).replace(tzinfo=UTC), path
        except ValueError:  # a day that no calendar has
            continue
