"""What a message on Slack holds, how it is read, and what an answer looks like."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.ports import ModelReply, ModelRequest
from tests.acceptance.crowd import Slow, keep, requests, tell, texts
from tests.acceptance.slack_stage import Json, at_home
from tests.fakes import slack_events
from tests.fakes.clock import HurriedClock
from tests.fakes.documents import pdf
from tests.fakes.parlour import whole
from tests.fakes.scripted_model import say
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import Town, heard


@pytest.fixture
async def server() -> AsyncIterator[SlackServer]:
    async with SlackServer(pace=Pace(post_s=0.0)) as server:
        yield server


# Edited, deleted


async def test_edits_and_deletions_are_honoured(server: SlackServer, tmp_path: Path) -> None:
    ada, dm, general = at_home(server)
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


async def test_a_text_or_pdf_is_a_document(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    async with Town(tmp_path, keep, slack=server) as town:
        files = [
            ("notes.txt", b"The key is under the mat.", "text/plain"),
            ("letter.pdf", pdf(tmp_path, "The alarm code is 4711."), "application/pdf"),
            ("x.zip", b"PK", "application/zip"),
        ]
        await server.say(ada, dm, "Two files", files=files)
        await server.until(lambda: any("Two files" in text for text in texts(server.answers(dm))))
        shown = [json.loads(m["content"]) for m in requests(town)[-1].messages if m["role"] == "user"]
    documents = [event for event in shown if event["type"] == "document_uploaded"]
    assert [(d["document"], d["message"]) for d in documents] == [
        ("notes.txt", "The key is under the mat."),
        ("letter.pdf", "The alarm code is 4711."),
    ]
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


# All that a message holds


def post(server: SlackServer, user: str, channel: str, text: str = "", **fields: Any) -> Json:
    """Somebody's message with fields that only Slack's own clients, or apps, can write."""
    home = server.workspace
    place = home.channels[channel]
    message = home.post(place, {"user": user, "text": text, "client_msg_id": home.new_id("c"), **fields})
    for event in slack_events.spoken(home, place, message):
        server.delivery.publish(event)
    return {**message, "channel": channel}


def last_message(town: Town) -> Json:
    return events_of(requests(town)[-1])[-1]


async def test_a_forwarded_message_is_shown_with_its_author_and_its_files(
    server: SlackServer, tmp_path: Path
) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    dm = server.im(ada)
    report = server.workspace.add_file(bob, "why.txt", "text/plain", server.url, b"The certificate expired.")
    shared = {"is_share": True, "is_msg_unfurl": True, "author_id": bob, "author_name": "Somebody Else"}
    shared |= {"text": f"The outage was mine,\n<@{ada}>.", "files": [report], "fallback": "[..] bob: The"}
    async with Town(tmp_path, keep, slack=server) as town:
        post(server, ada, dm, "Whose fault?", attachments=[shared])
        await server.until(lambda: server.answers(dm))
        shown = [json.loads(m["content"]) for m in requests(town)[-1].messages if m["role"] == "user"]
    message = next(event["message"] for event in shown if event["type"] == "message")
    assert message.splitlines() == [
        "Whose fault?",
        "(forwarded from bob)",
        "> The outage was mine,",
        "> @ada.",
        "> (file: why.txt)",
    ]
    assert "The certificate expired." in [e["message"] for e in shown if e["type"] == "document_uploaded"]


async def test_what_is_forwarded_calls_nobody_and_commands_nothing(
    server: SlackServer, tmp_path: Path
) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    general, dm = server.channel("general", [ada, bob]), server.im(ada)
    shared = {"is_share": True, "author_id": bob, "text": f"<@{server.bot}> !forget"}
    async with Town(tmp_path, keep, slack=server) as town:
        post(server, bob, general, "", attachments=[shared])
        post(server, ada, dm, "", attachments=[shared])
        await server.until(lambda: server.answers(dm))
    assert last_message(town)["message"] == "(forwarded from bob)\n> @everbot !forget"
    assert not server.answers(general)


async def test_a_poll_of_another_bot_is_read_from_its_blocks(server: SlackServer, tmp_path: Path) -> None:
    ada, robot = server.user("ada"), server.other_bot("robot")
    general = server.channel("general", [ada, robot])
    button = {"type": "button", "text": {"type": "plain_text", "text": "Vote"}, "action_id": "v"}
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*Lunch?* <@{server.bot}>"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": ":one: Pizza"}, "accessory": button},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": f"asked by <@{ada}>"}]},
        {"type": "a_block_of_tomorrow", "title": {"type": "plain_text", "text": "Closes at noon"}},
    ]
    bots = {"bot_id": robot.replace("U", "B", 1), "blocks": blocks}
    async with Town(tmp_path, keep, slack=server, access={"bots": True}) as town:
        post(server, robot, general, "", **bots)
        await server.until(lambda: server.answers(general))
    assert last_message(town)["message"].splitlines() == [
        "*Lunch?* @everbot",
        ":one: Pizza",
        "(button: Vote)",
        "asked by @ada",
        "Closes at noon",
    ]


async def test_names_are_asked_of_people_who_never_wrote(server: SlackServer, tmp_path: Path) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    dm, plans = server.im(ada), server.channel("plans", [ada, bob])
    secret = server.channel("secret", [bob], private=True)
    server.workspace.groups["S1"] = "night-shift"
    date = "<!date^1800000000^{date_short}|15 January>"
    written = f"Tell <@{bob}> and <!subteam^S1> of <#{plans}|> by {date}, not <#{secret}|> :party-cat:"
    async with Town(tmp_path, keep, slack=server) as town:
        await tell(server, ada, dm, written)
        told = last_message(town)["message"]
        await tell(server, ada, dm, f"<@{bob}> again")
    assert told == f"Tell @bob and @night-shift of #plans by 15 January, not #{secret} :party-cat:"
    assert len([call for call in server.calls("users.info") if call.args["user"] == bob]) == 1


async def test_names_that_slack_does_not_tell_in_time_hold_up_nothing(
    server: SlackServer, tmp_path: Path
) -> None:
    ada, bob = server.user("ada"), server.user("bob")
    dm, clock = server.im(ada), HurriedClock(0.0)
    async with Town(tmp_path, keep, slack=server, clock=clock) as town:
        await tell(server, ada, dm, "Hello")
        clock.most = 0.25
        crowd = " ".join(f"<@U9{n:04}>" for n in range(500))
        await tell(server, ada, dm, f"<@{bob}> {crowd}")
        assert len(server.calls("users.info")) < 30
        assert last_message(town)["message"].startswith(f"@{bob} ")
        clock.most = 0.0
        await tell(server, ada, dm, f"And <@{bob}>?")
    assert last_message(town)["message"] == "And @bob?"


async def test_a_thread_is_shown_what_it_began_with(server: SlackServer, tmp_path: Path) -> None:
    """Who began it may never have talked with us, and may have written before we were there."""
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel("general", [ada, bob])
    head = post(server, bob, general, "The soup is cold.")
    alert = {"type": "header", "text": {"type": "plain_text", "text": "Disk full on db-1"}}
    pager = post(server, server.other_bot("pager"), general, "", bot_id="B77", blocks=[alert])
    async with Town(tmp_path, keep, slack=server) as town:
        await tell(server, ada, general, f"<@{server.bot}> can this be mended?", str(head["ts"]))
        assert last_message(town)["context"] == ["bob: The soup is cold."]
        await tell(server, ada, general, "and how?", str(head["ts"]))
        assert "bob: The soup is cold." in last_message(town)["context"]
        asked = [call for call in server.calls("conversations.replies") if call.args["ts"] == head["ts"]]
        assert len(asked) == 1
        await tell(server, ada, general, f"<@{server.bot}> and this?", str(pager["ts"]))
        assert last_message(town)["context"] == ["pager: Disk full on db-1"]


async def test_a_beginning_that_slack_does_not_tell_costs_no_answer(
    server: SlackServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    general = server.channel("general", [ada])
    head = post(server, ada, general, "A question")
    async with Town(tmp_path, keep, slack=server) as town:
        server.fail("conversations.replies", 500)
        await tell(server, ada, general, f"<@{server.bot}> answer it", str(head["ts"]))
    assert "context" not in last_message(town)


async def test_voice_messages_canvases_and_lists_are_told_for_what_they_are(
    server: SlackServer, tmp_path: Path
) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    heard_words = {"status": "complete", "preview": {"content": "Buy milk", "has_more": False}}
    voice = {"id": "F1", "name": "audio_message.m4a", "mimetype": "", "subtype": "slack_audio"}
    files = [
        {**voice, "transcription": heard_words},
        {"id": "F2", "mode": "quip", "filetype": "quip", "title": "Travel plans", "mimetype": ""},
        {"id": "F3", "mode": "list", "filetype": "list", "title": "Chores"},
        {"id": "F4", "mode": "tombstone"},
    ]
    async with Town(tmp_path, keep, slack=server) as town:
        post(server, ada, dm, "", subtype="file_share", files=files)
        await server.until(lambda: server.answers(dm))
    assert last_message(town)["message"].splitlines() == [
        "(voice message: Buy milk)",
        "(canvas: Travel plans)",
        "(list: Chores)",
        "(a file that was deleted)",
    ]


# Deleted where others replied to it


async def test_a_message_that_leaves_a_stone_is_forgotten(server: SlackServer, tmp_path: Path) -> None:
    """In channels that is every message that was answered: the answer is a reply to it."""
    ada, bob = server.user("ada"), server.user("bob")
    general = server.channel("general", [ada, bob])
    async with Town(tmp_path, keep, slack=server) as town:
        said = await server.say(ada, general, f"<@{server.bot}> my salary is 91000")
        thread = str(said["ts"])
        await server.until(lambda: server.answers(general, thread))
        await server.delete(said)
        assert server.messages(general, thread)[0]["subtype"] == "tombstone"
        await server.until(lambda: all(envelope.done for envelope in server.envelopes))
        await tell(server, ada, general, "What did I earn?", thread)
        assert "91000" not in whole(requests(town)[-1]).replace("You said: my salary is 91000", "")
        lines = await server.say(bob, general, "my code is 4711")
        await server.say(ada, general, "a reply", str(lines["ts"]))
        await server.delete(lines)
        await server.until(lambda: all(envelope.done for envelope in server.envelopes))
        await tell(server, ada, general, "What is his code?")
    assert "4711" not in whole(requests(town)[-1])


# Refused as it is


async def test_an_answer_that_slack_will_not_render_is_posted_as_plain_text(
    server: SlackServer, tmp_path: Path
) -> None:
    ada, dm, general = at_home(server)
    async with Town(tmp_path, lambda _: say("**Yes** & <no>"), slack=server):
        server.refuse("chat.postMessage", "invalid_blocks")
        await server.say(ada, dm, "Well?")
        [answer] = await server.until(lambda: server.answers(dm))
        assert "blocks" not in answer
        assert answer["text"] == "**Yes** &amp; &lt;no&gt;"
        server.refuse("chat.postMessage", "cannot_reply_to_message")
        await server.say(ada, general, f"<@{server.bot}> well?")
        [answer] = await server.until(lambda: server.answers(general))
        assert "thread_ts" not in answer
    outcomes = [call.outcome for call in server.calls("chat.postMessage")]
    assert outcomes == ["invalid_blocks", "ok", "cannot_reply_to_message", "ok"]


async def test_every_link_of_an_answer_shows_where_it_leads(server: SlackServer, tmp_path: Path) -> None:
    ada = server.user("ada")
    dm = server.im(ada)
    answer = "See [your bank](https://evil.example/x), <https://evil.example|bank.example> or https://good.example."
    async with Town(tmp_path, lambda _: say(answer), slack=server):
        await server.say(ada, dm, "Where?")
        [posted] = await server.until(lambda: server.answers(dm))
    shown = (
        "See your bank (https://evil.example/x), bank.example (https://evil.example) or https://good.example."
    )
    assert posted["blocks"][0]["text"] == shown
    assert "<http" not in posted["text"]
