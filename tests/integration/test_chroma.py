"""What holds of the Chroma index alone: what it writes, what it leaves, and how it fails."""

from __future__ import annotations

import ctypes
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from memory.errors import StoreUnavailable
from memory.index.chroma import SEGMENT, ChromaIndex, _graphs, _http_clients, _settings
from memory.records import SEQ_BITS, SHARED, Archive, VectorEntry, community_audience
from tests.fakes.chroma_rows import CANARY, ChromaWorld, Shelf, circle


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def folders(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_dir()}


async def test_chroma_sees_random_ids_and_nothing_else(tmp_path: Path) -> None:
    world = ChromaWorld(path=tmp_path)
    scope = await world.scope()
    entries = await world.entries(scope, circle(1_200), community_audience(CANARY))
    await world.index.add(scope, entries)
    await world.close()
    written = on_disk(tmp_path)
    assert all(entry.uid.encode() in written for entry in entries)  # so the search below means something
    for secret in (CANARY, "community:", str(entries[0].key)):
        assert secret.encode() not in written
        assert secret.encode("utf-16-le") not in written


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can be told to")
async def test_nothing_that_lay_in_memory_comes_to_the_disk(tmp_path: Path) -> None:
    """A graph's file has room for more vectors than it holds."""
    ctypes.CDLL(None).mallopt(-6, 0x5A)  # memory that is taken is full of 0xA5, unless that is changed
    try:
        world = ChromaWorld(path=tmp_path)
        scope = await world.scope()
        await world.index.add(scope, await world.entries(scope, circle(3)))
        await world.index.search(scope, circle(3)[0], None, 1)
        await world.close()
        [file] = tmp_path.rglob("data_level0.bin")
        assert len(file.read_bytes()) > 3_000
        assert file.read_bytes().count(b"\xa5" * 8) == 0
    finally:
        ctypes.CDLL(None).mallopt(-6, 0)


async def test_nothing_of_a_dropped_archive_stays_on_the_disk(tmp_path: Path) -> None:
    world = ChromaWorld(path=tmp_path)
    kept, doomed = await world.scope(), await world.scope()
    vectors = np.random.default_rng(3).normal(size=(1_200, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    await world.index.add(kept, await world.entries(kept, vectors[:600]))
    stays = folders(tmp_path)
    entries = await world.entries(doomed, vectors[600:])
    await world.index.add(doomed, entries)
    traces = [entry.uid.encode() for entry in entries] + [entry.vector.tobytes() for entry in entries]
    traces.append(world.shelf.names[doomed].collection.encode())
    assert any(trace in on_disk(tmp_path) for trace in traces[-2:])
    assert folders(tmp_path) > stays
    (tmp_path / "notes").mkdir()  # not Chroma's, so not ours to remove
    await world.index.drop(doomed)
    assert folders(tmp_path) == {*stays, "notes"}
    left = on_disk(tmp_path)
    assert [trace for trace in traces if trace in left] == []
    assert len(await world.index.search(kept, vectors[0], None, 600)) == 600
    await world.close()


async def test_vectors_whose_rows_are_gone_are_swept_out(tmp_path: Path) -> None:
    world = ChromaWorld(path=tmp_path)
    scope = await world.scope()
    entries = await world.entries(scope, circle(20))
    await world.index.add(scope, entries)
    await world.forget(entries[:5])
    await world.index.remove(scope, [entries[0].key])
    await world.close()
    with closing(sqlite3.connect(tmp_path / "chroma.sqlite3")) as database:
        left = {row[0] for row in database.execute("SELECT embedding_id FROM embeddings")}
    assert left == {entry.uid for entry in entries[5:]}


def test_chroma_is_not_imported_before_it_is_used(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from memory.index.chroma import ChromaIndex;"
        f"ChromaIndex(None, path=Path({str(tmp_path / 'none')!r})); sys.exit('chromadb' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 0
    assert not (tmp_path / "none").exists()


async def refused(index: ChromaIndex, shelf: Shelf) -> str:
    """What every verb says; they must all say the same kind of thing."""
    shelf.names[1] = Archive(id=1, kind="source", name="a", collection="c" * 32)
    vector = circle(1)[0]
    entry = VectorEntry(key=1 << SEQ_BITS, uid="u" * 32, audience=SHARED, text="t", vector=vector)
    texts = []
    for call in (
        lambda: index.add(1, [entry]),
        lambda: index.search(1, vector, None, 5),
        lambda: index.remove(1, [entry.key]),
        lambda: index.drop(1),
    ):
        with pytest.raises(StoreUnavailable) as caught:
            await call()
        texts.append(str(caught.value))
    await index.close()
    assert all("\n" not in text for text in texts)
    return "\n".join(texts)


@pytest.mark.parametrize("damage", ["a file", "not a database"])
async def test_a_folder_that_cannot_be_used(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "chroma"
    if damage == "a file":
        folder.write_text("x")
    else:
        folder.mkdir()
        (folder / "chroma.sqlite3").write_bytes(b"garbage " * 1_000)
    shelf = Shelf()
    said = await refused(ChromaIndex(shelf, path=folder), shelf)
    assert said.count(f"{folder} (under data_dir)") == 4


async def test_vectors_of_another_length_are_refused(tmp_path: Path) -> None:
    world = ChromaWorld(path=tmp_path)
    scope = await world.scope()
    await world.index.add(scope, await world.entries(scope, circle(3, dimensions=16)))
    with pytest.raises(StoreUnavailable, match="dimension of 16, got 8"):
        await world.index.search(scope, circle(1, dimensions=8)[0], None, 5)
    await world.close()


async def test_a_server_that_is_not_there() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    shelf = Shelf()
    said = await refused(ChromaIndex(shelf, url=f"http://127.0.0.1:{port}"), shelf)
    assert said.count(f"[index] chroma_url = http://127.0.0.1:{port}") == 4


async def test_a_server_that_never_answers() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        shelf = Shelf()
        assert "timed out" in await refused(ChromaIndex(shelf, url=url, timeout=0.05), shelf)


class Impostor(HTTPServer):
    """Lets Chroma's client in, and then fails as it is told to."""

    failure = (500, b"")

    class RequestHandlerClass(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "/collections" in self.path:
                self.answer(*self.server.failure)
            elif self.path.endswith("/identity"):
                self.answer(200, b'{"user_id": "", "tenant": "t", "databases": ["d"]}')
            else:
                self.answer(200, b'{"name": "t", "id": "%s", "tenant": "t"}' % (b"0" * 32))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.do_GET()

        do_DELETE = do_GET

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), self.RequestHandlerClass)


@pytest.fixture
def impostor() -> Iterator[Impostor]:
    with Impostor() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def test_every_error_of_a_server_is_mapped(impostor: Impostor) -> None:
    from chromadb.errors import error_types

    shelf, url = Shelf(), f"http://127.0.0.1:{impostor.server_port}"
    failures = [(500, f'{{"error": "{name}", "message": "no luck today"}}') for name in error_types]
    failures = [(status, text) for status, text in failures if "NotFoundError" not in text]
    assert len(failures) > 10
    for status, text in [*failures, (502, "<html>no luck today</html>"), (200, "<html>")]:
        impostor.failure = (status, text.encode())
        said = await refused(ChromaIndex(shelf, url=url, headers={"x-chroma-token": "s3cret"}), shelf)
        assert said.count(f"[index] chroma_url = {url}") == 4
        assert "s3cret" not in said


async def test_a_collection_that_a_server_does_not_know_is_empty(impostor: Impostor) -> None:
    impostor.failure = (404, b'{"error": "NotFoundError", "message": "no such collection"}')
    world = ChromaWorld(url=f"http://127.0.0.1:{impostor.server_port}")
    scope = await world.scope()
    entries = await world.entries(scope, circle(1))
    assert await world.index.search(scope, circle(1)[0], None, 5) == []
    await world.index.remove(scope, [entries[0].key])
    await world.index.drop(scope)
    await world.close()


MOVED = "Chroma has changed inside: mend {} in memory/index/chroma.py, then raise the cap in pyproject.toml."


def test_chromas_http_clients_are_where_we_bound_and_close_them(impostor: Impostor) -> None:
    import chromadb
    import httpx

    with chromadb.HttpClient(host="127.0.0.1", port=impostor.server_port, settings=_settings()) as client:
        try:
            found = _http_clients(client)
        except AttributeError:
            found = []
        assert len(found) == 2, MOVED.format("_http_clients")
        assert all(type(http) is httpx.Client for http in found), MOVED.format("_http_clients")
        for http in found:
            http.timeout = 0.5
            http.close()
        with pytest.raises(RuntimeError, match="closed"):  # so no other client is asked
            client.list_collections()


async def test_chromas_list_of_graphs_is_where_we_read_it(tmp_path: Path) -> None:
    world = ChromaWorld(path=tmp_path)
    scope = await world.scope()
    await world.index.add(scope, await world.entries(scope, circle(1_200)))
    await world.close()
    with closing(sqlite3.connect(tmp_path / "chroma.sqlite3")) as database:
        try:
            listed = _graphs(database)
        except sqlite3.Error:
            listed = set()
    assert folders(tmp_path), MOVED.format("SEGMENT")
    assert all(SEGMENT.fullmatch(name) for name in folders(tmp_path)), MOVED.format("SEGMENT")
    assert folders(tmp_path) <= listed, MOVED.format("_graphs")


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://127.0.0.1/prefix"])
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="host"):
        ChromaIndex(Shelf(), url=url)


async def test_a_server_goes_before_a_folder(tmp_path: Path, impostor: Impostor) -> None:
    impostor.failure = (404, b'{"error": "NotFoundError", "message": "no such collection"}')
    world = ChromaWorld(path=tmp_path / "chroma", url=f"http://127.0.0.1:{impostor.server_port}")
    assert await world.index.search(await world.scope(), circle(1)[0], None, 5) == []
    assert not (tmp_path / "chroma").exists()
    await world.close()
    with pytest.raises(ValueError, match="path or a url"):
        ChromaIndex(Shelf())
