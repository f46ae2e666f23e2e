"""`/persona`: who the bot is here; and for a community's admins who it shall be, and what of it is proposed."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable

from bot.commands.listing import filled
from bot.commands.lore import Lore
from bot.commands.table import Control, Run
from bot.commands.words import PERSONA
from bot.errors import CommandError
from bot.events import (
    ENTRIES,
    LOCAL,
    Action,
    Command,
    CommandSpec,
    Entry,
    Form,
    Suggestion,
    View,
    platform_of,
)
from bot.language import gettext, marked
from bot.people.adults import Adults
from bot.people.identities import Identity
from bot.people.roles import Roles
from bot.personas.definition import Definition
from bot.personas.personas import Personas
from bot.runtime import Runtime
from memory.ports import Session
from memory.records import PRIVATE, Block, Persona, Proposal

log = logging.getLogger(__name__)

_VERSIONS = 15
_HELP = marked(
    "Say /persona, /persona list, or (admins) /persona with bind NAME [here], unbind [here], edit LABEL, history, "
    "proposals or lore."
)
_ADMINS = marked(
    "That is for this community's admins: those who may manage the server, or whom the configuration names."
)
_OWNERS = marked(
    "{name} speaks in other places, too, so only the owner changes it. Make one of your own with `everbot persona "
    "create`, bind it here, and it is yours to change."
)

Word = Callable[[Command, Identity, str], Awaitable[View]]


class PersonaCommands:
    """`bot.commands.table.Group`. Every change checks who asks; what is refused is logged without its content."""

    def __init__(self, runtime: Runtime, personas: Personas, roles: Roles, adults: Adults) -> None:
        self._adults = adults
        self._store, self._clock = runtime.store, runtime.clock
        self._personas = personas
        self._roles = roles
        spec = CommandSpec(
            name="persona",
            summary=marked("who I am here, and could be"),
            argument="[NAME | list | show NAME | bind NAME [here] | edit LABEL | history | proposals | lore]",
            words=PERSONA,
        )
        self.table: list[tuple[CommandSpec, Run]] = [(spec, self._persona)]
        self._open: dict[str, Word] = {"": self._here, "list": self._list, "show": self._show}
        self._admins: dict[str, Word] = {
            "bind": self._bind,
            "unbind": self._unbind,
            "edit": self._edit,
            "set": self._set,
            "history": self._history,
            "restore": self._restore,
            "proposals": self._proposals,
            "accept": self._accept,
            "reject": self._reject,
        }
        self._lore = Lore(runtime)

    async def _persona(self, command: Command, who: Identity, control: Control) -> View:
        word, _, rest = command.argument.strip().partition(" ")
        if word in self._open:
            return await self._open[word](command, who, rest.strip())
        if word in self._admins or word == "lore":
            if not self._roles.is_admin(command):
                self._refuse(command, word, gettext(_ADMINS))
            if word == "lore":
                return await self._lore.run(command, who, rest.strip(), control)
            return await self._admins[word](command, who, rest.strip())
        if command.audience == PRIVATE and not command.home:
            return await self._pick(command, who, command.argument.strip())
        raise CommandError(gettext(_HELP))

    def _refuse(self, command: Command, word: str, why: str) -> None:
        log.warning("/persona %s was refused to %s", word, command.account)
        raise CommandError(why)

    async def suggest(self, command: Command, who: Identity, blank: str) -> list[Suggestion]:
        """As `bot.commands.table.Suggests`: the personas that may be seen there."""
        async with self._store.read() as session:
            known = await self._known(session, command, who) if blank == "name" else {}
        return [
            Suggestion(value=name, label=f"{name}: {about}" if about else name)
            for name, about in known.items()
        ]

    # For everyone

    async def _here(self, command: Command, who: Identity, rest: str) -> View:
        async with self._store.read() as session:
            persona = await session.personas.get(who.persona.id)
        about = f" {persona.description}" if persona.description else ""
        return View(text=gettext("Here I am {persona}.", persona=persona.name) + about)

    async def _list(self, command: Command, who: Identity, rest: str) -> View:
        async with self._store.read() as session:
            known = await self._known(session, command, who)
            places = await session.personas.bindings(community=command.home) if command.home else []
            names = {p.id: p.name for p in await session.personas.all()}
        here = " " + gettext("(whom you talk with here)")
        lines = [
            (f"{name}: {about}" if about else name) + (here if name == who.persona.name else "")
            for name, about in known.items()
        ]
        lines += [
            gettext("{place} is {persona}.", place=_place(b.place, command), persona=names[b.persona_id])
            for b in places
        ]
        return View(text="\n".join(lines))

    async def _known(self, session: Session, command: Command, who: Identity) -> dict[str, str]:
        """The personas that may be seen there: what one community made of its own is no other's business."""
        known = await self._personas.described(session)
        if self._roles.is_owner(command):
            return known
        bound: dict[int, set[str]] = {}
        for binding in await session.personas.bindings():
            bound.setdefault(binding.persona_id, set()).add(binding.community)
        made = {persona.name: persona for persona in await session.personas.all()}
        communities = {command.home}
        if command.audience == PRIVATE and not command.home:
            communities = await self._personas.communities_of(session, who.user.id)
        seen = {self._personas.default, who.persona.name}
        for name in known:
            places = bound.get(made[name].id, set()) if name in made else set()
            # Those that come with everbot are everyone's, as long as nobody has made them their own.
            free = not places or (name in self._personas.ready and made[name].version == 1)
            if places & communities or (free and self._roles.is_admin(command)):
                seen.add(name)
        return {name: about for name, about in known.items() if name in seen}

    async def _show(self, command: Command, who: Identity, name: str) -> View:
        name = name or who.persona.name
        async with self._store.write() as session:
            await self._check(session, command, who, name)
            persona = await self._personas.named(session, name)
            definition = await self._personas.definition(session, persona.id)
            blocks = await self._personas.blocks(session, persona)
        return View(text="\n\n".join(_described(persona, definition, blocks)))

    async def _check(self, session: Session, command: Command, who: Identity, name: str) -> None:
        known = await self._known(session, command, who)
        if name not in known:
            raise CommandError(
                gettext(
                    "There is no persona {name!r} here. Personas: {known}.", name=name, known=", ".join(known)
                )
            )

    async def _pick(self, command: Command, who: Identity, name: str) -> View:
        if platform_of(command.account) == LOCAL:
            local = gettext("Here you choose at the start: everbot chat --persona NAME.")
            raise CommandError(f"{gettext(_HELP)} {local}")
        async with self._store.write() as session:
            await self._check(session, command, who, name)
            persona = await self._personas.named(session, name)
            await self._fit(session, command, persona)
            picked = None if name == self._personas.default else persona.id
            await session.personas.pick(who.user.id, picked)
            met = await session.agents.agent_of(who.user.id, persona.id) is not None
        told = gettext("From your next message on, I am {persona} here.", persona=name)
        unknown = gettext(
            "{persona} knows nothing of you yet: each persona has a memory of its own.", persona=name
        )
        return View(text=told if met else f"{told} {unknown}")

    async def _fit(self, session: Session, command: Command, persona: Persona) -> None:
        """Raises `CommandError` for one that may not speak there."""
        definition = await self._personas.definition(session, persona.id)
        if why := self._adults.why_not(persona.name, definition, command):
            raise CommandError(why)

    # For admins: where

    async def _bind(self, command: Command, who: Identity, rest: str) -> View:
        name, place = _target(command, rest)
        if not name:
            raise CommandError(
                gettext("Say whom: /persona bind NAME, or /persona bind NAME here for this channel alone.")
            )
        async with self._store.write() as session:
            await self._check(session, command, who, name)
            persona = await self._personas.named(session, name)
            await self._fit(session, command, persona)
            await session.personas.bind(place, command.home, persona.id, self._clock.now())
        told = gettext(
            "{place} is {persona} from the next message on.", place=_place(place, command), persona=name
        )
        return View(text=told)

    async def _unbind(self, command: Command, who: Identity, rest: str) -> View:
        _, place = _target(command, rest)
        async with self._store.write() as session:
            if not await session.personas.unbind(place):
                raise CommandError(gettext("Nothing was bound there. /persona list shows what is."))
        told = gettext("{place} has no persona of its own any more.", place=_place(place, command))
        return View(text=told)

    # For admins: what

    async def _mine(self, session: Session, command: Command, who: Identity, word: str) -> Persona:
        """The persona that speaks here, if it is theirs to change."""
        persona = await session.personas.get(who.persona.id)
        if not self._roles.is_owner(command) and not await self._personas.is_of(
            session, persona, command.home
        ):
            self._refuse(command, word, gettext(_OWNERS, name=persona.name))
        return persona

    async def _edit(self, command: Command, who: Identity, label: str) -> View:
        async with self._store.read() as session:
            persona = await self._mine(session, command, who, "edit")
            blocks = {block.label: block for block in await self._personas.blocks(session, persona)}
        block = blocks.get(label or "persona")
        if block is None:
            raise CommandError(
                gettext(
                    "There is no block {label!r}. Blocks: {blocks}.", label=label, blocks=", ".join(blocks)
                )
            )
        form = Form(
            title=gettext("{persona}, for everyone", persona=persona.name),
            label=block.label,
            value=block.value,
            limit=block.limit,
            command="persona",
            argument=f"set {block.label}",
        )
        typed = f"/persona set {block.label} TEXT"
        how = gettext("Replace it with {command}", command=typed)
        return View(text=f"[{block.label}]\n{block.value}\n\n{how}", form=form)

    async def _set(self, command: Command, who: Identity, rest: str) -> View:
        label, _, text = rest.partition(" ")
        value = command.value or text.strip()
        if not value:
            raise CommandError(gettext("Give it a text: /persona set LABEL TEXT, or /persona edit LABEL."))
        async with self._store.write() as session:
            persona = await self._mine(session, command, who, "set")
            await self._personas.set_block(session, persona, label, value, who.user.id)
        return View(
            text=gettext(
                "[{label}] of {persona} now reads, for everyone from their next message on:\n{text}",
                label=label,
                persona=persona.name,
                text=value,
            )
        )

    async def _history(self, command: Command, who: Identity, rest: str) -> View:
        async with self._store.read() as session:
            persona = await self._mine(session, command, who, "history")
            versions = (await session.personas.versions(persona.id))[:_VERSIONS]
            users = {v.user_id: (await session.agents.user(v.user_id)).name for v in versions if v.user_id}
        lines = []
        for version, before in zip(versions, [*versions[1:], None], strict=True):
            by = users.get(version.user_id or 0, gettext("the operator or a reflection"))
            what = ", ".join(_changed(before.data if before else {}, version.data))
            told = gettext("by {name}: {what}", name=by, what=what)
            lines.append(f"{version.version}  {who.when(version.at)}  {told}")
        actions = tuple(
            Action(
                label=gettext("Back to {version}", version=v.version),
                command="persona",
                argument=f"restore {v.version}",
                danger=True,
            )
            for v in versions[1:6]
        )
        told = gettext("Versions (/persona restore VERSION makes it what it was):")
        text = "\n".join([told, *lines])
        return View(text=text, actions=actions)

    async def _restore(self, command: Command, who: Identity, rest: str) -> View:
        async with self._store.write() as session:
            persona = await self._mine(session, command, who, "restore")
            await self._personas.restore(session, persona, _number(rest), who.user.id)
        told = gettext(
            "{persona} is again what it was in version {version}, as a version of its own.",
            persona=persona.name,
            version=rest,
        )
        return View(text=told)

    # For admins: what reflections propose

    async def _proposals(self, command: Command, who: Identity, rest: str) -> View:
        async with self._store.read() as session:
            found = await self._proposed(session, command, who)
        if not found:
            return View(text=gettext("Nothing is proposed."))
        shown = found[:ENTRIES]
        name = who.persona.name
        if len(found) > len(shown):
            name += " " + gettext("({n} of {all})", n=len(shown), all=len(found))
        text = gettext("What reflections propose to change in {persona}:", persona=name)
        return View(text=text, entries=tuple(_entry(proposal, who) for proposal in shown))

    async def _proposed(self, session: Session, command: Command, who: Identity) -> list[Proposal]:
        """Those that were made in this community: what another one talked of stays there."""
        everywhere = self._roles.is_owner(command) and not command.home
        return await session.personas.proposals(who.persona.id, None if everywhere else command.home)

    async def _one(self, session: Session, command: Command, who: Identity, rest: str) -> Proposal:
        number = _number(rest)
        for proposal in await self._proposed(session, command, who):
            if proposal.id == number:
                return proposal
        raise CommandError(
            gettext("There is no proposal {number}. /persona proposals lists them.", number=number)
        )

    async def _accept(self, command: Command, who: Identity, rest: str) -> View:
        async with self._store.write() as session:
            await self._mine(session, command, who, "accept")
            proposal = await self._one(session, command, who, rest)
            await self._personas.accept(session, proposal, who.user.id)
        told = gettext(
            "Accepted. [{label}] now reads, for everyone:\n{text}", label=proposal.label, text=proposal.value
        )
        return View(text=told)

    async def _reject(self, command: Command, who: Identity, rest: str) -> View:
        async with self._store.write() as session:
            proposal = await self._one(session, command, who, rest)
            await session.personas.drop_proposal(proposal.id)
        return View(text=gettext("Rejected: {number}.", number=proposal.id))


def _target(command: Command, rest: str) -> tuple[str, str]:
    """The name, and the place that is meant: the community, or with ``here`` this channel of it."""
    if not command.home:
        raise CommandError(
            gettext("A persona is bound in a community: say it there, or in a workspace's direct message.")
        )
    name = rest.removesuffix(" here").strip() if rest != "here" else ""
    if name == rest:
        return name, command.home
    if not command.channel:
        raise CommandError(gettext("There is no channel here: say it in the channel that is meant."))
    return name, f"{command.home}/{command.channel}"


def _place(place: str, command: Command) -> str:
    if place == command.home:
        return gettext("This community")
    channel = place.removeprefix(f"{command.home}/")
    if channel == command.channel:
        return gettext("This channel")
    return gettext("The channel {channel}", channel=channel)


def _number(text: str) -> int:
    if not (text.isdecimal() and len(text) < 10):
        raise CommandError(gettext("{text!r} is not a number.", text=text))
    return int(text)


def _described(persona: Persona, definition: Definition, blocks: Iterable[Block]) -> list[str]:
    policies = definition.policies
    rules = []
    if policies.model:
        rules.append(gettext("model {model}", model=policies.model))
    if policies.tools is not None:
        rules.append(gettext("tools {tools}", tools=", ".join(policies.tools)))
    if policies.languages:
        rules.append(gettext("languages {languages}", languages=", ".join(policies.languages)))
    if policies.accept == "always":
        rules.append(gettext("reflections change it without being asked"))
    told = gettext("{persona}, version {version}.", persona=persona.name, version=persona.version)
    return [
        f"{told} {persona.description}".strip(),
        *(f"[{b.label}] {filled(b)}\n{b.value}" for b in blocks),
        *(gettext("Greeting: {text}", text=greeting) for greeting in definition.greetings[:1]),
        *([gettext("Policies: {rules}.", rules="; ".join(rules))] if rules else []),
    ]


def _changed(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """The parts of a persona that are others in ``after``."""
    return [name for name in after if before.get(name) != after[name]] or [gettext("nothing")]


def _entry(proposal: Proposal, who: Identity) -> Entry:
    number = str(proposal.id)
    return Entry(
        text="\n".join(_lines(proposal.before, proposal.value)),
        note=f"{number}, [{proposal.label}], {who.when(proposal.at)}",
        actions=(
            Action(label=gettext("Accept"), command="persona", argument=f"accept {number}"),
            Action(label=gettext("Reject"), command="persona", argument=f"reject {number}", danger=True),
        ),
    )


def _lines(before: str, after: str) -> list[str]:
    """The lines that would go, then those that would come."""
    old, new = before.splitlines(), after.splitlines()
    return [f"- {line}" for line in old if line not in new] + [f"+ {line}" for line in new if line not in old]
