"""What a reflection on an import proposes to keep, to accept or refuse: part of `/memory`."""

from __future__ import annotations

from bot.commands.listing import cut
from bot.errors import CommandError
from bot.events import ENTRIES, Action, Command, Entry, View
from bot.language import dates, gettext, ngettext
from bot.people.identities import Identity
from bot.runtime import Runtime
from memory import core
from memory.archival import store
from memory.errors import BlockLimitExceeded, BlockReadOnly
from memory.ports import Session
from memory.records import PRIVATE, Draft, Finding
from memory.search.terms import digest_words

_ALL = "all"
_TAG = "imported"


class Findings:
    """Of the asking person's agent alone, and in private: there it was said."""

    def __init__(self, runtime: Runtime) -> None:
        self._store, self._clock, self._locks = runtime.store, runtime.clock, runtime.locks

    async def of(self, who: Identity, command: Command) -> list[Finding]:
        """What waits to be decided on, as far as it may be seen here."""
        if command.audience != PRIVATE:
            return []
        async with self._store.read() as session:
            return await session.imports.findings(who.agent.id)

    async def run(self, who: Identity, command: Command, word: str, what: str) -> View:
        """Answer ``/memory proposals`` (or a page of them), ``/memory accept ID`` and ``/memory refuse ID``."""
        if command.audience != PRIVATE:
            raise CommandError(gettext("What you brought along is private: ask me in a direct message."))
        found = await self.of(who, command)
        if word == "proposals":
            return _shown(found, what, who)
        chosen = found if what == _ALL else [f for f in found if str(f.id) == what]
        if not chosen:
            raise CommandError(
                gettext("There is no proposal {what!r}. /memory proposals lists them.", what=what)
            )
        async with self._locks.of(who.agent.id), self._store.write() as session:
            kept = [await self._keep(session, who, finding) for finding in chosen] if word == "accept" else []
            await session.imports.settle(who.agent.id, [finding.id for finding in chosen])
        if word == "refuse" and len(chosen) == 1:
            return View(text=gettext("Refused: {text}", text=cut(chosen[0].text)))
        if word == "refuse":
            return View(text=ngettext("Refused: {n} proposal.", "Refused: {n} proposals.", len(chosen)))
        if len(kept) <= ENTRIES:
            return View(text="\n".join(kept))
        return View(text=ngettext("Kept: {n} proposal.", "Kept: {n} proposals.", len(kept)))

    async def _keep(self, session: Session, who: Identity, finding: Finding) -> str:
        """Keep it, as something that came of what was imported; a sentence on where."""
        now = self._clock.now()
        if finding.core:
            blocks = await session.blocks.visible(who.agent, PRIVATE)
            human = core.find(blocks, "human")
            try:
                edited = core.append(
                    human, f"{finding.text} ({_TAG}, {finding.said_at.astimezone(who.zone):%Y-%m-%d})"
                )
            except (BlockLimitExceeded, BlockReadOnly):
                pass  # it is kept as a note
            else:
                if edited.value != human.value:
                    await session.blocks.put(human.id, edited.value, finding.turn_id, now)
                return gettext("Kept in mind: {text}", text=finding.text)
        words = digest_words(finding.text)
        if not await session.passages.with_digest(who.agent.archive_id, PRIVATE, [words]):
            draft = Draft(
                text=finding.text,
                audience=PRIVATE,
                tags=(_TAG,),
                turn_id=finding.turn_id,
                since=finding.said_at,
                origin=finding.origin,
            )
            await store(session, who.agent.archive_id, [draft], now)
        return gettext("Noted: {text}", text=finding.text)


def _shown(found: list[Finding], number: str, who: Identity) -> View:
    if not found:
        return View(text=gettext("There are no proposals."))
    pages = -(-len(found) // ENTRIES)
    page = min(pages, max(1, int(number))) if number.isdecimal() and len(number) < 7 else 1
    shown = found[(page - 1) * ENTRIES : page * ENTRIES]
    turning = [(gettext("Newer"), page - 1)] if page > 1 else []
    turning += [(gettext("Older"), page + 1)] if page < pages else []
    text = gettext(
        "What I would keep of what you brought along, page {page} of {pages}. Shall I?",
        page=page,
        pages=pages,
    )
    return View(
        text=text,
        entries=tuple(_entry(finding, who) for finding in shown),
        actions=(
            *(Action(label=label, command="memory", argument=f"proposals {n}") for label, n in turning),
            Action(label=gettext("Accept all"), command="memory", argument=f"accept {_ALL}"),
            Action(label=gettext("Refuse all"), command="memory", argument=f"refuse {_ALL}", danger=True),
        ),
    )


def _entry(finding: Finding, who: Identity) -> Entry:
    facts = [str(finding.id), gettext("always in mind") if finding.core else gettext("as a note")]
    facts.append(gettext("said {day}", day=dates.day(finding.said_at.astimezone(who.zone))))
    if finding.origin:
        facts.append(gettext("says {who}", who=finding.origin))
    return Entry(
        text=cut(finding.text),
        note=" · ".join(facts),
        actions=(
            Action(label=gettext("Accept"), command="memory", argument=f"accept {finding.id}"),
            Action(label=gettext("Refuse"), command="memory", argument=f"refuse {finding.id}"),
        ),
    )
