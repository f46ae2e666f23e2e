"""What everbot does where extras are not installed: it goes without, or says in a sentence what to install."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from memory import extras
from tests.program.process import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

_BARE = """
import asyncio, sys
from pathlib import Path
sys.modules.update(dict.fromkeys({packages!r}))  # as if they were not there

from bot.backends.memory import open_memory
from bot.cli.load import load
from bot.errors import SettingsError
from bot.settings import Settings

home = Path(sys.argv[1])

async def main():
    settings = Settings(data_dir=home / "data", embedder={{"kind": "none"}})
    print(await load(settings, [home / "files"], "town"))
    async with open_memory(settings) as memory, memory.store.read() as session:
        archive = await session.passages.archive_named("town")
        print((await memory.indexer.index_of(archive.id)).name, await session.passages.count(archive.id, None))
    for given in ({{"index": {{"chroma_url": "http://localhost:8000"}}}}, {{"embedder": {{"kind": "english"}}}}):
        try:
            async with open_memory(Settings(data_dir=home / "data", **given)):
                raise AssertionError(given)
        except SettingsError as error:
            print(error)

asyncio.run(main())
"""


def test_each_extra_is_known_by_its_packages() -> None:
    told = {extra: {_importable(name) for name in names} for extra, names in _optional().items()}
    assert {extra: set(packages) for extra, packages in extras._PACKAGES.items()}.items() <= told.items()
    everything = re.fullmatch(r"everbot\[(.*)\]", PROJECT["optional-dependencies"]["all"][0])
    assert everything is not None
    assert everything[1].split(",") == sorted(told)


def test_without_extras_it_goes_without_or_says_what_to_install(tmp_path: Path) -> None:
    packages = [name for names in extras._PACKAGES.values() for name in names]
    files = tmp_path / "files"
    files.mkdir()
    (files / "a.txt").write_text("The ferry leaves at nine.", encoding="utf-8")
    (files / "b.pdf").write_bytes(b"%PDF-1.4 whatever")
    done = subprocess.run(
        [sys.executable, "-c", _BARE.format(packages=packages), str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    out = done.stdout.splitlines()
    install = "install everbot with its extra [{0}] (pip install 'everbot[{0}]')."
    assert out[:2] == ["1", "exact 1"]
    assert (
        f"Left out: {files / 'b.pdf'} is not read: for PDF files {install.format('documents')}" in done.stderr
    )
    assert out[2] == f"index.chroma_url is set: to use it, {install.format('chroma')}"
    assert out[3] == f'embedder.kind is "english": to use it, {install.format("english")}'
    assert "Traceback" not in done.stderr


def _optional() -> dict[str, list[str]]:
    return {name: found for name, found in PROJECT["optional-dependencies"].items() if name != "all"}


IMPORTED = {
    "opentelemetry-sdk": "opentelemetry.sdk",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry.exporter.otlp.proto.http",
    "sqlalchemy[asyncio]": "greenlet",  # SQLAlchemy is there anyway
}
"""What is imported of those that are called otherwise."""


def _importable(requirement: str) -> str:
    if requirement in IMPORTED:
        return IMPORTED[requirement]
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None
    return name[0].replace("-", "_")
