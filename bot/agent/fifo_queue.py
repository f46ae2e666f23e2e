"""The FIFO queue of one conversation (paper section 2.1), as the last commit left it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from bot.agent.context import told_blocks
from memory.records import Block, Conversation, Message, Role, Summary, Turn

PRESSURE = "memory"
"""The author of the memory-pressure alert."""
REMINDER = "system"
"""The author of what the model is told to mend within a turn."""
CORE = "core memory"
"""The author of the notes that tell what core memory reads now."""
_KEPT = 0.20  # of the conversation's room: what is still taken after a flush
_KEPT_SMALL = 0.40  # ... of a small one
_MANY = 1_500  # tokens that are many enough
_EVICT = 0.50  # of the queue's tokens that leave it at once


@dataclass
class Queue:
    conversation: Conversation
    summary: Summary | None
    messages: list[Message] = field(default_factory=list)
    shown: list[Block] | None = None  # core memory as the system text shows it; None: to be made anew
    taken: int = 0  # tokens of the system text and the tools beside it, once a request was made

    def __post_init__(self) -> None:
        self._tokens = sum(message.tokens for message in self.messages)

    @property
    def tokens(self) -> int:
        return self._tokens + (self.summary.tokens if self.summary else 0)

    def shows(self, text: str) -> bool:
        """Whether an event in the queue tells this already."""
        told = _told(text)
        return any(told in message.rendered for message in self.messages)

    def whole(self) -> frozenset[int]:
        """The keys of the messages that are in view with all of their text: nothing of it was clipped."""
        return frozenset(
            message.key
            for message in self.messages
            if message.text and _told(message.text) in message.rendered
        )

    def notes(self) -> list[Message]:
        """What was told of core memory since the system text was made."""
        return [message for message in self.messages if _is_ours(message, CORE)]

    def blocks(self) -> list[Block]:
        """Core memory as the model knows it: as shown, with what was told of it since."""
        told: dict[str, str] = {}
        for note in self.notes():
            told |= told_blocks(note.rendered)
        return [replace(block, value=told.get(block.label, block.value)) for block in self.shown or ()]

    def of(self, turn: Turn) -> list[Message]:
        """The turn's own messages."""
        return [message for message in self.messages if message.turn_id == turn.id]

    def newest(self) -> list[Message]:
        """The messages of the newest turn: the exchange that is being talked of."""
        return [message for message in self.messages if message.turn_id == self.messages[-1].turn_id]

    def add(self, messages: Sequence[Message]) -> None:
        self.messages += messages
        self._tokens += sum(message.tokens for message in messages)

    def replace(self, old: Message, new: Message) -> None:
        self.messages[self.messages.index(old)] = new
        self._tokens += new.tokens - old.tokens

    def remove(self, evicted: Sequence[Message]) -> None:
        keys = {message.key for message in evicted}
        self.messages = [message for message in self.messages if message.key not in keys]
        self._tokens -= sum(message.tokens for message in evicted)

    def oldest(self, turn: Turn | None) -> list[Message]:
        """The oldest half of the queue's tokens, in whole units: a call is never parted from its result.

        What ``turn`` is answering stays in view, and so do the results that it has not read yet.
        """
        groups = units(self.messages)
        goal = sum(message.tokens for message in self.messages) * _EVICT
        evicted: list[Message] = []
        taken = 0
        for unit in groups[:-1]:
            if taken >= goal:
                break
            if turn and any(self.unread(message, turn) for message in unit):
                continue
            evicted += unit
            taken += sum(message.tokens for message in unit)
        return evicted

    def unread(self, message: Message, turn: Turn) -> bool:
        """Whether it is what this turn answers, or of its newest step: the model has not seen that yet."""
        return message.turn_id == turn.id and message.step in (-1, turn.steps - 1)

    def turns_before(self, turn: Turn | None, tokens: int) -> list[Message]:
        """The oldest turn, and more of them, whole, until no more than ``tokens`` are left beside ``turn``.

        Neither ``turn`` nor the exchange before it is among them: that is what is being talked of.
        """
        groups = [list(group) for _, group in groupby(self.messages, key=lambda message: message.turn_id)]
        groups = [group for group in groups if turn is None or group[0].turn_id != turn.id][:-1]
        evicted: list[Message] = []
        left = self.tokens - (sum(message.tokens for message in self.of(turn)) if turn else 0)
        for group in groups:
            if evicted and left <= tokens:
                break
            evicted += group
            left -= sum(message.tokens for message in group)
        return evicted


def kept(room: int) -> int:
    """Tokens of a conversation's room that are still taken after a flush: the less, the rarer are flushes, and the
    less is new to a provider's cache; but some turns stay in any window."""
    return max(int(room * _KEPT), min(int(room * _KEPT_SMALL), _MANY))


def _told(text: str) -> str:
    """A text as it stands in a rendered event, or in a call's arguments: JSON in JSON."""
    return json.dumps(json.dumps(text, ensure_ascii=False)[1:-1], ensure_ascii=False)[1:-1]


def is_alert(message: Message) -> bool:
    """Whether it is the memory-pressure alert."""
    return _is_ours(message, PRESSURE)


def is_note(message: Message) -> bool:
    """Whether it is a note of ours, of whatever kind: nobody said it, and no event is answered by it."""
    return message.role is Role.USER and message.event_key is None


def is_reminder(message: Message) -> bool:
    """Whether it tells the model to mend something within a turn."""
    return _is_ours(message, REMINDER)


def units(messages: Sequence[Message]) -> list[list[Message]]:
    """The messages in groups that must stay together: a call with its results, or one message alone."""
    groups: list[list[Message]] = []
    for message in messages:
        if message.role is Role.TOOL and groups:
            groups[-1].append(message)
        else:
            groups.append([message])
    return groups


def _is_ours(message: Message, author: str) -> bool:
    return is_note(message) and message.author == author
