"""Scoring of search candidates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.search.dates import span_of
from memory.search.evidence import FEATURES, Question, Rows, bm25, evidence, idf, named
from memory.search.ranking import WITH_VECTORS, WORDS_ALONE, attention, rank, shortlist
from memory.search.terms import analyse, query_terms

KEYS = st.integers(1, 30)
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_rarer_term_weighs_more_and_none_weighs_nothing(rows: int, holding: int) -> None:
    assert idf(rows, holding) > 0
    assert idf(rows + 1, holding) >= idf(rows, holding)
    if holding < rows:
        assert idf(rows, holding + 1) < idf(rows, holding)


@given(st.dictionaries(st.sampled_from("abcd"), st.lists(KEYS, unique=True)))
def test_a_shortlist_is_every_key_once_best_first(postings: dict[str, list[int]]) -> None:
    found = shortlist(postings, 30).tolist()
    everything = {key for keys in postings.values() for key in keys}
    assert sorted(found) == sorted(everything)
    weights = [sum(idf(30, len(keys)) for keys in postings.values() if key in keys) for key in found]
    assert weights == pytest.approx(sorted(weights, reverse=True))


def test_a_shortlist_prefers_rare_terms_then_newer_rows() -> None:
    postings = {"the": [9, 8, 7, 3, 2], "fox": [2], "red": [3, 2]}
    assert shortlist(postings, 9).tolist() == [2, 3, 9, 8, 7]


def scores(query: str, *texts: str) -> list[float]:
    counts = [text.split() for text in texts]
    terms = query.split()
    weights = [idf(len(texts), sum(term in count for count in counts)) for term in terms]
    has = np.array([[term in count for count in counts] for term in terms])
    return [float(score) for score in bm25(terms, weights, counts, has)]


def test_bm25_prefers_rare_repeated_and_short() -> None:
    rare, common = scores("fox red", "fox a b", "red a b", "red a b", "red a b")[:2]
    assert rare > common
    twice, once, none = scores("fox", "fox fox a", "fox a a", "a a a")
    assert twice > once > none == 0
    short, long = scores("fox", "fox", "fox a b c d e f g h")
    assert short > long


def test_bm25_of_what_is_not_there() -> None:
    assert scores("cat", "fox", "") == [0, 0]
    assert scores("", "fox") == [0]


class Talk:
    """Lines as "author: text", a minute apart; "---" is a day's silence, "===" another conversation."""

    def __init__(self, *lines: str, cosines: Sequence[float] = (), salience: Sequence[float] = ()) -> None:
        self.texts: list[str] = []
        authors, times, strands = [], [], []
        at, strand = NOW.timestamp() - 86_400 * 300, 0
        for line in lines:
            at += 60
            if line == "---":
                at += 86_400
            elif line == "===":
                strand += 1
            else:
                author, _, text = line.partition(": ")
                self.texts.append(text)
                authors.append(author)
                times.append(at)
                strands.append(strand)
        count = len(self.texts)
        self.vectors = bool(cosines)
        self.rows = Rows(
            keys=np.arange(1, count + 1),
            strands=np.array(strands),
            times=np.array(times),
            authors=authors,
            salience=np.array(salience or [0.5] * count),
            cosines=np.array(cosines or [0.0] * count),
            terms={n: analyse(text) for n, text in enumerate(self.texts, 1)},
        )

    def question(self, text: str, asker: str | None) -> tuple[Question, dict[str, list[int]]]:
        terms = query_terms(text)
        held = {t: [n for n, words in self.rows.terms.items() if t in words.split()] for t in terms}
        question = Question(text=text, terms=terms, asker=asker, span=span_of(text, NOW))
        return question, {term: keys for term, keys in held.items() if keys}

    def ask(self, text: str, asker: str | None = None) -> list[str]:
        """The texts, best first."""
        question, held = self.question(text, asker)
        keys = [int(key) for key in self.rows.keys]
        features = evidence(question, held, len(keys), self.rows)
        found = rank(question, held, len(keys), self.rows, features, keys, vectors=self.vectors)
        assert sorted(key for key, _ in found) == keys
        assert sum(weight for _, weight in found) == pytest.approx(1)
        return [self.texts[key - 1] for key, _ in found]

    def evidence(self, text: str, name: str, asker: str | None = None) -> list[float]:
        question, held = self.question(text, asker)
        matrix: Any = evidence(question, held, len(self.texts), self.rows)
        return [float(value) for value in matrix[:, FEATURES.index(name)]]


def test_every_weight_is_of_a_feature() -> None:
    assert set(WITH_VECTORS) == set(FEATURES)
    assert set(WORDS_ALONE) < set(FEATURES)
    assert not {name for name in WORDS_ALONE if "meaning" in name or "session" in name}


def test_the_answer_beside_the_question_is_found() -> None:
    talk = Talk(
        "Ben: The bus was late again.",
        "---",
        "Ada: Which instrument does your niece play?",
        "Ben: The oboe, since she turned nine.",
        "---",
        "Ada: I planted three pear trees.",
    )
    assert set(talk.ask("What instrument does the niece play?")[:2]) == {
        "Which instrument does your niece play?",
        "The oboe, since she turned nine.",
    }


def test_rows_beside_each_other_in_keys_alone_are_no_neighbours() -> None:
    apart = Talk("Ada: violin lessons", "===", "Ben: yes", "---", "Ben: no")
    assert apart.evidence("violin", "around") == [pytest.approx(1), 0, 0]
    together = Talk("Ada: violin lessons", "Ben: yes", "---", "Ben: no")
    assert together.evidence("violin", "around") == [pytest.approx(1), pytest.approx(0.8), 0]


def test_a_name_in_the_question_means_what_that_person_said() -> None:
    talk = Talk("Ada: I play chess.", "---", "Ben Ode: I play chess.", "---", "Cyd: It rains.")
    assert talk.ask("What does Ben play?")[0] == "I play chess."
    assert talk.evidence("What does Ben play?", "named") == [0, 1, 0]
    assert talk.evidence("What does ben tell Ada?", "subject") == [0, 1, 0]
    assert named(["Ada", "Ben Ode"], "Adamant benches") == []


def test_first_and_second_person_mean_the_asker_and_the_others() -> None:
    talk = Talk("Ada: a pear", "bot: a pear")
    assert talk.evidence("Which pear did I buy?", "mine", "Ada") == [1, 0]
    assert talk.evidence("Which pear did you recommend?", "theirs", "Ada") == [0, 1]
    assert talk.evidence("Which pear is it?", "theirs", "Ada") == [0, 0]
    assert talk.evidence("Which pear did I buy?", "mine") == [0, 0]


def test_a_date_in_the_question_is_a_time_and_no_word() -> None:
    at = NOW.timestamp() - 86_400 * 300
    day = datetime.fromtimestamp(at, UTC)
    talk = Talk("Ada: We met.", *["---"] * 40, f"Ada: We met, {day:%d} {day:%Y}.")
    query = f"Who met on {day.day} {day:%B} {day.year}?"
    assert talk.evidence(query, "dated") == [1, 0]
    assert talk.ask(query)[0] == "We met."


def test_when_and_how_many_want_times_and_numbers() -> None:
    talk = Talk(
        "Ada: I moved in yesterday.", "Ada: I own 12 hens.", "Ada: I own hens.", "Ada: Two hens left."
    )
    assert talk.evidence("When did she move?", "when") == [1, 0, 0, 0]
    assert talk.evidence("How many hens?", "many") == [0, 1, 0, 1]
    assert talk.evidence("Whose hens?", "many") == [0, 0, 0, 0]


def test_salience_breaks_a_tie() -> None:
    lines = ["Ada: a hen", "---", "Ada: one hen"]
    assert Talk(*lines, salience=[0.9, 0.1]).ask("hen")[0] == "a hen"
    assert Talk(*lines, salience=[0.01, 0.99]).ask("hen")[0] == "one hen"


def test_meaning_counts_when_there_are_vectors() -> None:
    lines = ["Ada: The cat sleeps.", "---", "Ada: My kitten naps."]
    assert Talk(*lines, cosines=[0.1, 0.9]).ask("feline")[0] == "My kitten naps."


@pytest.mark.parametrize(
    "wanted", ["err-1042", "ada@example.org", "2.10.3", "5f1c9a70-aa00-4e0b-9c7e-0a5d3ce6b7f1"]
)
def test_an_identifier_beats_whatever_is_only_alike(wanted: str) -> None:
    lines = [
        f"Ada: the error {wanted} again",
        *["---", "Ada: error, error: the code of the error err 1043"] * 3,
    ]
    talk = Talk(*lines, cosines=[0.0, 0.99, 0.99, 0.99])
    assert talk.ask(f"which error code was {wanted}?")[0] == f"the error {wanted} again"


@pytest.mark.parametrize("text", ["昨天我们去吃了北京烤鸭", "明日は図書館で烤鸭を食べる"])
def test_a_word_of_a_language_without_spaces_beats_what_is_only_alike(text: str) -> None:
    lines = [f"Ada: {text}", *["---", "Ada: do you remember what that was about?"] * 3]
    talk = Talk(*lines, cosines=[0.0, 0.99, 0.99, 0.99])
    assert talk.ask("烤鸭")[0] == text
    assert talk.ask("What was that about 烤鸭, do you remember?")[0] == text


def test_a_year_is_no_identifier() -> None:
    talk = Talk("Ada: the model 2026", "---", "Ada: we sold hens and geese and ducks at the market")
    assert talk.ask("what did we sell at the market in 2026?")[0].startswith("we sold")


@given(st.lists(st.floats(-50, 50), max_size=20))
def test_attention_is_shared_out(found: list[float]) -> None:
    weights = attention(np.array(found))
    assert all(0 <= weight <= 1 for weight in weights)
    assert sum(weights) == pytest.approx(1 if found else 0)
    assert list(np.argsort(-weights, kind="stable")) == sorted(
        range(len(found)), key=lambda i: (-weights[i], i)
    )


def test_nothing_is_ranked_when_nothing_was_found() -> None:
    talk = Talk("Ada: a pear")
    question, held = talk.question("plum", None)
    features = evidence(question, held, 1, talk.rows)
    assert rank(question, held, 1, talk.rows, features, [], vectors=False) == []
