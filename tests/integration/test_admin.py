"""What an operator does from the command line, in the real program."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bot.cli import admin, operating
from bot.cli.doctor import examine
from bot.settings import Settings, load
from tests.fakes.discord_server import DiscordServer, Intent, Permission
from tests.fakes.slack_server import SlackServer
from tests.program.program import Program

OFFLINE = '[model]\nkind = "offline"\n[embedder]\nkind = "none"\n'
SCOPES = (
    "app_mentions:read assistant:write chat:write chat:write.customize channels:read channels:history groups:read "
    "groups:history im:read im:write im:history mpim:read mpim:history users:read files:read files:write "
    "reactions:read reactions:write commands metadata.message:read"
).split()


def at(folder: Path, **sections: object) -> Settings:
    return Settings.model_validate({"data_dir": folder, "embedder": {"kind": "none"}, **sections})


def test_a_heartbeat_from_the_command_line_changes_memory_and_tells_how(tmp_path: Path) -> None:
    home = Program(tmp_path, OFFLINE, laid=True)
    home.told("chat", "--user", "ada", lines=["Hi, I'm Ada and I live in Lisbon."])
    told = home.told("heartbeat", "--user", "ada")
    assert "[human] now reads:" in told
    assert any(line.startswith("Last reflected") for line in told)
    history = home.told("memory", "history", "--user", "ada")
    assert "by reflection" in history[0]


async def test_an_unknown_code_lets_nobody_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await operating.pair(at(tmp_path), "ABCD-EFGH") == 1
    assert "no code ABCD-EFGH" in capsys.readouterr().err


def test_the_slack_manifest_asks_for_what_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    admin.slack_manifest(Settings())
    told = json.loads(capsys.readouterr().out)
    assert sorted(told["oauth_config"]["scopes"]["bot"]) == sorted(SCOPES)
    assert told["settings"]["socket_mode_enabled"] is True
    assert "agent_session_stopped" in told["settings"]["event_subscriptions"]["bot_events"]
    admin.slack_manifest(Settings.model_validate({"slack": {"mode": "http"}}))
    posted = json.loads(capsys.readouterr().out)["settings"]
    assert posted["socket_mode_enabled"] is False
    assert posted["event_subscriptions"]["request_url"].endswith("/slack/events")


async def test_the_invitation_names_the_application(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with DiscordServer() as server:
        urls = {"token": server.token, "api_url": server.api_url}
        assert await admin.discord_invite(at(tmp_path, discord=urls)) == 0
        told, notes = capsys.readouterr()
        assert "client_id=" in told
        assert "Optional permission: Manage Webhooks" in notes
        assert "applications.commands" in told
        [permissions] = re.findall(r"permissions=(\d+)", told)
        assert Permission(int(permissions)) & Permission.MANAGE_WEBHOOKS
        assert await admin.discord_invite(at(tmp_path, discord={**urls, "token": "wrong"})) == 1
        assert "DISCORD_BOT_TOKEN" in capsys.readouterr().err


async def test_doctor_names_the_guilds_where_personas_have_no_face(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with DiscordServer() as server:
        config = tmp_path / "config.toml"
        config.write_text(
            f'data_dir = "{tmp_path}/data"\n{OFFLINE}'
            f'[discord]\ntoken = "{server.token}"\napi_url = "{server.api_url}"\n',
            encoding="utf-8",
        )
        fine, modest = server.guild("Fine"), server.guild("Modest")
        assert await examine(config) == 0
        assert "Manage Webhooks" not in capsys.readouterr().out
        server.assign(modest, server.bot, [])
        assert await examine(config) == 0, "it is no must"
        told = capsys.readouterr().out
    assert "Manage Webhooks" in told
    assert f"Modest ({modest.id})" in told
    assert str(fine.id) not in told


async def test_doctor_names_what_a_platform_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with DiscordServer(privileged=Intent(0)) as discord, SlackServer(scopes=set(SCOPES[1:])) as slack:
        config = tmp_path / "config.toml"
        config.write_text(
            f'data_dir = "{tmp_path}/data"\n[model]\nkind = "offline"\n'
            f'[discord]\ntoken = "{discord.token}"\nmessage_content = true\napi_url = "{discord.api_url}"\n'
            f'[slack]\nbot_token = "{slack.bot_token}"\napp_token = "xapp-wrong"\napi_url = "{slack.api_url}"\n',
            encoding="utf-8",
        )
        assert load(config).discord.token is not None
        assert await examine(config) == 1
        told = capsys.readouterr().out
    assert "Message Content Intent is off" in told
    assert "lacks app_mentions:read" in told
    assert "the app token is refused" in told
    assert discord.token not in told
    assert slack.bot_token not in told
