"""The fake Slack server, driven by the real slack_bolt and slack_sdk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes import slack_facts
from tests.fakes.slack_server import Pace, SlackServer
from tests.patience import PATIENCE_S

Json = dict[str, Any]
MEMORY = {"type": "section", "text": {"type": "mrkdwn", "text": "You like tea."}}
FORGET = {
    "type": "button",
    "action_id": "forget",
    "text": {"type": "plain_text", "text": "Forget"},
    "value": "p1",
}
NOTE = {"type": "plain_text_input", "action_id": "note"}
ASK = {"type": "input", "label": {"type": "plain_text", "text": "Note"}, "element": NOTE}
MODAL = {
    "type": "modal",
    "callback_id": "edit",
    "title": {"type": "plain_text", "text": "Memory"},
    "submit": {"type": "plain_text", "text": "Save"},
    "blocks": [ASK],
}


@dataclass
class Bot:
    """A Bolt app that keeps what it was told, and answers people's messages with their text."""

    app: AsyncApp
    handler: AsyncSocketModeHandler | None = None
    events: list[Json] = field(default_factory=list)
    broken: int = 0  # so many times, as its database

    def heard(self, kind: str = "message") -> list[Json]:
        return [body for body in self.events if body["event"]["type"] == kind]

    async def note(self, body: Json) -> None:
        if self.broken:
            self.broken -= 1
            raise OSError("the commit failed")
        self.events.append(body)

    async def message(self, body: Json, event: Json) -> None:
        await self.note(body)
        if "subtype" not in event:
            metadata = {"event_type": "everbot", "event_payload": {"id": event["ts"]}}
            await self.app.client.chat_postMessage(
                channel=event["channel"],
                text=f"heard {event['text']}",
                metadata=metadata,
                thread_ts=event["ts"],
            )


def client(server: SlackServer, token: str | None = None) -> AsyncWebClient:
    return AsyncWebClient(token or server.bot_token, base_url=server.api_url, retry_handlers=[])


def bot_of(server: SlackServer) -> Bot:
    logger = logging.getLogger("bolt")
    logger.setLevel(logging.CRITICAL)
    bot = Bot(
        AsyncApp(
            name="bot",
            client=client(server),
            signing_secret=server.signing_secret,
            process_before_response=True,
            logger=logger,
        )
    )
    bot.app.event("message")(bot.message)
    for kind in server.subscribed | {"member_joined_channel"}:
        if not kind.startswith("message."):
            bot.app.event(kind)(bot.note)
    return bot


@asynccontextmanager
async def connected(server: SlackServer, bot: Bot | None = None) -> AsyncIterator[Bot]:
    bot = bot or bot_of(server)
    before = server.connections
    bot.handler = AsyncSocketModeHandler(bot.app, server.app_token, ping_interval=0.4)
    await bot.handler.connect_async()
    await server.until(lambda: server.connections > before)
    try:
        yield bot
    finally:
        await bot.handler.close_async()


@asynccontextmanager
async def listening(server: SlackServer) -> AsyncIterator[Bot]:
    """The bot in HTTP mode."""
    bot = bot_of(server)
    runner = web.AppRunner(bot.app.web_app("/slack/events"))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.deliver_to(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    try:
        yield bot
    finally:
        await runner.cleanup()


@pytest.fixture
async def server() -> AsyncIterator[SlackServer]:
    async with SlackServer(pace=Pace(retry_s=(0.0, 0.05, 0.1), post_s=0.0)) as server:
        yield server


async def test_a_message_is_acked_and_answered(server: SlackServer) -> None:
    ada = server.user("ada")
    async with connected(server) as bot:
        said = await server.say(ada, server.im(ada), "hello")
        await server.until(lambda: server.answers(server.im(ada)))
        await server.until(lambda: len(server.acks) == 2)  # its own answer comes back to it too
    [body] = bot.events
    assert body["team_id"] == "T0001"
    assert body["event"]["channel_type"] == "im"
    assert body["event"]["ts"] == said["ts"]
    [answer] = server.answers(server.im(ada))
    assert (answer["text"], answer["user"]) == ("heard hello", server.bot)
    assert not any(ack.late for ack in server.acks)
    assert [call.method for call in server.transcript][:2] == ["apps.connections.open", "auth.test"]


async def test_history_comes_in_pages_and_with_metadata_if_asked(server: SlackServer) -> None:
    ada, slack = server.user("ada"), client(server)
    general = server.channel("general", [ada])
    metadata = {"event_type": "everbot", "event_payload": {"outbox": 7}}
    for n in range(3):
        await slack.chat_postMessage(channel=general, text=f"note {n}", metadata=metadata)
    first = await slack.conversations_history(channel=general, limit=2, include_all_metadata=True)
    assert [message["text"] for message in first["messages"]] == ["note 2", "note 1"]
    assert first["messages"][0]["metadata"]["event_payload"] == {"outbox": 7}
    cursor = first["response_metadata"]["next_cursor"]
    second = await slack.conversations_history(channel=general, limit=2, cursor=cursor)
    assert [message["text"] for message in second["messages"]] == ["note 0"]
    assert "metadata" not in second["messages"][0]
    assert not second["has_more"]
    oldest = second["messages"][0]["ts"]
    later = await slack.conversations_history(channel=general, oldest=oldest)
    assert len(later["messages"]) == 2
    assert (
        len((await slack.conversations_history(channel=general, oldest=oldest, inclusive=True))["messages"])
        == 3
    )
    question = await server.say(ada, general, "why?")
    await slack.chat_postMessage(channel=general, text="because", thread_ts=question["ts"], metadata=metadata)
    thread = await slack.conversations_replies(channel=general, ts=question["ts"], include_all_metadata=True)
    assert [message["text"] for message in thread["messages"]] == ["why?", "because"]
    assert thread["messages"][0]["reply_count"] == 1
    assert thread["messages"][1]["metadata"] == metadata


async def test_a_mention_arrives_twice(server: SlackServer) -> None:
    ada = server.user("ada")
    general = server.channel("general", [ada])
    async with connected(server) as bot:
        said = await server.say(ada, general, f"<@{server.bot}> hello")
        await server.until(lambda: len(server.acks) == 3)
    [message], [mention] = bot.heard(), bot.heard("app_mention")
    assert message["event"]["ts"] == mention["event"]["ts"] == said["ts"]
    assert message["event_id"] != mention["event_id"]


async def test_what_is_not_acked_is_sent_again() -> None:
    async with SlackServer(pace=Pace(ack_s=0.1, retry_s=(0.0, 0.0, 0.0), post_s=0.0)) as server:
        ada = server.user("ada")
        async with connected(server) as bot:
            bot.broken = 2
            await server.say(ada, server.im(ada), "hello")
            await server.until(lambda: len(server.envelopes[0].attempts) == 2)
            server.delivery.pace, hasty = (
                replace(server.delivery.pace, ack_s=PATIENCE_S),
                server.delivery.pace,
            )
            await server.until(lambda: server.acks)
        [body] = bot.events
        assert server.acks[0].attempt == 2
        bot.broken, server.delivery.pace = 4, hasty
        async with connected(server, bot):
            await server.say(ada, server.im(ada), "lost")
            lost = server.envelopes[-1]
            await server.until(lambda: lost.abandoned)
        assert lost.reason == "timeout"
        assert len(lost.attempts) == 4
        found = await client(server).conversations_history(channel=server.im(ada), oldest=body["event"]["ts"])
        assert [message["text"] for message in found["messages"]] == ["lost"]


async def test_a_late_ack_does_not_count() -> None:
    async with SlackServer(pace=Pace(ack_s=0.05, retry_s=(0.0,), post_s=0.0)) as server:
        held = server.hold("chat.postMessage")
        ada = server.user("ada")
        async with connected(server) as bot:  # whose listener waits for its answer to be posted
            await server.say(ada, server.im(ada), "hello")
            await server.until(lambda: server.calls("chat.postMessage"))  # the second time that it was told
            held.go()
            await server.until(lambda: any(ack.late for ack in server.acks))
        assert [body["event_id"] for body in bot.heard()] == [bot.heard()[0]["event_id"]] * 2


async def test_events_wait_for_a_bot_that_is_away(server: SlackServer) -> None:
    ada = server.user("ada")
    await server.say(ada, server.im(ada), "are you there?")
    async with connected(server) as bot:
        await server.until(lambda: server.acks)
    assert len(bot.heard()) == 1
    assert server.acks[0].attempt == 0


async def test_in_the_end_slack_gives_up() -> None:
    async with SlackServer(pace=Pace(keep_s=0.0)) as server:
        ada = server.user("ada")
        await server.say(ada, server.im(ada), "are you there?")
        await server.until(lambda: server.envelopes[0].abandoned)
        async with connected(server) as bot:
            await server.open_home(ada)
            await server.until(lambda: server.acks)
        assert not bot.heard()


@pytest.mark.parametrize("how", ["drop", "warning", "refresh_requested", "deafen", "down"])
async def test_connections_end_and_nothing_is_lost(server: SlackServer, how: str) -> None:
    server.delivery.pace = replace(
        server.delivery.pace, ack_s=1.0
    )  # what went out over a dead one is told again
    ada = server.user("ada")
    async with connected(server) as bot:
        await server.ping()
        if how in ("warning", "refresh_requested"):
            await server.disconnect(how)
        else:
            getattr(server, how)()
        await server.say(ada, server.im(ada), "hello")
        server.up()
        await server.until(lambda: server.answers(server.im(ada)))
        await server.until(lambda: len(server.calls("apps.connections.open", "ok")) > 1)
    assert {body["event_id"] for body in bot.heard()} == {bot.heard()[0]["event_id"]}


async def test_a_socket_address_is_good_for_one_connection(server: SlackServer) -> None:
    opened = await client(server).apps_connections_open(app_token=server.app_token)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(opened["url"]) as socket:
            assert (await socket.receive_json())["type"] == "hello"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(opened["url"])


async def test_the_sdk_never_lets_go_of_an_address_that_does_not_work(server: SlackServer) -> None:
    bot = bot_of(server)
    server.spoil()
    handler = AsyncSocketModeHandler(bot.app, server.app_token, ping_interval=0.05)
    connecting = asyncio.create_task(handler.connect_async())
    await server.until(lambda: server.delivery.refused > 2)
    assert len(server.calls("apps.connections.open")) == 1
    handler.client.wss_uri = None  # what an adapter can do about it
    await connecting
    await server.until(lambda: server.connections)
    await handler.close_async()


async def test_commands_buttons_and_modals(server: SlackServer) -> None:
    bot, ada = bot_of(server), server.user("ada")
    general = server.channel("general", [ada])

    @bot.app.command("/everbot")
    async def command(ack: Any, respond: Any, command: Json) -> None:
        await ack(f"You said {command['text']}.")
        await respond(text="Two things.", blocks=[MEMORY, {"type": "actions", "elements": [FORGET]}])

    @bot.app.action("forget")
    async def forget(ack: Any, body: Json, action: Json, respond: Any) -> None:
        await ack()
        await respond(text=f"forgot {action['value']}", replace_original=True)
        await bot.app.client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @bot.app.view("edit")
    async def edit(ack: Any, view: Json) -> None:
        [typed] = [entry["note"]["value"] for entry in view["state"]["values"].values()]
        await (ack(response_action="errors", errors={"b0": "No."}) if typed == "bad" else ack())

    async with connected(server, bot):
        slash = await server.slash(ada, general, "/everbot", "memory")
        assert slash.acked
        assert slash.payload == {"text": "You said memory."}
        await server.until(lambda: len(slash.replies) == 2)
        # Bolt sends the ack when the listener has ended, so what that posts is there first
        assert [seen["text"] for seen in slash.replies] == ["Two things.", "You said memory."]
        assert len(server.ephemeral(general, ada)) == 2
        await bot.app.client.chat_postEphemeral(channel=general, user=ada, text="psst")
        assert [seen["text"] for seen in server.ephemeral(general, ada)][2:] == ["psst"]
        press = await server.press(ada, slash.replies[0], "forget", "p1")
        assert press.acked
        assert server.ephemeral(general, ada)[0]["text"] == "forgot p1"
        await server.until(lambda: press.views)
        renamed = {**MODAL, "title": {"type": "plain_text", "text": "Note"}}
        updated = await bot.app.client.views_update(view_id=press.views[0]["id"], view=renamed)
        assert updated["view"]["title"]["text"] == "Note"
        refused = await server.submit(press.views[0], {"note": "bad"})
        assert refused.payload == {"response_action": "errors", "errors": {"b0": "No."}}
        assert (await server.submit(press.views[0], {"note": "good"})).payload is None
        with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
            await client(server).views_open(trigger_id=press.trigger_id, view=MODAL)
    nobody = await server.slash(ada, general, "/everbot", "memory")
    assert not nobody.acked


async def test_triggers_expire_and_response_urls_are_used_up() -> None:
    async with SlackServer(pace=Pace(trigger_s=0.0)) as server:
        bot, ada = bot_of(server), server.user("ada")

        @bot.app.command("/everbot")
        async def command(ack: Any) -> None:
            await ack()

        async with connected(server, bot):
            slash = await server.slash(ada, server.im(ada), "/everbot")
        with pytest.raises(SlackApiError, match="expired_trigger_id"):
            await client(server).views_open(trigger_id=slash.trigger_id, view=MODAL)
        async with aiohttp.ClientSession() as session:
            for status in (200, 200, 200, 200, 200, 404):
                async with session.post(slash.response_url, json={"text": "so"}) as response:
                    assert response.status == status
        assert len(slash.replies) == 5


async def test_the_home_tab(server: SlackServer) -> None:
    bot, ada = bot_of(server), server.user("ada")

    @bot.app.action("forget")
    async def forget(ack: Any, body: Json) -> None:
        await ack()
        view = {"type": "home", "blocks": [MEMORY]}
        await bot.app.client.views_publish(user_id=body["user"]["id"], view=view, hash=body["view"]["hash"])

    async with connected(server, bot):
        await server.open_home(ada, "messages")
        await server.until(lambda: server.acks)
        shown = {"type": "home", "blocks": [{**MEMORY, "accessory": FORGET}]}
        await bot.app.client.views_publish(user_id=ada, view=shown)
        home = server.home(ada)
        assert home is not None
        await server.press(ada, home, "forget")
        await server.until(lambda: len(server.calls("views.publish", "ok")) == 2)
        await server.open_home(ada)
        await server.until(lambda: len(bot.heard("app_home_opened")) == 2)
        with pytest.raises(SlackApiError, match="hash_conflict"):
            await bot.app.client.views_publish(user_id=ada, view=shown, hash=home["hash"])
    first, second = (body["event"] for body in bot.heard("app_home_opened"))
    assert (first["tab"], first["channel"]) == ("messages", server.im(ada))
    assert "accessory" not in second["view"]["blocks"][0]


async def test_files_both_ways(server: SlackServer) -> None:
    ada, slack = server.user("ada"), client(server)
    async with connected(server) as bot, aiohttp.ClientSession() as session:
        await server.say(ada, server.im(ada), "read this", files=[("notes.txt", b"tea", "text/plain")])
        await server.until(lambda: bot.heard())
        [file] = bot.heard()[0]["event"]["files"]
        assert bot.heard()[0]["event"]["subtype"] == "file_share"
        head = {"Authorization": f"Bearer {server.bot_token}"}
        async with session.get(file["url_private"], headers=head) as response:
            assert (response.content_type, await response.read()) == ("text/plain", b"tea")
        async with session.get(file["url_private"]) as response:
            assert (response.status, response.content_type) == (200, "text/html")  # a sign-in page
        assert (await slack.files_info(file=file["id"]))["file"]["size"] == 3
    await slack.files_upload_v2(channel=server.im(ada), filename="memory.json", content="{}", title="Memory")
    [answer] = server.answers(server.im(ada))
    assert server.workspace.contents[answer["files"][0]["id"]] == b"{}"


async def test_one_post_per_channel_and_second() -> None:
    async with SlackServer(pace=Pace(post_s=3_600.0)) as server:
        slack, general, random = client(server), server.channel("general"), server.channel("random")
        await slack.chat_postMessage(channel=general, text="one")
        await slack.chat_postMessage(channel=random, text="one")
        with pytest.raises(SlackApiError) as caught:
            await slack.chat_postMessage(channel=general, text="two")
        assert caught.value.response.status_code == 429
        assert 3_000 < int(caught.value.response.headers["Retry-After"]) <= 3_600
        assert caught.value.response["error"] == "ratelimited"
    assert len(server.answers(general)) == 1


async def test_faults(server: SlackServer) -> None:
    slack, general = client(server), server.channel("general")
    server.storm(2, retry_after=0)
    server.fail("auth.test", 503)
    server.refuse("auth.test", "internal_error")
    outcomes = ["ratelimited", "ratelimited", "http 503", "internal_error", "ok"]
    for outcome in outcomes:
        if outcome == "ok":
            await slack.auth_test()
        else:
            with pytest.raises(SlackApiError):
                await slack.auth_test()
    assert [call.outcome for call in server.transcript] == outcomes
    server.down()
    with pytest.raises(aiohttp.ClientError):
        await slack.chat_postMessage(channel=general, text="hello")
    server.up()
    await slack.chat_postMessage(channel=general, text="hello")
    assert len(server.answers(general)) == 1


async def test_a_lost_response_is_found_by_its_metadata(server: SlackServer) -> None:
    slack, general = client(server), server.channel("general")
    server.lose_response("chat.postMessage")
    metadata = {"event_type": "everbot", "event_payload": {"outbox": 7}}
    with pytest.raises(aiohttp.ClientError):
        await slack.chat_postMessage(channel=general, text="hello", metadata=metadata)
    found = await slack.conversations_history(channel=general, include_all_metadata=True)
    assert [message["metadata"] for message in found["messages"]] == [metadata]
    # what the SDK does by itself: its retries of broken connections post again
    server.lose_response("chat.postMessage")
    careless = AsyncWebClient(server.bot_token, base_url=server.api_url)
    await careless.chat_postMessage(channel=general, text="twice")
    assert [message["text"] for message in server.answers(general)] == ["hello", "twice", "twice"]


@pytest.mark.parametrize(
    ("error", "content"),
    [
        ("no_text", {"text": ""}),
        ("msg_too_long", {"text": "x" * 40_001}),
        ("msg_too_long", {"markdown_text": "x" * 12_001}),
        ("markdown_text_conflict", {"markdown_text": "x", "text": "x"}),
        ("invalid_blocks", {"text": "x", "blocks": [{"type": "divider"}] * 51}),
        (
            "invalid_blocks",
            {"text": "x", "blocks": [{**MEMORY, "text": {"type": "mrkdwn", "text": "x" * 3_001}}]},
        ),
        ("msg_blocks_too_long", {"text": "x", "blocks": [{"type": "markdown", "text": "x" * 7_000}] * 2}),
        ("invalid_metadata_format", {"text": "x", "metadata": {"event_type": "x"}}),
        ("missing_scope", {"text": "x", "username": "Iris"}),
        ("channel_not_found", {"text": "x", "channel": "C0"}),
    ],
)
@pytest.mark.filterwarnings("ignore:The top-level `text` argument")
async def test_posts_that_are_refused(server: SlackServer, error: str, content: Json) -> None:
    server.scopes.discard("chat:write.customize")
    post = {"channel": server.channel("general"), **content}
    with pytest.raises(SlackApiError) as caught:
        await client(server).chat_postMessage(**post)
    assert caught.value.response["error"] == error
    assert server.calls("chat.postMessage", error)
    server.problems.clear()


@pytest.mark.parametrize(
    ("method", "arguments", "problem"),
    [
        ("chat.postMessage", {"text": "x", "colour": "red"}, "has no argument colour"),
        ("chat.postMessage", {"text": "x", "unfurl_links": "no"}, "unfurl_links is 'no', not b"),
        ("chat.postMessage", {"text": "x", "parse": "some"}, "parse is 'some', not =full,none"),
        ("chat.postMessage", {"text": "x", "blocks": [{"type": "divider", "size": 5}]}, "divider has no size"),
        ("chat.postMessage", {"text": "x", "blocks": [{"type": "button"}]}, "there is no block 'button'"),
        ("chat.postMessage", {"text": "x", "username": "I" * 81}, "username"),
        ("views.publish", {"user_id": "U1", "view": {"type": "home", "blocks": [], "style": "x"}}, "no style"),
        ("views.publish", {"view": {"type": "home", "blocks": []}}, "needs user_id"),
        ("views.publish", {"user_id": "U1", "view": {**MODAL, "title": {"type": "plain_text", "text": "x" * 25}}},
         "title"),
    ],
)  # fmt: skip
async def test_what_slack_does_not_describe_fails_the_story(
    method: str, arguments: Json, problem: str
) -> None:
    async def story() -> None:
        async with SlackServer() as server:
            where = {"channel": server.channel("general")} if method.startswith("chat") else {}
            with contextlib.suppress(SlackApiError):
                await client(server).api_call(method, json={**where, **arguments})

    with pytest.raises(AssertionError, match=re.escape(problem)):
        await story()


async def test_an_answer_by_response_url_is_held_against_the_sdk() -> None:
    assert slack_facts.responded({"text": "x", "response_type": "ephemeral", "replace_original": False}) == []
    assert slack_facts.responded({"text": "x", "ephemeral": True}) == ["an answer has no ephemeral"]


async def test_tokens_scopes_and_membership(server: SlackServer) -> None:
    slack, general = client(server), server.channel("general", with_bot=False)
    secret = server.channel("secret", private=True, with_bot=False)
    for channel, error in ((general, "not_in_channel"), (secret, "channel_not_found")):
        with pytest.raises(SlackApiError, match=error):
            await slack.chat_postMessage(channel=channel, text="x")
    for token, error in (("xoxb-other", "invalid_auth"), (server.app_token, "not_allowed_token_type")):
        with pytest.raises(SlackApiError, match=error):
            await client(server, token).auth_test()
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await slack.apps_connections_open(app_token=server.bot_token)
    server.scopes.discard("channels:history")
    await server.join(server.bot, general)
    with pytest.raises(SlackApiError) as caught:
        await slack.conversations_history(channel=general)
    assert caught.value.response["needed"] == "channels:history"
    assert "chat:write" in caught.value.response["provided"].split(",")
    granted = (await slack.auth_test()).headers["x-oauth-scopes"]
    assert set(granted.split(",")) == server.scopes
    await server.uninstall()
    with pytest.raises(SlackApiError, match="account_inactive"):
        await slack.auth_test()


async def test_only_what_was_subscribed_and_granted_is_sent(server: SlackServer) -> None:
    server.subscribed.discard("message.channels")
    server.scopes.discard("reactions:read")
    ada = server.user("ada")
    general = server.channel("general", [ada])
    async with connected(server) as bot:
        said = await server.say(ada, general, f"<@{server.bot}> hello")
        await server.react(ada, said, "wave")
        await server.say(ada, server.channel("elsewhere", [ada], with_bot=False), f"<@{server.bot}> hello")
        await server.say(ada, server.im(ada), "last")
        await server.until(lambda: server.answers(server.im(ada)))
    assert [body["event"]["type"] for body in bot.events] == ["app_mention", "message"]


async def test_edits_deletions_and_reactions(server: SlackServer) -> None:
    ada, slack = server.user("ada"), client(server)
    place = server.channel("staff", [ada], private=True)
    async with connected(server) as bot:
        said = await server.say(ada, place, "helo")
        await server.until(lambda: server.answers(place))
        await server.edit(said, "hello")
        await server.react(ada, server.answers(place)[0], "wave")
        lone = await server.say(ada, place, "a file", files=[("a.txt", b"a", "text/plain")])
        await server.delete(lone)
        await server.until(lambda: len(bot.events) == 5)
        await server.delete(said)  # others replied to it
        await server.until(lambda: len(bot.events) == 6)
        answer = server.answers(place)[0]
        await slack.chat_update(channel=place, ts=answer["ts"], text="better")
        with pytest.raises(SlackApiError, match="cant_update_message"):
            await slack.chat_update(channel=place, ts=said["ts"], text="mine")
        await slack.reactions_add(channel=place, timestamp=answer["ts"], name="eyes")
        with pytest.raises(SlackApiError, match="already_reacted"):
            await slack.reactions_add(channel=place, timestamp=answer["ts"], name="eyes")
        got = await slack.reactions_get(channel=place, timestamp=answer["ts"])
        assert [r["name"] for r in got["message"]["reactions"]] == ["wave", "eyes"]
        await slack.reactions_remove(channel=place, timestamp=answer["ts"], name="eyes")
    stone = bot.events.pop(5)["event"]
    assert (stone["subtype"], stone["message"]["subtype"]) == ("message_changed", "tombstone")
    assert (stone["message"]["ts"], stone["message"]["user"]) == (said["ts"], "USLACKBOT")
    assert stone["previous_message"]["text"] == "hello"
    kinds = {body["event"].get("subtype", body["event"]["type"]): body["event"] for body in bot.events}
    assert kinds.keys() == {"message", "file_share", "message_changed", "reaction_added", "message_deleted"}
    assert kinds["message"]["channel_type"] == "group"
    assert kinds["message_changed"]["message"]["text"] == "hello"
    assert kinds["message_changed"]["previous_message"]["text"] == "helo"
    assert kinds["message_deleted"]["deleted_ts"] == lone["ts"]
    assert kinds["reaction_added"]["item_user"] == server.bot
    assert server.answers(place)[0]["text"] == "better"
    await slack.chat_delete(channel=place, ts=answer["ts"])
    assert not server.answers(place)
    assert server.messages(place)[0]["subtype"] == "tombstone"


async def test_places(server: SlackServer) -> None:
    ada, bob, slack = server.user("ada"), server.user("bob"), client(server)
    general, group = server.channel("general", [ada]), server.mpim([ada, bob])
    server.channel("secret", [ada], private=True, with_bot=False)
    types = "public_channel,private_channel,im,mpim"
    opened = await slack.conversations_open(users=ada)
    assert opened["channel"]["id"] == server.im(ada)
    listed = (await slack.conversations_list(types=types, exclude_archived=True))["channels"]
    assert {channel["id"] for channel in listed} == {general, group, server.im(ada)}
    assert len((await slack.users_conversations(types=types, limit=2))["channels"]) == 2
    assert (await slack.conversations_members(channel=general))["members"] == [ada, server.bot]
    assert (await slack.users_info(user=ada))["user"]["profile"]["display_name"] == "ada"
    async with connected(server) as bot:
        server.subscribed |= {"channel_rename", "member_joined_channel"}
        bot.app.event("channel_rename")(bot.note)
        await server.rename(general, "lobby")
        await server.join(bob, general)
        await server.make_private(general, ada)
        await server.until(lambda: len(bot.events) == 3)
    assert bot.heard("channel_rename")[0]["event"]["channel"]["name"] == "lobby"
    assert bot.heard("member_joined_channel")[0]["event"]["user"] == bob
    assert bot.heard()[0]["event"]["subtype"] == "channel_convert_to_private"
    assert (await slack.conversations_info(channel=general))["channel"]["is_private"]


async def test_what_agents_can_show(server: SlackServer) -> None:
    ada, slack = server.user("ada"), client(server)
    im = server.im(ada)
    said = await server.say(ada, im, "hello")
    thread = {"channel_id": im, "thread_ts": said["ts"]}
    await slack.assistant_threads_setSuggestedPrompts(
        channel_id=im, prompts=[{"title": "Hi", "message": "Hi!"}]
    )
    await slack.assistant_threads_setTitle(**thread, title="Tea")
    await slack.assistant_threads_setStatus(**thread, status="is thinking…")
    await slack.chat_postMessage(channel=im, text="hi", thread_ts=said["ts"])
    assert server.status(im, said["ts"]) == ["is thinking…", ""]
    assert (server.title(im, said["ts"]), server.prompts(im)[0]["title"]) == ("Tea", "Hi")
    with pytest.raises(SlackApiError, match="session_not_found"):
        await slack.agents_sessions_rename(**thread, title="Tea")
    answer = await slack.agents_sessions_setStatus(**thread, status="processing")
    assert answer["agent_status"] == "processing"
    assert "warning" not in answer
    async with connected(server) as bot:
        await server.stop(ada, im, said["ts"])
        await server.look_at(ada, server.channel("general", [ada]))
        await server.until(lambda: bot.heard("agent_session_stopped") and bot.heard("app_context_changed"))
    assert bot.heard("agent_session_stopped")[0]["event"]["thread_ts"] == said["ts"]
    server.subscribed.discard("agent_session_stopped")
    assert "warning" in await slack.agents_sessions_setStatus(**thread, status="active")


async def test_signed_events_over_http(server: SlackServer) -> None:
    ada = server.user("ada")
    async with listening(server) as bot:
        assert await server.verify_url()
        bot.broken = 1
        await server.say(ada, server.im(ada), "hello")
        await server.until(lambda: server.acks)
        assert server.envelopes[0].reason == "http_error"
        assert server.acks[0].attempt > 0
        [body] = bot.events
        assert await server.knock(body) == (200, "")
        assert (await server.knock(body, secret="another"))[0] == 401
        assert (await server.knock(body, age_s=600))[0] == 401
        assert len(bot.events) == 2

        @bot.app.command("/everbot")
        async def command(ack: Any, command: Json) -> None:
            await ack(text=f"You said {command['text']}.", response_type="ephemeral")

        slash = await server.slash(ada, server.im(ada), "/everbot", "a & b")
        assert slash.replies[0]["text"] == "You said a & b."


async def test_two_servers_are_two_workspaces(server: SlackServer) -> None:
    async with SlackServer(team="T0002", bot_token="xoxb-two") as other:
        assert server.user("ada") != other.user("ada")
        assert (await client(other).auth_test())["team_id"] == "T0002"
        with pytest.raises(SlackApiError, match="invalid_auth"):
            await client(other, server.bot_token).auth_test()
