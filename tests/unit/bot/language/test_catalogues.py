"""The catalogues: nothing is missing in any language, has lost a placeholder or a command, or is too long."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from adapters.text import spelling
from bot.language import ENGLISH, LANGUAGES, LOCALE, spoken
from bot.language.dates import moment, weekday
from tests.unit.bot.language.sources import ROOT, marks, parsed, sources

OTHERS = sorted(set(LANGUAGES) - {ENGLISH})
BUTTON = 75  # characters: Slack's "Button element"; Discord takes 80, five of them for an entry's number
TITLE = 24  # Slack, "Modal views"; Discord takes 45
DESCRIPTION = 100  # Discord, "Application Command Structure", of commands and options
COMMAND = (
    8_000  # Discord, "Application Commands": names, descriptions and values together, the longest of each
)
NAMES = (
    "attach dump export forget heartbeat help language link memory memorywarning persona pop privacy rethink retry "
    "rewrite save scheduled stop unlink whoami why"
).split()
ROOM = "x" * 8  # what an id or a name takes


@cache
def template() -> frozenset[tuple[str, str, str]]:
    """The messages in the sources: context, text, plural."""
    found = set()
    for source in sources("bot", "adapters"):
        for name, texts in marks(parsed(source)):
            context, one, many = (*texts, "", "")[:3] if name == "pgettext" else ("", *texts, "")[:3]
            found.add((context, one, many))
    for page in sorted((ROOT / "bot/web/templates").rglob("*.html")):
        with page.open("rb") as file:
            for _, _, texts, _ in babel_extract(file, ("gettext", "ngettext"), [], {}):
                one, many = texts[:2] if isinstance(texts, tuple) else (texts, None)
                found.add(("", one, many or ""))
    return frozenset(found)


def path(language: str) -> Path:
    return LOCALE / language.replace("-", "_") / "LC_MESSAGES" / "everbot.po"


@cache
def catalogue(language: str) -> Catalog:
    with path(language).open("rb") as file:
        return read_po(file, locale=language.replace("-", "_"))


def messages(language: str) -> Iterator[tuple[Message, tuple[str, ...], tuple[str, ...]]]:
    """Each message with its texts, and how these are said."""
    for message in catalogue(language):
        if message.id:
            texts = message.id if isinstance(message.id, tuple) else (message.id,)
            told = message.string if isinstance(message.string, tuple) else (message.string,)
            yield message, texts, told


@cache
def told(language: str) -> dict[str, str]:
    return {texts[0]: said[-1] for _, texts, said in messages(language)}


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_of_the_sources_is_translated_and_no_other(language: str) -> None:
    known = {
        (message.context or "", texts[0], texts[1] if len(texts) > 1 else "")
        for message, texts, _ in messages(language)
    }
    assert known == template(), "make catalogues"
    assert [texts[0] for message, texts, said in messages(language) if not all(said) or message.fuzzy] == []


def placeholders(text: str) -> set[str]:
    """Such as ``{uid!r}``; None is told where the text is none that can be filled in."""
    parts = Formatter().parse(text)
    return {f"{name}!{conversion}:{form}" for _, name, form, conversion in parts if name is not None}


@pytest.mark.parametrize("language", OTHERS)
def test_every_translation_has_its_placeholders(language: str) -> None:
    changed = []
    for message, texts, said in messages(language):
        if message.context:
            continue  # patterns of dates, which are looked at by themselves
        wanted = [placeholders(text) for text in texts]
        changed += [one for one in said if placeholders(one) not in wanted]
    assert changed == []


@pytest.mark.parametrize("language", OTHERS)
def test_every_translation_names_the_same_commands_so_that_each_platform_can_spell_them(
    language: str,
) -> None:
    spelled = spelling(NAMES, "\0")
    lost = []
    for _, texts, said in messages(language):
        wanted = sorted(re.findall(r"\0\w+(?: [a-z]+\b)?", spelled(texts[-1])))
        first = [name.split()[0] for name in wanted]
        for one in said:
            named = re.findall(r"\0(\w+)", spelled(one))
            if sorted(named) != [name[1:] for name in sorted(first)]:
                lost.append((one, named))
        quoted = re.findall(r"`[^`]+`", texts[-1])
        lost += [(one, quoted) for one in said if sorted(re.findall(r"`[^`]+`", one)) != sorted(quoted)]
    assert lost == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_compiled_is_what_was_translated(language: str) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language))
    assert path(language).with_suffix(".mo").read_bytes() == compiled.getvalue(), "make catalogues"


@cache
def given() -> dict[tuple[str, str], set[str]]:
    """The marked texts that calls are given by name: by the call and the name."""
    found: dict[tuple[str, str], set[str]] = {}
    for source in sources("bot", "adapters"):
        for node in ast.walk(parsed(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                for one in node.keywords:
                    texts = {texts[0] for _, texts in marks(one.value)}
                    found.setdefault((node.func.id, one.arg or ""), set()).update(texts)
    return found


def texts_at(keyword: str, *calls: str) -> set[str]:
    """The marked texts that are given by that name to those calls."""
    return set().union(*(given().get((call, keyword), ()) for call in calls))


def overlong(language: str, texts: set[str], most: int) -> list[str]:
    said = told(language) if language != ENGLISH else {text: text for text in texts}
    filled = {re.sub(r"\{[^}]*\}", ROOM, said[text]): text for text in texts}
    return [text for text in filled if len(text) > most]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_label_title_or_description_is_cut_by_a_platform(language: str) -> None:
    labels = texts_at("label", "Action")
    titles = texts_at("title", "Form") | {"Save", "Cancel", "Close"}
    descriptions = texts_at("summary", "CommandSpec", "Word", "Blank")
    assert (len(labels) > 20, len(titles) > 3, len(descriptions) > 60) == (True, True, True)
    assert overlong(language, labels, BUTTON) == []
    assert overlong(language, titles, TITLE) == []
    assert overlong(language, descriptions, DESCRIPTION) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_days_are_told_by_the_same_signs(language: str) -> None:
    from datetime import UTC, datetime

    at = datetime(2026, 3, 5, 17, 9, tzinfo=UTC)
    with spoken(language):
        assert sorted(re.findall(r"\d+", moment(at))) == ["03", "05", "09", "17", "2026"]
        assert re.fullmatch(r"\S{1,5}", weekday(at))
