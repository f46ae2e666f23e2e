from __future__ import annotations

import time

import pytest

from adapters.discord.markup import inert


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[bank.example](https://evil.example)", "bank.example <https://evil.example>"),
        ("see [the docs](<https://a.example/b_(c)>) now", "see the docs <https://a.example/b_(c)> now"),
        ('[x](https://a.example "bank.example")', "x <https://a.example>"),
        ("[https://a.example](https://a.example)", "<https://a.example>"),
        ("**[x](http://a.example)** and [y](discord://b)", "**x <http://a.example>** and y <discord://b>"),
        ("[my [old] bank](https://evil.example)", "my [old] bank <https://evil.example>"),
        ("[my\nbank](https://evil.example)", "my\nbank <https://evil.example>"),
        ("[`bank`](https://evil.example)", "`bank` <https://evil.example>"),
        ("``` open [x](https://a.example)", "``` open x <https://a.example>"),
        ("\\```[x](https://a.example)```", "\\```x <https://a.example>```"),
        ("```\n[x](https://a.example)\n```", "```\n[x](https://a.example)\n```"),
        ("https://a.example and <https://b.example>", "https://a.example and <https://b.example>"),
        ("a list[0](x) and [note] (aside)", "a list[0](x) and [note] (aside)"),
    ],
)
def test_no_link_hides_where_it_leads(text: str, shown: str) -> None:
    assert inert(text) == shown
    assert len(inert(text)) <= len(text)


def test_no_text_takes_long() -> None:
    began = time.thread_time()
    for text in ("[" * 2_000, "`" * 2_000, "[a](" * 500, "[a](x:" + "(" * 1_900, "``a" * 600):
        inert(text)
    assert time.thread_time() - began < 0.5
