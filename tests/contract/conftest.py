"""Every store that there is, for the suites that are run on each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memory.ports import Store
from tests.fakes.postgres_server import ALONE, lacking
from tests.fakes.stores import BACKENDS, Backend, Postgres


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """SQLite is quick: all of it in `make test`. Of PostgreSQL what is essential there; all in `make test-postgres`."""
    chosen = {item: _wanted(item) for item in items}
    config.hook.pytest_deselected(items=[item for item, wanted in chosen.items() if not wanted])
    items[:] = [item for item, wanted in chosen.items() if wanted]


def _wanted(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    made = callspec.params.get("backend") if callspec is not None else None
    if made is None:
        return True
    if ALONE:
        return made is Postgres
    return made is not Postgres or item.get_closest_marker("essential") is not None


@pytest.fixture(params=BACKENDS, ids=lambda made: made.__name__)
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    if request.param is Postgres and (why := lacking()):
        pytest.skip(why)
    made: Backend = request.param(tmp_path)
    yield made
    await made.gone()


@pytest.fixture
async def store(backend: Backend) -> AsyncIterator[Store]:
    opened = await backend.open()
    yield opened
    await opened.close()
