"""Tell, talk on for long, ask: the story that everbot is for, with the offline model and nothing else.

Every part is a run of its own of the real process. The window is small, so that what was told at first has
long left the FIFO queue when it is asked for.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any
from uuid import uuid4

import pytest

from tests.program.program import Program

pytestmark = pytest.mark.long

CONFIG = """
[model]
kind = "offline"
context_window = 8192
reply_reserve = 1024
"""
SEARCHES = {"archival_memory_search", "conversation_search"}
SMALL_TALK = (
    "The bus number {n} was late again this morning.",
    "I am reading chapter {n} of my novel.",
    "What do you think of the number {n}?",
    "My neighbour counted {n} birds today.",
    "It rained for {n} minutes, then the sun came out.",
    "Thank you, that makes {n} answers.",
)


@pytest.fixture(scope="module", params=[60, pytest.param(150, marks=pytest.mark.soak)])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Ada has told of herself, then of many other things, and that she moved."""
    home = Program(tmp_path_factory.mktemp("story"), CONFIG)
    others = [SMALL_TALK[n % len(SMALL_TALK)].format(n=n) for n in range(1, request.param + 1)]
    half = request.param // 2
    told = ["Hi, I'm Ada and I live in Lisbon.", "My dog is called Biscuit."]
    first, second = talk(home, {"ada": told})["ada"]
    assert "Ada" in first
    assert "Biscuit" in second
    assert len(home.told("chat", "--user", "ada", lines=others[:half])) >= half
    talk(home, {"ada": [*others[half:], "I moved to Porto."], "bob": ["Hello, I'm Bob."]})
    return home


def talk(home: Program, told: dict[str, list[str]]) -> dict[str, list[str]]:
    """One run of the JSON pipe: the replies to each user's texts, one for each, in order."""
    said = {user: {uuid4().hex: text for text in texts} for user, texts in told.items()}
    lines = [
        json.dumps({"id": key, "user": user, "text": text})
        for user, his in said.items()
        for key, text in his.items()
    ]
    printed = [json.loads(line) for line in home.told("chat", "--json", lines=lines)]
    assert {line["type"] for line in printed} == {"reply"}
    answers = {}
    for user, his in said.items():
        own = [line for line in printed if line["in_reply_to"][0] in his]
        assert [line["in_reply_to"] for line in own] == [[key] for key in his]
        answers[user] = [line["text"] for line in own]
    return answers


def ask(home: Program, user: str, question: str) -> str:
    """What a plain pipe prints for one line."""
    return "\n".join(home.told("chat", "--user", user, lines=[question]))


def last_turn(db: sqlite3.Connection, user: str) -> list[dict[str, Any]]:
    """The newest turn's messages, as the model saw them."""
    rows = db.execute(
        "SELECT rendered FROM messages WHERE turn_id = (SELECT turns.id FROM turns JOIN agents"
        " ON agents.id = turns.agent_id WHERE agents.name LIKE ? ORDER BY started_at DESC LIMIT 1) ORDER BY key",
        (f"console:{user}/%",),
    )
    return [json.loads(row["rendered"]) for row in rows]


def test_the_dogs_name_is_found_by_searching_long_after_it_left_the_queue(home: Program) -> None:
    answer = ask(home, "ada", "What's my dog's name?")

    assert "Biscuit" in answer
    with home.reading() as db:
        told = db.execute("SELECT queued FROM messages WHERE text = 'My dog is called Biscuit.'").fetchall()
        assert [row["queued"] for row in told] == [0]
        turn = last_turn(db, "ada")
    calls = {call["function"]["name"] for message in turn for call in message.get("tool_calls") or ()}
    assert calls & SEARCHES
    assert any(message["role"] == "tool" and "Biscuit" in message["content"] for message in turn)


def test_a_move_replaces_where_she_lives(home: Program) -> None:
    answer = ask(home, "ada", "Where do I live?")

    assert "Porto" in answer
    assert "Lisbon" not in answer


def test_others_get_none_of_it(home: Program) -> None:
    questions = ["What's my dog's name?", "Where do I live?", "What do you know about me?"]

    answers = talk(home, {"bob": questions, "cyd": questions})
    answers["dan"] = home.told("chat", "--user", "dan", lines=questions)

    secret = {"Biscuit", "Lisbon", "Porto", "Ada"}
    for user, texts in answers.items():
        assert not [text for text in texts for word in secret if word in text], user
    with home.reading() as db:
        shown = db.execute(
            "SELECT rendered FROM messages JOIN agents ON agents.id = messages.key >> 32"
            " WHERE agents.name NOT LIKE 'console:ada/%'"
        ).fetchall()
    assert len(shown) > len(questions) * 3
    assert not [row["rendered"] for row in shown for word in secret if word in row["rendered"]]
