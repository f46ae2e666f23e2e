"""The Slack adapter: connects, hears, and finds what came while it was away.

An event is acknowledged when it is committed, and only then: Bolt acknowledges what a listener returned
from (``process_before_response``), so a failed commit is told again by Slack.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.app.async_server import AsyncSlackAppServer
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from adapters import files
from adapters.lines import Lines
from adapters.slack import reading
from adapters.slack.answering import Answering
from adapters.slack.history import History
from adapters.slack.options import Options
from adapters.slack.posting import BROKEN, LIMIT, Posting, code, place_of, reason
from adapters.slack.reading import Workspace
from adapters.text import command_of, plain, split
from adapters.waiting import until_committed
from bot.cache import Cache
from bot.errors import AdapterError, DeliveryError
from bot.events import (
    Address,
    Attachment,
    Command,
    DocumentUploaded,
    Event,
    MessageReceived,
    Quote,
    Reply,
    View,
    origin_of,
)
from bot.ports import Clock, Found, Inbound
from memory.errors import StoreError, StoreUnavailable

log = logging.getLogger(__name__)

_AGAIN_S = 2.0
_AGAIN_MAX_S = 120.0
_LOOK_S = 0.25
_AWAY_S = 1.0  # that the SDK is given to mend a connection; it may ask a dead address for ever
_DEAF_S = 60.0
_NAME_S = 0.25  # that a person's name is waited for before an event is acknowledged
_FILE_S = 2.0
_KEPT = 10_000
_MISSED_S = 30.0  # of absence, after which history is read
_LONG_S = 60.0  # that reading may take before it is done again for what came meanwhile
_TYPE_S = 60.0  # that a channel's type is believed
_WAIT_S = 2.0  # that an event may wait, and be acknowledged in time
_PATH = "/slack/events"
_HOSTS = (".slack.com", ".slack-files.com", ".slack-edge.com")  # where Slack keeps files
_PROMPTS = (
    ("What do you remember of me?", "What do you remember about me?"),
    ("Remember something", "Please remember this: "),
    ("What can you do?", "What can you do, and how does your memory work?"),
)
_DEAD = "invalid_auth not_authed account_inactive token_revoked token_expired not_allowed_token_type".split()

Json = Mapping[str, Any]


class SlackAdapter:
    """`bot.ports.Adapter` on Bolt, by Socket Mode or signed HTTP."""

    platform = reading.PLATFORM

    def __init__(self, options: Options, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._why: str | None = "not connected"
        self._us: Workspace | None = None
        self._posting: Posting | None = None
        self._client: AsyncWebClient | None = None
        self._session: aiohttp.ClientSession | None = None
        self._group: asyncio.TaskGroup | None = None
        self._names: Cache[str, str] = Cache(_KEPT)
        self._kinds: Cache[str, tuple[str, float]] = Cache(_KEPT)  # types, and when they were told
        self._lines = Lines(options.context_lines, _KEPT)
        self._last: Cache[Address, tuple[str, str]] = Cache(_KEPT)  # message and title to show work at
        self._commands_done: Cache[str, None] = Cache(_KEPT)
        self._caught_up = asyncio.Event()
        self._heard_at = -_MISSED_S * 10  # when the connection was last alive
        self._statuses = ["agents", "assistant"]  # the ways to show work, best first, until one is refused

    async def run(self, inbound: Inbound) -> None:
        wait = _AGAIN_S
        async with asyncio.TaskGroup() as group:
            self._group = group
            while True:
                try:
                    await self._connected(inbound)
                    wait = _AGAIN_S
                except (SlackApiError, *BROKEN) as error:
                    log.warning("Slack: no connection (%s); again in %.0f s.", reason(error), wait)
                    await self._clock.sleep(wait)
                    wait = min(_AGAIN_MAX_S, wait * 2)
                finally:
                    self._why = "not connected"

    async def _connected(self, inbound: Inbound) -> None:
        """One connection's life. Raises `AdapterError` when another would not fare better."""
        async with AsyncExitStack() as stack:
            timeout = aiohttp.ClientTimeout(total=30)
            self._session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
            self._client = self._web(self._options.bot_token)
            us = self._us = await self._who_we_are(self._client)
            self._posting = Posting(self._client, self._clock, self._options.post_interval_s)
            app = self._bolt(inbound, us)
            await until_committed(us.presence(self._clock.now(), here=True), inbound, self._clock)
            if self._options.app_token is not None and self._options.signing_secret is None:
                await self._by_socket(app, inbound)
            else:
                await self._by_http(app, inbound, stack)

    def _web(self, token: str | None) -> AsyncWebClient:
        # No retries by the SDK: after a lost response it would post twice.
        return AsyncWebClient(
            token=token, base_url=self._options.api_url, session=self._session, retry_handlers=[]
        )

    async def _who_we_are(self, client: AsyncWebClient) -> Workspace:
        try:
            told = await client.auth_test()
        except SlackApiError as error:
            if code(error) in _DEAD:
                raise AdapterError(
                    f"Slack refuses the bot token ({code(error)}): set SLACK_BOT_TOKEN (or slack.bot_token) to the "
                    "xoxb- token of your app's OAuth page."
                ) from None
            raise
        return Workspace(
            team=told["team_id"],
            user=told["user_id"],
            bot=told.get("bot_id") or "",
            name=str(told.get("team") or ""),
        )

    def _bolt(self, inbound: Inbound, us: Workspace) -> AsyncApp:
        known = AuthorizeResult(
            enterprise_id=None,
            team_id=us.team,
            bot_user_id=us.user,
            bot_id=us.bot,
            bot_token=self._options.bot_token,
        )

        async def authorize() -> AuthorizeResult:
            return known  # without it Bolt asks auth.test, and acknowledges what it could not check

        app = AsyncApp(
            client=self._web(None),
            authorize=authorize,
            signing_secret=self._options.signing_secret or "",
            process_before_response=True,
            request_verification_enabled=self._options.signing_secret is not None,
        )
        assert self._posting is not None
        answering = Answering(self._web(self._options.bot_token), self._posting, us, inbound, self.kind_of)
        answering.listen(app)
        listeners = {
            "message": self._on_message,
            "app_mention": self._on_message,
            "app_context_changed": self._on_nothing,
            "agent_session_stopped": self._on_stop,
            "reaction_added": self._on_reaction,
            "app_uninstalled": self._on_gone,
            "tokens_revoked": self._on_gone,
        }
        for name, handle in listeners.items():
            app.event(name)(_listener(handle, inbound))

        async def opened(event: dict[str, Any]) -> None:
            if event.get("tab") == "home":
                await answering.publish(str(event["user"]))
            elif event.get("channel"):
                self._go(self._suggest(str(event["channel"])))

        app.event("app_home_opened")(opened)
        app.error(_failed)
        return app

    async def _by_socket(self, app: AsyncApp, inbound: Inbound) -> None:
        assert self._options.app_token is not None
        try:
            # The SDK would retry a wrong token for ever, and say nothing.
            await self._web(self._options.app_token).apps_connections_open(app_token=self._options.app_token)
        except SlackApiError as error:
            if code(error) in (*_DEAD, "missing_scope"):
                raise AdapterError(
                    f"Slack refuses the app token ({code(error)}): set SLACK_APP_TOKEN (or slack.app_token) to an "
                    "xapp- token with the scope connections:write."
                ) from None
            raise
        while True:
            handler = AsyncSocketModeHandler(
                app, self._options.app_token, web_client=self._web(self._options.bot_token), ping_interval=2
            )
            try:
                # What was not acknowledged in a short absence Slack tells again by itself.
                missed = time.monotonic() - self._heard_at > _MISSED_S
                known: Mapping[Address, str] = {}
                if missed:  # asked before events come: they would hide what was missed before them
                    known = await inbound.newest_keys(self.platform)
                    self._caught_up.clear()
                async with asyncio.timeout(_DEAF_S):
                    await handler.connect_async()  # type: ignore[no-untyped-call]
                self._why = None
                if missed:
                    self._go(self._read_on(known, inbound))
                await self._watch(handler)
            except TimeoutError:
                log.warning("Slack: no socket connection; beginning anew.")
            finally:
                self._why = "no socket connection"
                await handler.close_async()  # type: ignore[no-untyped-call]

    async def _watch(self, handler: AsyncSocketModeHandler) -> None:
        """While the connection lives, the SDK mending it; returns when it does not come back by itself."""
        away = 0.0
        while away < _AWAY_S:
            await self._clock.sleep(_LOOK_S)
            alive = await handler.client.is_connected()
            away = 0.0 if alive else away + _LOOK_S
            if alive:
                self._heard_at = time.monotonic()
            self._why = None if alive else "no socket connection"

    async def _by_http(self, app: AsyncApp, inbound: Inbound, stack: AsyncExitStack) -> None:
        host, port = self._options.listen
        runner = web.AppRunner(AsyncSlackAppServer(port, _PATH, app, host).web_app, access_log=None)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        known = await inbound.newest_keys(self.platform)
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise AdapterError(
                f"slack.listen: {host}:{port} cannot be listened on ({error.strerror})."
            ) from None
        self._why = None
        await self._read_on(known, inbound)
        await asyncio.Event().wait()

    def ready(self) -> str | None:
        return self._why

    # Out

    async def send(self, reply: Reply) -> str:
        return await self._posts().send(reply)

    async def find(self, reply: Reply, claimed_at: datetime, after: str | None) -> Found:
        return await self._posts().find(reply, claimed_at)

    def split(self, text: str) -> list[str]:
        return split(text, LIMIT)

    def _posts(self) -> Posting:
        if self._posting is None:
            raise DeliveryError("Slack is not connected", retry_after=0.5)
        return self._posting

    @asynccontextmanager
    async def thinking(self, address: Address) -> AsyncIterator[None]:
        self._go(self._status(address, working=True))
        try:
            yield
        finally:
            self._go(self._status(address, working=False))

    async def _status(self, address: Address, *, working: bool) -> None:
        """Show in the thread that an answer is on its way, or that it has come."""
        client, (channel, thread) = self._client, place_of(address)
        message, title = self._last.get(address, (thread or "", ""))
        if client is None or not message:
            return
        for way in list(self._statuses):
            try:
                if way == "agents":
                    status = "processing" if working else "active"
                    await client.agents_sessions_setStatus(
                        channel_id=channel, thread_ts=message, status=status, title=title[:200] or None
                    )
                else:
                    await client.assistant_threads_setStatus(
                        channel_id=channel, thread_ts=message, status="is thinking …" if working else ""
                    )
                return
            except SlackApiError as error:
                if code(error) in (
                    "unknown_method",
                    "missing_scope",
                    "not_allowed_token_type",
                    "feature_not_enabled",
                ):
                    log.info("Slack: work is not shown by %s (%s).", way, code(error))
                    with suppress(ValueError):
                        self._statuses.remove(way)
            except BROKEN:
                return

    async def _suggest(self, channel: str) -> None:
        prompts = [{"title": title, "message": message} for title, message in _PROMPTS]
        try:
            assert self._client is not None
            await self._client.assistant_threads_setSuggestedPrompts(channel_id=channel, prompts=prompts)
        except (SlackApiError, *BROKEN):
            log.debug("Slack: prompts were not shown.")

    def _go(self, work: Any) -> None:
        """Do what nobody waits for; at the end of the adapter's life nothing any more."""
        quiet = _quietly(work)
        try:
            assert self._group is not None
            self._group.create_task(quiet)
        except (AssertionError, RuntimeError):
            quiet.close()
            work.close()

    # In

    async def _on_message(self, event: Json, inbound: Inbound, *, ext: bool = False) -> None:
        await self._in_time()
        us = self._workspace()
        kind = "ext" if ext else str(event.get("channel_type") or "")
        channel = str(event["channel"])
        if kind:
            self._keep_kind(channel, kind)
        else:
            kind = await self.kind_of(channel)
        subtype = event.get("subtype")
        if subtype == "message_changed":
            message = event["message"]
            if message.get("edited") and not us.is_own(message):
                name = await self._name(reading.author(message))
                self._lines.change(us.key(channel, str(message["ts"])), f"{name}: {message.get('text')}")
                await inbound.submit(us.to_edit(event, kind, self._names))
        elif subtype == "message_deleted":
            self._lines.change(us.key(channel, str(event["deleted_ts"])), "(deleted)")
            await inbound.submit(us.to_deletion(event, kind))
        elif subtype in reading.SAID and not us.is_own(event):
            await self._take(event, kind, inbound)

    async def _in_time(self) -> None:
        """What was missed goes first. While that takes long, Slack is not told that we have heard, and tells again."""
        try:
            async with asyncio.timeout(_WAIT_S):
                await self._caught_up.wait()
        except TimeoutError:
            raise StoreUnavailable("what was missed is being read") from None

    async def _take(self, event: Json, kind: str, inbound: Inbound, *, late: bool = False) -> None:
        """A message that somebody wrote; ``late`` when it was found in the history."""
        us = self._workspace()
        channel, ts = str(event["channel"]), str(event["ts"])
        user = reading.author(event)
        if not user:
            return
        name = await self._name(user)
        said = us.to_event(event, kind, name, self._names)
        asked = command_of(said.text, [spec.name for spec in inbound.commands])
        if asked is not None and (said.addressed or said.thread):
            if not late and said.key not in self._commands_done:
                self._commands_done[said.key] = None
                await self._command(asked, event, said, inbound)
            return
        shown, documents = await self._files(event, said, inbound)
        line = Quote(key=said.key, account=said.account, text=f"{name}: {said.text[:300]}")
        context = self._context(channel, str(event.get("thread_ts") or ""), line, kind)
        self._last[said.address] = (str(event.get("thread_ts") or ts), said.text)
        for document in documents:
            await self._submit(document, inbound, late=late)
        if said.text or shown or not documents:
            await self._submit(replace(said, context=context, attachments=shown), inbound, late=late)

    async def _submit(self, event: Event, inbound: Inbound, *, late: bool) -> None:
        """Commit it. What Slack told just now, it tells again; what was found is tried until it is committed."""
        view = await (until_committed(event, inbound, self._clock) if late else inbound.submit(event))
        if view is not None:
            self._go(self._tell(place_of(event.address), view))

    async def _tell(self, place: tuple[str, str | None], view: View) -> None:
        assert self._client is not None
        await self._client.chat_postMessage(channel=place[0], thread_ts=place[1], text=view.text)

    async def _command(self, asked: tuple[str, str], event: Json, said: Event, inbound: Inbound) -> None:
        """``!word`` in a thread, where slash commands can't be had; only the asker sees the answer."""
        view = await inbound.invoke(Command(**origin_of(said), command=asked[0], argument=asked[1]))
        user, client = str(event["user"]), self._client
        assert client is not None
        text = plain(view, "!")
        if view.files:
            text = f"{text}\n{await self._posts().upload(user, view.files, text)}"
        thread = event.get("thread_ts")
        for part in split(text, LIMIT):
            self._go(
                client.chat_postEphemeral(
                    channel=str(event["channel"]), user=user, text=part, thread_ts=thread
                )
            )

    async def _on_stop(self, event: Json, inbound: Inbound) -> None:
        us, channel = self._workspace(), str(event["channel"])
        account = us.account(str(event["user"]))
        for address in {us.address(channel, event.get("thread_ts")), us.address(channel)}:
            await inbound.interrupt(address, account)

    async def _on_reaction(self, event: Json, inbound: Inbound) -> None:
        us = self._workspace()
        # What a persona said is of no user: whether it is ours is known by whoever posted it.
        maybe_ours = event.get("item_user") in (None, us.user)
        ours = maybe_ours and event.get("item", {}).get("type") == "message"
        if ours and event.get("user") != us.user:
            await inbound.submit(us.to_reaction(event, await self._name(str(event["user"]))))

    async def _on_gone(self, event: Json, inbound: Inbound) -> None:
        log.error("Slack: %s: this workspace no longer wants the app.", event.get("type"))
        if event.get("type") == "app_uninstalled":
            assert self._us is not None
            await inbound.submit(self._us.presence(self._clock.now(), here=False))

    async def _on_nothing(self, event: Json, inbound: Inbound) -> None:
        """Told so that Slack does not tell it again."""

    def _context(self, channel: str, thread: str, line: Quote, kind: str) -> tuple[Quote, ...]:
        """The lines before a message in its channel or thread; the message is the next one's."""
        if kind == "im" or not self._options.context_lines:
            return ()
        return self._lines.before(
            f"{kind} {channel}/{thread}", line
        )  # what was said behind a closed door stays there

    async def _files(
        self, event: Json, said: MessageReceived, inbound: Inbound
    ) -> tuple[tuple[Attachment, ...], list[DocumentUploaded]]:
        """What came with a message that is waited for: texts as documents, the rest as attachments."""
        shown: list[Attachment] = []
        documents: list[DocumentUploaded] = []
        if not event.get("files") or not await inbound.awaits(said):
            return (), documents
        for file in event["files"]:
            name = str(file.get("name") or "file")
            media_type = str(file.get("mimetype") or "application/octet-stream")
            is_image = self._options.vision and reading.is_image(file)
            data = await self._read(file) if is_image or reading.is_text(file) else None
            came = files.received(said, file.get("id"), name, media_type, data, is_image=is_image)
            if isinstance(came, DocumentUploaded):
                documents.append(came)
            else:
                shown.append(came)
        return tuple(shown), documents

    async def _read(self, file: Json) -> bytes | None:
        """A file's bytes, unless they take long: the event waits for them to be acknowledged."""
        assert self._session is not None
        url = URL(str(file.get("url_private") or ""))
        if not self._is_slacks(url):
            return None  # kept elsewhere: our token is none of their business
        headers, data = {"Authorization": f"Bearer {self._options.bot_token}"}, bytearray()
        try:
            async with asyncio.timeout(_FILE_S), self._session.get(url, headers=headers) as got:
                if got.status != 200 or (
                    got.content_type == "text/html" and file.get("mimetype") != "text/html"
                ):
                    return None  # without the right to it, Slack answers with a page to log in
                async for chunk in got.content.iter_chunked(65_536):
                    data += chunk
                    if len(data) > files.MAX_IMAGE:
                        return None
                return bytes(data)
        except BROKEN:
            return None

    def _is_slacks(self, url: URL) -> bool:
        host = url.host or ""
        return host == URL(self._options.api_url).host or (url.scheme == "https" and host.endswith(_HOSTS))

    def _workspace(self) -> Workspace:
        assert self._us is not None
        return self._us

    async def _name(self, user: str) -> str:
        """What a person is called: the id, when Slack does not say it at once."""
        if user not in self._names and self._client is not None and self._group is not None:
            asking = self._group.create_task(_quietly(self._ask_name(self._client, user)))
            await asyncio.wait([asking], timeout=_NAME_S)
        return self._names.get(user, user)

    async def _ask_name(self, client: AsyncWebClient, user: str) -> None:
        with suppress(SlackApiError, *BROKEN):
            if user.startswith("B"):
                told = (await client.bots_info(bot=user))["bot"]
                self._names[user] = str(told.get("name") or user)
                return
            told = (await client.users_info(user=user))["user"]
            profile = told.get("profile") or {}
            name = profile.get("display_name") or told.get("real_name") or told.get("name")
            self._names[user] = str(name or user)

    async def kind_of(self, channel: str) -> str:
        """A channel's type, for what does not tell it: who can see a place is never guessed."""
        kind, since = self._kinds.get(channel, ("", 0.0))
        if kind and time.monotonic() - since < _TYPE_S:
            return kind
        if channel.startswith("D"):
            return "im"
        assert self._client is not None
        told = await self._client.conversations_info(channel=channel)
        return self._keep_kind(channel, reading.kind_of(told["channel"]))

    def _keep_kind(self, channel: str, kind: str) -> str:
        self._kinds[channel] = (kind, time.monotonic())
        return kind

    # What came while we were away

    async def _read_on(self, known: Mapping[Address, str], inbound: Inbound) -> None:
        """Take what Slack gave up telling; then what it tells now may come."""
        assert self._client is not None
        history = History(self._client, self._clock, self._workspace(), self._options.catch_up)
        try:
            while True:
                started = time.monotonic()
                # In the order of time over all places: if we end here, whatever is newer than our newest is read again.
                for message, kind in await history.missed(known):
                    await self._take(message, kind, inbound, late=True)
                if time.monotonic() - started < _LONG_S:
                    return
        finally:
            self._caught_up.set()


def _listener(handle: Any, inbound: Inbound) -> Any:
    async def listen(event: dict[str, Any], body: dict[str, Any]) -> None:
        if handle.__name__ == "_on_message":
            await handle(event, inbound, ext=bool(body.get("is_ext_shared_channel")))
        else:
            await handle(event, inbound)

    return listen


async def _failed(error: Exception) -> None:
    """A listener that failed: Slack is not told that all went well, and tells it again."""
    if isinstance(error, StoreError):
        log.error("Slack: an event was not taken, and comes again: %s", error)
    else:
        log.error("Slack: an event could not be handled", exc_info=error)


async def _quietly(work: Any) -> None:
    """What nobody waits for must not end the adapter."""
    try:
        await work
    except (SlackApiError, *BROKEN) as error:
        log.warning("Slack: %s", reason(error))
    except Exception:
        log.exception("Slack: something beside the conversation failed")
