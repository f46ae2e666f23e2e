"""Commands on Slack: ``/everbot``, buttons, forms, App Home. Only the asker sees the answers."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import views
from adapters.slack.posting import BROKEN, Posting, reason
from adapters.slack.reading import Workspace
from adapters.text import plain
from bot.events import Command, View
from bot.ports import Inbound
from memory.errors import StoreError

log = logging.getLogger(__name__)

_ROLE_S = 300.0  # that an admin's role is believed
_PROMPT_S = 2.0  # after so long an answer comes later, for Slack waits 3 s
_OURS = re.compile(rf"^{views.PREFIX}")

Json = dict[str, Any]


class Answering:
    """``kind_of(channel)`` tells a channel's type."""

    def __init__(
        self,
        client: AsyncWebClient,
        posting: Posting,
        us: Workspace,
        inbound: Inbound,
        kind_of: Callable[[str], Awaitable[str]],
    ) -> None:
        self._client = client
        self._posting = posting
        self._us = us
        self._inbound = inbound
        self._kind_of = kind_of
        self._direct: dict[str, str] = {}
        self._admins: dict[str, tuple[float, bool]] = {}  # until when it is believed
        self._late: set[asyncio.Future[None]] = set()

    def listen(self, app: AsyncApp) -> None:
        app.command("/everbot")(self._slash)
        app.action(_OURS)(self._pressed)
        app.view(_OURS)(self._filled_in)

    async def publish(self, user: str) -> None:
        """App Home, as it is now."""
        view = await self._run("memory", "", await self._home(user), user, user)
        await self._client.views_publish(user_id=user, view=views.home(view))

    async def _slash(self, ack: Any, body: Json) -> None:
        word, _, argument = str(body.get("text") or "").strip().partition(" ")
        where = {"channel": body["channel_id"], "kind": await self._kind_of(body["channel_id"])}
        user, name = str(body["user_id"]), str(body.get("user_name") or body["user_id"])
        running = asyncio.ensure_future(self._run(word.lower() or "help", argument, where, user, name))
        done, _ = await asyncio.wait([running], timeout=_PROMPT_S)
        if not done:
            running.add_done_callback(lambda late: self._later(late, where, user))
            await ack("One moment …")
            return
        view = running.result()
        if views.fits(view):
            await self._client.views_open(trigger_id=body["trigger_id"], view=views.form(view, where))
            await ack()
        else:
            view = await self._delivered(view, user)
            await ack(text=plain(view)[:3_000], blocks=views.blocks_of(view), response_type="ephemeral")

    async def _pressed(self, ack: Any, body: Json, action: Json) -> None:
        user, name = _person(body)
        opened: Json = body.get("view") or {}
        if opened.get("type") == "modal":
            where = json.loads(opened.get("private_metadata") or "{}")
        elif opened:
            where = await self._home(user)
        else:
            channel = str(
                (body.get("channel") or body["container"])["id" if body.get("channel") else "channel_id"]
            )
            thread = (body.get("container") or {}).get("thread_ts")
            where = {"channel": channel, "kind": await self._kind_of(channel), "thread": thread}
        command, argument = views.asked_by(str(action["action_id"]))
        view = await self._delivered(await self._run(command, argument, where, user, name), user)
        if views.fits(view):
            show = self._client.views_push if opened.get("type") == "modal" else self._client.views_open
            await show(trigger_id=body["trigger_id"], view=views.form(view, where))
        elif opened.get("type") == "modal":
            await self._client.views_update(view_id=opened["id"], view=views.shown(view, where))
        elif opened:
            await self._client.views_open(trigger_id=body["trigger_id"], view=views.shown(view, where))
        else:
            await self._client.chat_postEphemeral(
                channel=where["channel"],
                user=user,
                thread_ts=where.get("thread"),
                text=plain(view)[:3_000],
                blocks=views.blocks_of(view),
            )
        await ack()
        if where.get("home"):
            await self.publish(user)

    async def _filled_in(self, ack: Any, body: Json, view: Json) -> None:
        user, name = _person(body)
        where = json.loads(view.get("private_metadata") or "{}")
        command, argument = views.asked_by(str(view["callback_id"]))
        value = str(view["state"]["values"]["value"]["value"].get("value") or "")
        answer = await self._run(command, argument, where, user, name, value)
        if answer.kind == "error":
            await ack(response_action="errors", errors={"value": answer.text[:2_000]})
            return
        await ack()
        if where.get("home"):
            await self.publish(user)

    async def _run(
        self, command: str, argument: str, where: Json, user: str, name: str, value: str = ""
    ) -> View:
        origin = self._us.origin(user, name, where["channel"], where["kind"], where.get("thread"))
        asked = Command(**origin, command=command.lstrip("!/"), argument=argument, value=value)
        if asked.command == "persona":
            asked = replace(asked, admin=await self._is_admin(user))
        try:
            return await self._inbound.invoke(asked)
        except StoreError as error:
            log.error("A command could not be run: %s", error)
            return View(text="I can't reach my memory just now. Please try again in a moment.", kind="error")

    async def _is_admin(self, user: str) -> bool:
        """Whether the workspace counts them among its admins, asked once in a while."""
        known = self._admins.get(user)
        if known is None or known[0] < time.monotonic():
            try:
                told = (await self._client.users_info(user=user))["user"]
            except (SlackApiError, *BROKEN) as error:
                log.warning("Slack: who is an admin could not be asked: %s", type(error).__name__)
                return False
            known = (time.monotonic() + _ROLE_S, bool(told.get("is_admin") or told.get("is_owner")))
            self._admins[user] = known
        return known[1]

    async def _delivered(self, view: View, user: str) -> View:
        """The view, with its files sent to the person's direct messages."""
        if not view.files:
            return view
        told = await self._posting.upload(user, view.files, view.text)
        return replace(view, text=f"{view.text}\n{told}", files=())

    async def _home(self, user: str) -> Json:
        """App Home belongs to a person's direct messages with us."""
        if user not in self._direct:
            opened = await self._client.conversations_open(users=user)
            self._direct[user] = str(opened["channel"]["id"])
        return {"channel": self._direct[user], "kind": "im", "home": True}

    def _later(self, running: asyncio.Future[View], where: Json, user: str) -> None:
        if not running.cancelled() and running.exception() is None:
            text = plain(running.result())[:3_000]
            task = asyncio.ensure_future(self._tell(where["channel"], user, text))
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    async def _tell(self, channel: str, user: str, text: str) -> None:
        try:
            await self._client.chat_postEphemeral(channel=channel, user=user, text=text)
        except (SlackApiError, *BROKEN) as error:
            log.warning("An answer was not delivered: %s", reason(error))


def _person(body: Json) -> tuple[str, str]:
    """Id and name of who pressed a button or filled in a form."""
    user = str(body["user"]["id"])
    return user, str(body["user"].get("username") or body["user"].get("name") or user)
