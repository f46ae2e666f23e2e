from __future__ import annotations

import pytest

from bot.personas.cards.macros import Cast, rendered

CAST = Cast(char="Mira", user="Ann", original="OURS", seed="s")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{{char}} and {{user}}", "Mira and Ann"),
        ("{{CHAR}} <Bot> <USER> <char>", "Mira Mira Ann Mira"),
        ("Be kind. {{original}}", "Be kind. OURS"),
        ("a{{// secret}}b{{comment: c}}d{{hidden_key:e}}f", "abdf"),
        ("a{{// for {{user}} }}b", "ab"),
        ("{{reverse:Hello}}", "olleH"),
        ("{{reverse:{{char}}}}", "ariM"),
        ("{{random:one}} {{pick:a\\,b}} {{pick::x}}", "one a,b x"),
        ("{{roll:1}} {{roll:D1}}", "1 1"),
        ("{{roll:1d1}} {{roll 3d1}} {{roll:2d1+40}} {{roll::1d1-3}}", "1 3 42 -2"),
        ("{{random::one}} {{random:: a, b }} {{pick::x y::x y}}", "one a x y"),
        ("a{{newline}}b{{noop}}c", "a\nbc"),
        ("{{roll 0d6}} {{roll some}}", "{{roll 0d6}} {{roll some}}"),
        ("{{roll:0}} {{roll:x}} {{unknown}} {{un:known}}", "{{roll:0}} {{roll:x}} {{unknown}} {{un:known}}"),
        ("{{char", "{{char"),
        ("}} {{", "}} {{"),
        ("{{ch{{user}}ar}}", "{{chAnnar}}"),
        ("{ {char} } {char}", "{ {char} } {char}"),
    ],
)
def test_macros(text: str, shown: str) -> None:
    assert rendered(text, CAST) == shown


def test_what_is_put_in_is_not_read_again() -> None:
    sly = Cast(char="{{original}}", user="// original", original="OURS")

    assert rendered("{{char}}", sly) == "{{original}}"
    assert rendered("{{{{char}}}} {{{{user}}}}", sly) == "{{{{original}}}} {{// original}}"


def test_a_hidden_key_is_seen_by_the_search_only() -> None:
    text = "{{// a}}{{comment: b}}{{hidden_key:storm}}"

    assert rendered(text, CAST) == ""
    assert rendered(text, CAST, hidden=True) == "storm"


def test_chance_is_the_same_every_time() -> None:
    text = "{{random:a,b,c,d,e,f,g,h}}" * 40 + " {{roll:d20}} {{roll:d20}}"

    first = rendered(text, CAST)

    assert first == rendered(text, CAST)
    assert len(set(first[:40])) > 3, "every place draws for itself"
    assert first != rendered(text, Cast(char="Mira", user="Ann", seed="t"))
    assert all(1 <= int(n) <= 20 for n in first.split()[1:])


def test_the_same_pick_is_the_same_all_through_a_text() -> None:
    picks = rendered("{{pick:a,b,c,d,e,f,g,h}}" * 20, CAST)

    assert len(set(picks)) == 1


def test_a_rendering_is_bounded() -> None:
    huge = Cast(char="x" * 100_000, user="u")

    assert len(rendered("{{char}}" * 100_000, huge, limit=5_000)) == 5_000
    assert rendered("{{// " + "{{char}}" * 100 + " secret }}", huge, limit=10) == ""
    assert rendered("{{" * 50_000, CAST) == ("{{" * 50_000)
    assert len(rendered("{{reverse:" * 50_000 + "}}" * 50_000, CAST)) <= 200_000
