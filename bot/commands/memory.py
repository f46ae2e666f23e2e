"""`/memory`: what is held of a person, to see, correct, open to a community, or delete, page by page."""

from __future__ import annotations

from bot.agent.tools.unwanted import Unwanted
from bot.agent.undo import Undo
from bot.commands.contributions import Contributions
from bot.commands.documents import KeptDocuments
from bot.commands.findings import Findings
from bot.commands.history import History
from bot.commands.listing import cut, dropped, filled, named, pages_told, sure_of
from bot.commands.mind import Mind
from bot.commands.pictures import SentPictures
from bot.commands.rooms import RoomLines
from bot.commands.said import SaidMessages
from bot.commands.table import Control, Run
from bot.commands.web import WebPage
from bot.commands.words import MEMORY
from bot.errors import CommandError, NotThere
from bot.events import ENTRIES, Action, Command, CommandSpec, Entry, Form, Suggestion, View
from bot.language import gettext, marked, ngettext
from bot.language.dates import day
from bot.ownership.corrections import LONGEST, Corrections, is_own
from bot.people.identities import Identity
from bot.runtime import Runtime
from memory.archival import Archival
from memory.ports import Session
from memory.records import (
    PRIVATE,
    Agent,
    Block,
    Draft,
    Notes,
    Passage,
    community_audience,
    community_of,
    readable_from,
    unique,
)
from memory.search.terms import digest_words

_SUGGESTED = 100  # notes, the newest, of which one is looked for by what is written of it
_TAKEN_OUT = marked(
    "What you took out is gone from every view and search, and for good in ten minutes; until then /memory undo "
    "brings it back."
)
_USAGE = marked("Say /memory, /memory notes, /memory edit WHAT, /memory drop ID or /memory add TEXT.")


class MemoryCommands:
    """`bot.commands.table.Group`."""

    def __init__(
        self, runtime: Runtime, undo: Undo, archival: Archival, web: WebPage, corrections: Corrections
    ) -> None:
        self._web = web
        self._corrections = corrections
        self._archival = archival
        self._store, self._clock, self._locks = runtime.store, runtime.clock, runtime.locks
        self._past = History(runtime, undo)
        self._lore = Contributions(runtime.store)
        self._rooms = RoomLines(runtime.store)
        self._findings = Findings(runtime)
        self._documents = KeptDocuments(runtime.store)
        self._pictures = SentPictures(runtime.store)
        self._said = SaidMessages(runtime.store)
        self._mind = Mind(runtime.store)
        self.table: list[tuple[CommandSpec, Run]] = [
            (
                CommandSpec(
                    name="memory",
                    summary=marked("what I know of you, to correct"),
                    argument="[notes | find WORDS | documents | pictures | lore | rooms | edit WHAT | add TEXT | "
                    "drop ID | open ID | proposals | mind | history | undo | web]",
                    words=MEMORY,
                ),
                self._memory,
            )
        ]

    async def _memory(self, command: Command, who: Identity, control: Control) -> View:
        word, _, rest = command.argument.strip().partition(" ")
        what, _, more = rest.strip().partition(" ")
        if not word:
            return await self._overview(who, command)
        if word == "notes":
            return await self._notes(who, command, what)
        if word == "find":
            return await self._find(who, command, rest.strip() or command.value)
        if word == "documents":
            pictures = await self._pictures.has_any(who, command.audience)
            return await self._documents.listed(who, command, what, pictures=pictures)
        if word == "pictures":
            return await self._pictures.listed(who, command, what)
        if word == "lore":
            return await self._lore.run(who, command, what, more.strip(), control)
        if word == "rooms":
            return await self._rooms.run(who, command, what, more.strip(), control)
        if word in ("proposals", "accept", "refuse"):
            return await self._findings.run(who, command, word, what)
        if word == "edit":
            return await self._edit(who, command, what)
        if word == "set":
            return await self._set(who, command, what, command.value or more.strip())
        if word == "add":
            return await self._add(who, command, rest.strip() or command.value)
        if word == "drop":
            return await self._drop(who, command, what, control, sure=more.strip() == "yes")
        if word == "open":
            return await self._open(who, command, what, more.removeprefix("to ").strip())
        if word == "close":
            return await self._close(who, command, what, more.strip(), control)
        if word == "mind":
            return await self._mind.told(who, command)
        if word == "history":
            return await self._past.history(who, command)
        if word == "undo":
            return await self._undo(who, command, what)
        if word == "web":
            return await self._web.run(who, command, rest.strip())
        raise CommandError(gettext(_USAGE))

    async def _overview(self, who: Identity, command: Command) -> View:
        audiences = readable_from(command.audience)
        async with self._store.read() as session:
            blocks = await session.blocks.visible(who.agent, command.audience)
            said = await session.messages.count(who.agent.id, audiences)
            notes = await session.passages.count(who.agent.archive_id, audiences, Notes(originals=True))
            documents = await session.passages.documents(who.agent.archive_id, audiences)
            sources = [archive.name for archive in await session.passages.attached(who.agent.id)]
            wishes = await session.schedule.wishes(who.agent.id)
            names = await session.agents.communities()
        told, found = await self._lore.of(who, command), await self._findings.of(who, command)
        own = [block for block in blocks if is_own(block, who, command.audience)]
        others = [block for block in blocks if block not in own]
        parts = [f"[{label_of(b, names)}] {filled(b)}\n{_value(b.value)}" for b in others]
        counts = [
            ngettext("Recall storage: {n} message.", "Recall storage: {n} messages.", said),
            ngettext("Archival storage: {n} passage.", "Archival storage: {n} passages.", notes),
        ]
        if sources:
            counts.append(gettext("Attached sources: {sources}.", sources=", ".join(sources)))
        parts.append(" ".join(counts))
        entries = tuple(
            Entry(
                text=f"[{block.label}]\n{_value(block.value)}",
                note=filled(block),
                actions=(
                    Action(label=gettext("Edit"), command="memory", argument=f"edit {block.label}"),
                    Action(label=gettext("Why?"), command="why", argument=block.label),
                ),
            )
            for block in own
        )
        actions = []
        if notes:
            actions.append(Action(label=gettext("Notes ({n})", n=notes), command="memory", argument="notes"))
        if documents:
            label = gettext("Documents ({n})", n=len(documents))
            actions.append(Action(label=label, command="memory", argument="documents"))
        elif await self._pictures.has_any(who, command.audience):  # else that list leads there
            actions.append(Action(label=gettext("Pictures"), command="memory", argument="pictures"))
        if wishes:
            actions.append(Action(label=gettext("Reminders"), command="scheduled"))
        if told:
            actions.append(
                Action(label=gettext("Lore ({n})", n=len(told)), command="memory", argument="lore")
            )
        if found:
            label = gettext("Proposals ({n})", n=len(found))
            actions.append(Action(label=label, command="memory", argument="proposals"))
        actions += [
            Action(label=gettext("History"), command="memory", argument="history"),
            Action(label=gettext("Export"), command="export"),
            Action(label=gettext("Forget me"), command="forget", danger=True),
        ]
        return View(text="\n\n".join(parts), entries=entries, actions=tuple(actions))

    async def suggest(self, command: Command, who: Identity, blank: str) -> list[Suggestion]:
        """As `bot.commands.table.Suggests`: blocks, the newest notes, and where a note may be opened to."""
        if blank == "community":
            return await self._communities(who)
        async with self._store.read() as session:
            notes = await session.passages.page(
                who.agent.archive_id,
                readable_from(command.audience),
                Notes(originals=True),
                limit=_SUGGESTED,
            )
        labels = await self._corrections.own_blocks(who, command.audience) if blank == "what" else {}
        found = [Suggestion(value=label, label=f"[{label}]") for label in labels]
        found += [Suggestion(value=p.uid[:8], label=f"{p.uid[:8]}: {p.text}") for p in notes]
        if command.argument == "drop":
            found += await self._documents.suggested(who, command)
        return found

    async def _communities(self, who: Identity) -> list[Suggestion]:
        async with self._store.read() as session:
            known = await communities_of(session, who.agent)
            names = await session.agents.communities()
        return [Suggestion(value=c, label=named(community_audience(c), names)) for c in known]

    # Correcting

    async def _edit(self, who: Identity, command: Command, what: str) -> View:
        own = await self._corrections.own_blocks(who, command.audience)
        if what in own:
            value, limit = own[what].value, own[what].limit
        else:
            passage = await self._passage(who, command, what, _nothing(what))
            value, limit = passage.text, LONGEST
        form = Form(
            title=gettext("What I know of you") if what in own else gettext("A note of mine"),
            label=what,
            value=value,
            limit=limit,
            command="memory",
            argument=f"set {what}",
        )
        typed = f"/memory set {what} TEXT"
        how = gettext("Replace it with {command}", command=typed)
        return View(text=f"[{what}]\n{_value(value)}\n\n{how}", form=form)

    async def _set(self, who: Identity, command: Command, what: str, text: str) -> View:
        own = await self._corrections.own_blocks(who, command.audience)
        if what not in own:
            passage = await self._passage(who, command, what, _nothing(what))
            if not text:
                raise CommandError(gettext("A note can't be empty; /memory drop {id} deletes it.", id=what))
            await self._corrections.reword(who, passage, text)
            return View(text=gettext("The note now reads:\n{text}", text=text))
        gone = await self._corrections.set_block(who, command.audience, own[what], text)
        now = gettext("[{label}] now reads:\n{text}", label=what, text=_value(text))
        return View(text=f"{now}\n\n{gettext(_TAKEN_OUT)}" if gone else now)

    async def _add(self, who: Identity, command: Command, text: str) -> View:
        if not text:
            raise CommandError(gettext("Say what I shall note: /memory add TEXT"))
        await self._corrections.add(who, Draft(text=text, audience=command.audience))
        return View(text=gettext("Noted: {text}", text=text))

    async def _drop(self, who: Identity, command: Command, uid: str, control: Control, *, sure: bool) -> View:
        """A note, a document, a picture, or a message."""
        message = await self._said.named(who, command, uid)
        if message is not None:
            return await self._said.drop(who, command, message, control, sure=sure)
        picture = await self._pictures.named(who, command.audience, uid)
        if picture is not None:
            return await self._pictures.drop(who, command, picture, control, sure=sure)
        document = await self._documents.named(who, command, uid)
        if document is not None:
            return await self._documents.drop(who, command, document, control, sure=sure)
        passage = await self._passage(who, command, uid)
        if not sure:
            yes = f"drop {uid} yes"
            text = gettext("This deletes the note. Sure? {command}", command=f"/memory {yes}")
            return sure_of(yes, text, passage.text)
        unwanted = Unwanted(passages={passage.key: passage})
        await self._corrections.forget(who, command.audience, unwanted)
        return dropped(passage.text)

    async def _undo(self, who: Identity, command: Command, what: str) -> View:
        """A reflection, by its id; or what was forgotten last."""
        if what:
            return await self._past.undone(who, command, what)
        back = await self._corrections.bring_back(who, command.audience)
        return View(text="\n".join([gettext("It is back:"), *map(cut, back)]))

    # Notes

    async def _notes(self, who: Identity, command: Command, number: str) -> View:
        page = max(1, int(number)) if number.isdecimal() and len(number) < 7 else 1
        audiences = readable_from(command.audience)
        async with self._store.read() as session:
            total = await session.passages.count(who.agent.archive_id, audiences, Notes(originals=True))
            found = await session.passages.page(
                who.agent.archive_id,
                audiences,
                Notes(originals=True),
                offset=(page - 1) * ENTRIES,
                limit=ENTRIES,
            )
            opened = await session.passages.opened([passage.uid for passage in found])
            names = await session.agents.communities()
        pages = max(1, -(-total // ENTRIES))
        if not found:
            return View(text=pages_told(pages) if total else gettext("I have no notes here."))
        entries = tuple(_entry(p, opened.get(p.uid, []), names, who, command) for p in found)
        actions = []
        if page > 1:
            actions.append(Action(label=gettext("Newer"), command="memory", argument=f"notes {page - 1}"))
        if page < pages:
            actions.append(Action(label=gettext("Older"), command="memory", argument=f"notes {page + 1}"))
        told = gettext("My notes, page {page} of {pages}.", page=page, pages=pages)
        return View(text=told, entries=entries, actions=tuple(actions))

    async def _find(self, who: Identity, command: Command, words: str) -> View:
        """Notes that a search for these words finds."""
        if not words:
            raise CommandError(gettext("Say what to look for: /memory find WORDS"))
        page = await self._archival.own(
            who.agent, words, command.audience, ENTRIES, self._clock.now().astimezone(who.zone)
        )
        found = [hit.row for hit in page.hits if isinstance(hit.row, Passage)]
        if not found:
            return View(text=gettext("I have no note of that here."))
        async with self._store.read() as session:
            opened = await session.passages.opened([passage.uid for passage in found])
            names = await session.agents.communities()
        entries = tuple(_entry(p, opened.get(p.uid, []), names, who, command) for p in found)
        return View(text=gettext("My notes that are nearest to it:"), entries=entries)

    async def _passage(self, who: Identity, command: Command, uid: str, why: str = "") -> Passage:
        try:
            return await self._corrections.note(who, command.audience, uid)
        except NotThere as error:
            told = " ".join([why or str(error), gettext("/memory notes lists my notes.")])
            raise NotThere(told) from None

    # What may be used elsewhere

    async def _open(self, who: Identity, command: Command, uid: str, community: str) -> View:
        passage = await self._passage(who, command, uid)
        if command.audience != PRIVATE or passage.audience != PRIVATE:
            raise CommandError(
                gettext("Only a private note can be opened to a community, in a direct message to me.")
            )
        async with self._locks.of(who.agent.id), self._store.write() as session:
            names = await session.agents.communities()
            known = await communities_of(session, who.agent)
            opened = await session.passages.opened([passage.uid])
            used = {copy.audience for copy in opened.get(passage.uid, ())}
            if not community:
                return _choice(passage, [c for c in known if community_audience(c) not in used], names)
            if community not in known:
                raise CommandError(gettext("We have not talked in that community."))
            audience = community_audience(community)
            if audience not in used:
                await session.passages.open(passage, audience, digest_words(passage.text), self._clock.now())
        close = Action(label=gettext("Close"), command="memory", argument=f"close {uid} {community}")
        text = gettext(
            "This may be used in {place} from now on: {text}",
            place=named(audience, names),
            text=passage.text,
        )
        return View(text=text, actions=(close,))

    async def _close(
        self, who: Identity, command: Command, uid: str, community: str, control: Control
    ) -> View:
        passage = await self._passage(who, command, uid)
        async with self._store.read() as session:
            opened = await session.passages.opened([passage.uid])
        for copy in opened.get(passage.uid, ()):
            if not community or copy.audience == community_audience(community):
                await control.close(who.agent, copy)
        return View(text=gettext("This is used here only: {text}", text=passage.text))


def _entry(
    passage: Passage, copies: list[Passage], names: dict[str, str], who: Identity, command: Command
) -> Entry:
    short = passage.uid[:8]
    facts = [short, day(passage.created_at.astimezone(who.zone))]
    if command.audience == PRIVATE:
        facts += used_in(passage, copies, names)
    facts += [f"#{tag}" for tag in passage.tags]
    facts += standing(passage, who)
    actions = [
        Action(label=gettext("Edit"), command="memory", argument=f"edit {short}"),
        Action(label=gettext("Delete"), command="memory", argument=f"drop {short}", danger=True),
        Action(label=gettext("Why?"), command="why", argument=short),
    ]
    if command.audience == passage.audience == PRIVATE:
        actions.append(Action(label=gettext("May be used in …"), command="memory", argument=f"open {short}"))
    if copies:
        actions.append(Action(label=gettext("Use here only"), command="memory", argument=f"close {short}"))
    return Entry(text=cut(passage.text), note=" · ".join(facts), actions=tuple(actions))


def used_in(passage: Passage, copies: list[Passage], names: dict[str, str]) -> list[str]:
    """Where a note may be used."""
    also = [gettext("also used in {place}", place=named(copy.audience, names)) for copy in copies]
    return [named(passage.audience, names), *also]


def standing(passage: Passage, who: Identity) -> list[str]:
    """What there is to be said of a note's truth: whose word it is, when it held, whether it is doubtful."""
    facts = [gettext("says {origin}", origin=passage.origin)] if passage.origin else []
    if passage.until:
        facts.append(gettext("until {day}", day=day(passage.until.astimezone(who.zone))))
    if passage.doubtful:
        facts.append(gettext("doubtful"))
    return facts


async def communities_of(session: Session, agent: Agent) -> tuple[str, ...]:
    """Those in which the agent and the person have talked."""
    places = await session.agents.conversations(agent.id)
    return unique(found for place in places if (found := community_of(place.audience)))


def _choice(passage: Passage, communities: list[str], names: dict[str, str]) -> View:
    if not communities:
        raise CommandError(gettext("We have not talked in any other community yet."))
    short = passage.uid[:8]
    actions = tuple(
        Action(
            label=named(community_audience(community), names)[:70],
            command="memory",
            argument=f"open {short} to {community}",
        )
        for community in communities[:20]
    )
    asked = gettext("Where may this be used, and be seen by others when I speak?")
    return View(text=f"{asked}\n{passage.text}", actions=actions)


def _value(text: str) -> str:
    return text or gettext("(empty)")


def _nothing(what: str) -> str:
    return gettext("There is nothing {what!r} to edit here.", what=what)


def label_of(block: Block, names: dict[str, str]) -> str:
    label, at, audience = block.label.partition("@")
    return gettext("{label} in {place}", label=label, place=named(audience, names)) if at else label
