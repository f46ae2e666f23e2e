"""Keys by which programs talk with a person's agents, and how they are ended: part of `/memory`."""

from __future__ import annotations

from datetime import timedelta

from bot.commands.web import signed_in
from bot.errors import CommandError
from bot.events import Action, Command, View
from bot.language import gettext
from bot.people.identities import Identity
from bot.people.web_keys import new_key
from bot.runtime import Runtime
from memory.records import PRIVATE, WebPass

_ALL = "all"
_LIFE = timedelta(days=365)
_MOST = 20
_LONGEST = 40


class ProgramKeys:
    """``url`` is where programs ask; empty where they can't."""

    def __init__(self, runtime: Runtime, url: str) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._url = url

    async def run(self, who: Identity, command: Command, rest: str) -> View:
        """Answer ``/memory program``, ``/memory program new NAME`` and ``/memory program end ID``."""
        if not self._url:
            raise CommandError(gettext("Programs cannot talk with me here. Whoever runs me can let them."))
        if command.audience != PRIVATE:
            raise CommandError(gettext("Write that to me in a direct message: a code is for your eyes only."))
        word, _, more = rest.partition(" ")
        if word == "new":
            return await self._new(who, command, " ".join(more.split())[:_LONGEST])
        if word == "end":
            return await self._end(who, more.strip())
        return await self._listed(who)

    async def _new(self, who: Identity, command: Command, name: str) -> View:
        now = self._clock.now()
        async with self._store.write() as session:
            if len(await session.web_keys.of(who.user.id, WebPass.PROGRAM, now)) >= _MOST:
                raise CommandError(gettext("You have {n} keys already. End one first.", n=_MOST))
            origin = (command.account, command.address)
            secret, key = new_key(WebPass.PROGRAM, who.user, origin, now, _LIFE, name)
            await session.web_keys.put(key)
        told = [
            gettext("Any program that speaks with OpenAI's API can talk with me for you now:"),
            f"base_url: {self._url}/v1",
            f"api_key: {secret}",
            f"model: {who.persona.name}",
            gettext(
                "Whoever has the key reads what I know of you. I show it this once; it ends in a year, or by "
                "/memory program end {id}.",
                id=key.id,
            ),
        ]
        return View(text="\n".join(told))

    async def _listed(self, who: Identity) -> View:
        async with self._store.read() as session:
            keys = await session.web_keys.of(who.user.id, WebPass.PROGRAM, self._clock.now())
        if not keys:
            return View(text=gettext("No program talks with me for you. /memory program new NAME lets one."))
        actions = [
            Action(label=gettext("End {id}", id=key.id), command="memory", argument=f"program end {key.id}")
            for key in keys
        ]
        told = [
            gettext("Programs that may talk with me for you:"),
            *(f"- {signed_in(key, who)}" for key in keys),
        ]
        return View(text="\n".join(told), actions=tuple(actions))

    async def _end(self, who: Identity, which: str) -> View:
        async with self._store.write() as session:
            keys = await session.web_keys.of(who.user.id, WebPass.PROGRAM, self._clock.now())
            ids = [key.id for key in keys if which in (_ALL, key.id)]
            if not ids:
                raise CommandError(gettext("There is no key {id!r}. /memory program lists them.", id=which))
            await session.web_keys.drop(who.user.id, ids)
        return View(text=gettext("Ended: {ids}", ids=", ".join(ids)))
