from __future__ import annotations

import random
import re

import pytest

from bot.personas.cards.automaton import Steps
from bot.personas.cards.pattern import PatternError, compiled

PLENTY = 10**6


def found(pattern: str, text: str, *, ignore_case: bool = False, steps: int = PLENTY) -> bool:
    return compiled(pattern, ignore_case=ignore_case).search(text, Steps(steps))


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("dragons?", "the dragon", True),
        ("/DRAGON/i", "a dragon", True),
        ("/DRAGON/", "a dragon", False),
        (r"\bcat\b", "concatenate", False),
        (r"\bcat\b", "the cat.", True),
        (r"\bкот\b", "чёрный кот спит", True),
        ("^b", "a\nb", False),
        ("/^b/m", "a\nb", True),
        ("/a.b/", "a\nb", False),
        ("/a.b/s", "a\nb", True),
        (r"[\w-]+@\w+\.(?:org|com)", "mail ann-b@x.com now", True),
        (r"(?<year>\d{4})-\d\d", "on 2026-11-21", True),
        (r"\u0041\x42\u{43}", "ABC", True),
        ("[^a-c]", "abcabc", False),
        (r"[\d\-x]{3}", "1-x", True),
        ("[]", "anything", False),
        ("[^]", "x", True),
        ("a{2}", "aba", False),
        ("a{2,}b", "aaab", True),
        ("a{,2}", "a{,2}", True),
        ("", "", True),
    ],
)
def test_patterns(pattern: str, text: str, matches: bool) -> None:
    assert found(pattern, text) is matches


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "[a", "a**", "*a", "{2}", "a{3,2}", "[b-a]", "(?=a)b", "(?<!a)b", r"(a)\1", r"\k<n>", r"\p{L}",
     "/a/xi", "\\", r"\u{110000}", "(?R)", "a" * 501, "(" * 21 + ")" * 21, "a{501}", "(a{40}){40}", "((a?){30}){30}",
     "(?:a{9999}){9999}"],
)  # fmt: skip
def test_what_is_not_taken(pattern: str) -> None:
    with pytest.raises(PatternError):
        compiled(pattern, ignore_case=False)


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a|aa)+$", "(a|ab?)+$", r"^(([a-z])+.)+[A-Z]([a-z])+$", "(?:a?){200}b", "(.*.*.*.*)*b"],
)
def test_what_makes_other_matchers_stand_still(pattern: str) -> None:
    text = "a" * 20_000 + "!"
    steps = Steps(100 * len(text))

    assert compiled(pattern, ignore_case=True).search(text, steps) is False
    assert steps.left > 0, "a few steps for each character"


def test_a_search_ends_with_its_steps() -> None:
    assert found("ab", "b" * 1_000 + "ab")
    assert not found("ab", "b" * 1_000 + "ab", steps=500)


PARTS = ["a", "b", "c", ".", "[ab]", "[^a]", r"\w", r"\W", r"\b", r"\B", "^", "$", r"\s", r"\D", " ", "[a-c]"]
REPEATS = ["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?", "+?"]


def some_pattern(chance: random.Random, depth: int) -> str:
    kind = chance.randrange(9 if depth else 3)
    if kind < 3:
        return chance.choice(PARTS)
    inner = some_pattern(chance, depth - 1)
    if kind < 5:
        return inner + some_pattern(chance, depth - 1)
    if kind == 5:
        return f"(?:{inner}|{some_pattern(chance, depth - 1)})"
    return f"(?:{inner}){chance.choice(REPEATS)}" if kind == 6 else f"({inner})"


def test_it_finds_what_python_finds() -> None:
    chance = random.Random(5)
    matched = 0
    for _ in range(3_000):
        pattern, ignore_case = some_pattern(chance, 4), chance.random() < 0.3
        text = "".join(chance.choice("abcABC \n") for _ in range(chance.randrange(1, 9)))
        pythons = pattern.replace("$", r"\Z")  # where there is no flag m, JavaScript's $ is only the very end
        expected = re.search(pythons, text, re.IGNORECASE if ignore_case else 0) is not None
        assert found(pattern, text, ignore_case=ignore_case) is expected, (pattern, text)
        matched += expected
    assert 500 < matched < 2_500
