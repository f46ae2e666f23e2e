"""Commands on Slack: ``/everbot``, buttons, forms, App Home. Only the asker sees the answers."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import places, views
from adapters.slack.chores import Chores
from adapters.slack.people import People
from adapters.slack.places import Places
from adapters.slack.posting import Posting
from adapters.slack.reading import Workspace
from adapters.slack.responses import Responses, shown
from adapters.text import plain
from adapters.wire import Json, record, text
from bot.cache import Cache
from bot.events import Command, View
from bot.language import ENGLISH, gettext, language, marked, nearest, spoken
from bot.ports import Clock, Inbound
from memory.errors import StoreError

log = logging.getLogger(__name__)

_PROMPT_S = 2.0  # after so long an answer comes later, for Slack waits 3 s
_OURS = re.compile(rf"^{views.PREFIX}")
_KEPT = 10_000
_TEXT = 3_000  # characters of an answer where its blocks are not shown
_AWAY = marked("I can't reach my memory just now. Please try again in a moment.")
_FAILED = marked("That did not work. Whoever runs me finds more in my log.")


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The ways to a person."""

    client: AsyncWebClient
    posting: Posting
    responses: Responses
    chores: Chores
    spelled: Callable[[str], str]  # texts of ours, with commands as they are typed here
    clock: Clock


@dataclass(frozen=True, kw_only=True)
class _Asker:
    """Who asks, and where: ``url`` is where Slack takes an answer for them alone."""

    user: str
    name: str
    channel: str
    kind: str
    thread: str | None = None
    home: bool = False
    url: str = ""

    def kept(self) -> str:
        """For the buttons and the form of a view that is opened from here."""
        kept = {"channel": self.channel, "kind": self.kind, "thread": self.thread, "home": self.home}
        return json.dumps({key: value for key, value in kept.items() if value})


class Answering:
    def __init__(
        self, us: Workspace, inbound: Inbound, answers: Answers, people: People, where: Places
    ) -> None:
        self._us = us
        self._inbound = inbound
        self._client, self._posting = answers.client, answers.posting
        self._responses, self._chores = answers.responses, answers.chores
        self._spelled, self._clock = answers.spelled, answers.clock
        self._people = people
        self._places = where
        self._direct: Cache[str, str] = Cache(_KEPT)  # the channels of people's direct messages with us
        self._languages: Cache[str, str] = Cache(_KEPT)
        self._done: Cache[str, None] = Cache(
            _KEPT
        )  # by trigger_id: a request that is signed can be sent again

    def listen(self, app: AsyncApp) -> None:
        app.command("/everbot")(self._slash)
        app.action(_OURS)(self._pressed)
        app.view(_OURS)(self._filled_in)

    async def publish(self, user: str) -> None:
        """App Home, as it is now."""
        view = await self._run("memory", "", await self._at_home(user, user))
        await self._client.views_publish(user_id=user, view=views.home(view))

    async def _slash(self, ack: Any, body: Json) -> None:
        if self._is_done(body):
            await ack()
            return
        word, _, argument = text(body.get("text")).strip().partition(" ")
        user, channel = str(body["user_id"]), str(body["channel_id"])
        asker = _Asker(
            user=user,
            name=text(body.get("user_name")) or user,
            channel=channel,
            kind=await self._places.kind_of(channel),
            url=text(body.get("response_url")),
        )
        running = self._chores.begin(self._run(word.lower() or "help", argument, asker))
        if running is None:
            return  # we are about to end
        try:
            async with self._clock.timeout(_PROMPT_S):
                await asyncio.wait([running])
        except TimeoutError:
            self._chores.begin(self._later(running, asker))
            with spoken(await self._language(user)):
                await ack(gettext("One moment …"))
            return
        view = running.result() or await self._failed(user)
        if views.fits(view):
            await self._client.views_open(trigger_id=body["trigger_id"], view=views.form(view, asker.kept()))
            await ack()
        else:
            view = await self._delivered(view, user)
            await ack(**shown(plain(view)[:_TEXT], views.blocks_of(view)))

    async def _later(self, running: asyncio.Task[View | None], asker: _Asker) -> None:
        view = await running or await self._failed(asker.user)
        await self._tell(await self._delivered(view, asker.user), asker)

    async def _failed(self, user: str) -> View:
        with spoken(await self._language(user)):
            return View(text=gettext(_FAILED), kind="error", language=language())

    async def _pressed(self, ack: Any, body: Json, action: Json) -> None:
        if self._is_done(body):
            await ack()
            return
        opened = record(body.get("view"))
        asker = await self._asker(body, opened)
        command, argument = views.asked_by(str(action["action_id"]))
        view = await self._delivered(await self._run(command, argument, asker), asker.user)
        await self._show(view, asker, opened, str(body["trigger_id"]))
        await ack()
        if asker.home:
            await self.publish(asker.user)

    async def _asker(self, body: Json, opened: Json) -> _Asker:
        """Who pressed a button, in a modal, in App Home or at a message."""
        user, name = _person(body)
        if opened.get("type") == "modal":
            return _asker_of(user, name, opened)
        if opened:
            return await self._at_home(user, name)
        container = record(body.get("container"))
        channel = text(record(body.get("channel")).get("id")) or str(container["channel_id"])
        return _Asker(
            user=user,
            name=name,
            channel=channel,
            kind=await self._places.kind_of(channel),
            thread=text(container.get("thread_ts")) or None,
            url=text(body.get("response_url")),
        )

    async def _show(self, view: View, asker: _Asker, opened: Json, trigger: str) -> None:
        is_modal, where = opened.get("type") == "modal", asker.kept()
        if views.fits(view):
            show = self._client.views_push if is_modal else self._client.views_open
            await show(trigger_id=trigger, view=views.form(view, where))
        elif is_modal:
            await self._client.views_update(view_id=opened["id"], view=views.shown(view, where))
        elif opened:
            await self._client.views_open(trigger_id=trigger, view=views.shown(view, where))
        else:
            await self._tell(view, asker)

    async def _filled_in(self, ack: Any, body: Json, view: Json) -> None:
        if self._is_done(body):
            await ack()
            return
        asker = _asker_of(*_person(body), view)
        command, argument = views.asked_by(str(view["callback_id"]))
        value = text(view["state"]["values"]["value"]["value"].get("value"))
        answer = await self._run(command, argument, asker, value)
        if answer.kind == "error":
            await ack(response_action="errors", errors={"value": answer.text[:2_000]})
            return
        await ack()
        if asker.home:
            await self.publish(asker.user)

    async def _run(self, command: str, argument: str, asker: _Asker, value: str = "") -> View:
        origin = self._us.origin(asker.user, asker.name, asker.channel, asker.kind, asker.thread)
        locale = await self._people.locale(asker.user)
        asked = Command(**origin, locale=locale, command=command.lstrip("!/"), argument=argument, value=value)
        if asked.command == "persona":
            asked = replace(asked, admin=await self._people.is_admin(asker.user))
        try:
            view = await self._inbound.invoke(asked)
        except StoreError as error:
            log.error("A command could not be run: %s", error)
            with spoken(await self._language(asker.user)):
                return View(text=gettext(_AWAY), kind="error", language=language())
        self._languages[asker.user] = view.language
        return replace(view, text=self._spelled(view.text))

    async def _language(self, user: str) -> str:
        """That somebody is answered in: as they were last, else by what Slack knows of them."""
        return self._languages.get(user) or nearest(await self._people.locale(user)) or ENGLISH

    async def _delivered(self, view: View, user: str) -> View:
        """The view, with its files sent to the person's direct messages."""
        if not view.files:
            return view
        with spoken(view.language or ENGLISH):
            told = await self._posting.upload(user, view.files, view.text)
        return replace(view, text=f"{view.text}\n{told}", files=())

    async def _tell(self, view: View, asker: _Asker) -> None:
        """An answer that only the asker sees, where they asked."""
        words, blocks = plain(view)[:_TEXT], views.blocks_of(view)
        if not await self._responses.send(asker.url, words, blocks, asker.thread):
            await self._posting.whisper(asker.channel, asker.user, asker.thread, words, blocks)

    async def _at_home(self, user: str, name: str) -> _Asker:
        """App Home belongs to a person's direct messages with us."""
        if user not in self._direct:
            opened = await self._client.conversations_open(users=user)
            self._direct[user] = str(opened["channel"]["id"])
        return _Asker(user=user, name=name, channel=self._direct[user], kind=places.IM, home=True)

    def _is_done(self, body: Json) -> bool:
        trigger = text(body.get("trigger_id"))
        was, self._done[trigger] = trigger in self._done, None
        return was and bool(trigger)


def _asker_of(user: str, name: str, view: Json) -> _Asker:
    """Who looks at a view: it knows from where it was opened (`_Asker.kept`)."""
    where = record(json.loads(text(view.get("private_metadata")) or "{}"))
    return _Asker(
        user=user,
        name=name,
        channel=str(where["channel"]),
        kind=str(where["kind"]),
        thread=text(where.get("thread")) or None,
        home=where.get("home") is True,
    )


def _person(body: Json) -> tuple[str, str]:
    """Id and name of who pressed a button or filled in a form."""
    user = str(body["user"]["id"])
    return user, text(body["user"].get("username")) or text(body["user"].get("name")) or user
