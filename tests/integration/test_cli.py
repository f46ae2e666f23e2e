"""The command line, as real processes on a data directory of their own."""

from __future__ import annotations

import asyncio
import json
import pkgutil
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import docx
import pytest
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]
from typer.testing import CliRunner

import bot.cli
from bot.backends.clock import SystemClock
from bot.backends.memory import choose_embedder, open_memory
from bot.cli import load
from bot.cli.main import app
from bot.operations.loading import BATCH, Loading
from bot.runtime import Runtime
from bot.settings import Settings
from memory.documents.reader import Reader
from memory.ports import Session
from memory.records import SHARED
from memory.store.sqlite.database import Database
from tests.fakes.embeddings_server import embeddings_server
from tests.fakes.empty_database import lay
from tests.program.process import ROOT, Done
from tests.program.program import QUIET, Program

HEAVY = (
    "chromadb",
    "openai",
    "sqlalchemy",
    "numpy",
    "onnxruntime",
    "tiktoken",
    "markitdown",
    "prompt_toolkit",
)
TOLD = ["Hi, I'm Ada and I live in Lisbon.", "My dog is called Biscuit.", "I moved to Porto."]


# Help


def test_what_is_heavy_is_not_imported_for_help() -> None:
    code = f"import sys, bot.cli.main, bot.__main__; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.skipif(sys.platform != "linux", reason="forks a process that has imported much")
def test_each_command_imports_what_it_needs_whichever_is_first() -> None:
    """What all of them need is there already, for it takes long."""
    names = [name for _, name, _ in pkgutil.iter_modules(bot.cli.__path__, "bot.cli.")]
    assert "bot.cli.chat" in names
    code = (
        "import os, bot.app, sys\n"
        "for name in sys.argv[1:]:\n"
        "    if not os.fork():\n"
        "        __import__(name)\n"
        "        os._exit(0)\n"
        "    assert os.wait()[1] == 0, name\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("", ["chat", "load", "memory", "reindex", "doctor"]),
        ("chat", ["--user", "--persona", "--json", "--config"]),
        ("load", ["--name", "--lore", "--config"]),
        ("persona", ["create", "list", "show", "edit", "import", "export", "delete", "restore"]),
        ("persona create", ["--text", "--file", "--description", "--definition", "--avatar"]),
        ("persona edit", ["--set", "--definition", "--description", "--avatar"]),
        ("persona export", ["--community", "--card", "--png"]),
        ("persona import", ["--name", "--community"]),
        ("persona delete", ["--force"]),
        ("memory", ["show", "search", "history"]),
        ("memory show", ["--user", "--persona", "--json", "--config"]),
        ("memory search", ["--user", "--recall", "--archival", "--page", "--json"]),
        ("memory history", ["--user", "--page", "--json"]),
        ("reindex", ["--config"]),
        ("doctor", ["--config"]),
    ],
)
def test_help_names_what_there_is(command: str, options: list[str]) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"], env={"TERM": "dumb", "COLUMNS": "200"})
    assert result.exit_code == 0
    assert [option for option in options if option not in result.output] == []


def test_the_program_prints_its_help(tmp_path: Path) -> None:
    program = Program(tmp_path)
    done = program.run("--help", cold=True)
    assert (done.code, done.err) == (0, "")
    assert "remembers" in done.out
    assert not program.data.exists()


# A home with documents and memories, made by the program itself


def make_documents(folder: Path) -> None:
    folder.mkdir()
    (folder / "a.txt").write_text("The harbour office opens at seven.", encoding="utf-8")
    (folder / "b.md").write_text("# Ferries\n\nThe ferry to Ilha Verde takes 40 minutes.", encoding="utf-8")
    (folder / "c.html").write_text(
        "<html><head><style>p {color: red}</style></head><body><p>The museum ticket costs 12 euros.</p>"
        "<script>alert(1)</script></body></html>",
        encoding="utf-8",
    )
    canvas = Canvas(str(folder / "d.pdf"))
    canvas.drawString(72, 720, "The lighthouse was built by Zoe Angstrom.")
    canvas.save()
    document = docx.Document()
    document.add_paragraph("The bakery sells almond cake.")
    document.save(str(folder / "e.docx"))
    (folder / "f.bin").write_bytes(b"\0\1\2")


class Town:
    """What the program said while documents were loaded and Ada talked with it."""

    def __init__(self, folder: Path) -> None:
        self.program = Program(folder, laid=True)
        documents = folder / "documents"
        make_documents(documents)
        self.loads = [self.program.run("load", str(documents), "--name", "town")]
        self.loads.append(self.program.run("load", str(documents), "--name", "town"))
        (documents / "a.txt").write_text("The harbour office now opens at nine.", encoding="utf-8")
        self.loads.append(self.program.run("load", str(documents), "--name", "town"))
        asked = ["/attach town", "Who built the lighthouse?"]
        self.chat = self.program.run("chat", "--user", "ada", source="\n".join([*TOLD, *asked]))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(tmp_path_factory.mktemp("town"))


def test_every_kind_of_document_is_loaded_once(town: Town) -> None:
    assert [done.code for done in town.loads] == [0, 0, 0]
    told = [
        re.findall(r"(\d+ of \d+ files are in town; \d+) new passages?\b", done.err) for done in town.loads
    ]
    assert told == [
        ["5 of 5 files are in town; 5"],
        ["5 of 5 files are in town; 0"],
        ["5 of 5 files are in town; 1"],
    ]
    with closing(sqlite3.connect(town.program.data / "everbot.db")) as db:
        rows = dict(db.execute("SELECT source, text FROM passages WHERE source <> ''"))
    assert set(rows) == {"a.txt", "b.md", "c.html", "d.pdf", "e.docx"}
    assert rows["a.txt"] == "The harbour office now opens at nine."
    assert all("f.bin" in done.err for done in town.loads)
    assert "Zoe Angstrom" in rows["d.pdf"]
    assert "almond cake" in rows["e.docx"]
    assert "12 euros" in rows["c.html"]
    assert "alert" not in rows["c.html"]
    assert "color" not in rows["c.html"]


def test_an_attached_document_answers_a_question(town: Town) -> None:
    assert (town.chat.code, town.chat.err) == (0, "")
    *_, attached, answer = town.chat.out.splitlines()
    assert attached == "Attached town: 5 passages can be searched now."
    assert "Zoe Angstrom" in answer


def as_json(done: Done) -> list[dict[str, Any]]:
    assert (done.code, done.err) == (0, "")
    return [json.loads(line) for line in done.out.splitlines()]


def test_memory_show(town: Town) -> None:
    done = town.program.run("memory", "show", "--user", "ada")
    (values,) = as_json(town.program.run("memory", "show", "--user", "console:ada", "--json"))

    assert (done.code, done.err) == (0, "")
    assert "[human] " in done.out
    assert "Porto" in done.out
    assert "Ada" in done.out
    assert "Attached sources: town." in done.out
    assert set(values) == {"blocks", "messages", "passages", "sources", "summaries"}
    blocks = {block["label"]: block for block in values["blocks"]}
    assert blocks["human"]["value"] in done.out
    assert blocks["human"]["version"] > 1
    assert values["sources"] == ["town"]
    assert values["messages"] == 8
    assert f"{values['messages']} messages" in done.out


def test_memory_search(town: Town) -> None:
    both = town.program.run("memory", "search", "Biscuit", "--user", "ada")
    found = as_json(
        town.program.run(
            "memory", "search", "who built the lighthouse", "--user", "ada", "--archival", "--json"
        )
    )
    none = town.program.run("memory", "search", "Biscuit", "--user", "ada", "--recall", "--page", "9")

    assert both.code == 0
    assert re.search(r"^recall: \d+ found, page 1 of 1$", both.out, re.MULTILINE)
    assert re.search(r"^archival: \d+ found, page 1 of \d$", both.out, re.MULTILINE)
    assert "ada: My dog is called Biscuit." in both.out
    assert found[0]["kind"] == "archival"
    assert "Zoe Angstrom" in found[0]["text"]
    assert found[0]["from"] == "d.pdf"
    assert {hit["kind"] for hit in found} == {"archival"}
    assert none.out.startswith("recall: ")
    assert len(none.out.splitlines()) == 1


def test_memory_history(town: Town) -> None:
    done = town.program.run("memory", "history", "--user", "ada")
    edits = as_json(town.program.run("memory", "history", "--user", "ada", "--json"))

    assert (done.code, done.err) == (0, "")
    assert "  - " in done.out
    assert [edit["version"] for edit in edits] == sorted((e["version"] for e in edits), reverse=True)
    assert edits[-1]["before"] == ""
    assert "Porto" in edits[0]["after"]
    assert all(edit["by"].startswith("turn ") for edit in edits)
    for newer, older in pairwise(edits):
        assert newer["before"] == older["after"]


def test_somebody_nobody_knows(town: Town) -> None:
    done = town.program.run("memory", "show", "--user", "nobody")
    assert "no memory of console:nobody with the persona 'ever'" in done.sentence
    assert done.out == ""


def test_reindex_and_doctor(town: Town) -> None:
    assert town.program.run("reindex").code == 0
    doctor = town.program.run("doctor")
    assert (doctor.code, doctor.err) == (0, "")
    assert [line.split(":")[0] for line in doctor.out.splitlines()] == [
        "ok   configuration",
        "ok   data directory",
        "ok   database",
        "ok   index",
        "ok   backups",
        "ok   documents",
        "ok   model",
        "ok   pictures",
        "ok   voice",
        "ok   memory page",
    ]
    assert str(town.program.data) in doctor.out
    assert "stand-in" in doctor.out


def test_doctor_finds_a_damaged_database(town: Town, tmp_path: Path) -> None:
    program = Program(tmp_path)
    program.data.mkdir()
    shutil.copy(town.program.data / "everbot.db", program.data)
    with (program.data / "everbot.db").open("r+b") as file:
        size = file.seek(0, 2)
        for at in range(8_192, size - 4_096, 8_192):
            file.seek(at)
            file.write(b"\xff" * 2_048)

    done = program.run("doctor")

    assert done.code == 1
    assert "Traceback" not in done.err
    failed = [line for line in done.out.splitlines() if line.startswith("FAIL")]
    assert any("damaged" in line and "estore a backup" in line for line in failed), done.out


def test_doctor_finds_what_is_no_database(tmp_path: Path) -> None:
    program = Program(tmp_path)
    program.data.mkdir()
    (program.data / "everbot.db").write_bytes(b"this is no database at all" * 1_000)
    done = program.run("doctor")
    assert done.code == 1
    assert done.err == ""
    assert any(line.startswith("FAIL") and "everbot.db" in line for line in done.out.splitlines())
    assert "everbot.db" in program.run("chat", source="Hello\n").sentence


def test_doctor_finds_a_model_that_cannot_be_reached_and_no_disk(tmp_path: Path) -> None:
    model = '[model]\nkind = "openai"\nbase_url = "http://127.0.0.1:9/v1"\nretries = 0\n'
    program = Program(tmp_path, model + QUIET, laid=True)
    done = program.run("doctor")
    assert (done.code, done.err) == (1, "")
    (failed,) = [line for line in done.out.splitlines() if line.startswith("FAIL")]
    assert failed.startswith("FAIL model: ")
    assert "127.0.0.1:9" in failed


def test_doctor_finds_a_wrong_configuration(tmp_path: Path) -> None:
    program = Program(tmp_path, "[model]\nnam = 'x'\n")
    done = program.run("doctor")
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("FAIL configuration: config.toml: the key 'model.nam' is unknown.")
    assert len(done.out.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["chat", "--config", "missing.toml"], "missing.toml"),
        (["load", "missing.pdf", "--name", "x"], "missing.pdf"),
        (["load", ".", "--name", " "], "--name is empty"),
        (["load", "nothing", "--name", "x"], "nothing to load"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, arguments: list[str], told: str) -> None:
    program = Program(tmp_path)
    (tmp_path / "nothing").mkdir()
    done = program.run(*arguments, source="Hello\n")
    assert told in done.sentence
    assert done.out == ""


def test_a_data_directory_that_cannot_be_used(tmp_path: Path) -> None:
    program = Program(tmp_path)
    program.data.write_text("a file where the folder should be")
    told = f"data_dir {program.data} cannot be used: a file is where a folder must be."
    assert told in program.run("chat", source="Hello\n").sentence
    assert told in program.run("memory", "show", "--user", "ada").sentence
    doctor = program.run("doctor")
    assert told in doctor.out
    assert doctor.code == 1
    assert "Traceback" not in doctor.err
    assert "FAIL data directory" in doctor.out


def test_a_file_that_cannot_be_read_is_left_out_and_told(tmp_path: Path) -> None:
    program = Program(tmp_path, laid=True)
    make_documents(tmp_path / "documents")
    (tmp_path / "documents" / "d.pdf").write_bytes(b"%PDF-1.4 broken")
    done = program.run("load", "documents", "--name", "town")
    assert done.code == 1
    assert "Traceback" not in done.err
    assert "4 of 5 files are in town; 4 new passages" in done.err
    assert "d.pdf" in done.err


# Loading that is killed


def long_text(number: int, paragraphs: int) -> str:
    words = "The keeper writes of wind and waves and of the ships that pass by night. "
    return "\n\n".join(f"Day {number}.{n}: {words * 20}" for n in range(paragraphs))


def check_whole(database: Path, files: int) -> None:
    """Every chunk of every file is there exactly once."""
    with closing(sqlite3.connect(database)) as db:
        rows = db.execute("SELECT source, position FROM passages ORDER BY source, position").fetchall()
        done = db.execute("SELECT count(*) FROM files WHERE chunks < 0").fetchone()
    by_file: dict[str, list[int]] = {}
    for source, position in rows:
        by_file.setdefault(source, []).append(position)
    assert len(by_file) == files
    for positions in by_file.values():
        assert positions == list(range(len(positions)))
    assert done == (files,)


async def test_a_load_that_was_killed_goes_on(tmp_path: Path) -> None:
    program = Program(tmp_path, laid=True)
    folder = tmp_path / "documents"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number:02}.txt").write_text(long_text(number, 130), encoding="utf-8")
    database = program.data / "everbot.db"

    def passages() -> int:
        try:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
                found: int = db.execute("SELECT count(*) FROM passages").fetchone()[0]
                return found
        except sqlite3.OperationalError:
            return 0  # not there yet

    process = await program.start("load", "documents", "--name", "log")
    while await asyncio.to_thread(passages) < 100 and process.returncode is None:
        pass
    process.kill()
    await process.communicate()
    assert process.returncode == -signal.SIGKILL
    before = passages()

    done = await program.run_async("load", "documents", "--name", "log")

    assert done.code == 0, done.err
    told = re.search(r"4 of 4 files are in log; (\d+) new passages", done.err)
    assert told is not None
    assert int(told[1]) == passages() - before
    check_whole(database, 4)


class Failing:
    """A store whose disk is pulled out at the n-th unit of work."""

    def __init__(self, store: Database, writes: int) -> None:
        self._store, self._left = store, writes
        self.read = store.read

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Session]:
        self._left -= 1
        async with self._store.write() as session:
            yield session
            if self._left < 0:
                raise KeyboardInterrupt


def quiet(folder: Path, **embedder: Any) -> Settings:
    lay(folder / "everbot.db")
    return Settings.model_validate({"data_dir": folder, "embedder": {"kind": "none", **embedder}})


@pytest.mark.parametrize("writes", [0, 1, 2])
async def test_a_file_goes_on_at_the_chunk_where_it_was_stopped(tmp_path: Path, writes: int) -> None:
    settings = quiet(tmp_path / "data")
    path = tmp_path / "log.txt"
    path.write_text(long_text(1, 260), encoding="utf-8")
    async with open_memory(settings) as memory:
        async with memory.store.write() as session:
            source = await session.passages.create_source("log", SystemClock().now())
        failing = Failing(memory.store, writes)
        runtime = Runtime(failing, memory.indexer, SystemClock())  # type: ignore[arg-type]
        loading = await Loading.begin(runtime, memory.counter.count, Reader(), source.id, SHARED)
        with pytest.raises(KeyboardInterrupt):
            await loading.file(path)
        async with memory.store.read() as session:
            assert await session.passages.count(source.id, None) == writes * BATCH

    assert await load.load(settings, [path], "log") == 0
    check_whole(settings.data_dir / "everbot.db", 1)


# The vector index


async def test_reindex_makes_the_vectors_anew(tmp_path: Path) -> None:
    make_documents(tmp_path / "documents")
    async with embeddings_server() as server:
        settings = quiet(tmp_path / "data", kind="openai", base_url=server.url, api_key="sk")
        assert await load.load(settings, [tmp_path / "documents"], "town") == 0
        embedded = [text for body in server.bodies for text in body["input"]]
        assert sum("almond cake" in text for text in embedded) == 1
        shutil.rmtree(settings.data_dir / "chroma")
        server.bodies.clear()

        assert await load.reindex(settings) == 0

        again = [text for body in server.bodies for text in body["input"]]
        assert sorted(again) == sorted(embedded)
        async with open_memory(settings, embedders=choose_embedder) as memory:
            async with memory.store.read() as session:
                archive = await session.passages.archive_named("town")
                assert archive is not None
                assert await session.vectors.count_unindexed() == 0
            vector = await memory.indexer.query_vector("cake from the bakery", "passages", archive.id)
            index = await memory.indexer.index_of(archive.id)
            ((key, _), *_) = await index.search(archive.id, vector, (SHARED,), 3)
            async with memory.store.read() as session:
                (passage,) = await session.passages.get(archive.id, [key], None)
        assert passage.text == "The bakery sells almond cake."
