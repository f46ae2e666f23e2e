"""`everbot setup`, driven by somebody who answers: against the model's, Discord's and Slack's servers at the wire."""

from __future__ import annotations

import asyncio
import contextlib
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bot.cli.setup import config_file
from bot.cli.setup.wizard import setup
from bot.environment import KNOWN_ELSEWHERE
from bot.errors import SettingsError
from bot.settings import Settings, load
from tests.fakes.discord_server import DiscordServer, Intent
from tests.fakes.openai_server import Answer, OpenAIServer
from tests.fakes.slack_server import SlackServer
from tests.program.program import Program
from tests.program.terminal import CTRL_D, ENTER, Terminal

KEY = "sk-never-shown-4711"
OTHER = "sk-never-shown-either"
Said = str | type[BaseException]


class Person:
    """A `bot.cli.setup.terminal.Terminal`: each answer is for the next question, which must hold these words."""

    def __init__(self, *answers: tuple[str, Said], interactive: bool = True) -> None:
        self._answers = list(answers)
        self._interactive = interactive
        self.shown = ""
        self.started: list[str] = []

    def is_interactive(self) -> bool:
        return self._interactive

    def tell(self, text: str = "") -> None:
        self.shown += f"{text}\n"

    def ask(self, question: str) -> str:
        words, answer = self._answers.pop(0) if self._answers else ("(none)", EOFError)
        assert words in question, f"asked {question!r}, where {words!r} was to be asked:\n{self.shown}"
        self.shown += question + "\n"
        if isinstance(answer, str):
            return answer
        raise answer

    secret = ask

    def start(self, settings: Settings, command: str) -> int:
        self.started.append(command)
        return 0

    async def sets_up(self, path: Path | None) -> int:
        """All that was to be asked was asked, and no secret was shown."""
        code = await asyncio.to_thread(setup, path, self, self.start)
        assert self._answers == [], self.shown
        assert KEY not in self.shown
        assert OTHER not in self.shown
        return code


NO_DISCORD, NO_SLACK = ("Discord: shall people", ""), ("Slack: shall people", "n")
NOT_NOW = ("Start it now", "n")


@pytest.fixture(autouse=True)
def _somewhere_quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in KNOWN_ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EVERBOT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("EVERBOT_EMBEDDER__KIND", "none")
    with contextlib.chdir(tmp_path):
        yield


def server(models: Sequence[str] | None = ("small", "large"), key: str | None = KEY) -> OpenAIServer:
    def script(*_: object) -> Answer:
        return Answer(calls=[("send_message", {"message": "Hello!"})])

    return OpenAIServer(script, models=models, api_key=key)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def test_a_newcomer_is_led_from_nothing_to_a_bot_on_both_platforms(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    async with server() as model, DiscordServer() as discord, SlackServer() as slack:
        config.write_text(
            f'[discord]\napi_url = "{discord.api_url}"\n[slack]\napi_url = "{slack.api_url}"\n', "utf-8"
        )
        person = Person(
            ("Address [https://api.openai.com/v1]", model.url),
            ("Key", KEY),
            ("name, or its number", "2"),
            ("Discord: shall people", "y"),
            ("Bot token", f"  {discord.token} "),
            ("read channel messages", "n"),
            ("Slack: shall people", "y"),
            ("Bot token", slack.bot_token),
            ("App-level token", slack.app_token),
            ("Start it now (`everbot run`)", ""),
        )
        assert await person.sets_up(None) == 0
        settings = load(config)
    assert person.started == ["run"]
    assert (settings.model.kind, settings.model.name, settings.model.base_url) == (
        "openai",
        "small",
        model.url,
    )
    assert settings.discord.token is not None
    assert settings.discord.token.get_secret_value() == discord.token
    assert settings.slack.bot_token is not None
    assert settings.slack.app_token is not None
    assert mode_of(config) == 0o600
    for line in ("calls functions", "the token is of", "client_id=", "manifest_json=", "opens socket"):
        assert line in person.shown
    assert "FAIL" not in person.shown
    for secret in (discord.token, slack.bot_token, slack.app_token):
        assert secret not in person.shown


async def test_what_is_written_explains_itself(tmp_path: Path) -> None:
    config = tmp_path / "new" / "config.toml"
    async with server(["only"]) as model:
        person = Person(
            ("Address", model.url),
            ("Key", KEY),
            ("[only]", ""),
            NO_DISCORD,
            NO_SLACK,
            ("`everbot chat`", "n"),
        )
        assert await person.sets_up(config) == 0
        text = config.read_text("utf-8")
    assert person.started == []
    assert [line for line in text.splitlines() if line and not line.startswith("#")] == [
        "[model]",
        'kind = "openai"',
        f'base_url = "{model.url}"',
        f'api_key = "{KEY}"',
        'name = "only"',
    ]
    assert text.count("\n#") >= 5, "each key has a word above it"
    assert f"Written to {config}" in person.shown
    assert mode_of(config) == 0o600


async def test_a_second_time_keeps_what_is_there_and_changes_only_what_is_asked(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    async with server() as model, DiscordServer() as discord:
        before = (
            "# My bot.\n[limits] # strict\ntokens_per_day = 5_000\n\n[model]\n# mine\n"
            f'kind = "openai"\nname = "large"   # the good one\nbase_url = "{model.url}"\napi_key = "{KEY}"\n\n'
            f'[discord]\ntoken = "{discord.token}"\napi_url = "{discord.api_url}"\n\n'
            '[access]\npeople = [\n  "discord:1", # me\n]\n'
        )
        config.write_text(before, "utf-8")
        config.chmod(0o644)
        person = Person(("Another model?", ""), ("Another token for Discord?", ""), NO_SLACK, NOT_NOW)
        assert await person.sets_up(None) == 0
        assert "Nothing was changed" in person.shown
        assert config.read_text("utf-8") == before

        person = Person(
            ("Another model?", "y"),
            (f"Address [{model.url}]", ""),
            ("the one that is there", ""),
            ("[large]", "sma"),  # a part of its name
            ("[small]", ""),
            ("Another token for Discord?", "n"),
            NO_SLACK,
            NOT_NOW,
        )
        assert await person.sets_up(None) == 0
    assert config.read_text("utf-8") == before.replace('"large"', '"small"')
    assert mode_of(config) == 0o600


async def test_what_is_wrong_is_said_at_once_and_asked_again(tmp_path: Path) -> None:
    async with server() as model, DiscordServer(privileged=Intent(0)) as discord:
        (tmp_path / "config.toml").write_text(f'[discord]\napi_url = "{discord.api_url}"\n', "utf-8")
        person = Person(
            ("Address", "ftp://127.0.0.1"),
            ("Try again?", ""),
            ("[ftp://127.0.0.1]", "http://127.0.0.1:9/v1"),
            ("Key", ""),
            ("Try again?", ""),
            ("Address", model.url),
            ("Key", OTHER),
            ("Try again?", ""),
            ("Address", ""),  # the one that was tried last
            ("Key", KEY),
            ("number", "huge"),
            ("does not offer huge", ""),
            ("number", "large"),
            ("Discord: shall people", "yes"),
            ("Bot token", OTHER),
            ("read channel messages", "what?"),
            ("read channel messages", "n"),
            ("Keep it all the same?", ""),
            ("Bot token", discord.token),
            ("read channel messages", "y"),
            ("Keep it all the same?", "n"),
            ("Bot token", discord.token),
            ("read channel messages", "n"),
            NO_SLACK,
            NOT_NOW,
        )
        assert await person.sets_up(None) == 0
    for told in (
        "model.base_url is not an address",
        "127.0.0.1:9 cannot be reached or broke off ([model] base_url)",
        "refused the API key",
        "FAIL Discord: the token is refused",
        "Message Content Intent is off",
    ):
        assert told in person.shown
    written = tomllib.loads((tmp_path / "config.toml").read_text("utf-8"))
    assert written["model"]["name"] == "large"
    assert written["discord"] == {"api_url": discord.api_url, "token": discord.token}


async def test_an_address_may_be_given_as_people_know_it(tmp_path: Path) -> None:
    async with server(["only"], key=None) as model:
        host = model.url.removeprefix("http://").removesuffix("/v1")
        person = Person(("Address", host), ("Enter: none", ""), ("[only]", ""), NO_DISCORD, NO_SLACK, NOT_NOW)
        assert await person.sets_up(None) == 0
    assert load(tmp_path / "config.toml").model.base_url == model.url


async def test_a_server_that_lists_nothing_is_asked_by_name(tmp_path: Path) -> None:
    async with server(None, key=None) as model:
        person = Person(
            ("Address", model.url),
            ("Enter: none", ""),
            ("Its name: ", ""),
            ("Its name: ", "mine"),
            NO_DISCORD,
            NO_SLACK,
            NOT_NOW,
        )
        assert await person.sets_up(None) == 0
    assert load(tmp_path / "config.toml").model.name == "mine"


@pytest.mark.parametrize("end", [KeyboardInterrupt, EOFError])
@pytest.mark.parametrize("after", range(6))
async def test_whoever_breaks_off_has_changed_nothing(
    tmp_path: Path, end: type[BaseException], after: int
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[model] # as it was\n", "utf-8")
    async with server(["only"]) as model:
        answers = [("Address", model.url), ("Key", KEY), ("[only]", ""), NO_DISCORD, NO_SLACK]
        person = Person(*answers[:after], *([("", end)] if after < len(answers) else [NOT_NOW]))
        code = await person.sets_up(None)
    if after < len(answers):
        assert code == 130
        assert "nothing was changed" in person.shown
        assert config.read_text("utf-8") == "[model] # as it was\n"
    else:
        assert code == 0
        assert load(config).model.name == "only"
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


async def test_another_server_is_not_given_the_key_of_the_one_before(tmp_path: Path) -> None:
    async with server(["one"]) as first, server(["two"], key=None) as second:
        (tmp_path / "config.toml").write_text(
            f'[model]\nkind = "openai"\nbase_url = "{first.url}"\napi_key = "{KEY}"\nname = "one"\n', "utf-8"
        )
        person = Person(
            ("Another model?", "y"),
            ("Address", second.url),
            ("Enter: none", ""),
            ("[two]", ""),
            NO_DISCORD,
            NO_SLACK,
            NOT_NOW,
        )
        assert await person.sets_up(None) == 0
    written = (tmp_path / "config.toml").read_text("utf-8")
    assert KEY not in written
    assert load(tmp_path / "config.toml").model.base_url == second.url


async def test_the_environment_is_left_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with server(["one"]) as model, DiscordServer() as discord:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", model.url)
        monkeypatch.setenv("EVERBOT_DISCORD__API_URL", discord.api_url)
        monkeypatch.setenv("DISCORD_BOT_TOKEN", discord.token)
        person = Person(("Another model?", ""), ("[one]", ""), NO_SLACK, NOT_NOW)
        assert await person.sets_up(None) == 0
    assert "OPENAI_API_KEY" in person.shown
    assert "DISCORD_BOT_TOKEN" in person.shown
    written = tomllib.loads((tmp_path / "config.toml").read_text("utf-8"))
    assert written == {"model": {"kind": "openai", "name": "one"}}


async def test_without_a_model_it_is_the_stand_in(tmp_path: Path) -> None:
    person = Person(("Address", "offline"), NO_DISCORD, NO_SLACK, ("`everbot chat`", "y"))
    assert await person.sets_up(None) == 0
    assert person.started == ["chat"]
    assert load(tmp_path / "config.toml").model.kind == "offline"

    again = Person(("Address [offline]", ""), NO_DISCORD, NO_SLACK, NOT_NOW)  # what is there is kept
    assert await again.sets_up(None) == 0
    assert "Nothing was changed." in again.shown


async def test_slack_over_https_is_asked_for_its_secret(tmp_path: Path) -> None:
    async with SlackServer() as slack:
        (tmp_path / "config.toml").write_text(
            f'[slack]\nmode = "http"\napi_url = "{slack.api_url}"\n', "utf-8"
        )
        person = Person(
            ("Address", "offline"),
            NO_DISCORD,
            ("Slack: shall people", "y"),
            ("Bot token", slack.bot_token),
            ("Signing secret", ""),
            ("Keep it all the same?", "n"),
            ("Bot token", slack.bot_token),
            ("Signing secret", slack.signing_secret),
            NOT_NOW,
        )
        assert await person.sets_up(None) == 0
    assert "SLACK_SIGNING_SECRET" in person.shown, "half of it is found to be missing"
    settings = load(tmp_path / "config.toml")
    assert settings.slack.signing_secret is not None


async def test_a_broken_file_is_named_and_stays(tmp_path: Path) -> None:
    for text in ("[model\n", "[model]\nnmae = 1\n"):
        (tmp_path / "config.toml").write_text(text, "utf-8")
        with pytest.raises(SettingsError, match=r"config\.toml"):
            await Person().sets_up(None)
        assert (tmp_path / "config.toml").read_text("utf-8") == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a remark",
        'model = { kind = "offline" }\n',
        'model.kind = "offline"\nmodel.retries = 1\n',
        '[model]\nkind = "offline"\n[model.extra]\nseed = 1\n[models.x]\nname = "y"\n',
        '[discord]\n[models.x]\nname = "y"\n[model]\nname = """\nof two lines"""\n[log]\n',
        '"model" = { "kind" = "offline" } # quoted\r\n',
    ],
)
def test_whatever_the_file_looks_like_single_keys_are_set(text: str) -> None:
    values = {"model.kind": "openai", "model.base_url": None, "discord.token": 'a "quoted" \\ one'}
    written = config_file.changed(text, values, {"model.kind": "The kind.", "discord.token": "The token."})
    before, after = tomllib.loads(text), tomllib.loads(written)
    assert after["model"]["kind"] == "openai"
    assert after["discord"]["token"] == 'a "quoted" \\ one'
    assert after.get("models") == before.get("models")
    assert {key: value for key, value in after["model"].items() if key != "kind"} == {
        key: value for key, value in before.get("model", {}).items() if key != "kind"
    }
    for remark in (line for line in text.splitlines() if "#" in line):
        assert remark.partition("#")[2] in written


def test_a_link_to_the_file_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "link.toml"
    real.write_text("", "utf-8")
    link.symlink_to(real)
    config_file.write(link, "data_dir = '/x'\n")
    assert link.is_symlink()
    assert real.read_text("utf-8") == "data_dir = '/x'\n"
    assert mode_of(real) == 0o600


async def test_through_a_pipe_it_says_what_to_do_instead() -> None:
    person = Person(interactive=False)
    assert await person.sets_up(None) == 1
    assert "OPENAI_API_KEY" in person.shown


async def test_at_a_real_terminal_the_key_is_not_shown_and_the_end_of_input_changes_nothing(
    tmp_path: Path,
) -> None:
    async with server(["only"]) as model:
        home = Program(tmp_path / "home", "[log] # mine\n")
        async with Terminal(home, "setup") as terminal:
            await terminal.shown("Address")
            terminal.type(model.url + ENTER)
            await terminal.shown("Key (it is not shown")
            terminal.type(KEY + ENTER)
            await terminal.shown("[only]")
            terminal.type(ENTER)
            await terminal.shown("Discord: shall people")
            terminal.type(CTRL_D)
            await terminal.shown("nothing was changed")
            assert await terminal.ended() == 130
            assert KEY not in terminal.raw
    assert home.config.read_text("utf-8") == "[log] # mine\n"
    done = await home.run_async("setup", source="y\n")
    assert done.code == 1
    assert "OPENAI_API_KEY" in done.out
