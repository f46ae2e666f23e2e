"""What people ask of their bot: what it knows of them, to correct it, to take it away, to forget it."""

from __future__ import annotations

from pathlib import Path

from bot.commands.table import Control, Run
from bot.errors import CommandError
from bot.events import LOCAL, Action, Command, CommandSpec, Form, HeartbeatDue, View, platform_of
from bot.identities import Identity
from bot.locks import Locks
from bot.ports import Clock
from bot.takeout import Takeout, keep
from bot.undo import Undo
from memory.indexer import Indexer
from memory.ports import Store
from memory.records import Block, Passage, readable_from

_PAGE = 5
_EDITS = 10
_FORGET_HERE = (
    "This deletes what was said between us in this place, my notes and reminders that came of it, and what it put "
    "into core memory. It cannot be undone. Sure? `/forget here yes`"
)
_FORGET = (
    "This deletes everything that I hold of you, everywhere: core memory, {said} messages, {passages} passages "
    "and what waits to be sent. It cannot be undone, and I will not know you any more. `/export` takes it "
    "away first. Sure? `/forget yes`"
)


class People:
    """`bot.commands.table.Group`."""

    def __init__(
        self,
        store: Store,
        undo: Undo,
        locks: Locks,
        indexer: Indexer,
        clock: Clock,
        takeout: Takeout,
        exports: Path,
    ) -> None:
        self._store = store
        self._undo = undo
        self._locks = locks
        self._indexer = indexer
        self._clock = clock
        self._takeout = takeout
        self._exports = exports
        self.table: list[tuple[CommandSpec, Run]] = [
            (
                CommandSpec(
                    name="memory",
                    summary="what I hold of you, to read, edit and delete",
                    argument="[passages | edit LABEL | set LABEL TEXT | drop ID | history | undo ID]",
                ),
                self._memory,
            ),
            (CommandSpec(name="export", summary="take away all that I remember of you here"), self._export),
            (
                CommandSpec(
                    name="forget",
                    summary="delete all that I hold of you, or what was said here",
                    argument="[yes | here]",
                ),
                self._forget,
            ),
            (CommandSpec(name="privacy", summary="what is kept, where, and who can read it"), self._privacy),
            (CommandSpec(name="whoami", summary="who I take you for"), self._whoami),
        ]

    async def _whoami(self, command: Command, who: Identity, control: Control) -> str:
        return f"You are {who.user.name} ({command.account}); you talk with {who.persona.name}."

    async def _privacy(self, command: Command, who: Identity, control: Control) -> str:
        return Path(__file__).with_name("privacy.md").read_text(encoding="utf-8").strip()

    # What is remembered

    async def _memory(self, command: Command, who: Identity, control: Control) -> View:
        word, _, rest = command.argument.strip().partition(" ")
        if word == "passages":
            return await self._passages(who, command, rest.strip())
        if word == "edit":
            return await self._edit(who, command, rest.strip())
        if word == "set":
            label, _, text = rest.strip().partition(" ")
            return await self._set(who, command, label, command.value or text.strip())
        if word == "drop":
            return await self._drop(who, command, rest.strip(), control)
        if word == "history":
            return await self._history(who, command)
        if word == "undo":
            return await self._undone(who, command, rest.strip())
        if word:
            raise CommandError("Say /memory, /memory passages, /memory edit LABEL or /memory drop ID.")
        return await self._overview(who, command)

    async def _overview(self, who: Identity, command: Command) -> View:
        audiences = readable_from(command.audience)
        async with self._store.read() as session:
            blocks = await session.blocks.visible(who.agent, command.audience)
            said = await session.messages.count(who.agent.id, audiences)
            passages = await session.passages.count(who.agent.archive_id, audiences)
            sources = [archive.name for archive in await session.passages.attached(who.agent.id)]
        parts = [f"[{b.label}] {len(b.value)}/{b.limit} characters\n{b.value or '(empty)'}" for b in blocks]
        parts.append(f"Recall storage: {said} messages. Archival storage: {passages} passages.")
        if sources:
            parts.append(f"Attached sources: {', '.join(sources)}.")
        actions = [
            Action(label=f"Edit {block.label}", command="memory", argument=f"edit {block.label}")
            for block in blocks
            if _is_own(block, who, command)
        ]
        if passages:
            actions.append(Action(label="Passages", command="memory", argument="passages"))
        actions += [
            Action(label="History", command="memory", argument="history"),
            Action(label="Export", command="export"),
            Action(label="Forget me", command="forget", danger=True),
        ]
        return View(text="\n\n".join(parts), actions=tuple(actions))

    async def _edit(self, who: Identity, command: Command, label: str) -> View:
        block = await self._own_block(who, command, label)
        form = Form(
            title="What I hold in mind of you",
            label=block.label,
            value=block.value,
            limit=block.limit,
            command="memory",
            argument=f"set {block.label}",
        )
        text = (
            f"[{block.label}]\n{block.value or '(empty)'}\n\nReplace it with /memory set {block.label} TEXT"
        )
        return View(text=text, form=form)

    async def _set(self, who: Identity, command: Command, label: str, text: str) -> View:
        block = await self._own_block(who, command, label)
        if len(text) > block.limit:
            raise CommandError(f"That is {len(text)} characters; {block.label} holds {block.limit}.")
        async with self._locks.of(who.agent.id), self._store.write() as session:
            await session.blocks.put(block.id, text, None, self._clock.now())
        return View(text=f"[{block.label}] now reads:\n{text or '(empty)'}")

    async def _own_block(self, who: Identity, command: Command, label: str) -> Block:
        async with self._store.read() as session:
            blocks = await session.blocks.visible(who.agent, command.audience)
        own = {block.label: block for block in blocks if _is_own(block, who, command)}
        if label not in own:
            raise CommandError(f"There is no block {label!r} to edit here. Blocks: {', '.join(own)}.")
        return own[label]

    async def _passages(self, who: Identity, command: Command, number: str) -> View:
        page = int(number) if number.isdecimal() and len(number) < 7 else 1
        audiences = readable_from(command.audience)
        async with self._store.read() as session:
            total = await session.passages.count(who.agent.archive_id, audiences)
            found = await session.passages.page(
                who.agent.archive_id, audiences, offset=(max(page, 1) - 1) * _PAGE, limit=_PAGE
            )
        pages = max(1, -(-total // _PAGE))
        if not found:
            return View(text="There are no passages here." if not total else f"There are {pages} pages.")
        lines = [f"{p.uid[:8]}  {p.created_at.astimezone(who.zone):%Y-%m-%d}  {p.text}" for p in found]
        actions = [
            Action(label=f"Delete {p.uid[:8]}", command="memory", argument=f"drop {p.uid[:8]}") for p in found
        ]
        if page < pages:
            actions.append(Action(label="Next page", command="memory", argument=f"passages {page + 1}"))
        text = "\n".join([f"Passages, page {page} of {pages} (/memory drop ID deletes one):", *lines])
        return View(text=text, actions=tuple(actions))

    async def _drop(self, who: Identity, command: Command, uid: str, control: Control) -> View:
        passage = await self._passage(who, command, uid)
        await control.reword(who.agent, passage, "")
        return View(text=f"Deleted: {passage.text}")

    async def _passage(self, who: Identity, command: Command, uid: str) -> Passage:
        archive, audiences = who.agent.archive_id, readable_from(command.audience)
        async with self._store.read() as session:
            passage = await session.passages.by_uid(archive, uid, audiences) if uid else None
        if passage is not None:
            return passage
        raise CommandError(f"There is no passage {uid!r}. /memory passages lists them.")

    async def _history(self, who: Identity, command: Command) -> View:
        """How core memory came to be, as far as it may be seen here: the newest edits."""
        async with self._store.read() as session:
            owner, audiences = f"agent:{who.agent.id}", readable_from(command.audience)
            edits = await session.blocks.history(owner, audiences, limit=_EDITS)
            turns = {e.turn_id: await session.mailbox.turn(e.turn_id) for e in edits if e.turn_id}
        parts, actions = [], dict[str, Action]()
        for edit in edits:
            turn = turns.get(edit.turn_id) if edit.turn_id else None
            by = "by a person" if edit.turn_id is None else "in a conversation"
            if turn is not None and turn.kind == HeartbeatDue.kind:
                short = turn.id[:8]
                by = f"by reflection {short}"
                actions.setdefault(
                    short,
                    Action(label=f"Undo {short}", command="memory", argument=f"undo {short}", danger=True),
                )
            when = f"{edit.at.astimezone(who.zone):%Y-%m-%d %H:%M}"
            parts.append("\n".join([f"{when}  [{edit.label}] {by}", *edit.changes]))
        return View(text="\n\n".join(parts) or "Nothing was edited yet.", actions=tuple(actions.values()))

    async def _undone(self, who: Identity, command: Command, short: str) -> View:
        async with self._store.read() as session:
            owner, audiences = f"agent:{who.agent.id}", readable_from(command.audience)
            made = {edit.turn_id for edit in await session.blocks.history(owner, audiences) if edit.turn_id}
            turns = [
                await session.mailbox.turn(turn_id) for turn_id in made if short and turn_id.startswith(short)
            ]
        found = [turn for turn in turns if turn is not None and turn.kind == HeartbeatDue.kind]
        if not found:
            raise CommandError(f"There is no reflection {short!r}. /memory history lists them.")
        async with self._locks.of(who.agent.id):
            notes = await self._undo.reflection(who.agent, found[0])
        return View(text=" ".join(["What that reflection did to memory is undone.", *notes]))

    # Taking away, forgetting

    async def _export(self, command: Command, who: Identity, control: Control) -> View:
        async with self._locks.of(who.agent.id):
            files = await self._takeout.files(who.agent, command.audience)
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
        await control.forget(who.user)
        return View(text=f"Forgotten: {said} messages, {passages} passages, and who you are.")

    async def _forget_here(self, who: Identity, control: Control, *, sure: bool) -> View:
        if not sure:
            confirm = Action(
                label="Forget this conversation", command="forget", argument="here yes", danger=True
            )
            return View(text=_FORGET_HERE, actions=(confirm,))
        await control.forget_here(who)
        return View(text="Forgotten: what was said here, and what I noted of it.")


def _is_own(block: Block, who: Identity, command: Command) -> bool:
    """Whether the person may edit the block from this place."""
    return block.owner == f"agent:{who.agent.id}" and block.audience == command.audience
