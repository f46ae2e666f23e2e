"""What people ask of their bot: who it takes them for, what it keeps, to take it away, to forget it."""

from __future__ import annotations

from pathlib import Path

from bot.commands.listing import messages_told, passages_told
from bot.commands.privacy import privacy
from bot.commands.table import Control, Run
from bot.commands.words import FORGET, PRIVACY
from bot.errors import CommandError
from bot.events import LOCAL, Action, Command, CommandSpec, View, platform_of
from bot.language import gettext, marked, ngettext
from bot.ownership.export import Export, keep
from bot.people.identities import Identities, Identity
from bot.runtime import Runtime

_FORGET_HERE = marked(
    "This deletes what was said between us in this place, my notes and reminders that came of it, and what it put "
    "into core memory. It cannot be undone. Sure? `/forget here yes`"
)
_FORGET = marked(
    "This deletes everything that I hold of you, everywhere: core memory, {said}, {passages} and what waits to be "
    "sent. It cannot be undone, and I will not know you any more. `/export` takes it "
    "away first. Sure? `/forget yes`"
)


_KEPT = marked(
    "From now on I keep what you write as it is, with keys, passwords and card numbers. They are sent to the language "
    "model, too. `/privacy secrets mask` ends that."
)
_MASKED = marked(
    "From now on I keep no keys, passwords and card numbers that I know as such. What I kept before is still there: "
    "`/memory` finds and deletes it."
)

_OUT = marked(
    "Nothing that you say is kept in any room or in any community's lore from now on, nor shown beside what others "
    "say, and what was kept of it is deleted. What we two talk about stays as it is. `/privacy on` takes that back."
)


class RightsCommands:
    """`bot.commands.table.Group`."""

    def __init__(self, runtime: Runtime, export: Export, exports: Path, identities: Identities) -> None:
        self._identities = identities
        self._store, self._locks = runtime.store, runtime.locks
        self._exporter = export
        self._exports = exports
        self.table: list[tuple[CommandSpec, Run]] = [
            (CommandSpec(name="export", summary=marked("take away what I remember here")), self._export),
            (
                CommandSpec(
                    name="forget",
                    summary=marked("delete all of it, or this place"),
                    argument="[yes | here]",
                    words=FORGET,
                ),
                self._forget,
            ),
            (
                CommandSpec(
                    name="privacy",
                    summary=marked("what is kept, and who reads it"),
                    argument="[secrets keep | secrets mask]",
                    words=PRIVACY,
                ),
                self._privacy,
            ),
            (CommandSpec(name="whoami", summary=marked("who I take you for")), self._whoami),
        ]

    async def _whoami(self, command: Command, who: Identity, control: Control) -> str:
        async with self._store.read() as session:
            model = await session.mailbox.last_model(who.agent.id)
        told = gettext(
            "You are {name} ({account}); you talk with {persona}.",
            name=who.user.name,
            account=command.account,
            persona=who.persona.name,
        )
        thought = gettext("My last answer came from {model}.", model=model) if model else ""
        return f"{told} {thought}".rstrip()

    async def _privacy(self, command: Command, who: Identity, control: Control) -> str:
        words = command.argument.lower().split()
        if not words:
            return privacy(keeps_secrets=who.user.keeps_secrets, sealed=self._store.sealed)
        if words == ["off"]:
            await control.keep_out(who.user)
            return gettext(_OUT)
        if words == ["on"]:
            async with self._store.write() as session:
                accounts = await session.agents.accounts_of(who.user.id)
                await session.rooms.let_in(who.user.id, accounts)
            return gettext("What you say in public is kept again where a community keeps it.")
        if words not in (["secrets", "keep"], ["secrets", "mask"]):
            raise CommandError(
                gettext("/privacy off, /privacy on, /privacy secrets keep, or /privacy secrets mask.")
            )
        keep = words[1] == "keep"
        await self._identities.keep_secrets(who.user, keep)
        return gettext(_KEPT if keep else _MASKED)

    # Taking away, forgetting

    async def _export(self, command: Command, who: Identity, control: Control) -> View:
        async with self._locks.of(who.agent.id):
            files = await self._exporter.files(who.agent, command.audience)
        if platform_of(command.account) == LOCAL:
            paths = ", ".join([str(keep(self._exports, who.agent, file)) for file in files])
            told = gettext("All that I remember of you and that may be seen here: {paths}", paths=paths)
            return View(text=told)
        told = ngettext(
            "All that I remember of you and that may be seen here.",
            "All that I remember of you and that may be seen here, in {n} parts.",
            len(files),
        )
        return View(text=told, files=files)

    async def _forget(self, command: Command, who: Identity, control: Control) -> View:
        what, _, sure = command.argument.strip().partition(" ")
        if what == "here":
            return await self._forget_here(who, control, sure=sure.strip() == "yes")
        async with self._store.read() as session:
            agents = await session.agents.agents_of(who.user.id)
            said = sum([await session.messages.count(agent.id, None) for agent in agents])
            passages = sum([await session.passages.count(agent.archive_id, None) for agent in agents])
        if command.argument.strip() != "yes":
            confirm = Action(
                label=gettext("Forget everything"), command="forget", argument="yes", danger=True
            )
            held = gettext(_FORGET, said=messages_told(said), passages=passages_told(passages))
            return View(text=held, actions=(confirm,))
        async with self._store.read() as session:
            lore = len(await session.passages.contributed_by(who.user.id))
        await control.forget(who.user)
        told = gettext(
            "Forgotten: {said}, {passages}, and who you are.",
            said=messages_told(said),
            passages=passages_told(passages),
        )
        more = gettext("What you alone told for a community went too; its index is made anew within a day.")
        return View(text=f"{told} {more}" if lore else told)

    async def _forget_here(self, who: Identity, control: Control, *, sure: bool) -> View:
        if not sure:
            confirm = Action(
                label=gettext("Forget this conversation"), command="forget", argument="here yes", danger=True
            )
            return View(text=gettext(_FORGET_HERE), actions=(confirm,))
        await control.forget_here(who)
        return View(text=gettext("Forgotten: what was said here, and what I noted of it."))
