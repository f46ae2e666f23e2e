"""All that a message holds, as text: shapes as Discord's API reference and its OpenAPI description give them."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.discord import content
from adapters.discord.content import Names
from adapters.discord.message import Message, message_of

AUTHOR = {"id": "10", "username": "ada"}
NAMES = Names(
    {20: "Bob"}.get,  # type: ignore[arg-type]
    {30: "crew"}.get,  # type: ignore[arg-type]
    {40: "general"}.get,  # type: ignore[arg-type]
)


def message(**told: Any) -> Message:
    made = message_of({"id": "1000", "channel_id": "40", "type": 0, "content": "", "author": AUTHOR} | told)
    assert made is not None
    return made


def read(**told: Any) -> str:
    return content.whole(message(**told), NAMES)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("ask <@20> and <@!20> of <@&30> in <#40>", "ask @Bob and @Bob of @crew in #general"),
        ("<@21> <@&31> <#41>", "@unknown-user @unknown-role #unknown"),
        ("<:party:123> <a:dance_1:456>", ":party: :dance_1:"),
        ("at <t:1767225600:R>, on <t:1767225600:D>", "at 2026-01-01 00:00 UTC, on 2026-01-01"),
        ("<t:1767225600>", "2026-01-01 00:00 UTC"),
        ("<t:999999999999999>", "<t:999999999999999>"),
        ("use </memory notes:123> or <id:customize>", "use /memory notes or (customize)"),
        ("a < b > c <@> <#x> <t:> <https://example.org>", "a < b > c <@> <#x> <t:> <https://example.org>"),
    ],
)
def test_marks_are_read_as_people_see_them(written: str, shown: str) -> None:
    assert read(content=written) == shown


def test_an_embed_is_read_whole() -> None:
    embed = {
        "type": "rich",
        "author": {"name": "News"},
        "title": "Launch moved",
        "description": "It is now on <t:1767225600:d>.",
        "fields": [{"name": "Where", "value": "Kourou", "inline": True}, {"name": "Who", "value": "<@20>"}],
        "footer": {"text": "by Ada"},
    }
    assert read(embeds=[embed]) == (
        "(embed) News\nLaunch moved\nIt is now on 2026-01-01.\nWhere: Kourou\nWho: @Bob\nby Ada"
    )
    assert (
        read(content="See", embeds=[{"type": "image", "url": "https://a.example/b.png", "image": {}}])
        == "See"
    )
    picture = {"type": "image", "url": "https://a.example/b.png", "thumbnail": {"url": "https://x.example"}}
    assert read(embeds=[picture]) == "(embed) https://a.example/b.png"


POLL = {
    "question": {"text": "Where shall we eat?"},
    "answers": [
        {"answer_id": 1, "poll_media": {"text": "Pizza", "emoji": {"id": None, "name": "🍕"}}},
        {"answer_id": 2, "poll_media": {"text": "Sushi", "emoji": {"id": "5", "name": "maki"}}},
    ],
    "expiry": "2027-01-01T00:00:00+00:00",
    "allow_multiselect": True,
    "layout_type": 1,
    "results": {"is_finalized": False, "answer_counts": []},
}


def test_a_poll_is_read_with_its_votes() -> None:
    assert read(poll=POLL) == (
        "(poll) Where shall we eat?\n1. 🍕 Pizza\n2. :maki: Sushi\n"
        "(several answers may be chosen; it ends 2027-01-01 00:00 UTC)"
    )
    counts = [{"id": 2, "count": 1, "me_voted": False}, {"id": 1, "count": 3, "me_voted": False}]
    over = POLL | {"allow_multiselect": False, "results": {"is_finalized": True, "answer_counts": counts}}
    assert read(poll=over) == (
        "(poll) Where shall we eat?\n1. 🍕 Pizza (3 votes)\n2. :maki: Sushi (1 vote)\n(it is over)"
    )


def test_a_polls_result_is_told() -> None:
    told = {
        "poll_question_text": "Where shall we eat?",
        "victor_answer_votes": "3",
        "total_votes": "4",
        "victor_answer_text": "Pizza",
    }
    fields = [{"name": name, "value": value, "inline": False} for name, value in told.items()]
    assert read(type=46, embeds=[{"type": "poll_result", "fields": fields}]) == (
        "(poll result) Where shall we eat?: Pizza, 3 of 4 votes"
    )
    assert "no single winner among 4 votes" in read(
        type=46, embeds=[{"type": "poll_result", "fields": fields[:1] + fields[2:3]}]
    )


def test_a_forward_is_read_as_a_message() -> None:
    snapshot = {
        "type": 0,
        "content": "Meet <@22> at the <:tree:1>",
        "embeds": [{"type": "rich", "title": "Map"}],
        "attachments": [{"id": "7", "filename": "map.png", "size": 1, "url": "u", "proxy_url": "u"}],
        "timestamp": "2026-01-01T00:00:00+00:00",
        "edited_timestamp": None,
        "mentions": [{"id": "22", "username": "cyd"}],
        "mention_roles": [],
        "sticker_items": [{"id": "9", "name": "Party Cat", "format_type": 1}],
    }
    forward = message(
        message_snapshots=[{"message": snapshot}], message_reference={"type": 1, "message_id": "5"}
    )
    told = content.whole(forward, Names({22: "Cyd"}.get, NAMES.role, NAMES.channel))  # type: ignore[arg-type]
    assert told == "(forwarded) Meet @Cyd at the :tree:\n(embed) Map\n(sticker: Party Cat)"
    assert [file.name for file in forward.files] == ["map.png"]
    assert forward.replies_to == 0
    bare = snapshot | {"content": "", "embeds": [], "sticker_items": []}
    assert read(message_snapshots=[{"message": bare}]) == "(forwarded) (attached: map.png)"


def test_stickers_sounds_and_pictures_are_told() -> None:
    assert read(content="Look", sticker_items=[{"id": "1", "name": "Party Cat", "format_type": 1}]) == (
        "Look\n(sticker: Party Cat)"
    )
    voice = {"id": "1", "filename": "voice-message.ogg", "size": 9, "duration_secs": 11.7, "waveform": "AA"}
    assert read(flags=1 << 13, attachments=[voice]) == (
        "(voice message of 12 s: its sound cannot be heard here)"
    )
    photo = {"id": "1", "filename": "photo.png", "size": 9, "description": "A cat on a mat"}
    assert read(attachments=[photo]) == "(photo.png shows: A cat on a mat)"
    assert read(activity={"type": 3, "party_id": "p"}, application={"name": "Chess"}) == (
        "(invitation to join in Chess)"
    )


def test_components_are_read_in_their_order() -> None:
    components = [
        {"type": 10, "id": 1, "content": "# News of <@20>"},
        {
            "type": 17,
            "id": 2,
            "components": [
                {
                    "type": 9,
                    "id": 3,
                    "components": [{"type": 10, "id": 4, "content": "The launch is on Friday."}],
                    "accessory": {"type": 11, "id": 5, "media": {"url": "u"}, "description": "a rocket"},
                },
                {"type": 12, "id": 6, "items": [{"media": {"url": "u"}, "description": "the pad"}]},
                {"type": 13, "id": 7, "file": {"url": "u"}, "name": "plan.pdf", "size": 5},
                {"type": 14, "id": 8},
            ],
        },
        {
            "type": 1,
            "id": 9,
            "components": [
                {"type": 2, "id": 10, "style": 5, "label": "Open", "url": "https://a.example"},
                {"type": 3, "id": 11, "custom_id": "x", "placeholder": "Choose a day", "options": []},
            ],
        },
    ]
    assert read(flags=1 << 15, components=components).splitlines() == [
        "# News of @Bob",
        "The launch is on Friday.",
        "(picture: a rocket)",
        "(pictures: the pad)",
        "(file: plan.pdf)",
        "(button: Open https://a.example)",
        "(menu: Choose a day)",
    ]


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (7, "", "(joined the server)"),
        (6, "", "(pinned a message)"),
        (18, "Printer", "(started the thread Printer)"),
        (31, "Talk of <@20>", "(named the stage Talk of @Bob)"),
    ],
)
def test_notices_that_people_see_are_told(kind: int, text: str, told: str) -> None:
    assert content.is_notice(message(type=kind))
    assert read(type=kind, content=text) == told


def test_who_is_named_anywhere_is_found() -> None:
    found = content.mentioned(
        message(
            content="<@1> <@!2> <@&3> <#4>",
            embeds=[{"description": "<@5>"}],
            message_snapshots=[{"message": {"content": "<@6> and <@1>"}}],
        )
    )
    assert sorted(found) == [1, 2, 5, 6]


def test_no_message_is_longer_than_it_may_be() -> None:
    embeds = [{"type": "rich", "description": "x" * 4096}] * 10
    assert len(read(content="Look", embeds=embeds)) == content.MOST
