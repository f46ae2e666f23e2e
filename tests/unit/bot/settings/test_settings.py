from __future__ import annotations

import contextlib
import inspect
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from bot.app import open_app
from bot.environment import variable_of
from bot.errors import SettingsError
from bot.settings import EndpointSettings, Settings, load, source
from tests.fakes.scripted_model import ScriptedModel

EXAMPLE = Path(__file__).resolve().parents[4] / "config.example.toml"
SECRET = "sk-never-shown-4711"
KEY = re.compile(r"(# )?([a-z_]+) = (.+)")


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def loaded(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> Settings:
    return load(written(tmp_path, text), environment or {})


def why(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> str:
    """The one sentence that refuses this configuration."""
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, text, environment)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert "pydantic" not in sentence
    assert SECRET not in sentence
    return sentence


def fields(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from fields(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def example_keys() -> dict[str, tuple[bool, str, str]]:
    """Each key of the example: whether it is commented out, its value as text, the comment above it."""
    keys: dict[str, tuple[bool, str, str]] = {}
    section, comment = "", ""
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"\[([\w.]+)\]", line):
            section = f"{heading[1]}."
            continue
        if found := KEY.fullmatch(line):
            keys[section + found[2]] = (bool(found[1]), found[3], comment)
        elif line.startswith("#"):
            comment = f"{comment} {line.lstrip('# ')}"
            continue
        else:
            comment = ""  # a blank line
    return keys


def test_the_example_holds_the_defaults(tmp_path: Path) -> None:
    assert load(EXAMPLE, {}) == loaded(tmp_path, "")


def test_every_setting_is_in_the_example_with_a_word_about_it() -> None:
    keys = example_keys()

    assert set(fields(Settings)) == set(keys)
    assert [name for name, (_, _, comment) in keys.items() if len(comment.split()) < 4] == []


def test_the_examples_commented_keys_are_accepted_as_they_stand(tmp_path: Path) -> None:
    commented = {name: value for name, (hidden, value, _) in example_keys().items() if hidden}
    assert len(commented) > 5
    text = "\n".join(
        line.removeprefix("# ") if KEY.fullmatch(line) else line
        for line in EXAMPLE.read_text(encoding="utf-8").splitlines()
    )

    data = loaded(tmp_path, text).model_dump(mode="json", exclude_unset=True)

    for name, value in commented.items():
        found: Any = data
        for part in name.split("."):
            found = found[part]
        wanted = tomllib.loads(f"value = {value}")["value"]
        secret = name.endswith(("api_key", "token", "secret", "secret_key", "store.url"))
        assert found == ("**********" if secret else wanted), name


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("nonsense = 1", "'nonsense'"),
        ("[model]\nnam = 'x'", "'model.nam'"),
        (f"api_key = '{SECRET}'", "'api_key'"),
        ("[model]\ncontext_window = 'big'", "model.context_window"),
        ("[model]\ncontext_window = 5", "model.context_window"),
        ("[model]\nkind = 'openia'", "model.kind"),
        (f"[model]\nkind = '{SECRET}'", "model.kind"),
        ("[model]\napi_key = 4711", "model.api_key"),
        (f"[model]\napi_key = ['{SECRET}']", "model.api_key"),
        ("[model]\nreply_reserve = 9000", "model.reply_reserve"),
        ("[model]\nretries = -1", "model.retries"),
        ("[model]\nname = ''", "model.name"),
        ("[model]\ntemperature = nan", "model.temperature"),
        (f"[model]\napi_key = '{SECRET}'\nextra = 3", "model.extra"),
        ("model = 3", "model"),
        ("data_dir = 3", "data_dir"),
        ("[agent]\ntools = 'mine'", "agent.tools"),
        ("[agent]\npage_size = 0", "agent.page_size"),
        ("[agent]\ntimezone = 'Mars/Olympus'", "agent.timezone"),
        ("[agent]\ntimezone = ''", "agent.timezone"),
        ("[agent]\ntimezone = '/etc/passwd'", "agent.timezone"),
        ("[agent]\ntimezone = 'Europe'", "agent.timezone"),  # a folder of time zones
        ("[log]\nlevel = 'loud'", "log.level"),
        ("[personas]\ndefault = 3", "personas.default"),
        ("[model]\nkind = 'openai'", "OPENAI_API_KEY"),
        ("[model]\nbase_url = 'localhost:11434/v1'", "model.base_url"),
        ("[embedder]\nbase_url = 'ftp://vectors'", "embedder.base_url"),
        ("[model]\nbase_url = 'http://no address at all'", "there is a space in it"),
        ("[index]\nchroma_url = 'http://'", "index.chroma_url"),
        ("[discord]\ngateway_url = 'https://gateway'", "discord.gateway_url"),
        ("[slack]\napi_url = 'http://here:port/'", "slack.api_url"),
        ("[heartbeat]\nhours = '9 to 21'", "heartbeat.hours"),
        ("[heartbeat]\nhours = '9-25'", "heartbeat.hours"),
        ("[run]\nhealth = '8080'", "run.health"),
        ("[run]\nhealth = 'localhost:99999'", "run.health"),
        ("[slack]\nlisten = '3000'", "slack.listen"),
        ("[store]\nkeys = '/srv/keys'", "store.keys"),
        ("[access]\nowners = ['4711']", "access.owners"),
        ("[access]\nowners = ['discord:ada']", "access.owners"),
        ("[access]\npeople = ['slack:U1']", "access.people"),
        ("[access]\nadmins = { 'discord:1' = ['ada'] }", "access.admins"),
    ],
)
def test_what_is_wrong_is_one_sentence_that_names_the_key(tmp_path: Path, text: str, names: str) -> None:
    assert names in why(tmp_path, text)


def test_an_unknown_key_points_to_the_example(tmp_path: Path) -> None:
    assert "config.example.toml" in why(tmp_path, "nonsense = 1")


@pytest.mark.parametrize("text", ["[model", f"[model]\napi_key = '{SECRET}", "= 3", "[a]\n[a]"])
def test_what_is_no_toml(tmp_path: Path, text: str) -> None:
    sentence = why(tmp_path, text)
    assert str(tmp_path / "config.toml") in sentence
    assert "TOML" in sentence


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    latin = tmp_path / "latin.toml"
    latin.write_bytes("data_dir = 'Zoë'".encode("latin-1"))
    for path in (tmp_path / "missing.toml", tmp_path, latin):
        with pytest.raises(SettingsError, match=re.escape(str(path))):
            load(path, {})


def test_the_working_directorys_config_toml_is_read_if_there_is_one(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        assert load(None, {}) == Settings()
        written(tmp_path, "[agent]\nmax_steps = 7")
        assert load(None, {}).agent.max_steps == 7


def test_the_environment_beats_the_file(tmp_path: Path) -> None:
    text = f"data_dir = '/elsewhere'\n[model]\nbase_url = 'http://file'\napi_key = '{SECRET}'"
    environment = {
        "EVERBOT_DATA_DIR": str(tmp_path / "data"),
        "OPENAI_API_KEY": "sk-environment",
        "OPENAI_BASE_URL": "http://environment",
    }

    settings = loaded(tmp_path, text, environment)

    assert settings.data_dir == tmp_path / "data"
    assert settings.model.api_key is not None
    assert settings.model.api_key.get_secret_value() == "sk-environment"
    assert settings.model.base_url == "http://environment"
    assert loaded(tmp_path, text, {"EVERBOT_DATA_DIR": ""}).data_dir == Path("/elsewhere")


def test_every_key_has_a_variable_of_its_own(tmp_path: Path) -> None:
    """Whatever the key: its value, as text or as JSON, gives what the file would give."""
    values: dict[str, object] = {
        name: tomllib.loads(f"value = {value}")["value"] for name, (_, value, _) in example_keys().items()
    }
    values |= {"agent.tools": ["mine", "yours"], "access.admins": {"slack:T1": ["slack:T1/U1"]}}
    values |= {"heartbeat.communities": {"slack:T1": {"every_hours": 8.0}}, "agent.page_size": 7}
    environment = {
        variable_of(name): value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
        if value != ""
    }

    settings = load(written(tmp_path, "[agent]\npage_size = 9"), environment)

    data = settings.model_dump(mode="json", exclude_unset=True)
    for name, value in values.items():
        found: Any = data
        for part in name.split("."):
            found = found[part]
        if found == "**********":
            continue
        if name == "heartbeat.communities":
            found = {
                where: {k: v for k, v in rules.items() if v is not None} for where, rules in found.items()
            }
        assert found == value, name


def entries(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, type[BaseModel] | None]]:
    """Each table of freely named entries, and what an entry is if it has keys of its own."""
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from entries(kind, f"{prefix}{name}.")
        elif get_origin(kind) is Mapping:
            inner = get_args(kind)[1]
            yield (
                f"{prefix}{name}",
                inner if inspect.isclass(inner) and issubclass(inner, BaseModel) else None,
            )


@pytest.mark.parametrize(
    ("keys", "why_not"),
    [
        ('about = "x"', "either command"),
        ('command = "x"\nurl = "http://x"', "either command"),
        ('command = "x"\nheaders = {a = "b"}', "given env"),
        ('command = "x"\nper_person = true', "token_env"),
        ('url = "http://x"\nper_person = true', 'auth = "token"'),
        ('url = "http://x"\nauth = "token"', "EVERBOT_MCP__SERVERS__MINE__TOKEN"),
        (f'url = "http://x"\nauth = "token"\nper_person = true\ntoken = "{SECRET}"', "leave token out"),
        ('url = "ftp://x"', "mcp.servers.mine.url"),
        ('command = "x"\ntimeout_s = 0', "mcp.servers.mine.timeout_s"),
    ],
)
def test_a_server_of_tools_is_refused_with_a_reason(tmp_path: Path, keys: str, why_not: str) -> None:
    assert why_not in why(tmp_path, f"[mcp.servers.mine]\n{keys}")


@pytest.mark.parametrize("name", ["Mine", "a__b", "a b", "x" * 30])
def test_a_server_has_a_name_that_can_stand_before_its_tools(tmp_path: Path, name: str) -> None:
    assert "name" in why(tmp_path, f'[mcp.servers."{name}"]\ncommand = "x"')


def test_what_is_in_a_table_has_variables_of_its_own_too(tmp_path: Path) -> None:
    tables = dict(entries(Settings))
    known = {"model.extra", "models", "access.admins", "heartbeat.communities", "prices", "mcp.servers"}
    known |= {"safety.crisis_lines"}
    assert set(tables) == known
    texts: dict[str, object] = {"name": "x", "base_url": "http://x", "api_key_env": "X", "tools": "lean"}
    texts |= {
        "protocol": "json",
        "api_key": "sk-x",
        "extra": '{"seed": 7}',
        "speak_first": "true",
        "vision": "true",
    }
    environment = {"EVERBOT_MODELS": '{"big": {"name": "b", "timeout_s": 9}}'}
    for table, entry in tables.items():
        for key in entry.model_fields if entry and table != "mcp.servers" else ():
            environment[variable_of(f"{table}.small.{key}")] = str(texts.get(key, "4096"))
    environment["EVERBOT_MODELS__BIG__AT_ONCE"] = "2"
    environment["EVERBOT_HEARTBEAT__COMMUNITIES__SMALL__EVERY_HOURS"] = "8"
    environment["EVERBOT_MCP__SERVERS__TIME__COMMAND"] = "uvx"
    environment["EVERBOT_MCP__SERVERS__TIME__ARGS"] = '["mcp-server-time"]'
    environment["EVERBOT_MCP__SERVERS__TIME__ENV"] = '{"KEY": "sk-x"}'
    environment["EVERBOT_MODEL__EXTRA__SEED"] = "7"
    environment["EVERBOT_MODEL__EXTRA__REASONING_EFFORT"] = "low"
    environment["EVERBOT_ACCESS__ADMINS__slack:T1"] = '["slack:T1/U1"]'

    settings = loaded(tmp_path, '[models.big]\nname = "of the file"\n[models.else]\nname = "y"', environment)

    assert settings.models["small"].model_fields_set == set(EndpointSettings.model_fields)
    assert settings.models["small"].context_window == 4096
    assert settings.models["small"].extra == {"seed": 7}
    assert settings.models["big"] == EndpointSettings(name="b", timeout_s=9, at_once=2)
    assert settings.mcp.servers["time"].args == ("mcp-server-time",)
    assert settings.mcp.servers["time"].env["KEY"].get_secret_value() == "sk-x"
    assert settings.heartbeat.communities["small"].every_hours == 8
    assert settings.heartbeat.communities["small"].speak_first is True
    assert settings.model.extra == {"seed": 7, "reasoning_effort": "low"}
    assert settings.access.admins == {"slack:T1": ("slack:T1/U1",)}


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({"EVERBOT_MODELS__CHEAP__NMAE": "x"}, "EVERBOT_MODELS__CHEAP__NMAE"),
        ({"EVERBOT_MODELS__CHEAP": "gpt"}, "EVERBOT_MODELS__CHEAP"),
        (
            {"EVERBOT_MODELS__CHEAP__NAME": "x", "EVERBOT_MODELS__CHEAP__AT_ONCE": "many"},
            "EVERBOT_MODELS__CHEAP__AT_ONCE",
        ),
        ({"EVERBOT_MODEL__EXTRA__A__B": "x"}, "EVERBOT_MODEL__EXTRA__A__B"),
        ({"EVERBOT_MODEL__NMAE": "x"}, "EVERBOT_MODEL__NMAE"),
        ({"EVERBOT_MODLE__NAME": "x"}, "EVERBOT_MODLE__NAME"),
        ({"EVERBOT_MODEL__NAME__X": "x"}, "EVERBOT_MODEL__NAME__X"),
        ({"EVERBOT_MODEL__RETRIES": "many"}, "EVERBOT_MODEL__RETRIES"),
        ({"EVERBOT_ACCESS__OWNERS": "discord:1"}, "JSON"),
        ({"EVERBOT_ACCESS__OWNERS": '["4711"]'}, "EVERBOT_ACCESS__OWNERS"),
        ({"EVERBOT_HEARTBEAT__COMMUNITIES": '{"slack:T1": {"evry": 1}}'}, "EVERBOT_HEARTBEAT__COMMUNITIES"),
        ({"EVERBOT_MODEL__API_KEY": SECRET, "EVERBOT_MODEL__KIND": SECRET}, "EVERBOT_MODEL__KIND"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, environment: dict[str, str], names: str) -> None:
    assert names in why(tmp_path, "", environment)


def test_what_a_container_platform_sets_for_a_service_called_everbot_is_left_alone(tmp_path: Path) -> None:
    kubernetes = {
        "EVERBOT_PORT": "tcp://10.0.0.1:8080",
        "EVERBOT_SERVICE_HOST": "10.0.0.1",
        "EVERBOT_RUN": "1",
    }
    assert loaded(tmp_path, "", kubernetes) == loaded(tmp_path, "")


def test_an_empty_variable_says_nothing(tmp_path: Path) -> None:
    text = "[run]\nhealth = '127.0.0.1:9'"
    assert loaded(tmp_path, text, {"EVERBOT_RUN__HEALTH": ""}).run.health == "127.0.0.1:9"
    assert loaded(tmp_path, text, {"EVERBOT_RUN__HEALTH": '""'}).run.health == ""


def test_our_own_variable_beats_the_one_that_others_know(tmp_path: Path) -> None:
    both = {"OPENAI_BASE_URL": "http://theirs", "EVERBOT_MODEL__BASE_URL": "http://ours"}
    assert loaded(tmp_path, "", both).model.base_url == "http://ours"


def test_the_example_and_a_key_give_the_real_model() -> None:
    assert load(EXAMPLE, {"OPENAI_API_KEY": "sk"}).model.kind == "openai"
    assert load(EXAMPLE, {"OPENAI_BASE_URL": "http://x"}).model.base_url == "http://x"
    assert load(EXAMPLE, {"EVERBOT_MODEL__API_KEY": "sk"}).model.kind == "openai"


def test_it_is_told_what_beats_what(tmp_path: Path) -> None:
    path = written(tmp_path, "[model]\nkind = 'offline'\nbase_url = 'http://file'")
    found = source(path, {"OPENAI_BASE_URL": "http://x", "EVERBOT_AGENT__MAX_STEPS": "5"})
    assert found.beaten() == [
        "agent.max_steps is set by EVERBOT_AGENT__MAX_STEPS",
        f"model.base_url is set by OPENAI_BASE_URL, not by {path}",
    ]


def test_a_key_or_an_address_in_the_environment_chooses_the_real_model(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").model.kind == "offline"
    assert loaded(tmp_path, "", {"OPENAI_API_KEY": "sk"}).model.kind == "openai"
    assert loaded(tmp_path, "", {"OPENAI_BASE_URL": "http://x"}).model.kind == "openai"
    assert loaded(tmp_path, "[model]\nkind = 'offline'", {"OPENAI_API_KEY": "sk"}).model.kind == "offline"


def test_the_data_directory_is_absolute(tmp_path: Path) -> None:
    assert loaded(tmp_path, "data_dir = 'here'").data_dir == Path.cwd() / "here"
    assert loaded(tmp_path, "data_dir = '~/there'").data_dir == Path.home() / "there"


def test_secrets_are_not_printed(tmp_path: Path) -> None:
    settings = loaded(tmp_path, f"[model]\napi_key = '{SECRET}'\n[embedder]\napi_key = '{SECRET}'")
    assert SECRET not in f"{settings} {settings!r} {settings.model_dump_json()}"


async def test_a_window_too_small_for_instructions_and_tools_is_refused_at_the_start(tmp_path: Path) -> None:
    settings = loaded(tmp_path, f"data_dir = '{tmp_path / 'data'}'\n[model]\ncontext_window = 4096")
    with pytest.raises(SettingsError, match=r"^model\.context_window 4096 is too small: .*\.$") as refused:
        async with open_app(settings, [], "test", model=ScriptedModel([]), embedders=lambda _: None):
            pass
    assert "model.reply_reserve" in str(refused.value)
    assert not (tmp_path / "data" / "holder").exists()
