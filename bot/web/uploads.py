"""Files that a form sends: written to a folder as they come, so that large ones take no memory."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from aiohttp import BodyPartReader, web

_CHUNK = 2**16
_FIELD = 1_000  # bytes of a field beside it
_NAMED = 200  # characters of a file's name


@dataclass(frozen=True)
class Upload:
    """``name`` is what the file is called where it came from, without folders; ``fields`` were sent before it."""

    path: Path
    name: str
    fields: Mapping[str, str]


async def uploaded(request: web.Request, folder: Path, most: int, kinds: Collection[str]) -> Upload | None:
    """The file of a form, whose name keeps an ending that is one of ``kinds``; None if there is none, or it is empty.
    Raises `HTTPRequestEntityTooLarge` beyond ``most`` bytes."""
    fields: dict[str, str] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        if not part.filename:
            fields[part.name or ""] = (await part.read_chunk(_FIELD)).decode("utf-8", "replace").strip()
            continue
        name = PurePosixPath(part.filename.replace("\\", "/")).name[-_NAMED:]
        suffix = PurePosixPath(name).suffix.casefold()
        path = folder / f"sent{suffix if suffix in kinds else ''}"
        size = 0
        with await asyncio.to_thread(path.open, "wb") as target:
            while chunk := await part.read_chunk(_CHUNK):
                size += len(chunk)
                if size > most:
                    raise web.HTTPRequestEntityTooLarge(most, size)
                await asyncio.to_thread(target.write, chunk)
        return Upload(path, name, fields) if size else None
    return None
