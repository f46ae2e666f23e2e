"""Every store that there is, for the suites that are run on each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memory.ports import Store
from tests.fakes.postgres_server import ALONE, lacking
from tests.fakes.stores import BACKENDS, Backend, Postgres


@pytest.fixture(
    params=[
        pytest.param(made, id=made.__name__, marks=[pytest.mark.postgres] if made is Postgres else [])
        for made in BACKENDS
        if made is Postgres or not ALONE
    ]
)
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
