from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.events import (
    EVENTS,
    Attachment,
    Event,
    MessageReceived,
    Quote,
    clean,
    from_json,
    platform_of,
    to_json,
)

moments = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis wants it so, and adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)
texts = st.text(max_size=30)
attachments = st.builds(Attachment, name=texts, media_type=texts, text=texts, image=texts)
quotes = st.builds(Quote, key=texts, account=texts, text=texts)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "str": texts,
    "Address": texts,
    "bool": st.booleans(),
    "int": st.integers(0, 10_000),
    "datetime": moments,
    "tuple[str, ...]": st.lists(texts, max_size=3).map(tuple),
    "tuple[Quote, ...]": st.lists(quotes, max_size=2).map(tuple),
    "Quote | None": st.none() | quotes,
    "tuple[Attachment, ...]": st.lists(attachments, max_size=2).map(tuple),
}


def made(cls: type[Event]) -> st.SearchStrategy[Event]:
    return st.builds(cls, **{f.name: VALUES[str(f.type)] for f in dataclasses.fields(cls)})


def subclasses(cls: type[Event]) -> set[type[Event]]:
    return set(cls.__subclasses__()).union(*map(subclasses, cls.__subclasses__()))


def test_every_event_is_in_the_table() -> None:
    assert subclasses(Event) == set(EVENTS.values())
    assert all(cls.kind == kind for kind, cls in EVENTS.items())


@pytest.mark.parametrize("kind", EVENTS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_events_round_trip_through_json(kind: str, data: st.DataObject) -> None:
    event = data.draw(made(EVENTS[kind]))

    back = from_json(json.loads(json.dumps(to_json(event))))

    assert back == event
    assert type(back) is EVENTS[kind]


def test_a_row_of_an_older_version_lacks_what_has_a_default() -> None:
    values = {
        "kind": "message",
        "key": "console:ada/1",
        "account": "console:ada",
        "name": "Ada",
        "address": "console:ada",
        "audience": "private",
        "at": "2026-11-21T09:00:00+00:00",
        "text": "Hello",
        "unknown to us": 1,
    }
    event = from_json(values)
    assert isinstance(event, MessageReceived)
    assert (event.persona, event.context, event.attachments) == ("", (), ())


@pytest.mark.parametrize("values", [{}, {"kind": "nonsense"}, {"kind": "message", "text": "Hello"}])
def test_what_is_no_event_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError)):
        from_json(values)


@given(st.text(alphabet=st.characters(codec=None), max_size=30) | st.text(max_size=30))
def test_clean_text_can_be_stored_and_sent(text: str) -> None:
    cleaned = clean(text)
    assert "\0" not in cleaned
    assert cleaned.encode().decode() == cleaned
    assert clean(cleaned) == cleaned
    if "\0" not in text and text.isprintable():
        assert cleaned == text


def test_clean_keeps_all_else() -> None:
    assert clean("a\0b\ud800c\udfffZoë 🦊\n\t") == "ab?c?Zoë 🦊\n\t"


def test_the_platform_of_an_address() -> None:
    assert platform_of("discord:1/2:3") == "discord"
