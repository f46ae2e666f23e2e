"""Nothing that anybody wrote steers the terminal of whoever runs the bot: names, texts, cards, files, guilds."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cli import doctor, load, memory, operating, persona
from bot.errors import PersonaError
from bot.people.access import new_code
from bot.ports import ModelReply, ModelRequest
from bot.settings import EmbedderSettings, Settings
from tests.fakes.discord_server import DiscordServer
from tests.fakes.parlour import House, opened, settings_at
from tests.fakes.scripted_model import calls, say
from tests.fakes.slack_server import SlackServer
from tests.fakes.town import FAST

PAINT = "\x1b]0;PWNED\x07\x1b[2J\x1b[1;31m\x9b31m\r\x7f\u202e"
STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def noting(request: ModelRequest) -> ModelReply:
    if request.messages[-1]["role"] == "tool":
        return say(f"Noted. {PAINT}")
    note = {"content": f"They like PWNED {PAINT}."}
    return calls(
        ("core_memory_append", {"label": "human", "request_heartbeat": True, **note}),
        ("archival_memory_insert", note),
    )


async def met(house: House) -> None:
    """Eve was here, and asks for more."""
    await house.say("eve", f"My secret is PWNED {PAINT}")
    now = datetime.now(UTC)  # as the command that looks for it tells the time
    async with house.app.memory.store.write() as session:
        who = house.message("eve", "")
        known = new_code("pair", who, now + timedelta(hours=1))
        await session.codes.put(type(known)(**{**vars(known), "code": "CODE", "name": f"Eve{PAINT}\nroot"}))


CARD = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {
        "name": "Mia",
        "description": f"x PWNED{PAINT}",
        "first_mes": f"hi{PAINT}",
        "extensions": {},
        "character_book": {
            "extensions": {},
            "entries": [{"keys": ["(?=x)"], "content": "a", "use_regex": True, "name": f"PWNED{PAINT}"}],
        },
    },
}


async def brought_in(settings: Settings, folder: Path) -> None:
    path = folder / "card.json"
    path.write_text(json.dumps(CARD), encoding="utf-8")
    await persona.bring_in(settings, path, None, None)


async def listed(settings: Settings, folder: Path) -> None:
    await brought_in(settings, folder)
    await persona.edit(
        settings, "Mia", "persona", str, definition=False, description=f"PWNED{PAINT}", avatar=None
    )
    await persona.show_all(settings)


async def shown(settings: Settings, folder: Path) -> None:
    await brought_in(settings, folder)
    await persona.show(settings, "Mia", as_json=False)
    await persona.show(settings, "Mia", as_json=True)


async def loaded(settings: Settings, folder: Path) -> None:
    path = folder / f"PWNED{PAINT}.pdf"
    path.write_bytes(b"no PDF at all")
    await load.load(settings, [path], f"PWNED{PAINT}")


COMMANDS: dict[str, Callable[[Settings, Path], Awaitable[Any]]] = {
    "pair": lambda settings, _: operating.pair(settings, "code"),
    "admin pairing": lambda settings, _: operating.pairing(settings, "", "", as_json=False),
    "memory show": lambda settings, _: memory.show(settings, "parlour:eve", "ever", as_json=False),
    "memory search": lambda settings, _: memory.search(
        settings, "parlour:eve", "ever", "PWNED", ["recall", "archival"], 1, as_json=False
    ),
    "memory search --json": lambda settings, _: memory.search(
        settings, "parlour:eve", "ever", "PWNED", ["recall"], 1, as_json=True
    ),
    "memory history": lambda settings, _: memory.history(settings, "parlour:eve", "ever", 1, as_json=False),
    "persona import": brought_in,
    "persona list": listed,
    "persona show": shown,
    "load": loaded,
}


@pytest.mark.parametrize("command", COMMANDS)
async def test_what_commands_print(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    settings = settings_at(tmp_path / "data").model_copy(update={"embedder": EmbedderSettings(kind="none")})
    async with opened(tmp_path / "data", noting) as house:
        await met(house)
    capsys.readouterr()

    await COMMANDS[command](settings, tmp_path)

    printed = "".join(capsys.readouterr())
    assert "PWNED" in printed or command == "persona import"
    assert not STEERS.search(printed)
    assert "\nroot" not in printed  # nobody's name makes a line of its own


async def test_what_doctor_prints_of_other_peoples_servers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with DiscordServer(**FAST) as discord, SlackServer(name=f"Workspace PWNED{PAINT}") as slack:
        discord.guild(f"Hall PWNED{PAINT}")
        config = tmp_path / "config.toml"
        config.write_text(
            f'data_dir = "{tmp_path / "data"}"\n[embedder]\nkind = "none"\n'
            f'[discord]\ntoken = "{discord.token}"\napi_url = "{discord.api_url}"\n'
            f'[slack]\nbot_token = "{slack.bot_token}"\napp_token = "{slack.app_token}"\napi_url = "{slack.api_url}"\n',
            encoding="utf-8",
        )
        await doctor.examine(config)
    printed = capsys.readouterr().out
    assert printed.count("PWNED") >= 2
    assert not STEERS.search(printed)


async def test_nor_does_what_went_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from bot.__main__ import sentence_of
    from bot.cli.screen import warn

    with pytest.raises(PersonaError) as refused:
        await persona.show(settings_at(tmp_path), f"PWNED{PAINT}", as_json=False)
    warn(f"everbot: {sentence_of(ExceptionGroup('several', [refused.value]))}")
    printed = capsys.readouterr().err
    assert "PWNED" in printed
    assert not STEERS.search(printed)
