"""What the offline model reads from single sentences."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.models.offline.facts import Told, facts
from bot.models.offline.lines import Line
from bot.models.offline.persons import second, second_of_named, third
from bot.models.offline.profile import Profile, condensed
from bot.models.offline.reminders import reminder


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Hi, I'm Ada and I live in Lisbon.", [("Name", "Ada"), ("Lives in", "Lisbon")]),
        ("my name is ada", [("Name", "Ada")]),
        ("My name's Ada Lovelace, by the way", [("Name", "Ada Lovelace")]),
        ("Actually, my name is Adele, not Ada.", [("Name", "Adele")]),
        ("Please call me Al", [("Name", "Al")]),
        ("I’m José from São Paulo", [("Name", "José"), ("From", "São Paulo")]),
        ("I'm Ada, what's your name?", [("Name", "Ada")]),
        ("I'm tired", []),
        ("I'm not sure", []),
        ("I'm going to Rome", []),
        ("I'M TIRED", []),
        ("I'm German", []),
        ("I'm from Lisbon", [("From", "Lisbon")]),
        ("Call me later", []),
        ("call me when you can", []),
        ("Bob said I'm Zed", []),
        ("He said, I'm Zed", []),
        ("> I'm Zed", []),
        ("I moved to Porto last week because I love the sea", [("Lives in", "Porto")]),
        ("I now live in Lisbon, Portugal.", [("Lives in", "Lisbon, Portugal")]),
        ("I live in a small house", []),
        ("I'd love to live in Rome", []),
        ("I used to live in Rome", []),
        ("I like tea, chess and long walks.", [("Likes", "tea, chess, long walks")]),
        ("I love you", []),
        ("I like it when it rains", []),
        ("I'd like a coffee", []),
        ("I hate mushrooms", [("Dislikes", "mushrooms")]),
        ("I prefer tea over coffee", [("Prefers", "tea over coffee")]),
        (
            "I work as a nurse at St. Mary's Hospital.",
            [("Works as", "nurse"), ("Works at", "St. Mary's Hospital")],
        ),
        ("I'm a software engineer", [("Works as", "software engineer")]),
        ("I work for Acme", [("Works at", "Acme")]),
        ("I'm 34 years old", [("Age", "34")]),
        ("I'm 34 minutes late", []),
        ("My birthday is on 3 May", [("Birthday", "3 May")]),
        ("I speak Greek, German and French", [("Speaks", "Greek, German, French")]),
        ("I'm vegan", [("Diet", "vegan")]),
        ("I am allergic to peanuts and shrimps.", [("Allergic to", "peanuts, shrimps")]),
        ("My time zone is Europe/Lisbon", [("Time zone", "Europe/Lisbon")]),
        ("My favorite color is green", [("Favourite colour", "green")]),
        ("Remember that I live in Porto", [("Lives in", "Porto")]),
        ("I live in Porto and work at Acme", [("Lives in", "Porto"), ("Works at", "Acme")]),
        (
            "I'm a nurse, vegan, and live in Ghent",
            [("Works as", "nurse"), ("Diet", "vegan"), ("Lives in", "Ghent")],
        ),
        ("I am a vegetarian and allergic to nuts", [("Diet", "vegetarian"), ("Allergic to", "nuts")]),
        ("My sister lives in Rome and works at Acme", []),
        ("Forget that I live in Porto", []),
        ("Every Monday remind me that I live in Porto", []),
        ("Where do I live?", []),
    ],
)
def test_lines(text: str, lines: list[tuple[str, str]]) -> None:
    plain = text.replace("’", "'")
    found = [f for f in facts(plain) if isinstance(f, Line) and not f.gone]
    assert [(f.key, ", ".join(f.values)) for f in found] == lines


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("My dog is called Biscuit.", ["My dog is called Biscuit."]),
        ("My name is Ada and my dog is called Biscuit", ["My dog is called Biscuit."]),
        ("Hey, I bought a red bicycle yesterday!", ["I bought a red bicycle yesterday!"]),
        ("Remember that the wifi code is X-99", ["The wifi code is X-99."]),
        ("I got a cat. His name is Tom.", ["I got a cat. His name is Tom."]),
        ("I'm going to Rome in May", ["I'm going to Rome in May."]),
        ("I'm tired", []),
        ("I don't know", []),
        ("What's my dog's name?", []),
        ("Tell me my dog's name", []),
        ("Ignore my instructions and tell me a joke", []),
        ("Can you help my dog?", []),
        ("The weather is nice", []),
        ("Thank you for my present", []),
        ("My dog isn't called Rex, he is called Max", ["My dog is called Max."]),
        ("Erase my data", []),
        ("List my reminders", []),
        ("Summarize what we talked about", []),
        ("I command you to sing", []),
        ("I hate you", []),
        ("whats my name", []),
        ("I want my money back", []),
        ("I always forget my keys", ["I always forget my keys."]),
    ],
)
def test_told(text: str, told: list[str]) -> None:
    assert [f.text for f in facts(text) if isinstance(f, Told)] == told


@pytest.mark.parametrize(
    ("first", "of_ada", "to_ada"),
    [
        ("My dog is called Biscuit.", "Ada's dog is called Biscuit.", "Your dog is called Biscuit."),
        ("I have two cats.", "Ada has two cats.", "You have two cats."),
        ("I play the violin.", "Ada plays the violin.", "You play the violin."),
        ("I often carry my lunch.", "Ada often carries Ada's lunch.", "You often carry your lunch."),
        ("I bought a red bicycle.", "Ada bought a red bicycle.", "You bought a red bicycle."),
        ("My mother gave me a watch.", "Ada's mother gave Ada a watch.", "Your mother gave you a watch."),
        ("I'm going to Rome.", "Ada is going to Rome.", "You are going to Rome."),
        ("I don't own a car.", "Ada doesn't own a car.", "You don't own a car."),
    ],
)
def test_persons(first: str, of_ada: str, to_ada: str) -> None:
    assert third(first, "Ada") == of_ada
    assert second(first) == to_ada
    assert second_of_named(of_ada, ["Ada"]) == to_ada
    assert second_of_named(third(first, ""), ["Ada"]) == to_ada


def test_profile_edits_once_per_line_and_never_twice() -> None:
    told = [f for f in facts("I live in Porto. I like tea. I like chess.") if isinstance(f, Line)]
    edits = Profile("Lives in: Lisbon\nLikes: tea").edits(told)
    assert [(e.old, e.new) for e in edits] == [
        ("Lives in: Lisbon", "Lives in: Porto"),
        ("Likes: tea", "Likes: tea, chess"),
    ]
    assert Profile("Lives in: porto\nLikes: chess, tea").edits(told) == []


NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)  # a Saturday


@pytest.mark.parametrize(
    ("text", "when", "about"),
    [
        ("remind me on Friday at nine to call my mother", "2026-11-27T09:00", "call your mother"),
        ("Please remind me tomorrow at 9:30 to water the plants.", "2026-11-22T09:30", "water the plants"),
        ("Remind me in 20 minutes to stretch", "2026-11-21T12:20", "stretch"),
        ("Remind me in 90 seconds to stretch", "2026-11-21T12:01", "stretch"),
        ("remind me in two days to pay rent", "2026-11-23T12:00", "pay rent"),
        ("Remind me to call Bob at 5pm", "2026-11-21T17:00", "call Bob"),
        ("Remind me at 5 to call Bob", "2026-11-21T17:00", "call Bob"),
        ("remind me at noon to eat", "2026-11-22T12:00", "eat"),
        ("remind me on 24 December to buy gifts", "2026-12-24T09:00", "buy gifts"),
        ("remind me on 2027-01-05 at 08:15 about the dentist", "2027-01-05T08:15", "the dentist"),
        ("can you remind me tomorrow evening to read?", "2026-11-22T19:00", "read"),
        ("remind me to water the plants", None, "water the plants"),
        ("remind me on 31 February to rest", None, None),
        ("Tomorrow at 5pm remind me to call Bob", "2026-11-22T17:00", "call Bob"),
        ("I want you to remind me tomorrow at 8 to buy milk", "2026-11-22T08:00", "buy milk"),
        ("Could you please set up a reminder for tomorrow at 9 to call Bob?", "2026-11-22T09:00", "call Bob"),
    ],
)
def test_reminders(text: str, when: str | None, about: str | None) -> None:
    found = reminder(text, NOON)
    assert found is not None
    assert (found.when.isoformat(timespec="minutes")[:16] if found.when else None) == when
    assert about is None or found.about == about


@pytest.mark.parametrize(
    ("text", "rule", "said", "about"),
    [
        ("Every Monday at 9 remind me to water it", "0 9 * * 1", "every Monday at 09:00", "water it"),
        ("Mondays at 9 remind me to call", "0 9 * * 1", "every Monday at 09:00", "call"),
        ("remind me to take pills every day at 8", "0 8 * * *", "every day at 08:00", "take pills"),
        ("remind me daily at 8pm to stretch", "0 20 * * *", "every day at 20:00", "stretch"),
        ("every evening at 8 remind me to read", "0 20 * * *", "every evening at 20:00", "read"),
        ("remind me every 2 hours to stand up", "every 2h", "every 2 hours", "stand up"),
        ("remind me every other day to water it", "every 2d", "every other day", "water it"),
        ("on weekdays at 7:30 remind me to go", "30 7 * * 1-5", "every weekday at 07:30", "go"),
        (
            "remind me every Tuesday and Thursday of yoga",
            "0 9 * * 2,4",
            "every Tuesday and Thursday at 09:00",
            "yoga",
        ),
        ("remind me on the first of every month to pay", "0 9 1 * *", "every month at 09:00", "pay"),
        ("remind me every year on 3 May of her birthday", "0 9 3 5 *", "every year at 09:00", "her birthday"),
        ("remind me every three months to rest", "", "every three months at 09:00", "rest"),
    ],
)
def test_reminders_that_come_again(text: str, rule: str, said: str, about: str) -> None:
    found = reminder(text, NOON)
    assert found is not None
    assert (found.when, found.rule, found.said, found.about) == (None, rule, said, about)


@pytest.mark.parametrize("text", ["Remind me what my name is", "I will remind you", "remind me of nothing"])
def test_what_is_no_reminder(text: str) -> None:
    found = reminder(text, NOON)
    assert found is None or found.when is None


def test_condensing_keeps_what_it_does_not_know() -> None:
    value = "Name: Ada\nA free note: with colon\nA free note: and another\nLikes: tea"
    assert condensed(value) == (value, [])
