"""What people ask of their bot: who it takes them for, what it keeps, to take it away, to forget it."""

from __future__ import annotations

from pathlib import Path

from bot.commands.table import Control, Run
from bot.commands.words import FORGET
from bot.events import LOCAL, Action, Command, CommandSpec, View, platform_of
from bot.ownership.export import Export, keep
from bot.people.identities import Identity
from bot.runtime import Runtime

_FORGET_HERE = (
    "This deletes what was said between us in this place, my notes and reminders that came of it, and what it put "
    "into core memory. It cannot be undone. Sure? `/forget here yes`"
)
_FORGET = (
    "This deletes everything that I hold of you, everywhere: core memory, {said} messages, {passages} passages "
    "and what waits to be sent. It cannot be undone, and I will not know you any more. `/export` takes it "
    "away first. Sure? `/forget yes`"
)


class RightsCommands:
    """`bot.commands.table.Group`."""

    def __init__(self, runtime: Runtime, export: Export, exports: Path) -> None:
        self._store, self._locks = runtime.store, runtime.locks
        self._exporter = export
        self._exports = exports
        self.table: list[tuple[CommandSpec, Run]] = [
            (CommandSpec(name="export", summary="take away what I remember here"), self._export),
            (
                CommandSpec(
                    name="forget",
                    summary="delete all of it, or this place",
                    argument="[yes | here]",
                    words=FORGET,
                ),
                self._forget,
            ),
            (CommandSpec(name="privacy", summary="what is kept, and who reads it"), self._privacy),
            (CommandSpec(name="whoami", summary="who I take you for"), self._whoami),
        ]

    async def _whoami(self, command: Command, who: Identity, control: Control) -> str:
        async with self._store.read() as session:
            model = await session.mailbox.last_model(who.agent.id)
        thought = f" My last answer came from {model}." if model else ""
        return f"You are {who.user.name} ({command.account}); you talk with {who.persona.name}.{thought}"

    async def _privacy(self, command: Command, who: Identity, control: Control) -> str:
        return Path(__file__).with_name("privacy.md").read_text(encoding="utf-8").strip()

    # Taking away, forgetting

    async def _export(self, command: Command, who: Identity, control: Control) -> View:
        async with self._locks.of(who.agent.id):
            files = await self._exporter.files(who.agent, command.audience)
        told = "All that I remember of you and that may be seen here"
        if platform_of(command.account) == LOCAL:
            paths = [keep(self._exports, who.agent, file) for file in files]
            return View(text=f"{told}: {', '.join(map(str, paths))}")
        more = f", in {len(files)} parts." if len(files) > 1 else "."
        return View(text=told + more, files=files)

    async def _forget(self, command: Command, who: Identity, control: Control) -> View:
        what, _, sure = command.argument.strip().partition(" ")
        if what == "here":
            return await self._forget_here(who, control, sure=sure.strip() == "yes")
        async with self._store.read() as session:
            agents = await session.agents.agents_of(who.user.id)
            said = sum([await session.messages.count(agent.id, None) for agent in agents])
            passages = sum([await session.passages.count(agent.archive_id, None) for agent in agents])
        if command.argument.strip() != "yes":
            confirm = Action(label="Forget everything", command="forget", argument="yes", danger=True)
            return View(text=_FORGET.format(said=said, passages=passages), actions=(confirm,))
        async with self._store.read() as session:
            lore = len(await session.passages.contributed_by(who.user.id))
        await control.forget(who.user)
        told = (
            " What you alone told for a community went too; its index is made anew within a day."
            if lore
            else ""
        )
        return View(text=f"Forgotten: {said} messages, {passages} passages, and who you are.{told}")

    async def _forget_here(self, who: Identity, control: Control, *, sure: bool) -> View:
        if not sure:
            confirm = Action(
                label="Forget this conversation", command="forget", argument="here yes", danger=True
            )
            return View(text=_FORGET_HERE, actions=(confirm,))
        await control.forget_here(who)
        return View(text="Forgotten: what was said here, and what I noted of it.")
