"""What stories of processes under load share: a model that notes and quotes numbers, and what a process is told to be
fast with it and a Slack of our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.acceptance.crowd import unanswered
from tests.fakes.openai_server import Answer
from tests.program.life import Tally

MODEL = """
[model]
kind = "openai"
name = "test-model"
base_url = "{model}"

[embedder]
kind = "none"

[agent]
debounce_s = 0.05

[limits]
messages_per_minute = 0
"""
SLACK = """
[slack]
bot_token = "{slack.bot_token}"
app_token = "{slack.app_token}"
api_url = "{slack.api_url}"
post_interval_s = 0.02
"""
DISCORD = """
[discord]
token = "{discord.token}"
api_url = "{discord.api_url}"
gateway_url = "{discord.gateway_url}"
message_content = true
guilds_wait_s = 0.1
"""


@dataclass
class Clerk:
    """The model: notes the numbers of a turn's messages, and quotes them in its second step.

    ``asked`` holds (the process's API key, Idempotency-Key) of every request.
    """

    asked: list[tuple[str, str]] = field(default_factory=list)
    arrived: Tally = field(default_factory=Tally)
    told: dict[str, list[str]] = field(default_factory=dict)  # by turn

    def __call__(self, request: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        key = headers["Idempotency-Key"]
        self.asked.append((headers["Authorization"].rpartition(" ")[2], key))
        self.arrived.add()
        turn, _, step = key.rpartition("/")
        if not request.get("tools"):
            return Answer(text="They sent numbers.")
        if step == "0":
            # Once: a process that was stopped, and whose work is refused, may ask again when others have gone on.
            self.told.setdefault(turn, unanswered(request["messages"]))
            note = {"content": f"Noted {' '.join(self.told[turn])}.", "request_heartbeat": True}
            return Answer(calls=[("archival_memory_insert", note)])
        if step == "1":
            return Answer(calls=[("send_message", {"message": f"Noted: {', '.join(self.told[turn])}"})])
        return Answer(text="Done.")  # after a memory warning
