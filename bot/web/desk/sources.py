"""Sources on the desk: what is in them and who searches them; files are loaded, with progress, and deleted."""

from __future__ import annotations

from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from aiohttp import web

from bot.errors import EverbotError
from bot.operations.library import Library
from bot.operations.loads import Load
from bot.web.desk.base import NOT_THERE, Fields, desk, number, told
from bot.web.uploads import Upload, uploaded
from bot.web.visitors import owners_only, visitor_of
from bot.web.website import website
from memory.documents.kinds import KNOWN_SUFFIXES

_LARGEST = 300 * 2**20  # bytes of a file


def library(request: web.Request) -> Library:
    """Whoever is signed in."""
    app, visitor = website(request).app, visitor_of(request)
    assert visitor is not None
    return Library(app.memory.store, app.clock, app.personas, visitor.key.account)


@owners_only
async def sources(request: web.Request) -> web.StreamResponse:
    loads = website(request).app.loads.seen
    shelves = await library(request).all()
    return desk(
        request,
        "Sources",
        "sources.html",
        shelves=[(shelf, [(file, PurePath(file.path).name) for file in shelf.files]) for shelf in shelves],
        loads=loads,
        makes_vectors=website(request).app.memory.indexer.makes_vectors,
        busy=any(not load.over for load in loads),
    )


@owners_only
async def load(request: web.Request) -> web.StreamResponse:
    """Take a file that is sent, to be loaded beside the turns."""
    folder = TemporaryDirectory()
    taken = False
    try:
        sent = await uploaded(request, Path(folder.name), _LARGEST, KNOWN_SUFFIXES)
        if sent is None:
            raise EverbotError("There is no file.")
        await _take(request, sent, folder)
        taken = True
        text = f"{sent.name} is taken: this page shows how far it is."
    except EverbotError as error:
        text = str(error)
    finally:
        if not taken:
            folder.cleanup()
    return told(request, text, "/desk/sources", failed=not taken)


async def _take(request: web.Request, sent: Upload, folder: TemporaryDirectory[str]) -> None:
    shelves, source, lore = library(request), sent.fields.get("source", ""), sent.fields.get("lore", "")
    archive_id, audience = await shelves.target(source, lore)
    website(request).app.loads.add(
        Load(folder, sent.path, sent.name, source or lore, archive_id, audience, shelves)
    )


async def _detach(request: web.Request, fields: Fields) -> str:
    done = await library(request).detach(number(fields["about"]), number(fields["agent"]))
    return "It is searched there no more." if done else NOT_THERE


async def _drop_file(request: web.Request, fields: Fields) -> str:
    indexer = website(request).app.memory.indexer
    name = await library(request).drop_file(number(fields["about"]), fields["file"], indexer)
    return f"{name} is deleted, with all that was loaded of it." if name else NOT_THERE


async def _drop(request: web.Request, fields: Fields) -> str:
    done = await library(request).drop(number(fields["about"]))
    return "The source is deleted." if done else NOT_THERE


ACTS = {"source-detach": _detach, "source-drop-file": _drop_file, "source-drop": _drop}
ROUTES = (web.get("/desk/sources", sources), web.post("/desk/sources", load))
