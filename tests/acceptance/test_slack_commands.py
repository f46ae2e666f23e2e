"""Commands, buttons, forms, App Home and the agent view on Slack."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import bundle
from bot.ownership.export import FORMAT
from bot.ports import ModelReply, ModelRequest
from tests.acceptance.crowd import KNOWN, Slow, keep, requests, tell, texts
from tests.acceptance.slack_stage import Json, at_home
from tests.fakes.clock import HurriedClock
from tests.fakes.parlour import whole
from tests.fakes.scripted_model import calls, say
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import Town


@pytest.fixture
async def server() -> AsyncIterator[SlackServer]:
    async with SlackServer(pace=Pace(post_s=0.0)) as server:
        yield server


# Commands


async def test_slash_commands_answer_only_who_asked(server: SlackServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel("general", [ada, bob])
    async with Town(tmp_path, keep, slack=server):
        await tell(server, ada, general, "Keep walnut")
        await tell(server, ada, server.im(ada), "Keep hazel")
        shown = {}
        for word in ("", "help", "memory", "privacy", "link", "whoami", "nonsense"):
            used = await server.slash(ada, general, "/everbot", word)
            assert used.acked, word
            [reply] = used.replies
            assert reply["is_ephemeral"]
            assert reply["blocks"], word
            shown[word] = str(reply["text"])
        in_private = await server.slash(ada, server.im(ada), "/everbot", "memory")
        his = await server.slash(bob, general, "/everbot", "memory")
    assert shown[""] == shown["help"]
    words = ("memory", "forget", "export", "privacy", "link")
    assert all(f"\n/everbot {word}:" in f"\n{shown['help']}" for word in words)
    assert not [
        text for text in shown.values() if re.search(r"(?<!everbot )/(memory|help|forget|link)\b", text)
    ]
    assert "walnut" in shown["memory"]
    assert "hazel" not in shown["memory"]
    assert "hazel" in str(in_private.replies)
    assert "walnut" not in str(his.replies)
    assert "direct message" in shown["link"]
    assert "no command" in shown["nonsense"]
    assert "ada" in shown["whoami"]
    assert len(server.answers(general)) == 1


LINES = """
    help; help all; help forget; nonsense; help nonsense; memory; memory notes; memory drop; memory drop x;
    memory undo x; memory lore drop x; memory open x; memory edit x; forget; forget here; link; link confirm;
    link AAAA-AAAA; unlink; heartbeat status; heartbeat nonsense; scheduled; scheduled cancel x; attach x;
    persona; persona lore; persona edit x; persona nonsense; persona proposals; privacy; save; rethink; rewrite;
    whoami; dump 2000; retry; pop
"""


async def test_every_answer_names_commands_as_they_are_typed_on_slack(
    server: SlackServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    dm = server.im(ada)

    def helpful(request: ModelRequest) -> ModelReply:
        return say("`/forget yes` deletes it all, /memory shows it; https://a.example/help is a page.")

    async with Town(tmp_path, helpful, slack=server) as town:
        await tell(server, ada, dm, "How do I delete it?")
        names = [spec.name for spec in town.app.inbound.commands]
        shown = [str(m["text"]) + str(m["blocks"]) for m in server.answers(dm)]
        for line in map(str.strip, LINES.split(";")):
            used = await server.slash(ada, dm, "/everbot", line)
            [reply] = used.replies
            shown += [str(reply["text"]), str(reply["blocks"])]
    [answer] = {text["text"] for text in server.answers(dm)}
    assert "`/everbot forget yes` deletes it all, /everbot memory shows it; https://a.example/help" in answer
    wrong = rf"(?<!everbot )(?<!example)/(?:{'|'.join(names)})\b"
    assert not [text for text in shown if re.search(wrong, text)]
    assert sum(text.count("/everbot ") for text in shown) > 40


async def test_an_export_comes_as_a_direct_message(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general, dm = server.channel("general", [ada]), server.im(ada)
    async with Town(tmp_path, keep, slack=server):
        await tell(server, ada, general, "Keep walnut")
        used = await server.slash(ada, general, "/everbot", "export")
        assert used.acked
        [posted] = await server.until(lambda: [m for m in server.answers(dm) if m.get("files")])
    [file] = posted["files"]
    _, exported = bundle.unpack([server.workspace.contents[file["id"]]], FORMAT)
    assert "walnut" in bundle.canonical(exported)
    assert not [m for m in server.answers(general) if m.get("files")]


async def test_forgetting_is_confirmed_first_and_then_complete(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    async with Town(tmp_path, keep, slack=server) as town:
        await tell(server, ada, dm, "Keep walnut")
        used = await server.slash(ada, dm, "/everbot", "forget")
        await tell(server, ada, dm, "Still known?")
        assert "walnut" in whole(requests(town)[-1])
        pressed = await server.press(ada, used.replies[0], "everbot forget yes")
        assert pressed.acked
        await server.until(lambda: any("Forgotten" in m["text"] for m in server.ephemeral(dm, ada)))
        await tell(server, ada, dm, "And now?")
        assert "walnut" not in whole(requests(town)[-1])


async def test_memory_is_edited_from_a_commands_answer(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    general = server.channel("general", [ada])
    async with Town(tmp_path, keep, slack=server) as town:
        await tell(server, ada, general, "Keep walnut")
        used = await server.slash(ada, general, "/everbot", "memory")
        pressed = await server.press(ada, used.replies[0], "everbot memory edit human")
        [modal] = pressed.views
        assert "walnut" in str(modal)
        filled = await server.submit(modal, {"value": "Likes pecans."})
        assert filled.acked
        await tell(server, ada, general, KNOWN)
        assert "Likes pecans." in whole(requests(town)[-1])
        passages = await server.slash(ada, general, "/everbot", "memory notes")
        [button] = [name for name in buttons(passages.replies[0]) if "drop" in name]
        await server.press(ada, passages.replies[0], button)
        dropped = await server.press(ada, server.ephemeral(general, ada)[-1], f"{button} yes")
        assert dropped.acked
        left = await server.slash(ada, general, "/everbot", "memory notes")
        assert "walnut" not in str(left.replies)


def buttons(thing: Json) -> list[str]:
    """The ids of the buttons of a message or view."""
    return [
        e["action_id"] for block in thing["blocks"] for e in block.get("elements", ()) if "action_id" in e
    ]


async def test_words_with_a_bang_are_commands_in_threads(server: SlackServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel("general", [ada, bob])
    async with Town(tmp_path, keep, slack=server):
        said = await server.say(ada, general, f"<@{server.bot}> Keep walnut")
        thread = str(said["ts"])
        await server.until(lambda: server.answers(general, thread))
        await server.say(ada, general, "!memory", thread)
        [shown] = await server.until(lambda: server.ephemeral(general, ada))
        assert "walnut" in shown["text"]
        assert shown["thread_ts"] == thread
        assert await tell(server, ada, general, "!hooray", thread) == "You said: !hooray"
        await server.say(ada, general, f"<@{server.bot}> !help", thread)
        await server.until(lambda: len(server.ephemeral(general, ada)) == 2)
    assert server.ephemeral(general, bob) == []
    assert len(server.answers(general)) == 2


async def test_stop_in_a_thread_calls_off_the_answer(server: SlackServer, tmp_path: Path) -> None:
    ada, model = server.user("ada"), Slow()
    general = server.channel("general", [ada])
    async with Town(tmp_path, model.play, slack=server):
        said = await server.say(ada, general, f"<@{server.bot}> think long")
        thread = str(said["ts"])
        await server.until(lambda: model.asked)
        await server.say(ada, general, "!stop", thread)
        await server.until(lambda: server.ephemeral(general, ada))
        await server.until(lambda: server.answers(general, thread))
        model.may.set()
        assert await tell(server, ada, general, "Never mind", thread) == "You said: Never mind"
    assert texts(server.answers(general)) == ["Stopped.", "You said: Never mind"]


async def test_a_command_is_answered_where_the_bot_is_no_member(server: SlackServer, tmp_path: Path) -> None:
    """Of such a place nothing is told: it counts as one that not everybody sees."""
    ada, bob = server.user("ada"), server.user("bob")
    secret = server.channel("secret", [ada, bob], private=True, with_bot=False)
    theirs = server.workspace.channel("", "im", [ada, bob]).id  # people's own direct messages
    async with Town(tmp_path, keep, slack=server):
        general = server.channel("general", [ada])
        await tell(server, ada, server.im(ada), "Keep walnut")
        for place in (secret, theirs):
            assert (await server.slash(ada, place, "/everbot", f"memory add Kept in {place}.")).replies
            used = await server.slash(ada, place, "/everbot", "memory notes")
            assert f"Kept in {place}" in json.dumps(used.replies)
            assert "walnut" not in json.dumps(used.replies)
            [button] = [name for name in buttons(used.replies[0]) if "drop" in name]
            pressed = await server.press(ada, used.replies[0], button)
            assert pressed.replies, "an answer that only the asker sees comes by response_url"
        used = await server.slash(ada, general, "/everbot", "memory notes")
        assert "Kept in" not in json.dumps(used.replies)
    assert not server.calls("chat.postEphemeral")


async def test_a_slow_answer_comes_by_response_url(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    secret = server.channel("secret", [ada], private=True, with_bot=False)
    async with Town(tmp_path, keep, slack=server, clock=HurriedClock(2.0)) as town:  # Slack waits for 3 s
        store = town.app.memory.store
        async with store.write():  # nothing can be written meanwhile, which a first command must
            used = await server.slash(ada, secret, "/everbot", "memory add Likes tea.")
            assert "moment" in used.replies[0]["text"]
        await server.until(lambda: len(used.replies) == 2)
    assert "Likes tea." in used.replies[1]["text"]


async def test_answers_are_inert_wherever_they_are_shown(server: SlackServer, tmp_path: Path) -> None:
    ada, dm, general = at_home(server)
    trick = "<!channel> <@U1> <https://evil.example|bank.example> &lt;!here&gt;"

    def inert(message: Json) -> bool:
        return not re.search(r"<[!@#h]", message["text"]) and all(
            text["type"] == "plain_text"
            for block in message.get("blocks", ())
            for text in [block.get("text"), *block.get("elements", ())]
            if isinstance(text, dict) and text["type"] in ("plain_text", "mrkdwn")
        )

    async with Town(tmp_path, keep, slack=server):
        used = await server.slash(ada, general, "/everbot", f"memory add {trick}")
        assert "evil.example" in used.replies[0]["text"]
        assert inert(used.replies[0])
        used = await server.slash(ada, general, "/everbot", "memory notes")
        assert "evil.example" in used.replies[0]["text"]
        assert inert(used.replies[0])
        [button] = [name for name in buttons(used.replies[0]) if "drop" in name]
        pressed = await server.press(ada, used.replies[0], button)
        assert inert(pressed.replies[0])
        said = await server.say(ada, general, f"<@{server.bot}> hello")
        await server.say(ada, general, "!memory notes", str(said["ts"]))
        [shown] = await server.until(lambda: [m for m in server.ephemeral(general, ada) if "1." in m["text"]])
        assert inert(shown)
        await server.slash(ada, dm, "/everbot", f"memory add {trick}")
        await server.slash(ada, dm, "/everbot", "export")
        [posted] = await server.until(lambda: [m for m in server.answers(dm) if m.get("files")])
        assert inert(posted)


async def test_an_answer_comes_though_its_blocks_or_its_way_are_refused(
    server: SlackServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    general = server.channel("general", [ada])
    async with Town(tmp_path, keep, slack=server):
        used = await server.slash(ada, general, "/everbot", "memory")
        server.refuse_response("invalid_blocks")
        pressed = await server.press(ada, used.replies[0], "everbot memory history")
        [plain] = pressed.replies
        assert plain["text"]
        assert "blocks" not in plain
        server.refuse_response("used_url")
        server.refuse("chat.postEphemeral", "invalid_blocks")
        await server.press(ada, used.replies[0], "everbot memory history")
        [posted] = [
            m for m in server.ephemeral(general, ada) if m["text"] == plain["text"] and m is not plain
        ][1:]
        assert "blocks" not in posted
    assert [call.outcome for call in server.calls("chat.postEphemeral")] == ["invalid_blocks", "ok"]


# App Home


async def test_app_home_shows_what_is_remembered_and_lets_it_be_changed(
    server: SlackServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    dm = server.im(ada)

    def home() -> Json:
        view = server.home(ada)
        assert view is not None
        return view

    async with Town(tmp_path, keep, slack=server) as town:
        await server.open_home(ada)
        await server.until(lambda: server.home(ada))
        await tell(server, ada, dm, "Keep walnut")
        await server.open_home(ada)
        await server.until(lambda: "walnut" in str(home()))

        pressed = await server.press(ada, home(), "everbot memory edit human")
        [modal] = pressed.views
        await server.submit(modal, {"value": "Likes pecans."})
        await server.until(lambda: "Likes pecans." in str(home()))
        assert "walnut" not in str(home())

        pressed = await server.press(ada, home(), "everbot memory notes")
        [shown] = pressed.views
        [button] = [name for name in buttons(shown) if "drop" in name]
        await server.press(ada, shown, button)
        await server.press(ada, server.workspace.views[shown["id"]], f"{button} yes")
        await server.until(lambda: "0 passages" in str(home()))

        await server.press(ada, home(), "everbot export")
        await server.until(lambda: [m for m in server.answers(dm) if m.get("files")])

        pressed = await server.press(ada, home(), "everbot forget")
        [sure] = pressed.views
        assert "Likes pecans." in str(home())
        await server.press(ada, sure, "everbot forget yes")
        await server.until(lambda: "Likes pecans." not in str(home()))
        await tell(server, ada, dm, "Who am I?")
        assert "pecans" not in whole(requests(town)[-1])
    assert {call.outcome for call in server.calls("views.publish")} == {"ok"}


async def test_a_big_memory_fits_app_home_and_its_forms(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    much = "All that she likes. " * 300

    def play(request: ModelRequest) -> ModelReply:
        if request.messages[-1]["role"] == "tool":
            return say("Done")
        inserts = [
            ("archival_memory_insert", {"content": f"{n}: {much[:4000]}", "request_heartbeat": True})
            for n in range(9)
        ]
        note = {"label": "human", "content": much[:5900], "request_heartbeat": True}
        return calls(("core_memory_append", note), *inserts)

    async with Town(tmp_path, play, slack=server, agent={"debounce_s": 0.0, "block_limit": 6000}):
        await tell(server, ada, dm, "Keep everything")
        await server.open_home(ada)
        view = await server.until(lambda: server.home(ada))
        assert view is not None
        pressed = await server.press(ada, view, "everbot memory notes")
        assert pressed.views
        pressed = await server.press(ada, view, "everbot memory edit human")
        [modal] = pressed.views
        # What does not fit a form is shown without one: what is not shown can't be lost by sending it.
        assert "submit" not in modal
        await server.open_home(ada)
        used = await server.slash(ada, dm, "/everbot", "export")
        assert used.acked
        posted = await server.until(lambda: [m for m in server.answers(dm) if m.get("files")])
    _, exported = bundle.unpack([server.workspace.contents[posted[0]["files"][0]["id"]]], FORMAT)
    [block] = [block for block in exported["blocks"] if block["audience"] == "private"]
    assert block["value"].count("All that she likes.") >= 5900 // len("All that she likes. ")
    assert much[:5000].strip() in block["value"]


# The agent view


async def test_the_agent_view_shows_work_title_and_prompts(server: SlackServer, tmp_path: Path) -> None:
    ada, model = server.user("ada"), Slow()
    dm = server.im(ada)
    async with Town(tmp_path, model.play, slack=server):
        await server.open_home(ada, "messages")
        prompts = await server.until(lambda: server.prompts(dm))
        assert 1 <= len(prompts) <= 4
        said = await server.say(ada, dm, "Plan my trip")
        await server.until(lambda: server.status(dm, said["ts"]) == ["processing"])
        model.may.set()
        await server.until(lambda: server.answers(dm))
        await server.until(lambda: server.status(dm, said["ts"]) == ["processing", "active"])
        assert server.title(dm, said["ts"]) == "Plan my trip"
        await server.look_at(ada, server.channel("general", [ada]))
        await server.until(lambda: all(envelope.done for envelope in server.envelopes))
    assert all(envelope.ack for envelope in server.envelopes)


async def test_the_stop_button_calls_off_the_answer(server: SlackServer, tmp_path: Path) -> None:
    ada, bob, model = server.user("ada"), server.user("bob"), Slow()
    general = server.channel("general", [ada, bob])
    async with Town(tmp_path, model.play, slack=server):
        said = await server.say(ada, general, f"<@{server.bot}> think long")
        thread = str(said["ts"])
        await server.until(lambda: server.status(general, thread) == ["processing"])
        await server.stop(bob, general, thread)  # it is not his
        await server.until(lambda: all(envelope.done for envelope in server.envelopes))
        assert server.answers(general) == []
        await server.stop(ada, general, thread)
        [answer] = await server.until(lambda: server.answers(general, thread))
        assert answer["text"] == "Stopped."
        await server.until(lambda: server.status(general, thread)[-1] == "active")
    dm = server.im(ada)
    model.may.clear()
    async with Town(tmp_path, model.play, slack=server):
        said = await server.say(ada, dm, "think long")
        await server.until(lambda: server.status(dm, said["ts"]) == ["processing"])
        await server.stop(ada, dm, said["ts"])
        [answer] = await server.until(lambda: server.answers(dm))
    assert answer["text"] == "Stopped."


async def test_without_the_agent_feature_work_is_shown_as_a_status(tmp_path: Path) -> None:
    model = Slow()
    async with SlackServer(pace=Pace(post_s=0.0)) as server:
        server.refuse("agents.sessions.setStatus", "unknown_method", times=100)
        ada = server.user("ada")
        dm = server.im(ada)
        async with Town(tmp_path, model.play, slack=server):
            said = await server.say(ada, dm, "Hello")
            [shown] = await server.until(lambda: server.status(dm, said["ts"]))
            assert shown
            model.may.set()
            await server.until(lambda: server.answers(dm))
            await server.until(lambda: server.status(dm, said["ts"])[-1] == "")
            await tell(server, ada, dm, "Again")
    assert len(server.calls("agents.sessions.setStatus")) == 1
