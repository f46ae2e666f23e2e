"""Everybody reads their own language: on Discord, on Slack, in notices and reminders, whatever they chose."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import AsyncIterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import pytest

from bot.errors import ModelUnavailable
from bot.events import Command, View
from bot.language import LANGUAGES, translations
from tests.acceptance.on_discord import answer, answered, ask
from tests.fakes.clock import FakeClock
from tests.fakes.discord_server import DiscordServer
from tests.fakes.parlour import House, Stage, opened, parrot, whole
from tests.fakes.scripted_model import calls, say
from tests.fakes.slack_server import Pace, SlackServer
from tests.fakes.town import FAST, Town
from tests.unit.bot.language.sources import marks, parsed, sources

SHORTEST = 12  # characters of a piece of text by which its language is told


@cache
def english() -> frozenset[str]:
    """Pieces of our texts, between what is filled in, that read otherwise in every other language."""
    texts = [
        text for source in sources("bot", "adapters") for _, given in marks(parsed(source)) for text in given
    ]
    pieces: set[str] = set()
    for text in texts:
        for piece in re.split(r"\{[^}]*\}|`[^`]*`|/\w+(?: [a-zA-Z]+)*|\n", text):
            piece = piece.strip(" .:;,()")
            if len(piece) >= SHORTEST and " " in piece and piece not in "".join(translations(text).values()):
                pieces.add(piece)
    return frozenset(pieces)


def english_in(shown: str) -> list[str]:
    """What of that is shown."""
    return [piece for piece in english() if piece in shown]


# Discord


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    async with DiscordServer(**FAST) as server:
        yield server


HOUR = (
    *("help", "help all", "privacy", "whoami", "memory", "memory notes", "memory history"),
    *("memory find walnuts", "memory drop nothing", "why walnuts", "forget", "forget here", "export"),
    *("heartbeat status", "heartbeat hours 99-3", "heartbeat every never", "scheduled", "scheduled cancel x"),
    *(
        "persona",
        "persona list",
        "persona show",
        "persona bind ever",
        "persona nobody",
        "link",
        "link confirm",
    ),
    *("link AAAA-AAAA", "unlink", "attach nothing", "retry", "language", "stop"),
)


async def test_a_german_sees_german_in_their_first_hour_on_discord(
    discord: DiscordServer, tmp_path: Path
) -> None:
    heinz = discord.user("heinz", locale="de")
    dm = discord.dm(heinz)
    general = discord.channel(discord.guild("Zuhause", members=[heinz]), "general")
    async with Town(tmp_path, answer, discord=discord, limits={"commands_per_minute": 0}) as town:
        [memory] = [one for one in discord.world.commands[None] if one["name"] == "memory"]
        assert memory["description"] == "what I know of you, to correct"
        assert memory["description_localizations"]["de"] == "was ich von dir weiß, änderbar"
        assert {"es-ES", "es-419", "pt-BR", "zh-CN"} <= set(memory["description_localizations"])
        shown = []
        for line in HOUR:
            word, _, rest = line.partition(" ")
            used = await discord.slash(heinz, dm, word, {"argument": rest} if rest else {})
            shown.append(f"{line}: {used.text} {used.modal}")
        shown += [(await discord.slash(heinz, general, word)).text for word in ("memory", "persona", "link")]
        await ask(discord, heinz, dm, "note Mag Nüsse")
        notes = await discord.slash(heinz, dm, "memory", {"argument": "notes"})
        buttons = str(notes.messages[-1].components)
        [edit, *_] = re.findall(r"everbot memory edit \w+", buttons) or [notes.text]
        form = await notes.press(edit)
        shown += [notes.text, buttons, str(form.modal)]
        assert [(piece, text) for text in shown for piece in english_in(text)] == []
        assert "Meine Notizen, Seite 1 von 1." in notes.text
        assert "Eine Notiz von mir" in str(form.modal)
        town.model.play = lambda _: ModelUnavailable("down")
        down = await ask(discord, heinz, dm, "Bist du da?")
        assert down.startswith("Ich kann gerade nicht denken.")
    before = len(discord.calls("PUT /applications/.*/commands"))
    async with town:  # announced once, with all languages
        assert len(discord.calls("PUT /applications/.*/commands")) == before


async def test_everybody_is_answered_in_their_own_language_in_one_channel(
    discord: DiscordServer, tmp_path: Path
) -> None:
    people = {
        locale: discord.user(f"person{n}", locale=locale)
        for n, locale in enumerate(("fr", "ru", "en-GB", "fi"))
    }
    general = discord.channel(discord.guild("Home", members=people.values()), "general")
    async with Town(tmp_path, answer, discord=discord):
        told = {
            locale: (await discord.slash(person, general, "scheduled")).text
            for locale, person in people.items()
        }
    assert told["fr"] == "Rien n'est prévu. Demande-moi de te rappeler quelque chose."
    assert told["ru"] == "Ничего не запланировано. Попроси меня о чём-нибудь напомнить."
    assert told["en-GB"] == told["fi"] == "Nothing is scheduled. Ask me to remind you of something."


async def test_a_stranger_is_told_in_their_language_how_to_be_let_in(
    discord: DiscordServer, tmp_path: Path
) -> None:
    heinz = discord.user("heinz", locale="de")
    async with Town(tmp_path, answer, discord=discord, access={"dm_policy": "pairing"}):
        used = await discord.slash(heinz, discord.dm(heinz), "help")
        assert used.text.startswith("Ich kenne dich noch nicht.")
        await discord.say(heinz, discord.dm(heinz), "Hallo?")  # of which Discord tells no language
        assert (await answered(discord, discord.dm(heinz)))[0].startswith("Ich kenne dich noch nicht.")
        zoe = discord.user(
            "zoe", locale="fr"
        )  # who has never used a command: it is the language that she writes
        await discord.say(zoe, discord.dm(zoe), "Bonjour, qui es-tu ?")
        assert (await answered(discord, discord.dm(zoe)))[0].startswith("Je ne te connais pas encore.")


# Slack


async def test_somebody_in_japan_sees_japanese_on_slack(tmp_path: Path) -> None:
    async with SlackServer(pace=Pace(post_s=0.0)) as slack:
        yuki = slack.user("yuki", locale="ja-JP")
        dm = slack.im(yuki)
        async with Town(tmp_path, parrot, slack=slack) as town:
            shown = []
            for line in (
                "help",
                "privacy",
                "memory",
                "scheduled",
                "heartbeat status",
                "forget",
                "language",
                "link x",
            ):
                used = await slack.slash(yuki, dm, "/everbot", line)
                shown.append(str(used.replies))
            await slack.open_home(yuki)
            await slack.until(lambda: slack.home(yuki))
            home = json.dumps(slack.home(yuki), ensure_ascii=False)
            assert "あなたについて覚えていること" in home
            pressed = await slack.press(yuki, slack.home(yuki) or {}, "everbot memory edit human")
            form = json.dumps(pressed.views, ensure_ascii=False)
            assert '"保存"' in form
            assert '"キャンセル"' in form
            assert [piece for text in (*shown, home, form) for piece in english_in(text)] == []
            assert "予定はありません。" in shown[3]
            town.model.play = lambda _: ModelUnavailable("down")
            await slack.say(yuki, dm, "元気?")
            await slack.until(lambda: "今は考えることができません" in str(slack.answers(dm)))


# What was chosen


async def command(house: House, user: str, line: str, locale: str = "", **more: Any) -> View:
    who = {key: value for key, value in house.who(user).items() if key not in ("key", "at")}
    name, _, argument = line.partition(" ")
    return await house.app.inbound.invoke(
        Command(**{**who, "locale": locale, "command": name, "argument": argument, **more})
    )


async def test_a_chosen_language_holds_over_restarts_and_platforms_until_it_is_given_up(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, parrot) as house:
        assert (await command(house, "ada", "scheduled", "de")).text.startswith("Nichts ist geplant.")
        told = await command(house, "ada", "language fr", "de")
        assert (told.text, told.language) == ("Je te parle désormais en français.", "fr")
        assert (await command(house, "bob", "scheduled", "de")).text.startswith("Nichts ist geplant.")
    async with opened(tmp_path, parrot) as house:
        shown = await command(house, "ada", "language", "de")
        assert shown.text.startswith("Je te parle en français, comme tu l'as voulu.")
        assert {action.label for action in shown.actions} == {
            *("English", "Deutsch", "español", "português (Brasil)", "русский", "日本語", "简体中文"),
            "Automatique",
        }
        assert (await command(house, "ada", "scheduled")).text.startswith("Rien n'est prévu.")
        assert "日本語" in (await command(house, "ada", "language 日本語")).text
        assert (await command(house, "ada", "language zh_CN.UTF-8")).language == "zh-CN"
        refused = await command(house, "ada", "language klingon")
        assert (refused.kind, refused.text[:14]) == ("error", "我不会说 'klingon'")
        assert (await command(house, "ada", "language auto")).language == "de"
        assert (await command(house, "ada", "scheduled", "es-ES")).text.startswith("No hay nada programado.")
        assert (await command(house, "ada", "scheduled")).text.startswith(
            "No hay nada programado."
        )  # as last told


async def test_a_language_is_exported_and_forgotten_with_the_person(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot) as house:
        await command(house, "ada", "language fr", "pt-BR")
        [file] = (await command(house, "ada", "export")).files
        with zipfile.ZipFile(BytesIO(file.data)) as archive:
            person = json.loads(archive.read("agent.jsonl"))
        assert (person["language"], person["locale"]) == ("fr", "pt-BR")
        assert house.rows("SELECT language, locale FROM users") == [("fr", "pt-BR")]
        assert (await command(house, "ada", "forget yes")).text.startswith("Oublié :")
        assert house.rows("SELECT count(*) FROM users WHERE language != ''") == [(0,)]
        assert (await command(house, "ada", "scheduled", "en-US")).text.startswith("Nothing is scheduled.")
        await house.app.restore.of([file.data], "parlour:eve")
        assert (await command(house, "eve", "scheduled")).text.startswith("Rien n'est prévu.")


async def test_notices_and_reminders_are_in_the_language_of_who_reads_them_and_models_read_english(
    tmp_path: Path,
) -> None:
    clock, model = FakeClock(), Stage(lambda _: say("Gut."))
    async with opened(tmp_path, model, clock=clock) as house:
        await command(house, "ada", "help", "de-DE")
        wish = {"when": "every 1h", "about": "Tee kaufen"}
        model.play = lambda _: calls(("schedule_message", wish), ("send_message", {"message": "Gut."}))
        await house.say("ada", "Erinnere mich an den Tee.")
        listed = (await command(house, "ada", "scheduled")).text
        assert re.search(
            r" (Mo|Di|Mi|Do|Fr|Sa|So) \d\d\.\d\d\.\d{4} \d\d:\d\d \(every 1h\)  Tee kaufen", listed
        )

        model.play = lambda _: calls(("schedule_message", {"when": "every 0h", "about": "Nie"}))
        await house.say("ada", "Und nie.")  # what a tool says is for the model
        assert "every 0 is never: name a number" in whole(model.requests[-1])

        model.play = lambda _: ModelUnavailable("down")
        clock.advance(3 * 3600)
        await house.app.heartbeat.sweep()
        await house.app.inbound.settled()
        assert "Du wolltest von mir erinnert werden: Tee kaufen" in house.parlour.posted[-1].text
        before = len(house.parlour.posted)
        await house.app.inbound.submit(house.message("ada", "Bist du da?"))
        await house.app.inbound.settled()
        assert house.parlour.posted[before].text.startswith("Ich kann gerade nicht denken.")
        asked = "\n".join(map(whole, model.requests))
        assert "On " in asked
        assert "the person asked to be reminded now: Tee kaufen" in asked
        assert "Du wolltest" not in asked


async def test_who_writes_before_any_platform_tells_a_language_reads_the_one_they_wrote(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, lambda _: ModelUnavailable("down")) as house:
        told = []
        for user, text in (("ivan", "Привет, ты кто?"), ("ann", "Hello, who are you?"), ("zoe", "Hm")):
            await house.app.inbound.submit(house.message(user, text))
            await house.app.inbound.settled()
            first = next(reply for reply in house.parlour.posted if reply.address == f"parlour:{user}")
            told.append(first.text[:10])  # later ones may be there, too: nobody is waited for on this clock
        assert told == ["Сейчас я н", "I can't th", "I can't th"]
        assert house.rows("SELECT locale FROM users ORDER BY id") == [("ru",), ("",), ("",)]
        assert (await command(house, "ivan", "scheduled", "de")).text.startswith("Nichts ist geplant.")


async def test_help_fits_the_narrowest_terminal_in_every_language(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot) as house:
        for language in LANGUAGES:
            text = (await command(house, "ada", "help all", language, account="console:ada")).text
            assert len(text) <= 2_000  # a message on Discord
            assert [line for line in text.splitlines()[:-2] if columns(line) > 40] == []


def columns(text: str) -> int:
    """That the text takes on a terminal (Unicode Standard Annex 11)."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)
