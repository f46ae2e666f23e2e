"""`everbot persona`: personas made, changed, moved as files and retired, in real data directories."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.backends.memory import Memory, open_memory
from bot.cli import load
from bot.cli import persona as commands
from bot.errors import CardError, PersonaError
from bot.personas import portable
from bot.personas.cards.file import read_file
from bot.settings import Settings
from memory.archival import share
from memory.records import PRIVATE, Draft, Passage, community_audience
from tests.fakes.empty_database import lay
from tests.fakes.memory_rows import NOW, core_block, proposal_of
from tests.fakes.pictures import png
from tests.program.program import Program

HERE = "discord:1"
CANARY = "xylophone-marmalade"
DEFINITION = {
    "greetings": ["Hello {{user}}!", "Hi."],
    "group_greetings": ["Hello all."],
    "example": "{{char}}: Mulch!",
    "system_prompt": "Be kind. {{original}} Be brief.",
    "book": {
        "entries": [{"keys": ["rose"], "content": "Roses want sun.", "enabled": True, "insertion_order": 1}]
    },
    "policies": {
        "languages": ["English"],
        "tools": ["archival_memory_search"],
        "heartbeat": {"every_hours": 12},
    },
}


def settings_at(folder: Path) -> Settings:
    lay(folder / "everbot.db")
    return Settings.model_validate({"data_dir": folder, "embedder": {"kind": "none"}})


@asynccontextmanager
async def memory_at(settings: Settings) -> AsyncIterator[Memory]:
    async with open_memory(settings, embedders=lambda _: None) as memory:
        yield memory


async def flora(settings: Settings, folder: Path) -> None:
    """A persona with a history, an avatar and lore, and a person who told it secrets."""
    folder.mkdir(exist_ok=True)
    (folder / "d.json").write_text(json.dumps(DEFINITION), encoding="utf-8")
    (folder / "a.png").write_bytes(png())
    (folder / "t.md").write_text("I am Flora. I know roses.", encoding="utf-8")
    await commands.create(settings, "flora", "I am Flora.", "of plants", folder / "d.json", folder / "a.png")
    await commands.edit(
        settings,
        "flora",
        "persona",
        lambda text, _: text + " I know roses.",
        definition=False,
        description=None,
        avatar=None,
    )
    async with memory_at(settings) as memory, memory.store.write() as session:
        persona = await session.personas.named("flora")
        assert persona is not None
        user = await session.agents.create_user(f"discord:{CANARY}", CANARY, "UTC", NOW)
        agent = await session.agents.create_agent(user.id, persona.id, f"{CANARY}/flora", NOW)
        known = core_block(f"agent:{agent.id}", "human", PRIVATE, f"Their name is {CANARY}.", 99)
        await session.blocks.create(known, NOW)
        await session.passages.insert(
            agent.archive_id, [Draft(text=f"{CANARY} is shy.", audience=PRIVATE)], NOW
        )
        await session.personas.propose(proposal_of(agent, HERE, CANARY))
        for text in ("The fair is in May.", "The pool is closed."):
            draft = Draft(text=text, audience=community_audience(HERE), tags=("town",), turn_id=CANARY)
            await share(session, persona.id, HERE, [draft], user.id, NOW)
        there = Draft(text="Elsewhere it rains.", audience=community_audience("discord:2"))
        await share(session, persona.id, "discord:2", [there], user.id, NOW)


async def lore_at(settings: Settings, name: str, community: str) -> list[Passage]:
    async with memory_at(settings) as memory, memory.store.read() as session:
        persona = await session.personas.named(name)
        assert persona is not None
        (archive,) = await session.passages.lore(persona.id, [community])
        return await session.passages.page(archive.id, {community_audience(community)})


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def test_a_persona_taken_elsewhere_is_the_same(tmp_path: Path) -> None:
    old, new = settings_at(tmp_path / "old"), settings_at(tmp_path / "new")
    await flora(old, tmp_path / "files")
    one, two = tmp_path / "one.zip", tmp_path / "two.zip"
    await commands.take_out(old, "flora", one, HERE, None, png=False)
    await commands.bring_in(new, one, None, "slack:T1")
    await commands.take_out(new, "flora", two, "slack:T1", None, png=False)
    before, after = parts(one), parts(two)
    assert set(before) == {"header.json", "README.md", "persona.md", "persona.json", "lore.jsonl", "avatar"}
    assert {name for name in before if before[name] != after[name]} <= {"header.json"}
    told = json.loads(before["persona.json"])
    assert [edit["after"] for edit in told["blocks"][0]["history"]] == ["I am Flora. I know roses."]
    assert [made["version"] for made in told["versions"]] == [1, 2]
    assert b"The fair is in May." in before["persona.md"]
    assert sorted(p.text for p in await lore_at(new, "flora", "slack:T1")) == [
        "The fair is in May.",
        "The pool is closed.",
    ]
    # An edit goes on where the history ended.
    await commands.edit(
        new, "flora", "persona", lambda *_: "I am Fern.", definition=False, description=None, avatar=None
    )
    async with memory_at(new) as memory, memory.store.read() as session:
        persona = await session.personas.named("flora")
        assert persona is not None
        assert persona.version == 3
        assert [e.version for e in await session.blocks.history(f"persona:{persona.id}", None)] == [3, 2]


async def test_nothing_of_a_person_and_of_another_community_is_in_the_file(tmp_path: Path) -> None:
    settings = settings_at(tmp_path / "data")
    await flora(settings, tmp_path / "files")
    path = tmp_path / "one.zip"
    await commands.take_out(settings, "flora", path, HERE, None, png=False)
    whole = b"".join(parts(path).values())
    assert b"The fair is in May." in whole
    for secret in (CANARY, "shy", "Elsewhere"):
        assert secret.encode() not in whole
    bare = tmp_path / "bare.zip"
    await commands.take_out(settings, "flora", bare, None, None, png=False)
    assert parts(bare)["lore.jsonl"] == b""


async def test_lore_needs_a_community_and_a_name_must_be_free(tmp_path: Path) -> None:
    settings = settings_at(tmp_path / "data")
    await flora(settings, tmp_path / "files")
    path = tmp_path / "one.zip"
    await commands.take_out(settings, "flora", path, HERE, None, png=False)
    with pytest.raises(PersonaError, match="--name gives this one another"):
        await commands.bring_in(settings, path, None, HERE)
    with pytest.raises(PersonaError, match="--community whose it shall be"):
        await commands.bring_in(settings, path, "fern", None)
    await commands.bring_in(settings, path, "fern", "discord:3")
    assert len(await lore_at(settings, "fern", "discord:3")) == 2


def zipped(**changed: bytes | None) -> bytes:
    """A sound file with some parts replaced, or (None) left out."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    block = portable.PortableBlock(label="persona", value="I", limit=10, description="")
    persona = portable.Persona(name="x", description="", definition={}, blocks=(block,))
    with zipfile.ZipFile(io.BytesIO(portable.packed(portable.PersonaFile(persona=persona), now))) as sound:
        contents: dict[str, bytes | None] = {name: sound.read(name) for name in sound.namelist()}
    contents |= {name.replace("_", "."): data for name, data in changed.items()}
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            if data is not None:
                archive.writestr(name, data)
    return whole.getvalue()


VERSIONED = json.dumps(
    {
        "name": "x",
        "description": "",
        "definition": {},
        "blocks": [],
        "versions": [
            {
                "version": 1,
                "at": "2026-11-21T09:00:00Z",
                "data": {"description": "", "definition": {}, "blocks": [3]},
            }
        ],
    }
).encode()


def test_a_sound_file_is_read() -> None:
    assert portable.unpacked(zipped()).persona.name == "x"
    assert portable.unpacked(zipped(**{"../../etc/passwd": b"x"})).persona.name == "x"  # never looked at


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"PK\x03\x04 and nothing", "no persona's file"),
        (zipped()[:-200], "no persona's file"),
        (zipped(header_json=None), "not JSON"),
        (zipped(header_json=b'{"format": "x"}'), "nothing of the kind"),
        (zipped(header_json=b'{"format": "everbot-persona", "version": 9}'), "of version 9"),
        (zipped(persona_json=b"{" * 100_000), "not JSON"),
        (zipped(persona_json=b'{"name": 3}'), "persona.json in this file: name"),
        (zipped(persona_json=b" " * 8_000_001), "larger than"),
        (zipped(lore_jsonl=b'{"text": "a"}\n'), "lore.jsonl, line 1 in this file: at"),
        (zipped(lore_jsonl=b'{"text": "\\ud800", "at": "2026-11-21T09:00:00Z"}\n'), "not JSON"),
        (zipped(avatar=b"<svg/>"), "no image that is taken"),
        (zipped(persona_json=VERSIONED), r"versions.0.data.blocks"),
        (zipped(**{f"more{n}": b"" for n in range(70)}), "too many files"),
    ],
)
def test_what_is_no_sound_file_is_refused_in_a_sentence(data: bytes, why: str) -> None:
    with pytest.raises(PersonaError, match=why):
        portable.unpacked(data)


CARD: dict[str, Any] = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {
        "name": "Flora",
        "description": "{{char}} knows plants.",
        "personality": "patient",
        "scenario": "a garden",
        "first_mes": "Hello {{user}}.",
        "mes_example": "<START>\n{{user}}: Roses?\n{{char}}: Sun.",
        "creator_notes": "for people only",
        "system_prompt": "{{original}} Speak of plants.",
        "post_history_instructions": "Stay kind.",
        "alternate_greetings": ["Hi."],
        "tags": ["garden"],
        "creator": "me",
        "character_version": "1",
        "extensions": {"elsewhere": {"depth": 4}},
        "character_book": {
            "extensions": {},
            "entries": [
                {
                    "keys": ["rose"],
                    "content": "Roses want sun.",
                    "enabled": True,
                    "insertion_order": 1,
                    "extensions": {},
                }
            ],
        },
    },
}


async def test_a_card_comes_and_goes_unchanged(tmp_path: Path) -> None:
    settings = settings_at(tmp_path / "data")
    (tmp_path / "flora.json").write_text(json.dumps(CARD), encoding="utf-8")
    await commands.bring_in(settings, tmp_path / "flora.json", None, None)
    await commands.take_out(settings, "Flora", tmp_path / "out.json", None, "2", png=False)
    assert json.loads((tmp_path / "out.json").read_bytes()) == CARD
    # What was changed since is in the card, and nothing else is another.
    await commands.edit(
        settings,
        "Flora",
        "persona",
        lambda *_: "I know roses.",
        definition=False,
        description=None,
        avatar=None,
    )
    await commands.take_out(settings, "Flora", tmp_path / "changed.json", None, "2", png=False)
    data = json.loads((tmp_path / "changed.json").read_bytes())["data"]
    assert (data["description"], data["personality"]) == ("I know roses.", "")
    assert data["extensions"] == CARD["data"]["extensions"]


async def test_world_info_becomes_the_book_of_a_persona(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_at(tmp_path / "data")
    await flora(settings, tmp_path / "files")
    world = tmp_path / "eldoria.json"
    entry = {"uid": 0, "key": ["elder"], "content": "The wood is old.", "disable": False, "group": "trees"}
    world.write_text(json.dumps({"entries": {"0": entry}}), encoding="utf-8")

    await commands.bring_in(settings, world, "flora", None)
    await commands.bring_in(settings, world, None, None)

    told = capsys.readouterr()
    assert "Entries in the book of flora now: 2." in told.err
    assert "Entries in the book of eldoria now: 1." in told.err
    assert "group (1)" in told.err
    async with memory_at(settings) as memory, memory.store.read() as session:
        for name, contents in (
            ("flora", ["Roses want sun.", "The wood is old."]),
            ("eldoria", ["The wood is old."]),
        ):
            persona = await session.personas.named(name)
            assert persona is not None
            definition = await session.personas.definition(persona.id)
            assert [e["content"] for e in definition["book"]["entries"]] == contents
        flora_ = await session.personas.named("flora")
        assert flora_ is not None
        assert (await session.personas.definition(flora_.id))["greetings"] == DEFINITION["greetings"]


async def test_a_zip_is_a_persona_or_a_card(tmp_path: Path) -> None:
    settings = settings_at(tmp_path / "data")
    path = tmp_path / "kaya.charx"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("card.json", json.dumps({"spec": "chara_card_v3", "data": {"name": "Kaya"}}))
    await commands.bring_in(settings, path, None, None)
    async with memory_at(settings) as memory, memory.store.read() as session:
        assert await session.personas.named("Kaya") is not None
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("notes.txt", "x")
    with pytest.raises(CardError, match="no CHARX"):
        await commands.bring_in(settings, path, None, None)
    path.write_bytes(b"PK broken")
    with pytest.raises(PersonaError, match="damaged"):
        await commands.bring_in(settings, path, None, None)


async def test_a_persona_goes_out_as_a_png_card(tmp_path: Path) -> None:
    settings = settings_at(tmp_path / "data")
    await flora(settings, tmp_path / "files")
    await commands.take_out(settings, "flora", tmp_path / "flora.png", None, "3", png=True)
    card, image = read_file((tmp_path / "flora.png").read_bytes())
    assert (card.name, card.first_mes, card.group_only_greetings) == (
        "flora",
        "Hello {{user}}!",
        ("Hello all.",),
    )
    assert image
    await commands.bring_in(settings, tmp_path / "flora.png", "fern", None)
    async with memory_at(settings) as memory, memory.store.read() as session:
        fern = await session.personas.named("fern")
        assert fern is not None
        avatar = await session.personas.avatar(fern.id)
    assert avatar is not None
    assert avatar.data == image


async def test_a_persona_with_agents_is_retired_and_comes_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_at(tmp_path / "data")
    await flora(settings, tmp_path / "files")
    assert await commands.delete(settings, "flora", force=False) == 1
    assert "agents that know it: 1." in capsys.readouterr().err
    assert await commands.delete(settings, "flora", force=True) == 0
    assert "is retired" in capsys.readouterr().out
    await commands.show_all(settings)
    assert "flora: of plants [retired]" in capsys.readouterr().out
    with pytest.raises(PersonaError, match="already"):
        await commands.create(settings, "flora", "I am another.", "", None, None)
    await commands.restore(settings, "flora")
    await commands.show(settings, "flora", as_json=True)
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (shown["name"], shown["version"]) == ("flora", 2)


async def test_a_persona_that_nobody_met_is_deleted_with_its_lore(tmp_path: Path) -> None:
    settings = settings_at(tmp_path / "data")
    await commands.create(settings, "flora", "I am Flora.", "", None, None)
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "fair.txt").write_text("The fair is in May.", encoding="utf-8")
    assert await load.load(settings, [documents], "", "flora@discord:1") == 0
    (entry,) = await lore_at(settings, "flora", HERE)
    assert (entry.text, entry.source) == ("The fair is in May.", "fair.txt")
    assert await commands.delete(settings, "flora", force=False) == 0
    async with memory_at(settings) as memory, memory.store.read() as session:
        assert await session.personas.named("flora") is None
        assert await session.passages.archives() == []


async def test_the_default_is_not_deleted(tmp_path: Path) -> None:
    with pytest.raises(PersonaError, match=r"personas\.default"):
        await commands.delete(settings_at(tmp_path), "ever", force=True)


@pytest.mark.parametrize("name", ["", "a@b", "a/b", "list", "lore of mine", " x", "a\nb", "x" * 81])
async def test_what_cannot_be_a_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PersonaError, match="cannot be a persona's name"):
        await commands.create(settings_at(tmp_path), name, "I am.", "", None, None)


def test_the_program_makes_edits_and_speaks_as_a_persona(tmp_path: Path) -> None:
    program = Program(tmp_path, laid=True)
    made = program.run("persona", "create", "flora", "--text", "I am Flora.")
    assert (made.code, "flora is made" in made.out) == (0, True)
    (tmp_path / "new.md").write_text("I am Flora. I know roses.", encoding="utf-8")
    assert program.run("persona", "edit", "flora", "--set", "new.md").code == 0
    assert "I know roses." in program.run("persona", "show", "flora").out
    assert program.run("chat", "--persona", "flora", source="Hello\n").code == 0
    assert (
        "There is no persona 'fern'. Personas: ever, flora" in program.run("persona", "show", "fern").sentence
    )
    gone = program.run("persona", "edit", "flora", "--set", "nowhere.md")
    assert "nowhere.md cannot be read" in gone.sentence
    bad = program.run("persona", "create", "x", "--text", "I", "--definition", "nowhere.toml")
    assert "nowhere.toml cannot be read" in bad.sentence


@pytest.mark.parametrize("name", ["pip", "marlow"])
async def test_the_ready_personas_are_sound(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await commands.show(settings_at(tmp_path), name, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["definition"]["greetings"]
    assert shown["description"]
    assert "software" in shown["blocks"][0]["value"]


def too_much(**changed: Any) -> bytes:
    """A persona's file of these parts, with one that is sound in the place of others."""
    block = {"label": "persona", "value": "I", "limit": 1_000_000, "description": "", "history": []}
    whole = {"name": "x", "description": "", "definition": {}, "blocks": [block], "versions": []}
    return zipped(persona_json=json.dumps({**whole, **changed}).encode())


def block_of(**changed: Any) -> dict[str, Any]:
    return {"label": "persona", "value": "I", "limit": 9, "description": "", "history": []} | changed


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (
            too_much(blocks=[block_of(label=f"b{n}") for n in range(65)]),
            "blocks: Tuple should have at most 64",
        ),
        (too_much(blocks=[{}] * 200_000), "blocks.0.label: Field required"),
        (
            too_much(blocks=[block_of(value="x" * 100_001, limit=1_000_000)]),
            "blocks.0.value: .*at most 100000",
        ),
        (too_much(blocks=[block_of(description="x" * 2_001)]), "blocks.0.description: .*at most 2000"),
        (too_much(blocks=[block_of(limit=10**30)]), "blocks.0.limit: "),
        (too_much(name="x" * 81), "name: .*at most 80"),
        (too_much(description="x" * 2_001), "description: .*at most 2000"),
        (
            too_much(
                blocks=[
                    block_of(
                        history=[{"version": 1, "before": "", "after": "", "at": "0001-01-01T00:00:00+14:00"}]
                    )
                ]
            ),
            "blocks.0.history.0.at: ",
        ),
        (zipped(lore_jsonl=b'{"text": "a", "at": "2026-11-21T09:00:00"}\n'), "lore.jsonl, line 1 .* at: "),
        (
            zipped(lore_jsonl=b'{"text": "a", "at": "2026-11-21T09:00:00Z", "position": -1}\n'),
            "lore.jsonl, line 1 .* position: ",
        ),
        (zipped(lore_jsonl=b"\n" * 200_000), "more than the 100,000 lines"),
    ],
)
def test_what_is_too_much_for_a_persona_is_refused_in_a_sentence(data: bytes, why: str) -> None:
    with pytest.raises(PersonaError, match=why):
        portable.unpacked(data)


@pytest.mark.parametrize(
    ("definition", "why"),
    [
        ({"greetings": ["Hi."] * 501}, "greetings: there are 501; 500 are taken"),
        ({"group_greetings": ["x" * 20_001]}, "group_greetings.0: it has 20,001 characters"),
        ({"policies": {"languages": ["Elvish"] * 21}}, "policies.languages: there are 21"),
        ({"policies": {"languages": ["x" * 51]}}, "policies.languages.0: it has 51 characters"),
        ({"policies": {"tools": ["x" * 201]}}, "policies.tools.0: it has 201 characters"),
        ({"system_prompt": "x" * 20_001}, "system_prompt: "),
    ],
)
async def test_so_is_a_definition_from_wherever_it_comes(
    tmp_path: Path, definition: dict[str, Any], why: str
) -> None:
    settings = settings_at(tmp_path)
    (tmp_path / "d.json").write_text(json.dumps(definition), encoding="utf-8")
    with pytest.raises(PersonaError, match=why):
        await commands.create(settings, "flora", "I am Flora.", "", tmp_path / "d.json", None)
    (tmp_path / "p.zip").write_bytes(too_much(definition=definition))
    with pytest.raises(PersonaError, match=why):
        await commands.bring_in(settings, tmp_path / "p.zip", "flora", None)


async def test_a_persona_is_no_library(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    with pytest.raises(PersonaError, match=r"has 100,001 characters; it may have 100,000.*--lore"):
        await commands.create(settings, "flora", "x" * 100_001, "", None, None)
    with pytest.raises(PersonaError, match="description has 2,001 characters"):
        await commands.create(settings, "flora", "I am Flora.", "x" * 2_001, None, None)
    async with memory_at(settings) as memory, memory.store.read() as session:
        assert await session.personas.named("flora") is None


async def test_it_is_bound_and_brought_back_to_a_version_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_at(tmp_path / "data")
    await flora(settings, tmp_path / "files")
    await commands.bind(settings, "flora", "discord:1/2")
    await commands.show_all(settings)
    assert "[discord:1/2]" in capsys.readouterr().out
    await commands.unbind(settings, "discord:1/2")
    with pytest.raises(PersonaError, match="Nothing is bound"):
        await commands.unbind(settings, "discord:1/2")
    await commands.go_back(settings, "flora", 1)
    await commands.show(settings, "flora", as_json=False)
    shown = capsys.readouterr().out
    assert "I am Flora." in shown
    assert "I know roses." not in shown.partition("Proposal")[0]
    number = int(shown.partition("Proposal ")[2].partition(" ")[0])
    await commands.settle(settings, "flora", number, accept=False)
    with pytest.raises(PersonaError, match="no proposal"):
        await commands.settle(settings, "flora", number, accept=True)
