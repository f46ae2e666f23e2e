from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bot.agent.fifo_queue import Queue, kept
from memory.records import PRIVATE, Conversation, Message, Role, Turn, TurnState

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def message(
    key: int, role: Role = Role.USER, *, tokens: int = 10, turn: str = "old", step: int = 0
) -> Message:
    return Message(
        key=key,
        conversation_id=1,
        audience=PRIVATE,
        role=role,
        author="ada",
        text="",
        rendered="{}",
        tokens=tokens,
        created_at=NOW,
        turn_id=turn,
        step=step,
    )


def queue(*messages: Message) -> Queue:
    place = Conversation(id=1, agent_id=1, address="console:ada", audience=PRIVATE)
    return Queue(place, None, list(messages))


def keys(messages: list[Message]) -> list[int]:
    return [one.key for one in messages]


def test_the_oldest_half_leaves_and_a_call_takes_its_results_along() -> None:
    asked, result = message(2, Role.ASSISTANT), message(3, Role.TOOL, tokens=20)
    assert keys(queue(message(1), asked, result, message(4), message(5)).oldest(None)) == [1, 2, 3]


def test_what_a_turn_is_answering_stays() -> None:
    turn = Turn(
        id="now",
        agent_id=1,
        conversation_id=1,
        kind="message",
        state=TurnState.RUNNING,
        steps=0,
        started_at=NOW,
    )
    rows = [message(1, turn="now", step=-1), message(2), message(3), message(4)]
    assert keys(queue(*rows).oldest(turn)) == [2, 3]
    assert keys(queue(*rows).oldest(None)) == [1, 2]


def test_the_newest_never_leaves() -> None:
    assert queue(message(1)).oldest(None) == []
    assert keys(queue(message(1), message(2, tokens=1_000)).oldest(None)) == [1]


def test_tokens_follow_what_comes_changes_and_goes() -> None:
    one = queue(message(1), message(2))
    one.add([message(3, tokens=5)])
    one.replace(one.messages[0], replace(one.messages[0], tokens=4))
    one.remove([one.messages[1]])
    assert (one.tokens, keys(one.messages)) == (9, [1, 3])


def test_a_flush_keeps_some_turns_of_a_small_room_and_a_fifth_of_a_large_one() -> None:
    assert [kept(room) for room in (1_000, 3_600, 10_000, 100_000)] == [400, 1_440, 2_000, 20_000]
