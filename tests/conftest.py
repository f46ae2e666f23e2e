from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from tests.fakes import postgres_server
from tests.program import process
from tests.program.process import COLD, ROOT

if TYPE_CHECKING:  # pytest's own process, which starts the workers, imports nothing of ours: they wait for it
    from memory.index.offline import Model, OfflineEmbedder

MEMORY = Path("/dev/shm")  # noqa: S108 (what pytest makes there is the user's alone)
ROOM = 2 << 30  # bytes


# Examples are the same each time, however slow the machine is: what fails, failed before it was committed. `make soak`
# looks for others.
settings.register_profile("everbot", deadline=None, derandomize=not COLD, database=None)
settings.load_profile("everbot")


def pytest_configure(config: pytest.Config) -> None:
    """Put files into memory where that has room: waiting for a disk is half the time of many stories. And a terminal's
    language is nobody's own."""
    os.environ["LC_ALL"] = "C.UTF-8"
    if not COLD and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    if not hasattr(config, "workerinput"):
        postgres_server.prepare(MEMORY if "PYTEST_DEBUG_TEMPROOT" in os.environ else None)
        config.add_cleanup(postgres_server.stop)
        if not COLD:
            config.add_cleanup(process.prepare())


def pytest_xdist_auto_num_workers() -> int:
    """More workers than processors: many stories wait for a while, for a platform's pause or a process."""
    return max(1, (os.cpu_count() or 1) * 3 // 2)


def pytest_collection(session: pytest.Session) -> None:
    """In a new clone nothing is compiled yet, and Hypothesis has read no module. Workers would all do the same at the
    same time: each begins with another share, and finds the rest done by the others."""
    gc.disable()  # a fifth of the time of importing, which leaves no garbage
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None or sys.dont_write_bytecode:
        return
    own, workers = int(worker.removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    asked = [Path(argument.partition("::")[0]) for argument in session.config.args]
    files = sorted(file for one in asked for file in ([one] if one.is_file() else one.rglob("test_*.py")))
    if own == workers - 1:
        st.text().validate()  # 2 s: which characters there are
    for file in files[own::workers]:
        with suppress(Exception):  # it is told of when its turn comes
            importlib.import_module(".".join(file.resolve().relative_to(ROOT).with_suffix("").parts))
    read_by_hypothesis(own, workers)


def read_by_hypothesis(own: int, workers: int) -> None:
    """A share of our modules, for their constants, which it keeps on disk: 2.8 s where each worker does them all (27
    November 2026). There is no public way to it; tests/unit/test_conftest.py tells when it moves."""
    try:
        from hypothesis.internal.constants_ast import constants_from_module
    except ImportError:
        return

    ours = {
        file: module
        for module in list(sys.modules.values())
        if (file := getattr(module, "__file__", None)) and file.startswith(f"{ROOT}/") and ".venv" not in file
    }
    for file in sorted(ours)[own::workers]:
        constants_from_module(ours[file])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of what needs PostgreSQL `make test` runs what is essential, and `make test-postgres` all."""
    left = set() if postgres_server.ALONE else set(filter(_is_for_test_postgres, items))
    config.hook.pytest_deselected(items=list(left))
    items[:] = [item for item in items if item not in left]
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def _is_for_test_postgres(item: pytest.Item) -> bool:
    return item.get_closest_marker("postgres") is not None and item.get_closest_marker("essential") is None


def pytest_collection_finish() -> None:
    """What was imported stays: looking for garbage in it was a twentieth of the suite's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the English embedder's graph in it, built once for all tests. Not to be changed."""
    from memory.index.minilm import MINILM
    from memory.index.offline import OfflineEmbedder, find_weights

    folder = tmp_path_factory.mktemp("models")

    async def build() -> None:
        embedder = OfflineEmbedder(MINILM, folder, find_weights(MINILM))
        await embedder.embed_passages(["build"])
        await embedder.close()

    asyncio.run(build())
    return folder


@pytest.fixture(scope="session")
def english(model_dir: Path) -> Iterator[OfflineEmbedder]:
    """Loaded once for all tests. Not to be closed."""
    from memory.index.minilm import MINILM

    yield from _lent(MINILM, model_dir)


@pytest.fixture(scope="session")
def multilingual(model_dir: Path) -> Iterator[OfflineEmbedder]:
    """Loaded once for all tests. Not to be closed."""
    from memory.index.e5 import MULTILINGUAL

    yield from _lent(MULTILINGUAL, model_dir)


def _lent(model: Model, folder: Path) -> Iterator[OfflineEmbedder]:
    from memory.index.offline import OfflineEmbedder, find_weights

    if (weights := find_weights(model)) is None:
        pytest.skip(f"{model.package} has no files for this platform")
    embedder = OfflineEmbedder(model, folder, weights)
    yield embedder
    asyncio.run(embedder.close())


@pytest.fixture(autouse=postgres_server.ALONE)
async def databases() -> AsyncIterator[None]:
    """Those of a story that is told on PostgreSQL."""
    yield
    await postgres_server.drop_beside()


@pytest.fixture(autouse=True)
def levels_of_the_log() -> Iterator[None]:
    """A test that begins a log (`bot.logs.begin`) changes what later ones of its process hear: it is put back."""
    from bot.logs import OURS

    before = {name: logging.getLogger(name).level for name in ("", "bot.cli.run", *OURS)}
    yield
    for name, level in before.items():
        logger = logging.getLogger(name)
        if logger.level != level:
            logger.setLevel(level)
