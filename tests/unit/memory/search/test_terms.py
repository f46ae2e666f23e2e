"""What full-text search indexes and looks up."""

from __future__ import annotations

import random
import re
import string
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.index.exact import ExactIndex
from memory.indexer import Indexer
from memory.recall import Recall
from memory.records import PRIVATE
from memory.search.terms import (
    analyse,
    digest_words,
    is_identifier,
    is_stop_word,
    query_terms,
    telling_words,
)
from memory.store.sqlite.database import Database
from tests.fakes.empty_database import lay
from tests.fakes.memory_rows import settle, tell

ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.text(string.printable)
ALLOWED = re.compile(r"[A-Za-z0-9_\x80-\U0010ffff]+")
"""What FTS5's tokenizer ``ascii`` with ``tokenchars '_'`` keeps together as one token."""


@given(ANY_TEXT)
def test_any_text_gives_terms_that_the_tokenizer_keeps_whole(text: str) -> None:
    for term in [*analyse(text).split(" "), *query_terms(text)]:
        assert term == "" or ALLOWED.fullmatch(term)
        assert len(term) <= 128
    assert len(query_terms(text)) <= 64
    analyse(text).encode()  # storable: no lone surrogates


@given(ANY_TEXT)
def test_a_text_is_found_by_every_term_of_itself(text: str) -> None:
    assert set(query_terms(text)) <= set(analyse(text).split(" ")) | {""}


@given(ANY_TEXT)
def test_terms_do_not_depend_on_case(text: str) -> None:
    assert analyse(text.upper().casefold()) == analyse(text.upper())


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ""),
        ("Running foxes ran", "run fox run"),
        ("Café CAFÉ cafe\u0301", "cafe cafe cafe"),
        ("Straße ﬁnal ①", "strass final 1"),
        ("ERR-1042", "err 1042 err_1042"),
        ("ada@example.org", "ada exampl org ada_example_org"),
        ("don't panic", "don t panic"),
        ("我住北京", "我 住 北 京 我住 住北 北京"),
        ("AI北京2024", "ai 北 京 北京 2024"),
        ("\ud83e half \udd8a", "half"),
        ("a\x00b", "a b"),
    ],
)
def test_analysed(text: str, terms: str) -> None:
    assert analyse(text) == terms


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("What is the name of my dog?", ["name", "dog"]),
        ("Who are you?", ["who", "be", "you"]),
        ("ERR-1042 in the log", ["err_1042", "err", "1042", "log"]),
        ("fox fox FOX", ["fox"]),
        ("", []),
        ("?!", []),
    ],
)
def test_asked(query: str, terms: list[str]) -> None:
    assert query_terms(query) == terms


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("北京", "我住在北京市"),
        ("東京", "東京タワーに行った"),
        ("かばん", "新しいかばんを買った"),
        ("ไทย", "ภาษาไทย"),
        ("naïve", "A NAIVE plan"),
        ("Ärger", "viel ÄRGER"),
        ("서울", "나는 서울에 살아요"),
        ("猫", "我的猫很可爱"),
        ("محمد", "جَارِي مُحَمَّد طَبِيبُ أَسْنَان"),
        ("مُحَمَّد", "جاري محمد طبيب أسنان"),
        ("اسنان", "طبيب أسنان"),
        ("سلام", "ســـلام عليكم"),
        ("شجره", "شَجَرَةٌ"),
        ("کتاب ۱۲", "كتاب ١٢"),
        ("שלום", "שָׁלוֹם עליכם"),
        ("lodz", "Łódź"),
        ("Łódź", "we met in LODZ"),
        ("Kobenhavn", "København"),
        ("Istanbul", "İSTANBUL ısınıyor"),
        ("isiniyor", "ısınıyor"),
        ("Thor encyclopaedia", "Þór's encyclopædia, said Thor"),
        ("đường", "duong pho"),
        ("oeuvre", "ŒUVRE"),
        ("Strasse", "Straße"),
        ("खाना", "मैंने खाना।"),
        ("Donaudampf", "Donau\u00addampf"),
        ("ꦗꦮ", "ꦧꦱꦗꦮ ꦗꦮ"),
    ],
)
def test_a_word_is_found_in_its_sentence(query: str, text: str) -> None:
    asked = query_terms(query)
    assert asked
    assert set(asked) <= set(analyse(text).split())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ERR-1042", "ERR-1043"),
        ("2.10.3", "2.10.4"),
        ("ada", "adb"),
        ("バス", "ハス"),
        ("की", "के"),
        ("کرم", "کلم"),
        ("ހަ", "ހި"),
        ("བོད", "བད"),
    ],
)
def test_different_words_are_different_terms(one: str, other: str) -> None:
    assert set(query_terms(one)) != set(query_terms(other))


def test_identifiers_are_kept_whole() -> None:
    text = "See ERR-1042, ada@example.org, 2.10.3, src/memory/store.py, C:1/x and it's well-known."
    assert analyse(text).split()[-5:] == [
        "err_1042",
        "ada_example_org",
        "2_10_3",
        "src_memory_store_py",
        "c_1_x",
    ]
    assert [is_identifier(term) for term in ("err_1042", "1042", "r2d2", "fox")] == [True, True, True, False]


def test_stop_words_are_known_in_any_case() -> None:
    assert is_stop_word("The")
    assert not is_stop_word("Fox")


def seconds(text: str) -> float:
    begun = time.thread_time()
    analyse(text)
    query_terms(text)
    digest_words(text)
    return time.thread_time() - begun


_CHANCE = random.Random(1)
_WORDS = ["".join(_CHANCE.choices(string.ascii_lowercase, k=7)) for _ in range(32_000)]


@pytest.mark.parametrize(
    "text",
    [
        "x" * 250_000,
        "我" * 250_000,
        "é" * 250_000,
        " ".join(_WORDS),
        "a-1" * 83_333,
        "?-" * 125_000,
        "e\u0301 " * 83_333,
        "\ufdfa" * 12_500,
        "e" + "\u0301\u0323" * 41_666,
        "\u0628\u064e" * 41_666,
        "a'" * 83_333,
        "\t" * 250_000,
    ],
    ids=[
        "latin",
        "cjk",
        "accents",
        "words",
        "code",
        "marks",
        "combining",
        "ligatures",
        "disorder",
        "points",
        "apostrophes",
        "tabs",
    ],
)
def test_the_time_grows_with_the_length_and_not_with_its_square(text: str) -> None:
    # Of the same text and in the same run: 16 times as long takes 256 times where it is the square.
    part = seconds(text[: len(text) // 16])  # once: its words are remembered then
    assert seconds(text) < 80 * max(part, 0.001)


@pytest.mark.parametrize("signs", [20_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_one_sign_that_stands_for_many_does_not_multiply_the_work(signs: int) -> None:
    assert len(analyse("\ufdfa" * signs).split()) < 5 * signs  # each is four words
    assert len(telling_words("\ufdfa" * 4_000)) <= 4_000


def test_words_at_the_borders_of_pieces_stay_whole() -> None:
    words = [f"{first}nuri{second}" for first in string.ascii_lowercase for second in "aou"] * 40
    assert analyse(" ".join(words)).split() == [term for word in words for term in analyse(word).split()]


# -- identifiers among rows that differ from them in one character

IDENTIFIERS = [
    "550e8400-e29b-41d4-a716-446655440000",
    "grace.hopper@example.org",
    "ERR-1042",
    "2.10.3",
    "/var/log/everbot/main.log",
    "src/memory/store/database.py",
    "+49 30 901820",
    "(555) 010-4477",
    "INV-2024-00017",
    "9f86d081884c7d65",
    "snake_case_name_7",
    "192.168.17.4",
]


def distractors(identifier: str, chance: random.Random, count: int = 500) -> list[str]:
    """Texts about identifiers that differ in one letter or digit."""
    found: set[str] = set()
    places = [i for i, c in enumerate(identifier) if c.isalnum()]
    while len(found) < min(count, 9 * len(places)):
        at = chance.choice(places)
        pool = string.digits if identifier[at].isdigit() else string.ascii_lowercase
        other = identifier[:at] + chance.choice(pool) + identifier[at + 1 :]
        if other.casefold() != identifier.casefold():
            found.add(other)
    return [f"We spoke of {other} the other day." for other in sorted(found)]


async def best(store: Database, rows: list[str], query: str) -> str:
    agent, place = await settle(store)
    await tell(store, place, *rows)
    index = ExactIndex(store, "messages", "none")
    recall = Recall(store, Indexer(store, None, index, index, index))
    page = await recall.search(agent.id, query, PRIVATE)
    return page.hits[0].row.text


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(lay(tmp_path / "x.db"))
    yield opened
    await opened.close()


@pytest.mark.parametrize("identifier", IDENTIFIERS)
async def test_an_identifier_is_found_first(store: Database, identifier: str) -> None:
    chance = random.Random(identifier)
    rows = distractors(identifier, chance)
    wanted = f"This one is about {identifier}, and it goes on for a while with other things said besides."
    rows.insert(chance.randrange(len(rows)), wanted)
    assert await best(store, rows, f"What about {identifier}?") == wanted


@pytest.mark.parametrize(
    ("wanted", "other"),
    [
        ("about.html", "abort.html"),
        ("7XKBY", "7XKBI"),
    ],
)
async def test_a_name_is_not_lost_to_stop_words_or_stems(store: Database, wanted: str, other: str) -> None:
    rows = [f"Open {wanted}", *[f"Open {other}"] * 20]
    assert await best(store, rows, wanted) == f"Open {wanted}"


# -- digests: only texts that say the same have the same one


@settings(max_examples=50)
@given(ANY_TEXT)
def test_a_digest_ignores_case_and_outer_space(text: str) -> None:
    assert digest_words(f"  {text.upper()}\n") == digest_words(text.upper().casefold())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada likes tea.", "ada likes tea"),
        ("Ada  likes\ttea!", "Ada likes tea"),
    ],
)
def test_texts_of_the_same_digest(one: str, other: str) -> None:
    assert digest_words(one) == digest_words(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada likes tea", "Ada likes coffee"),
        ("Ada likes tea", "Likes Ada tea"),
        ("It is 15", "It is 1 5"),
        ("It is 1.5", "It is 15"),
        ("It is 1.5", "It is 1, 5"),
        ("The balance is -5", "The balance is 5"),
        ("Ada writes C++", "Ada writes C"),
        ("x != 3", "x = 3"),
        ("Mood: 😀", "Mood: 😢"),
        ("राम की", "राम के"),
    ],
)
def test_texts_of_different_digests(one: str, other: str) -> None:
    assert digest_words(one) != digest_words(other)
