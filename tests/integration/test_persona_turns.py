"""What a persona's definition makes of a turn: its instructions, its book, its tools, its model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.events import Origin
from bot.people.roles import Roles
from bot.personas.definition import cast, from_book, instructions, parsed, to_json
from bot.ports import ModelReply, ModelRequest
from bot.settings import AccessSettings
from memory.records import PRIVATE, community_audience
from tests.fakes.parlour import House, Stage, events_in, is_summary, opened, results_in
from tests.fakes.scripted_model import call, say

ROSE = {
    "keys": ["rose"],
    "content": "Roses want sun, {{user}}.",
    "enabled": True,
    "insertion_order": 1,
    "priority": 5,
}
MOSS = {
    "keys": ["moss"],
    "content": "Moss wants shade.",
    "enabled": True,
    "insertion_order": 2,
    "priority": 9,
}
SOIL = {"keys": [], "content": "Soil is alive.", "enabled": True, "insertion_order": 3, "constant": True}
HERE = community_audience("parlour:c")


def whole(text: str) -> str:
    return text


def book(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"entries": list(entries), **more}


async def become(house: House, **definition: Any) -> None:
    """Make the default persona this."""
    personas = house.app.personas
    async with house.app.memory.store.write() as session:
        persona = await personas.named(session, "ever")
        texts = [personas.text("I am Ever.")]
        await personas.put(session, persona, texts, "", parsed(definition), None)


def polite(request: ModelRequest) -> ModelReply:
    return ModelReply(text="They talked.") if is_summary(request) else say("Good.")


def told(system: str) -> str:
    """The instructions without core memory."""
    return system.partition("<memory_blocks>\n")[0]


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("", "OURS"),
        ("Be kind.", "OURS\n\nBe kind."),
        (
            "Be kind, {{char}}. {{original}} Be brief, {{user}}.",
            "Be kind, Flora.\n\nOURS\n\nBe brief, Ada {{x}}.",
        ),
        ("{{original}}{{original}}", "OURS"),
        ("Be kind. {{ Original }}", "Be kind.\n\nOURS"),
    ],
)
def test_our_instructions_stay_whatever_the_persona_says(prompt: str, wanted: str) -> None:
    definition = parsed({"system_prompt": prompt})
    who = cast(definition, "Flora", "Ada\n {{x}}")
    assert instructions(definition, "OURS", who, whole, len) == wanted


def test_all_of_a_personas_texts_stand_in_the_instructions() -> None:
    definition = parsed(
        {
            "nickname": "Flo",
            "example": "{{char}}: Mulch, {{user}}!",
            "post_history_instructions": "Stay kind.",
            "book": book(ROSE, SOIL),
            "policies": {"languages": ["Latin", "Greek"]},
            "card": {"data": {"creator_notes": "SECRET"}},
        }
    )
    text = instructions(definition, "OURS", cast(definition, "flora", "Ada"), whole, len)
    parts = [
        "OURS",
        "How Flo speaks, by example\n\nFlo: Mulch, Ada!",
        "Stay kind.",
        "Soil is alive.",
        "Latin or Greek",
    ]
    assert [part for part in parts if part not in text] == []
    assert "Roses" not in text
    assert "SECRET" not in text


def test_what_a_book_always_says_is_held_to_its_budget_of_tokens() -> None:
    definition = parsed({"book": book(SOIL, token_budget=3)})
    who = cast(definition, "flora", "Ada")
    assert "Soil is alive." in instructions(definition, "OURS", who, whole, lambda text: len(text.split()))
    assert "Soil is alive." not in instructions(definition, "OURS", who, whole, len)


def test_a_book_comes_to_mind_by_its_keys_and_within_its_budget() -> None:
    def minded(texts: list[str], budget: int = 1_000, **more: Any) -> list[str]:
        definition = parsed({"book": book(ROSE, MOSS, SOIL, **more)})
        return from_book(definition, cast(definition, "flora", "Ada"), texts, len, budget)

    assert minded(["hello"]) == []
    assert minded(["A Rose?", "and moss"]) == ["Roses want sun, Ada.", "Moss wants shade."]
    assert minded(["A Rose?", "and moss"], scan_depth=1) == ["Moss wants shade."]
    assert minded(["rose, moss"], 35) == ["Moss wants shade."]


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonsense": 1},
        {"greetings": "Hello"},
        {"avatar_url": "file:///etc/passwd"},
        {"policies": {"accept": "never"}},
        {"policies": {"heartbeat": {"every_hours": 0.1}}},
        {"example": "x" * 20_001},
        {"book": {"entries": [{"keys": ["rose"], "content": "Sun."}] * 2_001}},
    ],
)
def test_a_wrong_definition_is_refused_by_the_name_of_its_field(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        parsed(wrong)


def test_a_definition_goes_through_json_unchanged() -> None:
    data = {"greetings": ["Hello"], "book": book(ROSE), "policies": {"tools": [], "accept": "always"}}
    assert to_json(parsed(data)) == data


async def test_what_comes_to_mind_comes_once_and_changes_nothing_before_it(tmp_path: Path) -> None:
    model = Stage(polite)
    async with opened(tmp_path, model) as house:
        await become(house, book=book(ROSE, MOSS))
        for text in ("Hello.", "I like my rose.", "My rose is red.", 'What of moss, "old" friend?'):
            await house.say("ada", text)
    assert [event.get("book") for event in events_in(model.requests[-1]) if event["type"] == "message"] == [
        None,
        ["Roses want sun, ada."],
        None,  # it is in view
        ["Moss wants shade."],
    ]
    for before, after in zip(model.requests, model.requests[1:], strict=False):
        assert json.dumps(list(after.messages)).startswith(json.dumps(list(before.messages))[:-1])


async def test_a_persona_of_many_words_leaves_the_window_whole(tmp_path: Path) -> None:
    """Also in a small one, with a full core memory: the conversation keeps its room."""
    many = "Mulch and compost, patience and rain. " * 400
    model = Stage(polite)
    async with opened(tmp_path, model, model={"context_window": 8_000, "reply_reserve": 500}) as house:
        entries = [{**SOIL, "content": many[:8_000]}]
        texts = dict.fromkeys(("system_prompt", "example", "post_history_instructions"), many)
        await become(house, book=book(*entries), **texts)
        for number in range(4):
            await house.say("ada", f"Message {number}. " + "Hm. " * 200)
        assert max(house.tokens(*model.requests)) <= 8_000
    assert not model.problems
    assert "You are a companion with a lasting memory" in model.requests[0].messages[0]["content"]
    assert "Message 3." in json.dumps(list(model.requests[-1].messages))


async def test_a_tool_that_the_persona_may_not_use_is_refused(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        results = results_in(request)
        return (
            say("Then not.") if results else call("core_memory_append", label="human", content="Likes tea.")
        )

    model = Stage(play)
    async with opened(tmp_path, model) as house:
        schemas = [[tool["function"]["name"] for tool in request.tools] for request in model.requests]
        await become(house, policies={"tools": ["archival_memory_search"]})
        (reply,) = await house.say("ada", "I like tea.")
    assert reply.text == "Then not."
    (result,) = results_in(model.requests[-1])
    assert "core_memory_append is not allowed to this persona" in result["message"]
    assert "archival_memory_search, finish_rethinking_memory" in result["message"].replace(
        "send_message, ", ""
    )
    assert all(names == schemas[0] for names in schemas), "the schemas are the same in every request"


async def test_reflections_change_a_persona_at_once_where_that_is_allowed(tmp_path: Path) -> None:
    def play(request: ModelRequest) -> ModelReply:
        if events_in(request)[-1]["type"] != "heartbeat":
            return say("Good.")
        if request.messages[-1]["role"] == "tool":
            return call("finish_rethinking_memory")
        return call("rethink_memory", label="persona", new_value="I am Ivy.", request_heartbeat=True)

    async with opened(tmp_path, play) as house:
        personas, store = house.app.personas, house.app.memory.store

        async def blocks(name: str) -> list[str]:
            async with store.read() as session:
                persona = await session.personas.named(name)
                assert persona is not None
                return [block.value for block in await personas.blocks(session, persona)]

        async with store.write() as session:
            definition = parsed({"policies": {"accept": "always"}})
            texts = [personas.text("I am Flora.")]
            persona = await personas.create(session, "flora", texts, definition=definition)
            for place in ("parlour:c", "parlour:d"):
                await session.personas.bind(place, place, persona.id, house.clock.now())
        message = house.message("ada", "Hello.", audience=HERE, place="hall", community="parlour:c")

        async def reflect() -> None:
            await house.tell(message)
            identity = await house.app.identities.of(message)
            await house.app.heartbeat.beat_now(identity)
            await house.settled(message.address)

        await reflect()
        assert await blocks("flora") == ["I am Flora."], "another community has it, too"
        async with store.write() as session:
            assert [p.value for p in await session.personas.proposals(persona.id, "parlour:c")] == [
                "I am Ivy."
            ]
            await session.personas.unbind("parlour:d")
        await reflect()
        assert await blocks("flora") == ["I am Ivy."]


def origin(**more: Any) -> Origin:
    facts = {"account": "discord:5", "name": "ada", "address": "discord:1", "audience": PRIVATE}
    return Origin(**(facts | more))


@pytest.mark.parametrize(
    ("rules", "who", "roles"),
    [
        ({}, origin(community="discord:1"), (False, False)),
        ({}, origin(community="discord:1", admin=True), (False, True)),
        ({}, origin(admin=True), (False, False)),  # of no community
        ({}, origin(address="slack:T1/D1", admin=True), (False, True)),
        ({"owners": ["discord:5"]}, origin(), (True, True)),
        ({"owners": ["discord:55"]}, origin(), (False, False)),
        ({"admins": {"discord:1": ["discord:5"]}}, origin(community="discord:1"), (False, True)),
        ({"admins": {"discord:1": ["discord:5"]}}, origin(community="discord:2"), (False, False)),
        ({"admins": {"": ["discord:5"]}}, origin(), (False, False)),
        ({}, origin(account="console:ada"), (True, True)),
    ],
)
def test_roles_are_of_a_place(rules: dict[str, Any], who: Origin, roles: tuple[bool, bool]) -> None:
    judge = Roles(AccessSettings.model_validate(rules))
    assert (judge.is_owner(who), judge.is_admin(who)) == roles


async def test_another_model_thinks_for_a_persona_that_names_one(tmp_path: Path) -> None:
    """The name is asked for at the same endpoint, and the usage is recorded under it."""
    from bot.backends.models import ConfiguredModels
    from tests.fakes.parlour import settings_at

    settings = settings_at(
        tmp_path, model={"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "name": "big"}
    )
    make: Callable[[str], Any] = (models := ConfiguredModels(settings, None)).named  # type: ignore[arg-type]
    assert [make(name).name for name in ("big", "small", "small")] == ["big", "small", "small"]
    assert make("small") is make("small")
    await models.aclose()
