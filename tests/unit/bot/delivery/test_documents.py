"""What is told of a document that the operator could have read, and to whom."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.delivery.documents import Documents
from bot.events import DocumentUploaded, to_json
from bot.safety.masking import Masking
from bot.safety.refusing import Refusing
from memory.errors import ReaderMissing
from memory.records import PRIVATE, InboxRow
from tests.fakes.clock import FakeClock

NOW = datetime(2026, 11, 26, tzinfo=UTC)


class NothingInstalled:
    """A reader beside which the extra is missing."""

    async def read(self, name: str, data: bytes) -> str:
        raise ReaderMissing(name, "PDF", "install the extra [documents]")


class Kept:
    """The few queries of `memory.ports.Store` that are asked."""

    def __init__(self) -> None:
        self.events: dict[str, dict[str, Any]] = {}
        self.rows: list[InboxRow] = []

    @property
    def mailbox(self) -> Kept:
        return self

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Kept]:
        yield self

    async def events_from(self, key: str) -> list[InboxRow]:
        return [row for row in self.rows if row.key == key]

    async def replace_event(self, key: str, payload: dict[str, Any]) -> None:
        self.events[key] = payload


async def test_what_to_install_is_told_to_the_operator_and_to_nobody_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    event = DocumentUploaded(
        key="k",
        account="console:ada",
        name="Ada",
        address="console:ada",
        audience=PRIVATE,
        at=NOW,
        document="my-diagnosis.pdf",
        text="",
        data=base64.b64encode(b"%PDF-").decode(),
    )
    row = InboxRow(
        id=1,
        key="k",
        agent_id=1,
        conversation_id=1,
        kind=event.kind,
        payload=to_json(event),
        received_at=NOW,
    )
    store = Kept()
    store.rows.append(row)
    clock = FakeClock()
    rules = (Masking(True), Refusing((), None, clock))
    documents = Documents(store, clock, NothingInstalled(), lambda name, data: "", *rules)  # type: ignore[arg-type]
    assert await documents.read([row])
    told = store.events["k"]
    assert told["problem"] == "my-diagnosis.pdf is of a kind that is not read here (PDF)."
    assert told["data"] == ""
    [line] = caplog.messages
    assert line == "PDF files that people send are not read: install the extra [documents]."
