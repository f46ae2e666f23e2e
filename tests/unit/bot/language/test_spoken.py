"""Which language is spoken, and how a text is filled in."""

from __future__ import annotations

import asyncio
from gettext import NullTranslations

import pytest

from bot.language import LANGUAGES, counted, gettext, language, nearest, ngettext, spoken, translations


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("de", "de"),
        ("de_DE.UTF-8", "de"),
        ("de-AT", "de"),
        ("pt-BR", "pt-BR"),
        ("pt_PT@euro", "pt-BR"),
        ("es-419", "es"),
        ("zh-CN", "zh-CN"),
        ("zh_Hans_SG", "zh-CN"),
        ("zh-TW", ""),  # other signs
        ("en-GB", "en"),
        ("eng-us", ""),
        ("C.UTF-8", ""),
        ("POSIX", ""),
        ("fi-FI", ""),
        ("", ""),
        ("de\0", ""),
        ("\u0131", ""),
    ],
)
def test_a_locale_is_read_as_the_language_that_is_nearest(locale: str, expected: str) -> None:
    assert nearest(locale) == expected


def test_what_stands_in_braces_is_filled_in_after_the_text_was_found() -> None:
    assert gettext("There is no note {uid!r}.", uid="{x}") == "There is no note '{x}'."
    assert gettext("a {brace} that means nothing") == "a {brace} that means nothing"
    assert gettext("") == ""
    assert [ngettext("{n} message", "{n} messages", n) for n in (0, 1, 2)] == [
        "0 messages",
        "1 message",
        "2 messages",
    ]


def test_a_text_that_no_catalogue_has_is_said_in_english() -> None:
    for one in LANGUAGES:
        with spoken(one):
            assert language() == one
            assert gettext("Such a text there is not.") == "Such a text there is not."
    assert language() == "en"


async def test_a_language_is_spoken_by_one_task_and_those_that_it_begins() -> None:
    async def heard() -> str:
        await asyncio.sleep(0)
        return language()

    async def speaking(one: str) -> list[str]:
        with spoken(one):
            return await asyncio.gather(heard(), asyncio.create_task(heard()))

    assert await asyncio.gather(*map(speaking, LANGUAGES)) == [[one, one] for one in LANGUAGES]
    assert await heard() == "en"


def test_all_languages_of_a_text_are_known_by_their_codes() -> None:
    assert set(translations("Edit")) == set(LANGUAGES) - {"en"}
    assert translations("") == {}


def test_numbers_take_the_form_that_their_language_has_for_them() -> None:
    told = {}
    for one in ("ru", "fr", "ja"):
        with spoken(one):
            told[one] = [ngettext("{n} message", "{n} messages", n) for n in (0, 1, 2, 5, 21, 1_000_000)]
    assert told["ru"] == [
        *("0 сообщений", "1 сообщение", "2 сообщения", "5 сообщений", "21 сообщение", "1000000 сообщений"),
    ]
    assert told["fr"][:3] == ["0 message", "1 message", "2 messages"]
    assert set(told["ja"]) == {f"メッセージ {n} 件" for n in (0, 1, 2, 5, 21, 1_000_000)}


def test_a_translation_that_was_spoilt_by_hand_is_said_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    class Spoilt(NullTranslations):
        def gettext(self, message: str) -> str:
            return "Keine Notiz {id}, {0}."

    monkeypatch.setattr("bot.language._catalogue", lambda _: Spoilt())
    assert gettext("There is no note {uid!r}.", uid="x") == "There is no note 'x'."


def test_what_is_counted_for_whoever_runs_the_bot() -> None:
    assert [counted(n, "message") for n in (0, 1, 1200)] == ["0 messages", "1 message", "1,200 messages"]
    assert [counted(n, "entry", "entries") for n in (1, 2)] == ["1 entry", "2 entries"]
