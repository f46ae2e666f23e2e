"""Keys by which people's own programs are let in, and how they are ended: part of `/connect`."""

from __future__ import annotations

from datetime import timedelta

from bot.commands.web import signed_in
from bot.errors import CommandError
from bot.events import Action, Command, View
from bot.language import gettext, marked
from bot.people.identities import Identity
from bot.people.web_keys import new_key
from bot.runtime import Runtime
from memory.records import PRIVATE, WebKey, WebPass

_ALL = "all"
_LIFE = timedelta(days=365)
_MOST = 20
_LONGEST = 40
_LET_IN = marked(
    "Your token, shown this once: {token}\n`everbot mcp` serves your memory to a program of yours that has it as "
    "EVERBOT_TOKEN, for a year. It is {id}; /connect program off ends all of yours."
)


class ProgramKeys:
    """``url`` is where programs talk by OpenAI's protocol; empty where they can't."""

    def __init__(self, runtime: Runtime, url: str) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._url = url

    async def run(self, who: Identity, command: Command, rest: str) -> View:
        """Answer ``/connect program [NAME]``, ``/connect program end ID`` and ``/connect program off``."""
        if command.audience != PRIVATE:
            raise CommandError(gettext("Write that to me in a direct message: a code is for your eyes only."))
        word, _, which = rest.partition(" ")
        if word == "off" and not which:
            return await self._end(who, _ALL)
        if word == "end":
            return await self._end(who, which.strip())
        return await self._new(who, command, " ".join(rest.split())[:_LONGEST])

    async def of(self, who: Identity) -> list[WebKey]:
        """The person's own, newest first."""
        async with self._store.read() as session:
            return await session.web_keys.of(who.user.id, WebPass.PROGRAM, self._clock.now())

    async def _new(self, who: Identity, command: Command, name: str) -> View:
        now = self._clock.now()
        async with self._store.write() as session:
            if len(await session.web_keys.of(who.user.id, WebPass.PROGRAM, now)) >= _MOST:
                raise CommandError(gettext("You have {n} keys already. End one first.", n=_MOST))
            origin = (command.account, command.address)
            secret, key = new_key(WebPass.PROGRAM, who.user, origin, now, _LIFE, name)
            await session.web_keys.put(key)
        told = [gettext(_LET_IN, token=secret, id=key.id)]
        if self._url:
            told += [
                gettext("Any program that speaks with OpenAI's API can talk with me for you now:"),
                f"base_url: {self._url}/v1",
                f"api_key: {secret}",
                f"model: {who.persona.name}",
            ]
        return View(text="\n".join(told))

    async def _end(self, who: Identity, which: str) -> View:
        async with self._store.write() as session:
            keys = await session.web_keys.of(who.user.id, WebPass.PROGRAM, self._clock.now())
            ids = [key.id for key in keys if which in (_ALL, key.id)]
            if not ids:
                raise CommandError(gettext("There is no key {id!r}. /connect lists them.", id=which))
            await session.web_keys.drop(who.user.id, ids)
        return View(text=gettext("Ended: {ids}", ids=", ".join(ids)))


def shown(key: WebKey, who: Identity) -> tuple[str, Action]:
    """A key as a line, and the button that ends it."""
    action = Action(
        label=gettext("End {id}", id=key.id), command="connect", argument=f"program end {key.id}", danger=True
    )
    return gettext("- a program of yours: {key}", key=signed_in(key, who)), action
