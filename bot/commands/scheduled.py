"""`/scheduled`: what the agent was asked to say at a time, to see, change, or call off."""

from __future__ import annotations

from bot.commands.table import Control, Run
from bot.commands.words import SCHEDULED
from bot.errors import CommandError
from bot.events import Action, Command, CommandSpec, Form, Suggestion, View
from bot.language import gettext, marked
from bot.language.dates import moment, weekday
from bot.ownership.wishes import Wishes, when_of
from bot.people import schedules
from bot.people.identities import Identity
from memory.records import Wish

_USAGE = marked("Say /scheduled, /scheduled when ID TIME, /scheduled text ID TEXT or /scheduled cancel ID.")
_HOW = marked(
    "When: a moment as 2026-11-27T09:00 ({zone}), or a rule such as every 2h, or in cron's five fields 0 8 * * 1-5."
)
_WHEN = 200  # characters of a time, at most


class ScheduledCommands:
    """`bot.commands.table.Group`."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self.table: list[tuple[CommandSpec, Run]] = [
            (
                CommandSpec(
                    name="scheduled",
                    summary=marked("what I shall remind you of"),
                    argument="[edit ID | when ID TIME | text ID TEXT | cancel ID]",
                    words=SCHEDULED,
                ),
                self._scheduled,
            )
        ]

    async def suggest(self, command: Command, who: Identity, blank: str) -> list[Suggestion]:
        """As `bot.commands.table.Suggests`: what is scheduled."""
        wishes = await self._wishes.of(who, command.audience)
        return [Suggestion(value=wish.id, label=f"{wish.id}: {wish.about}") for wish in wishes.values()]

    async def _scheduled(self, command: Command, who: Identity, control: Control) -> View:
        word, _, rest = command.argument.strip().partition(" ")
        wish_id, _, more = rest.strip().partition(" ")
        more = more.strip()
        if word in ("", "list"):
            return await self._listed(command, who)
        if word == "cancel":
            wish = await self._wishes.cancel(who, command.audience, wish_id)
            return View(text=gettext("Cancelled: {about}", about=wish.about))
        if word == "edit":
            return await self._form(command, who, wish_id)
        if word == "when":
            return await self._change(command, who, wish_id, when=_given(more or command.value))
        if word == "text":
            return await self._change(command, who, wish_id, about=_given(more or command.value))
        if word == "set":  # what forms send
            when, text = (more, command.value) if more else _lines(command.value)
            return await self._change(command, who, wish_id, when=_given(when), about=_given(text))
        raise CommandError(gettext(_USAGE))

    async def _listed(self, command: Command, who: Identity) -> View:
        wishes = await self._wishes.of(who, command.audience)
        if not wishes:
            return View(text=gettext("Nothing is scheduled. Ask me to remind you of something."))
        lines = [gettext("Scheduled ({zone}):", zone=who.user.timezone)]
        lines += [_line(wish, who) for wish in wishes.values()]
        actions = tuple(action for wish in wishes.values() for action in _actions(wish))
        return View(text="\n".join(lines), actions=actions)

    async def _form(self, command: Command, who: Identity, wish_id: str) -> View:
        wish = (await self._wishes.of(who, command.audience)).get(wish_id)
        if wish is None:
            raise CommandError(
                gettext("There is nothing scheduled as {id!r}. /scheduled lists all.", id=wish_id)
            )
        form = Form(
            title=gettext("A reminder"),
            label=gettext("When, and below it what"),
            value=f"{when_of(wish, who)}\n{wish.about}",
            limit=_WHEN + schedules.ABOUT,
            command="scheduled",
            argument=f"set {wish.id}",
        )
        ways = [f"/scheduled when {wish.id} TIME", f"/scheduled text {wish.id} TEXT"]
        told = gettext("Change it with {when} or {text}", when=ways[0], text=ways[1])
        return View(text=f"{_line(wish, who)}\n\n{told}\n{how_of(who)}", form=form)

    async def _change(
        self, command: Command, who: Identity, wish_id: str, *, when: str = "", about: str = ""
    ) -> View:
        wish = await self._wishes.change(who, command.audience, wish_id, when=when, about=about)
        return View(text="\n".join([gettext("Scheduled now:"), _line(wish, who)]))


def how_of(who: Identity) -> str:
    """How a time is written."""
    return gettext(_HOW, zone=who.user.timezone)


def _given(text: str) -> str:
    if not text.strip():
        raise CommandError(gettext(_USAGE))
    return text.strip()


def _lines(text: str) -> tuple[str, str]:
    first, _, rest = text.strip().partition("\n")
    return first, rest


def _actions(wish: Wish) -> tuple[Action, ...]:
    edit, cancel = gettext("Edit {id}", id=wish.id), gettext("Cancel {id}", id=wish.id)
    return (
        Action(label=edit, command="scheduled", argument=f"edit {wish.id}"),
        Action(label=cancel, command="scheduled", argument=f"cancel {wish.id}"),
    )


def _line(wish: Wish, who: Identity) -> str:
    at = wish.next_at.astimezone(who.zone)
    rule = f" ({wish.rule})" if wish.rule else ""
    return f"{wish.id}  {weekday(at)} {moment(at)}{rule}  {wish.about}"
