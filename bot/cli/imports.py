"""`everbot import`: a memory is put back, or what a person and another bot said is taken over, read, and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from bot.app import App, open_app
from bot.backends.memory import open_memory
from bot.backends.platforms import silent_platforms
from bot.bundle import PACKED
from bot.cli.screen import tell, warn
from bot.errors import BundleError
from bot.language import counted
from bot.ownership.foreign import named, named_folder
from bot.ownership.moving_in import formats
from bot.ownership.moving_in.moving_in import Taken, Wanted
from bot.ownership.moving_in.source import Source
from bot.ownership.moving_in.talks import Format, Left
from bot.people.identities import account_of, find_agent
from bot.settings import Settings
from memory.records import Agent

_LISTED = 5_000  # files of a folder that are looked at, by their names
_SOON = 2_000  # messages whose vectors are made at once


@dataclass(frozen=True, kw_only=True)
class Order:
    """``user`` is whose it becomes (None: as it says, or ``me``, who sits at this machine); ``form``, ``partner`` and
    ``called`` tell of a file of another program what it does not tell itself."""

    user: str | None
    me: str
    persona: str
    form: str = ""
    partner: str = ""
    called: str = ""
    reflect: bool = False
    budget: int = 0

    @property
    def account(self) -> str:
        return account_of(self.user or self.me)

    @property
    def whose(self) -> str:
        """What another command needs to mean the same person."""
        return f" --user {self.user}" if self.user else ""


async def import_(settings: Settings, files: Sequence[Path], order: Order) -> int:
    """Take in files, and read what is unread. Returns the exit code."""
    if not files and not order.reflect:
        warn("Say what to import: everbot import FILE. docs/moving-in.md tells what is taken.")
        return 2
    sources = [(file, form) for file in files if (form := _form(file, order)) is not None]
    ours = [file for file in files if file not in [source for source, _ in sources]]
    if sources and ours:
        warn("Give an export of everbot's own, and files of other programs, in two commands.")
        return 2
    if ours:
        return await _restore(settings, ours, order.user)
    failed = 0
    async with open_app(settings, silent_platforms(), "import") as app:
        for file, form in sources:
            failed += await _take(app, file, form, order)
        if order.reflect and not failed:
            failed += await _reflect(app, settings, order)
    return int(failed > 0)


def _form(file: Path, order: Order) -> Format | None:
    """Which other program's it is; None for everbot's own, and for what is read by nobody."""
    try:
        source = Source(file)
    except OSError as error:
        raise BundleError(f"{file} cannot be read: {error.strerror or 'it is no file'}.") from None
    try:
        return formats.named(order.form) if order.form else formats.known(source)
    finally:
        source.close()


async def _restore(settings: Settings, files: Sequence[Path], user: str | None) -> int:
    """Put a memory back that everbot wrote."""
    parts: list[bytes] = []
    for file in files:
        told, data = _read(file, PACKED - sum(map(len, parts)))
        if told is not None:
            warn(told)
            return 1
        parts.append(data)
    async with open_app(settings, silent_platforms(), "import") as app:
        agent = await app.restore.of(parts, account_of(user) if user else None)
        await app.memory.indexer.drain()
        async with app.memory.store.read() as session:
            said = await session.messages.count(agent.id, None)
            passages = await session.passages.count(agent.archive_id, None)
    tell(f"{agent.name} is back: {counted(said, 'message')}, {counted(passages, 'passage')}.")
    return 0


def _read(path: Path, most: int) -> tuple[str | None, bytes]:
    """What the file is, if it is none of ours, and the bytes of it."""
    if path.is_dir():
        names = islice((str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()), _LISTED)
        return named_folder(str(path), list(names)), b""
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        return f"{path} is larger than the {PACKED:,} bytes that are read at once.", b""
    return named(str(path), data), data


# Other programs


async def _take(app: App, file: Path, form: Format, order: Order) -> int:
    """Take over a file of another program. Returns 1 where nothing came of it."""
    wanted = Wanted(account=order.account, persona=order.persona, partner=order.partner, me=order.called)
    screen = Console(stderr=True)
    source = Source(file)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,} messages"))
    try:
        with Progress(*columns, console=screen) as progress:
            task = progress.add_task(f"Taking over {file.name}", total=None)

            def tell_how_far(taken: Taken) -> None:
                progress.update(task, completed=taken.added + taken.known)

            taken = await app.moving_in.of(source, form, wanted, tell_how_far)
    except BundleError as error:
        warn(f"{file}, of {form.what}: {error}")
        return 1
    finally:
        source.close()
    if taken.agent is None:
        warn(
            f"{file} is of {form.what}, but there is no message in it that everbot could take.{_left(taken.left)}"
        )
        return 1
    await _tell(app, form, taken, order)
    return 0


async def _tell(app: App, form: Format, taken: Taken, order: Order) -> None:
    assert taken.agent is not None
    if taken.first is None or taken.last is None:
        tell(f"{form.what}: nothing new, {counted(taken.known, 'message')} there already.{_left(taken.left)}")
        return
    there = f" {taken.known:,} were there already." if taken.known else ""
    tell(
        f"{form.what}: {counted(taken.added, 'message')} of {counted(taken.talks, 'talk')}, "
        f"from {taken.first:%Y-%m-%d} to {taken.last:%Y-%m-%d}, {'is' if taken.added == 1 else 'are'} in the memory of "
        f"{taken.agent.name}, as import {taken.name}.{there}{_left(taken.left)}"
    )
    async with app.memory.store.read() as session:
        waiting = await session.vectors.count_unindexed()
    if waiting <= _SOON:
        await app.memory.indexer.drain()
    else:
        tell("They are found by their words from now on, and by meaning bit by bit while everbot runs.")
    _, tokens = await app.import_reflection.estimate(taken.agent)
    if not order.reflect:
        tell(
            f"everbot imports --reflect{order.whose} reads it for what should be kept in mind (about "
            f"{_round(tokens):,} tokens)."
        )
    tell(f"everbot imports --undo {taken.name}{order.whose} takes it back.")


def _round(tokens: int) -> int:
    return max(1_000, round(tokens, -3))


def _left(left: Left) -> str:
    return f" Left out: {left}." if left.counts else ""


async def _reflect(app: App, settings: Settings, order: Order) -> int:
    """Read what was imported, for what should be kept. Returns 1 where it did not come to the end."""
    if settings.model.kind == "offline":
        warn("The offline model cannot read it: set [model] in config.toml to a language model.")
        return 1
    async with app.memory.store.read() as session:
        agent = await find_agent(session, order.account, order.persona)
    unread, tokens = await app.import_reflection.estimate(agent)
    if not unread:
        tell("All that was imported is read.")
        return 0
    screen = Console(stderr=True)
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*bar, console=screen) as progress:
        task = progress.add_task(f"Reading (about {_round(tokens):,} tokens)", total=unread)
        done = await app.import_reflection.run(
            agent, order.budget, lambda now: progress.update(task, completed=now.read)
        )
    async with app.memory.store.read() as session:
        waiting = len(await session.imports.findings(agent.id))
    tell(
        f"Read: {done.read:,} of {counted(done.messages, 'message')}; spent: {done.spent:,} of {done.budget:,} tokens."
    )
    if waiting:
        tell(
            f"{counted(waiting, 'proposal')} to decide on: /memory proposals, in a direct message to the bot."
        )
    if done.stopped:
        warn(
            f"It is not at its end: {done.stopped}. Nothing is lost: everbot imports --reflect{order.whose} goes on "
            "(with a larger --budget, if need be)."
        )
    return int(bool(done.stopped))


async def show(settings: Settings, order: Order) -> int:
    """Print what was taken over."""
    async with open_memory(settings, embedders=lambda _: None) as memory, memory.store.read() as session:
        agent = await find_agent(session, order.account, order.persona)
        imports = await session.imports.all(agent.id)
        for imported in imports:
            told = await session.imports.told(imported)
            if told is None:
                tell(f"{imported.name}  nothing is left of it")
                continue
            count, what, first, last = told
            unread = await session.imports.count_unread(imported)
            tell(
                f"{imported.name}  {what}: {counted(count, 'message')}, from {first:%Y-%m-%d} to "
                f"{last:%Y-%m-%d}, imported {imported.at:%Y-%m-%d}; {unread:,} not read by a reflection"
            )
    if not imports:
        tell(f"Nothing was imported into the memory of {order.account}.")
    return 0


async def undo(settings: Settings, order: Order, name: str) -> int:
    """Take an import back, with all that came of it."""
    async with open_app(settings, silent_platforms(), "import") as app:
        found: list[Agent] = []
        async with app.memory.store.read() as session:
            for imported in await session.imports.named(name):
                agent = await session.agents.agent(imported.agent_id)
                own = await session.agents.accounts_of(agent.user_id) if agent else []
                if agent is not None and (order.user is None or account_of(order.user) in own):
                    found.append(agent)
        if len(found) != 1:
            warn(
                f"There is no import {name}: everbot imports --user NAME shows what there is."
                if not found
                else f"Several people have an import {name}: say whose with --user."
            )
            return 1
        await app.erasure.imported(found[0], name)
    tell(
        f"The import {name} is gone from the memory of {found[0].name}, with the notes and lines that came of it."
    )
    return 0
