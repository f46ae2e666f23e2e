"""`/link` and `/unlink`: one person with accounts on several platforms, known as one.

A code is shown in one place and entered in the other; then both sides confirm, so that neither a stolen
code nor a mistyped one joins two people.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.commands.table import Control, Run
from bot.commands.words import LINK
from bot.errors import CommandError
from bot.events import Action, Command, CommandSpec, View
from bot.language import gettext, marked
from bot.people.access import new_code
from bot.people.identities import Identity
from bot.runtime import Runtime
from memory.records import PRIVATE, Code

_LIFE = timedelta(minutes=10)
_SHOWN = marked(
    "Your code is {code}. Within ten minutes, give me the command `link {code}` where you are to be known as the "
    "same person; then come back here and confirm with `/link confirm`."
)
_ENTERED = marked(
    "The code was shown to {name} ({account}). If that is you: what I hold of both accounts becomes one memory. "
    "Confirm with `/link yes {code}`; then give me the command `link confirm` there."
)
_WAITS = marked(
    "{name} ({account}) entered your code. If that is you, write `/link confirm`; else `/link cancel`."
)


class LinkCommands:
    """`bot.commands.table.Group`."""

    def __init__(self, runtime: Runtime) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self.table: list[tuple[CommandSpec, Run]] = [
            (
                CommandSpec(
                    name="link",
                    summary=marked("be one person on two platforms"),
                    argument="[CODE | yes CODE | confirm | cancel]",
                    words=LINK,
                ),
                self._link,
            ),
            (
                CommandSpec(name="unlink", summary=marked("start anew, with empty memory")),
                self._unlink,
            ),
        ]

    async def _link(self, command: Command, who: Identity, control: Control) -> View:
        if command.audience != PRIVATE:
            raise CommandError(gettext("Write that to me in a direct message: a code is for your eyes only."))
        word, _, rest = command.argument.strip().partition(" ")
        if not word:
            return await self._show(command)
        if word == "confirm":
            return await self._confirm(command, who, control)
        if word == "cancel":
            return await self._cancel(command)
        return await self._enter(command, who, (rest if word == "yes" else word), said_yes=word == "yes")

    async def _show(self, command: Command) -> View:
        now = self._clock.now()
        async with self._store.write() as session:
            known = await session.codes.of("link", command.account, now)
            if known is not None and known.other:
                actions = (
                    Action(label=gettext("That is me"), command="link", argument="confirm"),
                    Action(label=gettext("Cancel"), command="link", argument="cancel", danger=True),
                )
                waits = gettext(_WAITS, name=known.other_name, account=known.other)
                return View(text=waits, actions=actions)
            code = new_code("link", command, now + _LIFE)
            await session.codes.put(code)
        return View(text=gettext(_SHOWN, code=code.code))

    async def _enter(self, command: Command, who: Identity, text: str, *, said_yes: bool) -> View:
        now = self._clock.now()
        async with self._store.write() as session:
            code = await session.codes.get("link", text.strip().upper(), now)
            if code is None:
                raise CommandError(
                    gettext("That code is not known, or older than ten minutes. /link shows a new one.")
                )
            if code.account in await session.agents.accounts_of(who.user.id):
                raise CommandError(gettext("That code is your own, or of an account that is linked already."))
            if code.other and code.other != command.account:
                raise CommandError(gettext("That code was entered by another account."))
            if not said_yes:
                yes = Action(label=gettext("That is me"), command="link", argument=f"yes {code.code}")
                text = gettext(_ENTERED, name=code.name, account=code.account, code=code.code)
                return View(text=text, actions=(yes,))
            await session.codes.put(_entered(code, command))
        return View(
            text=gettext(
                "Good. Now give me the command `link confirm` where the code was shown ({account}).",
                account=code.account,
            )
        )

    async def _confirm(self, command: Command, who: Identity, control: Control) -> View:
        async with self._store.write() as session:
            code = await session.codes.of("link", command.account, self._clock.now())
            if code is None or not code.other:
                raise CommandError(
                    gettext("There is nothing to confirm: no other account has entered your code.")
                )
            other = await session.agents.user_of(code.other)
            await session.codes.drop(code.code)
        if other is None:
            raise CommandError(gettext("That account has gone meanwhile."))
        if other.id == who.user.id:
            return View(text=gettext("These accounts are linked already."))
        keep, gone = sorted((who.user, other), key=lambda user: user.id)
        await control.join(keep, gone)
        return View(
            text=gettext(
                "Linked: {one} and {other} are one person to me now.", one=command.account, other=code.other
            )
        )

    async def _cancel(self, command: Command) -> View:
        async with self._store.write() as session:
            code = await session.codes.of("link", command.account, self._clock.now())
            if code is not None:
                await session.codes.drop(code.code)
        return View(text=gettext("Nothing was linked."))

    async def _unlink(self, command: Command, who: Identity, control: Control) -> View:
        async with self._store.read() as session:
            accounts = await session.agents.accounts_of(who.user.id)
        others = [account for account in accounts if account != command.account]
        if not others:
            raise CommandError(gettext("This account is not linked with another."))
        if command.argument.strip() != "yes":
            yes = Action(label=gettext("Unlink"), command="unlink", argument="yes", danger=True)
            text = gettext(
                "This account starts anew with an empty memory; what I remember stays with {others}. "
                "Sure? `/unlink yes`",
                others=", ".join(others),
            )
            return View(text=text, actions=(yes,))
        await control.separate(command.account, command.name)
        return View(text=gettext("Unlinked: we start anew here."))


def _entered(code: Code, command: Command) -> Code:
    return replace(code, other=command.account, other_name=command.name)
