"""What an operator is given (Dockerfile, compose.yaml, the systemd unit, docs) names what is there, and nothing else.

The Dockerfile's steps themselves are run by `make container-check`.
"""

from __future__ import annotations

import configparser
import json
import re
import runpy
import shutil
import subprocess
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from packaging.specifiers import SpecifierSet

from bot.cli.main import app
from bot.environment import KNOWN_ELSEWHERE, told
from bot.settings import RunSettings, Settings, load
from memory.store.postgres.database import OLDEST

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
LONGEST_DRAIN_S = 19
TOLD = ("docs/deploy.md", "README.md", "compose.yaml", "Dockerfile", "deploy/everbot.service")
TOLD += ("deploy/everbot.env.example", "deploy/container_check.sh", "config.example.toml")
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
VARIABLE = re.compile(r"\bEVERBOT_[A-Z0-9]+(?:__?[A-Z0-9]+)*\b")


def steps() -> list[tuple[str, str]]:
    """The Dockerfile's instructions: (name, the rest)."""
    lines = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ").splitlines()
    words = [line.split(maxsplit=1) for line in lines if line.strip() and not line.startswith("#")]
    return [(name, rest) for name, rest in words]


def named(instruction: str) -> list[str]:
    return [rest for name, rest in steps() if name == instruction]


def dockerfile_env() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in named("ENV") for pair in line.split())


def is_sent(path: str) -> bool:
    """Whether .dockerignore lets a path into the build: the last pattern that it or a folder above it fits decides."""
    sent = True
    folders = ["/".join(path.split("/")[:depth]) for depth in range(1, path.count("/") + 2)]
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        bare = pattern.removeprefix("!")
        anywhere = bare.removeprefix("**/")
        if any(
            fnmatchcase(folder, bare) or (anywhere != bare and fnmatchcase(folder.split("/")[-1], anywhere))
            for folder in folders
        ):
            sent = pattern.startswith("!")
    return sent


def exists(command: str) -> bool:
    """Whether ``everbot A B`` is a command."""
    found: Any = COMMANDS
    for word in command.split():
        if not isinstance(found, dict):
            return True  # an argument
        if word not in found:
            return False
        found = getattr(found[word], "commands", None)
    return True


def test_the_image_is_made_of_what_is_there_and_gets_nothing_else() -> None:
    copied = [part for line in named("COPY") if "--from" not in line for part in line.split()[:-1]]
    assert {"bot", "adapters", "memory", "requirements.lock"} <= set(copied)
    for path in copied:
        assert (ROOT / path).exists(), path
        assert is_sent(path), path
    assert is_sent("bot/prompts/system.md")
    for path in (".git/config", ".venv/bin/python", "config.toml", "everbot.env", "data/everbot.db", ".env"):
        assert not is_sent(path), path
    assert not is_sent("bot/cli/__pycache__/main.cpython-313.pyc")
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(packages) <= set(copied)


def test_the_image_runs_as_nobody_special_on_a_python_that_is_supported() -> None:
    assert named("USER")[-1] not in ("root", "0")
    for base in named("FROM"):
        version = re.match(r"python:(3\.\d+)", base)
        assert version is not None, base
        assert version[1] in SpecifierSet(PROJECT["project"]["requires-python"])


def test_the_image_is_configured_by_variables_and_tells_its_health_on_all_interfaces() -> None:
    settings = load(None, dockerfile_env())
    assert settings.data_dir == Path("/data")
    assert settings.run.health == f"0.0.0.0:{named('EXPOSE')[0]}"
    assert "/data" in named("VOLUME")[0].split()
    assert named("WORKDIR")[-1] == "/data", "a config.toml that `everbot setup` writes there stays"
    [check] = named("HEALTHCHECK")
    assert json.loads(check[check.index("[") :]) == ["everbot", "health"]
    assert json.loads(named("ENTRYPOINT")[0]) == ["everbot"]
    assert exists(json.loads(named("CMD")[0])[0])
    assert exists("health")


def test_what_the_image_leaves_out_is_what_is_not_asked_for() -> None:
    script = runpy.run_path(str(ROOT / "deploy/unneeded.py"))
    left_out = script["unneeded"](set())
    assert "pytest" in left_out
    assert not {"everbot", "aiohttp", "sqlalchemy"} & set(left_out)
    assert "greenlet" in left_out, "only PostgreSQL's driver needs it"
    assert not {"asyncpg", "greenlet"} & set(script["unneeded"]({"postgres"}))
    assert "markitdown" not in script["unneeded"]({"documents"})


def test_compose_names_what_is_there() -> None:
    everbot = COMPOSE["services"]["everbot"]
    assert (ROOT / everbot["build"]["context"] / "Dockerfile").exists()
    assert set(everbot["build"]["args"]) <= {line.split("=")[0] for line in named("ARG")}
    plain = re.compile(r"\$\{\w+:-([^}]*)\}")
    given = {name: plain.sub(r"\1", str(value)) for name, value in everbot["environment"].items()}
    settings = load(None, dockerfile_env() | given)
    mounted = {line.split(":")[1] for line in everbot["volumes"]}
    assert str(settings.data_dir) in mounted
    assert str(settings.backup.folder) in mounted
    assert f" {settings.backup.folder}" in " ".join(named("RUN")), "made there, so that its user may write"
    assert settings.backup.keep > 0
    port = settings.run.health.rpartition(":")[2]
    assert everbot["ports"] == [f"127.0.0.1:{port}:{port}"], "nobody else's business"
    assert int(everbot["stop_grace_period"].removesuffix("s")) > LONGEST_DRAIN_S
    assert set(COMPOSE["volumes"]) == {
        line.split(":")[0] for service in COMPOSE["services"].values() for line in service["volumes"]
    }
    assert f"/{everbot['env_file']}" in (ROOT / ".gitignore").read_text("utf-8")


def test_compose_has_a_second_everbot_that_shares_the_work() -> None:
    first, second = COMPOSE["services"]["everbot"], COMPOSE["services"]["second"]
    assert second["profiles"] == ["cluster"], "nobody gets it who did not ask"
    own = {"profiles", "volumes", "ports"}
    assert {k: v for k, v in second.items() if k not in own} == {
        k: v for k, v in first.items() if k not in own
    }
    data = [next(line for line in each["volumes"] if line.endswith(":/data")) for each in (first, second)]
    assert len(set(data)) == 2, "each has a data directory of its own"
    port = second["ports"][0].split(":")[1]
    assert second["ports"] == [f"127.0.0.1:{port}:{first['ports'][0].rpartition(':')[2]}"]
    assert second["ports"] != first["ports"]


def test_compose_has_a_postgresql_server_that_we_run_on() -> None:
    postgres = COMPOSE["services"]["postgres"]
    assert postgres["profiles"] == ["postgres"], "nobody gets it who did not ask"
    assert int(postgres["image"].rpartition(":")[2]) >= OLDEST
    assert postgres["environment"]["POSTGRES_USER"] == postgres["environment"]["POSTGRES_DB"] == "everbot"


def test_compose_has_a_chroma_server_of_a_version_that_we_speak_with() -> None:
    chroma = COMPOSE["services"]["chroma"]
    assert chroma["profiles"] == ["chroma"], "nobody gets it who did not ask"
    [wanted] = PROJECT["project"]["optional-dependencies"]["chroma"]
    assert chroma["image"].rpartition(":")[2] in SpecifierSet(wanted.removeprefix("chromadb"))


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(ROOT / "deploy/everbot.service", "utf-8")
    return parser


def test_the_unit_runs_a_command_that_is_there_on_the_state_directory() -> None:
    service = unit()["Service"]
    command = service["ExecStart"].split()
    assert command[0].endswith("/bin/everbot")
    assert exists(" ".join(command[1:]))
    state = f"/var/lib/{service['StateDirectory']}"
    given = dict(pair.split("=", 1) for pair in service["Environment"].replace("%S", "/var/lib").split())
    assert str(load(None, given).data_dir) == state
    assert service["WorkingDirectory"].replace("%S", "/var/lib") == state
    assert service["User"] in (ROOT / "deploy/everbot.sysusers.conf").read_text("utf-8")
    assert int(service["TimeoutStopSec"]) > LONGEST_DRAIN_S


def test_the_unit_may_do_little() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    file = str(ROOT / "deploy/everbot.service")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=29", file],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unrecognized option" in done.stderr:
        pytest.skip("systemd-analyze cannot do that yet")
    assert done.returncode == 0, done.stdout[-200:] + done.stderr


def test_turns_are_given_less_time_to_end_than_everbot_is() -> None:
    with pytest.raises(ValueError, match="drain_s"):
        RunSettings(drain_s=LONGEST_DRAIN_S + 0.1)


@pytest.mark.parametrize("path", TOLD)
def test_variables_and_commands_that_operators_are_told_of_exist(path: str) -> None:
    text = (ROOT / path).read_text("utf-8")
    for variable in sorted(set(VARIABLE.findall(text)) - {"EVERBOT_EXTRAS"}):
        assert told({variable: "x"}, Settings), variable
    for command in re.findall(
        r"(?:`|^ *|bin/|-- |inside )everbot ((?:[a-z]+)(?: [a-z]+)?)", text, re.MULTILINE
    ):
        assert exists(command), command
    for file in re.findall(r"\b(?:deploy|docs)/[\w./-]*\w", text):
        assert (ROOT / file).exists(), file
    for target in re.findall(r"`make ([\w-]+)`", text):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE), target
    elsewhere = re.findall(r"\b(?:DISCORD|SLACK|OPENAI)_[A-Z_]*[A-Z]\b", text)
    assert set(elsewhere) <= set(KNOWN_ELSEWHERE)
