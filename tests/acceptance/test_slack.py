"""Everbot in a Slack workspace: who is answered where, what is remembered where, and what people can do."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot import bundle
from bot.ownership.export import FORMAT
from bot.ports import ModelReply, ModelRequest
from tests.acceptance.crowd import KNOWN, Slow, keep, requests, tell, texts
from tests.fakes import slack_events
from tests.fakes.discord_server import Channel, DiscordServer
from tests.fakes.parlour import whole
from tests.fakes.scripted_model import calls, say
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import FAST, Town, heard

Json = dict[str, Any]
ALONE = {"health": "", "context_lines": 0}  # no lines of others are shown


@pytest.fixture
async def server() -> AsyncIterator[SlackServer]:
    async with SlackServer(pace=Pace(post_s=0.0)) as server:
        yield server


# Who is answered, and where


async def test_a_first_direct_message_is_answered_beside_it(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    async with Town(tmp_path, keep, slack=server) as town:
        await server.say(ada, dm, "Hello there")
        [answer] = await server.until(lambda: server.answers(dm))
    assert answer["text"] == "You said: Hello there"
    assert "thread_ts" not in answer
    contact = [json.loads(m["content"]) for m in requests(town)[0].messages if m["role"] == "user"]
    assert [event["type"] for event in contact] == ["user_joined", "message"]
    assert contact[1]["name"] == "ada"


async def test_a_mention_is_answered_once_and_in_its_thread(server: SlackServer, tmp_path: Path) -> None:
    """Slack tells of a mention twice: as a message and as a mention."""
    ada = server.user("ada")
    general = server.channel("general", [ada])
    async with Town(tmp_path, keep, slack=server):
        said = await server.say(ada, general, f"<@{server.bot}> hello")
        await server.until(lambda: server.answers(general, said["ts"]))
        assert await tell(server, ada, general, "and again") == "You said: and again"
        assert len([e for e in server.envelopes if e.name in ("message", "app_mention")]) >= 4
    assert texts(server.answers(general, said["ts"])) == ["You said: hello"]
    assert all(answer.get("thread_ts") for answer in server.answers(general))


async def test_a_thread_is_followed_for_whoever_addressed_us_there(
    server: SlackServer, tmp_path: Path
) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel("general", [ada, bob])
    async with Town(tmp_path, keep, slack=server):
        said = await server.say(ada, general, f"<@{server.bot}> shall we?")
        thread = str(said["ts"])
        await server.until(lambda: server.answers(general, thread))
        await server.say(ada, general, "talk among people")
        await server.say(bob, general, "not meant for the bot", thread)
        assert await tell(server, ada, general, "yes, go on", thread) == "You said: yes, go on"
        await server.say(bob, general, f"<@{server.bot}> now I ask", thread)
        await server.until(lambda: len(server.answers(general, thread)) == 3)
        assert await tell(server, bob, general, "and I too", thread) == "You said: and I too"
    assert texts(server.answers(general)) == [
        "You said: shall we?",
        "You said: yes, go on",
        "You said: now I ask",
        "You said: and I too",
    ]


async def test_a_group_of_people_has_to_mention_us(server: SlackServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    group = server.mpim([ada, bob])
    async with Town(tmp_path, keep, slack=server):
        await server.say(ada, group, "Lunch?")
        assert await tell(server, bob, group, "what do you say?") == "You said: what do you say?"
    assert len(server.answers(group)) == 1


async def test_two_people_in_one_channel_are_two_agents(server: SlackServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel("general", [ada, bob])
    async with Town(tmp_path, keep, slack=server, run=ALONE) as town:
        await asyncio.gather(
            tell(server, ada, general, "Keep walnut"), tell(server, bob, general, "Keep hazel")
        )
        await tell(server, ada, general, "What is mine?")
        hers = whole(requests(town)[-1])
        await tell(server, bob, general, "And mine?")
        his = whole(requests(town)[-1])
    assert ("walnut" in hers, "hazel" in hers) == (True, False)
    assert ("walnut" in his, "hazel" in his) == (False, True)


async def test_other_bots_and_our_own_posts_are_ignored(server: SlackServer, tmp_path: Path) -> None:
    ada, robot = server.user("ada"), server.other_bot("robot")
    general, dm = server.channel("general", [ada, robot]), server.im(ada)
    client = AsyncWebClient(server.bot_token, base_url=server.api_url, retry_handlers=[])
    async with Town(tmp_path, keep, slack=server) as town:
        await server.say(robot, general, f"<@{server.bot}> beep")
        await client.chat_postMessage(channel=dm, text="A word from the operator.")
        await client.chat_postMessage(channel=dm, text=f"Another, <@{server.bot}>.", username="Parrot")
        await client.chat_postMessage(channel=general, text=f"<@{server.bot}> hi", username="Parrot")
        assert await tell(server, ada, dm, "Is anybody there?") == "You said: Is anybody there?"
        await server.until(lambda: all(envelope.done for envelope in server.envelopes))
    assert len(requests(town)) == 1
    assert len(server.answers(general)) == 1


async def test_notices_of_slack_itself_are_not_talk(server: SlackServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel("general", [ada])
    server.subscribed.add("member_joined_channel")
    async with Town(tmp_path, keep, slack=server, access={"require_mention": False}) as town:
        await server.join(bob, general)
        await server.make_private(general, ada)
        await server.say(ada, general, "So now we are alone.")
        await server.until(lambda: server.answers(general))
    assert len(requests(town)) == 1


# What is remembered, and where it may be seen


async def test_what_is_learned_somewhere_is_seen_where_it_may_be(server: SlackServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    places = {
        "dm": server.im(ada),
        "general": server.channel("general", [ada]),
        "random": server.channel("random", [ada]),
        "staff": server.channel("staff", [ada], private=True),
        "group": server.mpim([ada, bob]),
    }
    seen: dict[str, set[str]] = {}
    async with Town(tmp_path, keep, slack=server, run=ALONE) as town:
        for name, channel in places.items():
            await tell(server, ada, channel, f"Keep secret-{name}")
        for name, channel in places.items():
            await tell(server, ada, channel, KNOWN)
            seen[name] = set(re.findall(r"secret-(\w+)", whole(requests(town)[-1])))
    assert seen["dm"] == set(places)
    assert seen["general"] == seen["random"] == {"general", "random"}
    assert seen["staff"] == {"general", "random", "staff"}
    assert seen["group"] == {"general", "random", "group"}


async def test_a_channel_made_private_and_back_keeps_what_was_learned_in_it_apart(
    server: SlackServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    plans, general = server.channel("plans", [ada]), server.channel("general", [ada])
    async with Town(tmp_path, keep, slack=server, run=ALONE) as town:
        await tell(server, ada, plans, "Keep oak")
        await server.make_private(plans, ada)
        await tell(server, ada, plans, "Keep elm")
        await tell(server, ada, plans, KNOWN)
        in_private = whole(requests(town)[-1])
        server.workspace.channels[plans].kind = "channel"
        await tell(server, ada, plans, "Keep ash")
        await tell(server, ada, plans, KNOWN)
        in_plans = whole(requests(town)[-1])
        await tell(server, ada, general, KNOWN)
        in_general = whole(requests(town)[-1])
    assert all(tree in in_private for tree in ("oak", "elm"))
    for public in (in_plans, in_general):
        assert [tree for tree in ("oak", "elm", "ash") if tree in public] == ["oak", "ash"]


async def test_a_thread_that_was_followed_before_its_channel_became_private_is_followed_after(
    server: SlackServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    plans = server.channel("plans", [ada])
    async with Town(tmp_path, keep, slack=server):
        said = await server.say(ada, plans, f"<@{server.bot}> a thread")
        thread = str(said["ts"])
        await server.until(lambda: server.answers(plans, thread))
        await server.make_private(plans, ada)
        await server.say(ada, plans, f"<@{server.bot}> still here?", thread)
        await server.until(lambda: len(server.answers(plans, thread)) == 2)
        assert await tell(server, ada, plans, "good", thread) == "You said: good"


async def test_edits_and_deletions_are_honoured(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm, general = server.im(ada), server.channel("general", [ada])
    async with Town(tmp_path, keep, slack=server) as town:
        wrong = await server.say(ada, dm, "I was born in Rome.")
        await server.until(lambda: len(server.answers(dm)) == 1)
        gone = await server.say(ada, dm, "My cat is called Tiber.")
        await server.until(lambda: len(server.answers(dm)) == 2)
        await server.edit(wrong, "I was born in Turin.")
        await server.delete(gone)
        await server.until(lambda: all(envelope.done for envelope in server.envelopes))
        await tell(server, ada, dm, "What do you know of me?")
        shown = [heard_event["message"] for heard_event in events_of(requests(town)[-1])]
        assert "I was born in Turin." in shown
        assert "I was born in Rome." not in shown
        assert "My cat is called Tiber." not in shown
        said = await server.say(ada, general, f"<@{server.bot}> a typo")
        await server.until(lambda: server.answers(general, said["ts"]))
        await server.edit(said, f"<@{server.bot}> no typo")
        await server.until(lambda: all(envelope.done for envelope in server.envelopes))
        await tell(server, ada, general, "Right?", str(said["ts"]))
        assert "no typo" in [event["message"] for event in events_of(requests(town)[-1])]
    assert len(server.answers(dm)) == 3
    assert len(server.answers(general)) == 2


def events_of(request: ModelRequest) -> list[Json]:
    """The messages of people that the model was shown."""
    events = [json.loads(m["content"]) for m in request.messages if m["role"] == "user"]
    return [event for event in events if event["type"] == "message"]


async def test_an_edit_before_the_answer_is_what_is_answered(server: SlackServer, tmp_path: Path) -> None:
    ada, model = server.user("ada"), Slow()
    dm = server.im(ada)
    async with Town(tmp_path, model.play, slack=server):
        said = await server.say(ada, dm, "Meet at noon?")
        await server.until(lambda: model.asked)
        await server.edit(said, "Meet at one?")
        await server.until(lambda: model.asked == 2)
        model.may.set()
        await server.until(lambda: server.answers(dm))
        await tell(server, ada, dm, "Thanks")
    assert texts(server.answers(dm)) == ["You said: Meet at one?", "You said: Thanks"]


async def test_a_links_preview_is_no_edit(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    async with Town(tmp_path, keep, slack=server) as town:
        said = await server.say(ada, dm, "Look: <https://example.org>")
        await server.until(lambda: server.answers(dm))
        place = server.workspace.channels[dm]
        kept = place.messages[said["ts"]]
        shown = {**kept, "text": "", "attachments": [{"title": "A page", "from_url": "https://example.org"}]}
        server.delivery.publish(slack_events.changed(server.workspace, place, shown, kept))
        await server.until(lambda: all(envelope.done for envelope in server.envelopes))
        await tell(server, ada, dm, "Did you look?")
        shown_texts = [event["message"] for event in events_of(requests(town)[-1])]
    assert shown_texts == ["Look: https://example.org", "Did you look?"]


# What comes with messages


async def test_a_text_file_is_a_document(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    async with Town(tmp_path, keep, slack=server) as town:
        files = [
            ("notes.txt", b"The key is under the mat.", "text/plain"),
            ("x.zip", b"PK", "application/zip"),
        ]
        await server.say(ada, dm, "Two files", files=files)
        await server.until(lambda: any("Two files" in text for text in texts(server.answers(dm))))
        shown = [json.loads(m["content"]) for m in requests(town)[-1].messages if m["role"] == "user"]
    [document] = [event for event in shown if event["type"] == "document_uploaded"]
    assert (document["document"], document["message"]) == ("notes.txt", "The key is under the mat.")
    [message] = [event for event in shown if event.get("message") == "Two files"]
    assert message["attachments"] == [{"name": "x.zip", "type": "application/zip"}]


@pytest.mark.parametrize("vision", [True, False])
async def test_an_image_goes_to_a_model_that_can_see(
    server: SlackServer, tmp_path: Path, vision: bool
) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    async with Town(tmp_path, keep, slack=server, model={"vision": vision}) as town:
        await tell(server, ada, dm, "Hello")
        await server.say(ada, dm, "Look", files=[("cat.png", b"png", "image/png")])
        await server.until(lambda: len(server.answers(dm)) == 2)
        content = [m["content"] for m in requests(town)[-1].messages if m["role"] == "user"][-1]
    assert heard(requests(town)[-1])["attachments"] == [{"name": "cat.png", "type": "image/png"}]
    images = [] if isinstance(content, str) else [part for part in content if part["type"] == "image_url"]
    seen = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}}]
    assert images == (seen if vision else [])


async def test_a_reaction_to_our_message_is_heard_and_others_are_not(
    server: SlackServer, tmp_path: Path
) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel("general", [ada, bob])
    reactions: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        event = heard(request)
        if event["type"] != "reaction":
            return keep(request)
        reactions.append(event["reason"])
        return say("Thank you!")

    async with Town(tmp_path, play, slack=server) as town:
        said = await server.say(ada, general, f"<@{server.bot}> hello")
        thread = str(said["ts"])
        [answer] = await server.until(lambda: server.answers(general, thread))
        await town.app.inbound.settled()
        await server.react(bob, answer, "eyes")  # it was not said to him
        await server.react(ada, said, "wave")
        await server.react(ada, answer, "tada")
        await server.until(lambda: len(server.answers(general, thread)) == 2)
        await tell(server, ada, general, "Bye", thread)
    assert reactions == ["ada reacted with tada to your message."]
    assert texts(server.answers(general)) == ["You said: hello", "Thank you!", "You said: Bye"]


# What an answer looks like


async def test_a_long_answer_with_code_comes_in_whole_parts(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    code = "\n".join(f"    value_{n} = compute({n})  # {n * n}" for n in range(250))
    words = "\n\n".join(f"Paragraph {n}. " + "All is well that ends well. " * 12 for n in range(30))
    answer = f"{words[:6000]}\n\n```python\n{code}\n```\n\n{words[6000:]}"[:20_000]

    async with Town(tmp_path, lambda _: say(answer), slack=server):
        await server.say(ada, dm, "Tell me everything")
        parts = (len(answer) - 1) // 3_900 + 1
        await server.until(lambda: len(server.answers(dm)) >= parts)
    posted = [block["text"] for m in server.answers(dm) for block in m["blocks"]]
    assert all(part.count("```") % 2 == 0 for part in posted)
    lines = [line for part in posted for line in part.splitlines() if line.strip("`python ")]
    assert "".join("".join(lines).split()) == "".join(re.sub("```(python)?", "", answer).split())
    assert {call.outcome for call in server.calls("chat.postMessage")} == {"ok"}
    assert all(len(m["text"]) <= 4_000 for m in server.answers(dm))


async def test_nobody_is_called_by_what_the_model_says(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    answer = f"<!channel> <!here|here> <!everyone> <@{ada}> <!subteam^S1> <#C1> @channel & 1 < 2"
    async with Town(tmp_path, lambda _: say(answer), slack=server):
        await server.say(ada, dm, "Call everybody")
        [posted] = await server.until(lambda: server.answers(dm))
    [block] = posted["blocks"]
    assert not re.search(r"<[!@#]", posted["text"] + block["text"])
    assert posted["text"].startswith("&lt;!channel&gt;")
    args = server.calls("chat.postMessage")[0].args
    assert not args.get("link_names")
    assert args.get("parse", "none") == "none"


async def test_what_people_write_is_read_as_they_see_it(server: SlackServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    dm = server.im(ada)
    async with Town(tmp_path, keep, slack=server) as town:
        await tell(server, bob, server.im(bob), "Hello")
        written = f"<@{bob}> said &lt;b&gt; &amp; <https://a.example/x|this> in <#C9|plans>, <!here>"
        await tell(server, ada, dm, written)
    assert (
        heard(requests(town)[-1])["message"] == "@bob said <b> & this (https://a.example/x) in #plans, @here"
    )


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
    assert all(f"/{word}" in shown["help"] for word in ("memory", "forget", "export", "privacy", "link"))
    assert "walnut" in shown["memory"]
    assert "hazel" not in shown["memory"]
    assert "hazel" in str(in_private.replies)
    assert "walnut" not in str(his.replies)
    assert "direct message" in shown["link"]
    assert "no command" in shown["nonsense"]
    assert "ada" in shown["whoami"]
    assert len(server.answers(general)) == 1


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
        # What is not shown in the form must not be lost when it is sent as it stands.
        await server.submit(modal)
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


# Who may talk


async def test_who_is_not_let_in_is_told_how_once(server: SlackServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    access = {"dm_policy": "pairing", "people": [f"slack:{server.workspace.team}/{bob}"]}
    async with Town(tmp_path, keep, slack=server, access=access) as town:
        await server.say(ada, server.im(ada), "Hello?")
        [answer] = await server.until(lambda: server.answers(server.im(ada)))
        assert re.search(r"everbot pair [A-Z0-9]{4}-[A-Z0-9]{4}", answer["text"])
        assert await tell(server, bob, server.im(bob), "Hello") == "You said: Hello"
        used = await server.slash(ada, server.im(ada), "/everbot", "memory")
        assert "pair" in used.replies[0]["text"]
    assert len(requests(town)) == 1


async def test_channels_are_allowed_and_denied_by_id(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    open_, closed = server.channel("open", [ada]), server.channel("closed", [ada])
    free = server.channel("free", [ada])
    access = {"channels": [open_, free], "free_response": [free]}
    async with Town(tmp_path, keep, slack=server, access=access) as town:
        await server.say(ada, closed, f"<@{server.bot}> hello")
        await server.say(ada, free, "no mention needed")
        await server.until(lambda: server.answers(free))
        assert await tell(server, ada, open_, "hello") == "You said: hello"
    assert server.answers(closed) == []
    assert len(requests(town)) == 2


# Beside what people say


async def test_what_is_thought_in_a_heartbeat_stays_unsaid(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    beats: list[str] = []

    def play(request: ModelRequest) -> ModelReply:
        if heard(request)["type"] != "heartbeat":
            return keep(request)
        beats.append(request.key)
        return ModelReply(text="They are resting.")

    async with Town(tmp_path, play, slack=server) as town:
        await tell(server, ada, dm, "Hello")
        assert (await server.slash(ada, dm, "/everbot", "heartbeat now")).acked
        await town.app.inbound.settled()
        await tell(server, ada, dm, "Bye")
    assert beats
    assert texts(server.answers(dm)) == ["You said: Hello", "You said: Bye"]


async def test_the_lines_before_a_mention_are_shown_and_not_remembered(
    server: SlackServer, tmp_path: Path
) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel("general", [ada, bob])
    async with Town(tmp_path, keep, slack=server) as town:
        await server.say(bob, general, "The soup is cold.")
        await tell(server, ada, general, "what did he say?")
        assert heard(requests(town)[-1])["context"] == ["bob: The soup is cold."]
        await tell(server, ada, general, "and then?")
        assert heard(requests(town)[-1])["context"] == ["bob: The soup is cold.", "ada: what did he say?"]
        used = await server.slash(ada, server.im(ada), "/everbot", "export")
        assert used.acked
        posted = await server.until(lambda: [m for m in server.answers(server.im(ada)) if m.get("files")])
    _, tables = bundle.unpack([server.workspace.contents[posted[0]["files"][0]["id"]]], FORMAT)
    exported = bundle.canonical(tables)
    assert "what did he say?" in exported
    assert "soup" not in exported


# Known on two platforms


async def test_who_is_linked_with_discord_is_one_person_in_private_and_two_in_public(
    server: SlackServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    dm, general = server.im(ada), server.channel("general", [ada])
    seen: dict[str, list[str]] = {}
    async with DiscordServer(**FAST) as discord:
        eve = discord.user("eve")
        private, lounge = discord.dm(eve), discord.channel(discord.guild("club", members=[eve]), "lounge")

        async def eve_says(channel: Channel, text: str) -> None:
            mention = "" if channel is private else f"{discord.bot.mention} "
            said = await discord.say(eve, channel, mention + text)
            await discord.until(lambda: channel.messages and discord.messages(channel)[-1].id > said.id)

        async with Town(tmp_path, keep, discord=discord, slack=server, run=ALONE) as town:

            async def asked() -> None:
                await tell(server, ada, dm, KNOWN)
                seen["dm"] = nuts(town)
                await tell(server, ada, general, KNOWN)
                seen["general"] = nuts(town)
                await eve_says(private, KNOWN)
                seen["private"] = nuts(town)
                await eve_says(lounge, KNOWN)
                seen["lounge"] = nuts(town)

            await tell(server, ada, dm, "Keep walnut")
            await tell(server, ada, general, "Keep almond")
            await eve_says(private, "Keep hazel")
            await eve_says(lounge, "Keep pecan")

            shown = await server.slash(ada, dm, "/everbot", "link")
            [code] = re.findall(r"[A-Z0-9]{4}-[A-Z0-9]{4}", shown.replies[0]["text"])[:1]
            entered = await discord.slash(eve, private, "link", {"argument": code})
            early = await server.slash(ada, dm, "/everbot", "link confirm")
            assert "nothing to confirm" in early.replies[0]["text"]
            await asked()
            assert seen["private"] == ["hazel", "pecan"]

            await entered.press(f"everbot link yes {code}")
            done = await server.slash(ada, dm, "/everbot", "link confirm")
            assert "one person" in done.replies[0]["text"]
            await asked()
            assert seen["dm"] == seen["private"] == ["almond", "hazel", "pecan", "walnut"]
            assert (seen["general"], seen["lounge"]) == (["almond"], ["pecan"])
            again = await discord.slash(eve, private, "link", {"argument": code})
            assert "not known" in again.text

            sure = await server.slash(ada, dm, "/everbot", "unlink")
            await server.press(ada, sure.replies[0], "everbot unlink yes")
            await server.until(lambda: any("anew" in m["text"] for m in server.ephemeral(dm, ada)))
            await asked()
            assert (seen["dm"], seen["general"]) == ([], [])
            assert seen["private"] == ["almond", "hazel", "pecan", "walnut"]


def nuts(town: Town) -> list[str]:
    """The nuts that the model was shown last."""
    return sorted(set(re.findall("walnut|almond|hazel|pecan", whole(requests(town)[-1]))))
