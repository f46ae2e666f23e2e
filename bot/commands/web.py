"""The memory page's link, and who is signed in there: part of `/memory`."""

from __future__ import annotations

from bot.errors import CommandError
from bot.events import LOCAL, Action, Command, View, platform_of
from bot.language import gettext
from bot.people.identities import Identity
from bot.people.web_keys import LINK_LIFE, new_key
from bot.runtime import Runtime
from memory.records import PRIVATE, WebKey, WebPass

_ALL = "all"


class WebPage:
    """``url`` is the page's; empty where there is none."""

    def __init__(self, runtime: Runtime, url: str) -> None:
        self._store, self._clock = runtime.store, runtime.clock
        self._url = url

    async def run(self, who: Identity, command: Command, rest: str) -> View:
        """Answer ``/memory web`` and ``/memory web end ID``."""
        if not self._url or platform_of(command.account) == LOCAL:
            raise CommandError(gettext("I have no memory page here. Whoever runs me can switch one on."))
        if command.audience != PRIVATE:
            raise CommandError(gettext("Write that to me in a direct message: a code is for your eyes only."))
        word, _, which = rest.partition(" ")
        if word == "end":
            return await self._end(who, which.strip())
        return await self._link(who, command)

    async def sessions(self, who: Identity) -> list[WebKey]:
        """Where the person is signed in, the newest first."""
        async with self._store.read() as session:
            return await session.web_keys.of(who.user.id, WebPass.SESSION, self._clock.now())

    async def _link(self, who: Identity, command: Command) -> View:
        now = self._clock.now()
        async with self._store.write() as session:
            former = await session.web_keys.of(who.user.id, WebPass.LINK, now)
            await session.web_keys.drop(who.user.id, [key.id for key in former])
            origin = (command.account, command.address)
            secret, key = new_key(WebPass.LINK, who.user, origin, now, LINK_LIFE)
            await session.web_keys.put(key)
        url = f"{self._url}/in/by/{secret}"
        told = [
            gettext("Your memory page: {url}", url=url),
            gettext("The link works once, within ten minutes, and is for your eyes only."),
        ]
        there = await self.sessions(who)
        if there:
            told += ["", gettext("Signed in are:"), *(f"- {signed_in(key, who)}" for key in there)]
        actions = [
            Action(label=gettext("Sign out {id}", id=key.id), command="memory", argument=f"web end {key.id}")
            for key in there
        ][:20]
        if len(there) > 1:
            label = gettext("Sign out everywhere")
            actions.append(Action(label=label, command="memory", argument=f"web end {_ALL}", danger=True))
        return View(text="\n".join(told), actions=tuple(actions))

    async def _end(self, who: Identity, which: str) -> View:
        ids = [key.id for key in await self.sessions(who) if which in (_ALL, key.id)]
        if not ids:
            raise CommandError(gettext("Nobody is signed in as {id!r}. /memory web lists who is.", id=which))
        async with self._store.write() as session:
            await session.web_keys.drop(who.user.id, ids)
        return View(text=gettext("Signed out: {ids}", ids=", ".join(ids)))


def signed_in(key: WebKey, who: Identity) -> str:
    """Where and since when."""
    return " · ".join(
        filter(None, [key.id, key.device, key.site, gettext("seen {when}", when=who.when(key.seen_at))])
    )
