"""Personas on the desk: who there is and where they speak, their texts and versions, what is proposed, files in and
out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import web

from bot.errors import EverbotError
from bot.operations.studio import LARGEST, Studio, Whole, definition_of, written_definition
from bot.personas.cards.card import Version
from bot.web.desk.base import Fields, desk, number, told
from bot.web.desk.tables import told as moment
from bot.web.differences import Piece, differences
from bot.web.uploads import uploaded
from bot.web.visitors import owners_only, visitor_of
from bot.web.website import website

_VERSIONS = 15
_KINDS = (".zip", ".json", ".png", ".charx")
_FORMS: Mapping[str, tuple[Version | None, bool]] = {
    "everbot": (None, False),
    "v2": ("2", False),
    "v3": ("3", False),
    "png": ("3", True),
}


def studio(request: web.Request) -> Studio:
    """Whoever is signed in."""
    app, visitor = website(request).app, visitor_of(request)
    assert visitor is not None
    return Studio(app.memory.store, app.clock, app.personas, visitor.key.account, visitor.user.id)


@owners_only
async def personas(request: web.Request) -> web.StreamResponse:
    default = website(request).settings.personas.default
    return desk(request, "Personas", "personas.html", found=await studio(request).all(), default=default)


@owners_only
async def persona(request: web.Request) -> web.StreamResponse:
    whole = await studio(request).whole(await _name(request), _VERSIONS)
    return desk(
        request,
        whole.persona.name,
        "persona.html",
        whole=whole,
        definition=written_definition(whole.definition),
        versions=[
            (version.version, moment(version.at), by, _changed(before, version.data))
            for (version, by), before in zip(whole.versions, _before(whole), strict=True)
        ],
        proposals=[(p, moment(p.at), differences(p.before, p.value)) for p in whole.proposals],
        default=website(request).settings.personas.default,
    )


async def _name(request: web.Request) -> str:
    """Of the persona that the path names by its number."""
    wanted = int(request.match_info["persona"])
    async with website(request).app.memory.store.read() as session:
        found = next((one for one in await session.personas.all() if one.id == wanted), None)
    if found is None:
        raise web.HTTPNotFound
    return found.name


def _before(whole: Whole) -> Sequence[Mapping[str, Any] | None]:
    """What each version came after; None for the oldest, of which nothing is known."""
    return [*(version.data for version, _ in whole.versions[1:]), None][: len(whole.versions)]


def _changed(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[tuple[str, Sequence[Piece]]]:
    """What of a persona is another text, word by word."""
    if before is None:
        return []
    old, new = _texts(before), _texts(after)
    names = [*new, *(name for name in old if name not in new)]
    return [
        (name, differences(old.get(name, ""), new.get(name, "")))
        for name in names
        if old.get(name, "") != new.get(name, "")
    ]


def _texts(data: Mapping[str, Any]) -> dict[str, str]:
    blocks = {f"[{block['label']}]": str(block["value"]) for block in data["blocks"]}
    rest = {f"definition: {name}": str(value) for name, value in data["definition"].items() if name != "card"}
    return {"description": str(data["description"]), **blocks, **rest}


@owners_only
async def export(request: web.Request) -> web.StreamResponse:
    """A persona as a file."""
    card, png = _FORMS.get(request.query.get("as", ""), (None, False))
    lore = request.query.get("lore") or None
    try:
        called, data = await studio(request).taken_out(
            await _name(request), card, png=png, community=None if card else lore
        )
    except EverbotError as error:
        return told(request, str(error), f"/desk/personas/{request.match_info['persona']}", failed=True)
    safe = "".join(c for c in called if c.isascii() and (c.isalnum() or c in "._-"))
    return web.Response(
        body=data,
        content_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{safe or "persona"}"'},
    )


@owners_only
async def bring(request: web.Request) -> web.StreamResponse:
    """A persona of a file that was sent. The fields beside it are in the address, as its key is."""
    with TemporaryDirectory() as folder:
        sent = await uploaded(request, Path(folder), LARGEST, _KINDS)
        data = await asyncio.to_thread(sent.path.read_bytes) if sent else b""
    if sent is None:
        return told(request, "There is no file.", "/desk/personas", failed=True)
    try:
        made, notices = await studio(request).brought_in(data, sent.name)
    except EverbotError as error:
        return told(request, f"{sent.name}: {error}", "/desk/personas", failed=True)
    return told(request, "\n".join([f"{made.name} is here.", *notices]), f"/desk/personas/{made.id}")


async def _create(request: web.Request, fields: Fields) -> str:
    await studio(request).create(fields["name"], fields["text"], fields["description"])
    return f"{fields['name']} is made."


async def _meet(request: web.Request, fields: Fields) -> str:
    await studio(request).whole(fields["about"], 0)
    return f"{fields['about']} can be changed now."


async def _write(request: web.Request, fields: Fields) -> str:
    changed = await studio(request).write(
        fields["about"], fields["label"], fields["text"].replace("\r\n", "\n")
    )
    return (
        f"{fields['about']} is changed, for everyone at their next message."
        if changed
        else "It reads so already."
    )


async def _define(request: web.Request, fields: Fields) -> str:
    await studio(request).define(fields["about"], definition_of(fields["text"], "The definition"))
    return f"{fields['about']} is changed, for everyone at their next message."


async def _describe(request: web.Request, fields: Fields) -> str:
    await studio(request).describe(fields["about"], fields["text"])
    return f"{fields['about']} is described anew."


async def _back(request: web.Request, fields: Fields) -> str:
    version = number(fields["version"])
    await studio(request).go_back(fields["about"], version)
    return f"{fields['about']} is again what it was in version {version}, as a version of its own."


async def _accept(request: web.Request, fields: Fields) -> str:
    await studio(request).accept(fields["about"], number(fields["proposal"]))
    return f"Accepted: {fields['about']} reads so, for everyone at their next message."


async def _refuse(request: web.Request, fields: Fields) -> str:
    await studio(request).refuse(fields["about"], number(fields["proposal"]))
    return "Refused."


async def _bind(request: web.Request, fields: Fields) -> str:
    await studio(request).bind(fields["about"], fields["place"])
    return f"{fields['place']} is {fields['about']} from the next message on."


async def _unbind(request: web.Request, fields: Fields) -> str:
    await studio(request).unbind(fields["about"])
    return f"{fields['about']} has no persona of its own any more."


async def _remove(request: web.Request, fields: Fields) -> str:
    name = fields["about"]
    deleted = await studio(request).remove(name, website(request).app.memory.indexer.drop)
    return f"{name} is {'deleted' if deleted else 'retired: what its agents remember stays'}."


async def _bring_back(request: web.Request, fields: Fields) -> str:
    await studio(request).bring_back(fields["about"])
    return f"{fields['about']} is back."


ACTS = {
    "persona-create": _create,
    "persona-meet": _meet,
    "persona-write": _write,
    "persona-define": _define,
    "persona-describe": _describe,
    "persona-back": _back,
    "persona-accept": _accept,
    "persona-refuse": _refuse,
    "persona-bind": _bind,
    "persona-unbind": _unbind,
    "persona-remove": _remove,
    "persona-restore": _bring_back,
}
ROUTES = (
    web.get("/desk/personas", personas),
    web.post("/desk/personas", bring),
    web.get(r"/desk/personas/{persona:\d{1,9}}", persona),
    web.get(r"/desk/personas/{persona:\d{1,9}}/export", export),
)
