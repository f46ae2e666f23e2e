"""`/report`: a person tells whoever runs the bot of an answer. They are sent what the person chooses, and no more."""

from __future__ import annotations

import logging

from bot.commands.table import Control, Run
from bot.commands.words import REPORT
from bot.errors import CommandError
from bot.events import VOICE, Command, CommandSpec
from bot.language import gettext, marked
from bot.people.identities import Identity
from bot.runtime import Runtime
from memory.records import Report

log = logging.getLogger(__name__)

_LONGEST = 1_000  # characters of a reason
_LOOKED_AT = 20  # posts among which the last answer is
_HELP = marked(
    "Say why: /report reason WHY sends that to whoever runs me, and nothing else; /report answer WHY sends my last "
    "answer here with it."
)


class ReportCommands:
    """`bot.commands.table.Group`."""

    def __init__(self, runtime: Runtime) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self.table: list[tuple[CommandSpec, Run]] = [
            (
                CommandSpec(
                    name="report",
                    summary=marked("report an answer to my operator"),
                    argument="reason WHY | answer WHY",
                    words=REPORT,
                ),
                self._report,
            )
        ]

    async def _report(self, command: Command, who: Identity, control: Control) -> str:
        word, _, reason = command.argument.strip().partition(" ")
        reason = reason.strip()[:_LONGEST]
        if word not in ("reason", "answer") or not reason:
            raise CommandError(gettext(_HELP))
        async with self._store.write() as session:
            answer = ""
            if word == "answer":
                posts = await session.mailbox.last_posts(who.agent.id, who.conversation.id, _LOOKED_AT)
                said = [post.text for post in posts if post.kind in ("reply", VOICE)]
                if not said:
                    raise CommandError(gettext("I have not said anything here yet."))
                answer = said[-1]
            report = Report(
                user_id=who.user.id,
                at=self._clock.now(),
                account=command.account,
                persona=who.persona.name,
                community=command.home,
                reason=reason,
                answer=answer,
            )
            await session.operations.report(report)
        log.warning("An answer of %s was reported: see `everbot admin reports`.", who.persona.name)
        if answer:
            return gettext("Whoever runs me can read your reason now, and my last answer here: nothing else.")
        return gettext("Whoever runs me can read your reason now: nothing else.")
