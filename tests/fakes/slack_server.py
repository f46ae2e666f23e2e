"""A small Slack for loopback, which refuses what the real one refuses.

Unmodified slack_sdk and slack_bolt clients connect to it (``base_url=server.api_url``). It outlives the
bot: who talks, what was said and what is not yet acked is kept here. Texts are as on the wire: people
are mentioned as ``<@U…>``, and ``&``, ``<``, ``>`` are escaped by whoever writes.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Self, TypeVar

from aiohttp import web

from tests.fakes import slack_events as events
from tests.fakes.hold import Hold
from tests.fakes.slack_agents import Agents
from tests.fakes.slack_api import Api, Call, Fault, Method, cut
from tests.fakes.slack_delivery import REAL, Ack, Delivery, Envelope, Pace, farewell
from tests.fakes.slack_files import Files
from tests.fakes.slack_interactions import Interactions
from tests.fakes.slack_methods import Methods
from tests.fakes.slack_rich_text import rich_text
from tests.fakes.slack_state import SCOPES, Channel, Json, Refused, Workspace
from tests.fakes.slack_views import Interaction, Views
from tests.patience import PATIENCE_S

__all__ = ["REAL", "Ack", "Call", "Interaction", "Pace", "SlackServer"]
BOT_TOKEN, APP_TOKEN, SIGNING_SECRET = "xoxb-fake", "xapp-fake", "fake-signing-secret"
CONFIG_TOKEN = "xoxe.xoxp-fake"
T = TypeVar("T")


class SlackServer:
    """``async with SlackServer() as server``: ``server.api_url``, ``server.transcript``, ``server.acks``.

    Users and channels are named by their ids. ``scopes`` and ``subscribed`` are what the app was granted
    and which events it gets; both sets may be changed at any time.
    """

    def __init__(
        self,
        *,
        team: str = "T0001",
        name: str = "Fake",
        bot_token: str = BOT_TOKEN,
        app_token: str = APP_TOKEN,
        signing_secret: str = SIGNING_SECRET,
        scopes: Iterable[str] = SCOPES,
        subscribed: Iterable[str] = events.SUBSCRIPTIONS,
        pace: Pace = Pace(),  # noqa: B008 - frozen
        port: int = 0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.bot_token, self.app_token, self.signing_secret = bot_token, app_token, signing_secret
        self.workspace = Workspace(team, name, scopes, now)
        self.scopes, self.subscribed = self.workspace.scopes, set(subscribed)
        self.delivery = Delivery(self.workspace, pace, self.subscribed, signing_secret)
        self.url = ""
        self.manifest: Json = {
            "features": {
                "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
                "slash_commands": [{"command": "/everbot"}],
            },
            "settings": {"interactivity": {"is_enabled": True}, "socket_mode_enabled": True},
        }
        self._port, self._is_down = port, False
        publish = self.delivery.publish
        self._methods = Methods(self.workspace, publish, lambda: self.url)
        self._files = Files(self.workspace, self._methods, lambda: self.url, bot_token)
        views = Views(self.workspace, pace.trigger_s)
        self._people = Interactions(self.workspace, self.delivery, self._methods, views, lambda: self.url)
        parts = (self._methods, self._files, views, Agents(self.workspace, self.subscribed))
        table = {name: method for part in parts for name, method in part.table().items()}
        table["apps.connections.open"] = Method(self._open_connection)
        table["apps.manifest.export"] = Method(self._export_manifest)
        self.api = Api(self.workspace, table, bot_token, app_token, CONFIG_TOKEN, pace.post_s)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20, middlewares=[self._reachable])
        app.router.add_route("*", "/api/{method}", self.api.handle)
        app.router.add_get("/link", self.delivery.connect)
        app.router.add_post("/upload/{file}", self._files.upload)
        app.router.add_get("/files-pri/{ref}/{name}", self._files.download)
        app.router.add_get("/login", self._files.login)
        app.router.add_post("/response/{secret}", self._people.respond)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self.delivery.close()
        await self._runner.cleanup()
        assert kind is not None or not self.problems, self.problems[:5]

    @property
    def problems(self) -> list[str]:
        """What was asked, answered or told otherwise than Slack describes it; the server ends with an error for it."""
        return self.workspace.problems

    @web.middleware
    async def _reachable(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        return cut(request) if self._is_down else await handler(request)

    def _open_connection(self, args: Json) -> Json:
        host = self.url.removeprefix("http")
        return {"url": f"ws{host}/link?ticket={self.delivery.ticket()}&app_id={self.workspace.app}"}

    def _export_manifest(self, args: Json) -> Json:
        """The app's manifest: what its owner made of it, with the events it is sent now."""
        if args.get("app_id") != self.workspace.app:
            raise Refused("invalid_app_id")
        settings = {
            **self.manifest["settings"],
            "event_subscriptions": {"bot_events": sorted(self.subscribed)},
        }
        return {"manifest": {**self.manifest, "settings": settings}}

    # waiting and looking

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    @property
    def bot(self) -> str:
        """The user id of the bot."""
        return self.workspace.bot

    @property
    def transcript(self) -> list[Call]:
        """Every request to the Web API."""
        return self.api.transcript

    @property
    def acks(self) -> list[Ack]:
        return self.delivery.acks

    @property
    def envelopes(self) -> list[Envelope]:
        """Everything that was to be delivered, with when it went out and how it ended."""
        return self.delivery.envelopes

    @property
    def connections(self) -> int:
        """Open Socket Mode connections."""
        return len(self.delivery.links)

    async def until(self, predicate: Callable[[], T], timeout: float = PATIENCE_S) -> T:  # noqa: ASYNC109
        """What the predicate gives, once it is true; it is tried after every change of anything here."""
        try:
            return await self.workspace.changes.until(predicate, timeout)
        except TimeoutError:
            last = [f"{call.method}: {call.outcome}" for call in self.transcript[-8:]]
            raise TimeoutError(f"still not true after {timeout} s; last calls: {last}") from None

    def calls(self, method: str, outcome: str | None = None) -> list[Call]:
        return [c for c in self.transcript if c.method == method and outcome in (None, c.outcome)]

    def messages(self, channel: str, thread_ts: str | None = None) -> list[Json]:
        """All that was said in a channel, or in one of its threads, oldest first."""
        place = self.workspace.channels[channel]
        found = place.thread(thread_ts) if thread_ts else place.messages.values()
        return [{**message, "channel": channel} for message in found]

    def answers(self, channel: str, thread_ts: str | None = None) -> list[Json]:
        """What the bot said there."""
        said = self.messages(channel, thread_ts)
        return [message for message in said if message.get("bot_id") == self.workspace.bot_id]

    def ephemeral(self, channel: str, user: str) -> list[Json]:
        """What only this person sees there."""
        seen = self.workspace.channels[channel].ephemeral
        return [{**message, "channel": channel} for message in seen if message["to"] == user]

    def home(self, user: str) -> Json | None:
        """What the app's Home tab shows to this person."""
        view_id = self.workspace.homes.get(user)
        return self.workspace.views[view_id] if view_id else None

    def status(self, channel: str, thread_ts: str) -> list[str]:
        """What was shown of the bot in a thread, in order; "" is nothing."""
        return list(self.workspace.statuses.get((channel, thread_ts), ()))

    def title(self, channel: str, thread_ts: str) -> str:
        return self.workspace.titles.get((channel, thread_ts), "")

    def prompts(self, channel: str, thread_ts: str = "") -> list[Json]:
        return self.workspace.prompts.get((channel, thread_ts), [])

    # people and places

    def user(self, name: str, *, locale: str = "en-US") -> str:
        return self.workspace.user(name, locale=locale).id

    def other_bot(self, name: str) -> str:
        return self.workspace.user(name, is_bot=True).id

    def channel(
        self, name: str, members: Iterable[str] = (), *, private: bool = False, with_bot: bool = True
    ) -> str:
        everyone = [*members, *([self.bot] if with_bot else ())]
        return self.workspace.channel(name, "group" if private else "channel", everyone).id

    def im(self, user: str) -> str:
        return self.workspace.direct([user]).id

    def mpim(self, users: Iterable[str]) -> str:
        return self.workspace.direct(list(users)).id

    # what people do

    async def say(
        self,
        user: str,
        channel: str,
        text: str,
        thread_ts: str | None = None,
        files: Iterable[tuple[str, bytes, str]] = (),
        *,
        broadcast: bool = False,
    ) -> Json:
        """A person writes; ``files`` are (name, content, mimetype). Gives the message."""
        home, place = self.workspace, self.workspace.channels[channel]
        assert user in place.members, f"{user} is not in {channel}"
        message: Json = {"user": user, "text": text, "client_msg_id": home.new_id("c")}
        if text:
            message["blocks"] = [rich_text(text, home.new_id("b"))]
        if home.users[user].is_bot:
            message["bot_id"] = user.replace("U", "B", 1)
        if thread_ts:
            message["thread_ts"] = thread_ts
        if broadcast:
            message |= {"subtype": "thread_broadcast", "root": place.messages[str(thread_ts)]}
        kept = [home.add_file(user, name, kind, self.url, content) for name, content, kind in files]
        if kept:
            message |= {"subtype": "file_share", "files": kept, "upload": False}
        message = home.post(place, message)
        self._publish(events.spoken(home, place, message))
        return {**message, "channel": channel}

    async def edit(self, message: Json, text: str) -> Json:
        """The author changes the text of a message."""
        place, kept = self._kept(message)
        blocks = [rich_text(text, self.workspace.new_id("b"))]
        before = self.workspace.edit(kept, kept["user"], text=text, blocks=blocks)
        if self.bot in place.members:
            self._publish([events.changed(self.workspace, place, kept, before)])
        return {**kept, "channel": place.id}

    async def delete(self, message: Json) -> None:
        place, kept = self._kept(message)
        before = dict(kept)
        self.workspace.delete(place, kept)
        if self.bot in place.members:
            self._publish([events.gone(self.workspace, place, before)])

    async def react(self, user: str, message: Json, name: str) -> None:
        self._methods.add_reaction(user, *self._kept(message), name)

    async def join(self, user: str, channel: str) -> None:
        """Someone, or the bot, becomes a member."""
        place = self.workspace.channels[channel]
        place.members.append(user)
        self._publish([events.joined(self.workspace, place, user)])

    async def leave(self, user: str, channel: str) -> None:
        """Someone is a member no more."""
        place = self.workspace.channels[channel]
        place.members.remove(user)
        self._publish([events.left(self.workspace, place, user)])

    def deactivate(self, user: str) -> None:
        """An account is closed: it is in no channel any more, and its direct messages stay where they are."""
        self.workspace.users[user].deleted = True
        for place in self.workspace.channels.values():
            if place.kind != "im" and user in place.members:
                place.members.remove(user)

    async def rename(self, channel: str, name: str) -> None:
        place = self.workspace.channels[channel]
        place.name = name
        self._publish([events.renamed(self.workspace, place)])

    async def make_private(self, channel: str, by: str) -> None:
        """A public channel becomes a private one; it keeps its id."""
        place = self.workspace.channels[channel]
        place.kind = "group"
        body = {"subtype": "channel_convert_to_private", "user": by, "text": "made this channel private"}
        self._publish(events.spoken(self.workspace, place, self.workspace.post(place, body)))

    async def slash(self, user: str, channel: str, command: str, text: str = "") -> Interaction:
        return await self._people.slash(user, channel, command, text)

    async def press(self, user: str, thing: Json, action_id: str, value: str | None = None) -> Interaction:
        """Presses a button (or picks an option) of a message or a view."""
        return await self._people.press(user, thing, action_id, value)

    async def submit(self, view: Json, values: dict[str, Any] | None = None) -> Interaction:
        """Submits a modal; ``values`` by ``action_id``, what is not given stays as the view set it."""
        return await self._people.submit(view, values or {})

    async def open_home(self, user: str, tab: str = "home") -> None:
        self._publish([events.home_opened(self.workspace, user, tab, self.home(user))])

    async def look_at(self, user: str, channel: str) -> None:
        """The person looks at a channel with the agent's view beside it."""
        self._publish([events.context_changed(self.workspace, user, channel)])

    async def stop(self, user: str, channel: str, thread_ts: str) -> None:
        """Presses the stop button of an agent's session, which there is while it is processing."""
        assert self.workspace.sessions.get((channel, thread_ts)) == "processing", "there is no stop button"
        self._publish([events.session_stopped(self.workspace, user, channel, thread_ts)])

    async def uninstall(self) -> None:
        self.api.revoked = "account_inactive"
        self._publish([events.plain(self.workspace, "app_uninstalled")])

    async def revoke(self) -> None:
        self.api.revoked = "token_revoked"
        tokens = {"oauth": [], "bot": [self.bot]}
        self._publish([events.plain(self.workspace, "tokens_revoked", tokens=tokens)])

    def _kept(self, message: Json) -> tuple[Channel, Json]:
        place = self.workspace.channels[message["channel"]]
        return place, place.messages[message["ts"]]

    def _publish(self, found: Iterable[events.Event]) -> None:
        for event in found:
            self.delivery.publish(event)

    # HTTP mode

    def deliver_to(self, url: str | None) -> None:
        """Events, commands and interactions are posted to this URL; None: they go over Socket Mode."""
        self.delivery.url = url

    async def knock(self, payload: Json, *, secret: str | None = None, age_s: float = 0) -> tuple[int, str]:
        """One request outside of all deliveries, badly signed or old on purpose: its status and text."""
        status, text, _ = await self.delivery.request(payload, secret=secret, age_s=age_s)
        return status, text

    async def verify_url(self) -> bool:
        """The url_verification handshake."""
        asked = {"type": "url_verification", "token": self.delivery.token, "challenge": "c-1"}
        status, text = await self.knock(asked)
        return status == 200 and "c-1" in text

    # faults

    def refuse(self, method: str, error: str, times: int = 1) -> None:
        """The next calls of the method are refused with this error."""
        self.api.faults[method].extend([Fault(kind="refuse", error=error)] * times)

    def refuse_response(self, *errors: str) -> None:
        """The next answers by ``response_url`` are refused with these errors, one each."""
        self._people.refusals.extend(errors)

    def fail(self, method: str, status: int = 503, times: int = 1) -> None:
        """The next calls meet an HTTP error, and nothing is done."""
        self.api.faults[method].extend([Fault(kind="status", status=status)] * times)

    def lose_response(self, method: str, times: int = 1) -> None:
        """The next calls are done, but the connection breaks before the answer."""
        self.api.faults[method].extend([Fault(kind="lose")] * times)

    def hold(self, method: str, times: int = 1) -> Hold:
        """The next calls are answered when they may go on."""
        hold = Hold()
        self.api.faults[method].extend([Fault(kind="hold", hold=hold)] * times)
        return hold

    def storm(self, times: int, retry_after: int = 1, method: str = "*") -> None:
        """The next calls, of whatever method, are rate limited."""
        fault = Fault(kind="refuse", error="ratelimited", seconds=retry_after)
        self.api.faults[method].extend([fault] * times)

    def down(self) -> None:
        """Nothing can be reached, until `up`."""
        self._is_down = True
        self.drop()

    def up(self) -> None:
        self._is_down = False

    def drop(self) -> None:
        """All Socket Mode connections break, without a word."""
        for link in self.delivery.links:
            link.abort()

    def spoil(self, times: int = 1) -> None:
        """The next addresses that ``apps.connections.open`` gives will not work."""
        self.delivery.spoiled += times

    def deafen(self) -> None:
        """The present connections stay open, but carry nothing any more, not even pings."""
        for link in self.delivery.links:
            link.deaf = True

    async def ping(self) -> None:
        """Pings all connections and waits until one of them answered."""
        before = sum(link.pongs for link in self.delivery.links)
        for link in self.delivery.links:
            await link.socket.ping(b"Ping from applink-1")
        await self.until(lambda: sum(link.pongs for link in self.delivery.links) > before)

    async def disconnect(self, reason: str = "warning") -> None:
        """Asks to connect anew: ``warning``, ``refresh_requested`` or ``link_disabled``."""
        for link in tuple(self.delivery.links):
            await link.send(farewell(reason))
            if reason != "warning":  # with a warning there are some seconds left
                await link.socket.close()
