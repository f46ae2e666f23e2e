"""`everbot backup` and `everbot restore`: the database is copied, and put back."""

from __future__ import annotations

from pathlib import Path

from bot.backends.clock import SystemClock
from bot.backends.memory import open_memory, put_back
from bot.backends.store import has_something
from bot.backups import Backups, folder_of
from bot.cli.screen import tell, warn
from bot.data_dir import hold
from bot.errors import EverbotError
from bot.settings import Settings
from memory.errors import StoreUnavailable

_HOW = "To restore: stop everbot, then `everbot restore {path}`."


async def backup(settings: Settings, path: Path | None, keep: int) -> int:
    """Write a consistent copy of the database: to a file, or under a name of its own into a folder, of which the
    ``keep`` newest stay then (0: all)."""
    target, is_folder = _target(settings, path, keep)
    if not has_something(settings):
        warn(
            f"There is nothing to back up in {settings.data_dir}. Is data_dir (EVERBOT_DATA_DIR) the right one?"
        )
        return 1
    async with open_memory(settings, embedders=lambda _: None) as memory:
        if is_folder:
            target = await Backups(memory.store, SystemClock(), target, settings.backup).make(keep)
        else:
            await memory.store.backup(target)
    tell(f"Written to {target}. {_HOW.format(path=target)}")
    return 0


async def restore(settings: Settings, path: Path, *, sure: bool) -> int:
    """Put a backup in the place of the database. What was said since is gone."""
    _a_file(path)
    with hold(settings.data_dir, "restore"):
        if has_something(settings) and not sure:
            warn(
                f"This replaces all that is held in {settings.data_dir} by the backup. Say --yes if you mean it "
                "(`everbot backup` keeps what is there now)."
            )
            return 2
        await put_back(settings, path)
    tell(f"{path} is in place in {settings.data_dir}. Whom you were asked to forget since, forget again.")
    return 0


def _a_file(path: Path) -> None:
    if path.is_dir():
        raise EverbotError(f"{path} is a folder: name one of the backups in it.")


def _target(settings: Settings, path: Path | None, keep: int) -> tuple[Path, bool]:
    """Where it is written to, and whether that is a folder."""
    target = folder_of(settings) if path is None else path
    if keep and target.is_file():
        raise EverbotError(f"--keep is for a folder, and {target} is a file: name a folder, or none.")
    is_folder = path is None or bool(keep) or target.is_dir()
    if not is_folder and not target.parent.is_dir():
        raise StoreUnavailable(f"{target} cannot be written: {target.parent} is no folder.")
    return target, is_folder
