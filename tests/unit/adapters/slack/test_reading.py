"""What Slack tells, read as everbot's events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.slack.markup import escaped, harmless, plain
from adapters.slack.places import kind_of
from adapters.slack.reading import SAID, Workspace, author, is_image, is_text, moment, place_of
from bot.events import MessageReceived, from_json, to_json

US = Workspace(team="T1", user="U0BOT", bot="B0BOT")
NAMES = {"U1": "ada"}


def said(text: str, kind: str = "channel", **fields: Any) -> MessageReceived:
    event = {"user": "U1", "channel": "C1", "ts": "1700000000.000100", "text": text, **fields}
    return US.to_event(event, kind, "ada", NAMES)


@pytest.mark.parametrize(
    ("kind", "audience"),
    [
        ("im", "private"),
        ("channel", "community:slack:T1"),
        ("group", "place:slack%3AT1#C1"),
        ("mpim", "place:slack%3AT1#C1"),
        ("ext", "community:slack:T1%2FC1"),
    ],
)
def test_who_can_see_a_place_follows_from_its_kind(kind: str, audience: str) -> None:
    found = US.audience("C1", kind)
    assert found.replace("%2F", "/").replace("%3A", ":") == audience.replace("%2F", "/").replace("%3A", ":")


def test_a_channel_of_several_workspaces_is_not_the_communitys() -> None:
    assert US.audience("C1", "ext") not in (US.audience("C2", "ext"), US.audience("C1", "channel"))


@pytest.mark.parametrize(
    ("channel", "kind"),
    [
        ({"is_im": True, "is_private": True}, "im"),
        ({"is_mpim": True, "is_private": True, "is_group": True}, "mpim"),
        ({"is_channel": True, "is_private": True}, "group"),
        ({"is_channel": True, "is_private": False}, "channel"),
        ({"is_channel": True, "is_private": True, "is_ext_shared": True}, "ext"),
    ],
)
def test_the_kind_of_a_channel_is_read_from_its_description(channel: dict[str, Any], kind: str) -> None:
    assert kind_of(channel) == kind


def test_a_mention_in_a_channel_is_answered_in_a_thread_under_it() -> None:
    event = said("<@U0BOT> hello <@U1>")
    assert event.addressed
    assert not event.thread
    assert event.text == "hello @ada"
    assert event.address == "slack:T1/C1/1700000000.000100"
    assert place_of(event.address) == ("C1", "1700000000.000100")
    assert event.key == "slack:T1/C1/1700000000.000100"
    assert from_json(to_json(event)) == event


def test_a_reply_in_a_thread_is_answered_there_and_known_as_one() -> None:
    event = said("go on", thread_ts="1690000000.000200")
    assert (event.addressed, event.thread) == (False, True)
    assert place_of(event.address) == ("C1", "1690000000.000200")


def test_the_head_of_a_thread_is_no_reply() -> None:
    assert not said("hello", thread_ts="1700000000.000100").thread


def test_a_direct_message_is_answered_beside_it() -> None:
    event = said("hello", "im")
    assert event.addressed
    assert (event.community, event.channel, event.place) == ("", "", "")
    assert place_of(event.address) == ("C1", None)


def test_a_bots_message_is_known_as_one() -> None:
    assert said("beep", bot_id="B9").bot
    assert author({"bot_id": "B9", "subtype": "bot_message"}) == "B9"
    assert US.is_own({"bot_id": "B0BOT", "subtype": "bot_message", "username": "Parrot"})
    assert not US.is_own({"user": "U1"})
    assert not Workspace(team="T1", user="U0BOT", bot="").is_own({"user": "U1", "bot_id": ""})
    assert "channel_join" not in SAID
    assert "message_changed" not in SAID


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<@U1> and <@U2> and <@U3|cyd>", "@ada and @U2 and @cyd"),
        ("<#C9|plans> <#C9>", "#plans #C9"),
        ("<!here> <!subteam^S1|@staff> <!channel|channel>", "@here @@staff @channel"),
        ("<https://a.example|https://a.example>", "https://a.example"),
        ("<https://a.example/x|this>", "this (https://a.example/x)"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&lt;@U1&gt;", "<@U1>"),
    ],
)
def test_markup_is_read_as_people_see_it(written: str, read: str) -> None:
    assert plain(written, NAMES).replace("@@", "@") == read.replace("@@", "@")


@pytest.mark.parametrize("text", ["<!channel>", "<@U1>", "<#C1>", "<!subteam^S1>", "<<!here>>"])
def test_what_we_write_calls_nobody(text: str) -> None:
    for sign in "!@#":
        assert f"<{sign}" not in harmless(text)
        assert f"<{sign}" not in escaped(text)


def test_an_edit_and_a_deletion_name_their_message() -> None:
    message = {"user": "U1", "ts": "1700000000.000100", "text": "<@U0BOT> better", "edited": {"ts": "1"}}
    edit = US.to_edit({"channel": "C1", "message": message, "event_ts": "1700000009.0"}, "channel", NAMES)
    assert (edit.target, edit.text) == (said("x").key, "better")
    assert edit.at == moment("1700000009.0")
    gone = US.to_deletion({"channel": "C1", "deleted_ts": "1700000000.000100", "ts": "1.0"}, "channel")
    assert gone.target == said("x").key


def test_a_reaction_names_the_post_by_its_receipt() -> None:
    item = {"type": "message", "channel": "C1", "ts": "1700000000.000100"}
    event = {"user": "U1", "reaction": "tada", "item": item, "event_ts": "1700000001.000000"}
    made = US.to_reaction(event, "ada")
    assert made is not None
    assert made.target == "C1/1700000000.000100"


def test_a_messages_time_is_its_name() -> None:
    assert moment("1700000000.250000") == datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=UTC)


def test_files_are_read_when_they_are_texts_or_images_of_a_fair_size() -> None:
    assert is_text({"mimetype": "text/markdown", "size": 10})
    assert not is_text({"mimetype": "text/plain", "size": 2_000_000})
    assert not is_text({"mimetype": "application/zip", "size": 10})
    assert is_image({"mimetype": "image/png", "size": 10})
    assert not is_image({"mimetype": "image/svg+xml", "size": 10})
