"""A persona as one file, to take elsewhere: a zip of canonical JSON, lore and avatar, with Markdown for people.

``header.json`` says what the file is and when it was made; ``persona.json`` is the persona (keys sorted, so that
equal personas are equal bytes); ``lore.jsonl`` an entry a line; ``avatar`` its image. Who contributed, whose turn
an edit was and who made a version are not in it: nothing here is of a person. A file is other people's: what is
read of it is bounded, and nothing of it names a path.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, FailFast, Field, ValidationError

from bot.bundle import unzipped, zipped
from bot.errors import BundleError, PersonaError
from bot.personas.personas import BLOCK, BLOCKS
from memory.records import Avatar

FORMAT, VERSION = "everbot-persona", 1
_LIMITS = {"header.json": 10_000, "persona.json": 8_000_000, "lore.jsonl": 50_000_000, "avatar": 4_000_000}
_LORE = 100_000  # entries
_NAME, _ABOUT = 80, 2_000  # characters
_FILE = 60_000_000  # bytes
_ENTRIES = 64
_FOREIGN = 10_000  # files in a zip that may be of another program
_IMAGES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
_README = """\
# A persona of everbot

`persona.md` is for people to read; `persona.json` (canonical: keys sorted), `lore.jsonl` (an entry a line) and
`avatar` are what `everbot persona import` reads; `header.json` tells the format and when the file was made.
There is nothing in here of the people who talk with the persona.
"""


def _in_time(at: datetime) -> datetime:
    if not 1970 <= at.year < 2200:
        raise ValueError("a time from 1970 to 2199 is expected")
    return at.astimezone(UTC)


At = Annotated[AwareDatetime, AfterValidator(_in_time)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Edit(_Part):
    version: int = Field(ge=1)
    before: str
    after: str
    at: At


class BlockText(_Part):
    label: str = Field(min_length=1, max_length=100, pattern=r"^[^@\s]+$")
    value: str = Field(max_length=BLOCK)
    limit: int = Field(ge=1, le=1_000_000)
    description: str = Field(max_length=2_000)


class PortableBlock(BlockText):
    history: Annotated[tuple[Edit, ...], FailFast()] = ()


class State(_Part):
    """All of a persona at one time."""

    description: str
    definition: Mapping[str, Any]
    blocks: Annotated[tuple[BlockText, ...], FailFast(), Field(max_length=BLOCKS)]


class Made(_Part):
    """A version of the whole, as it was."""

    version: int = Field(ge=1)
    data: State
    at: At


class Entry(_Part):
    """A passage of lore."""

    text: str = Field(min_length=1, max_length=20_000)
    tags: tuple[Annotated[str, Field(max_length=200)], ...] = Field((), max_length=100)
    source: str = Field("", max_length=1_000)
    position: int = Field(0, ge=0, le=1_000_000_000)
    at: At


class Persona(_Part):
    name: str = Field(max_length=_NAME)
    description: str = Field(max_length=_ABOUT)
    definition: Mapping[str, Any]
    blocks: Annotated[tuple[PortableBlock, ...], FailFast(), Field(max_length=BLOCKS)]
    versions: Annotated[tuple[Made, ...], FailFast()] = ()


@dataclass(frozen=True, kw_only=True)
class PersonaFile:
    persona: Persona
    lore: Sequence[Entry] = ()
    avatar: Avatar | None = None


def canonical(persona: Persona) -> str:
    """The persona as JSON: the same text for an equal one."""
    return json.dumps(persona.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def lore_lines(lore: Sequence[Entry]) -> str:
    """The lore as JSON lines, canonical, too."""
    return "".join(
        json.dumps(entry.model_dump(mode="json"), ensure_ascii=False, sort_keys=True) + "\n" for entry in lore
    )


def packed(file: PersonaFile, now: datetime) -> bytes:
    """The file's bytes."""
    header = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": now.astimezone(UTC).isoformat(timespec="seconds"),
    }
    parts: dict[str, str | bytes] = {
        "header.json": json.dumps(header, sort_keys=True),
        "README.md": _README,
        "persona.md": _for_people(file),
        "persona.json": canonical(file.persona),
        "lore.jsonl": lore_lines(file.lore),
    }
    if file.avatar is not None:
        parts["avatar"] = file.avatar.data
    return zipped(parts)


def is_packed(data: bytes) -> bool:
    """Whether a file is a persona's: a zip with our header. Another zip may be a card."""
    try:
        held = unzipped(
            data, entries=_FOREIGN, most=_LIMITS["header.json"], only={"header.json": _LIMITS["header.json"]}
        )
    except BundleError:
        return data.startswith(b"PK")  # ours or not, it is damaged: `unpacked` says so
    return bool(held)


def unpacked(data: bytes) -> PersonaFile:
    """The persona in a file. Raises `PersonaError` with one sentence for anything else."""
    if len(data) > _FILE:
        raise PersonaError(f"This file has {len(data):,} bytes; a persona's may have {_FILE:,}.")
    try:
        files = unzipped(data, entries=_ENTRIES, most=sum(_LIMITS.values()), only=_LIMITS)
    except BundleError as error:
        raise PersonaError(f"This is no persona's file. {error}") from None
    parts = {name: files.get(name, b"") for name in _LIMITS}
    header = _json(parts["header.json"], "header.json")
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise PersonaError("This is no persona's file: its header says nothing of the kind.")
    if header.get("version") != VERSION:
        raise PersonaError(
            f"This file is of version {header.get('version')!r}; this everbot reads version {VERSION}."
        )
    image = parts["avatar"]
    return PersonaFile(
        persona=_read(Persona, _json(parts["persona.json"], "persona.json"), "persona.json"),
        lore=list(_lore(parts["lore.jsonl"])),
        avatar=avatar_of(image) if image else None,
    )


def _lore(data: bytes) -> Iterator[Entry]:
    for number, line in enumerate(io.BytesIO(data), 1):
        if number > _LORE:
            raise PersonaError(f"lore.jsonl in this file has more than the {_LORE:,} lines that are taken.")
        if not line.isspace():
            yield _read(Entry, _json(line, "lore.jsonl"), f"lore.jsonl, line {number}")


def avatar_of(image: bytes) -> Avatar:
    """An image as an avatar; it is told by its first bytes and not opened. Raises `PersonaError`."""
    if len(image) > _LIMITS["avatar"]:
        raise PersonaError(f"The avatar has {len(image):,} bytes; it may have {_LIMITS['avatar']:,}.")
    for start, media_type in _IMAGES.items():
        if image.startswith(start):
            return Avatar(media_type=media_type, data=image)
    raise PersonaError("The avatar is no image that is taken: PNG, JPEG, GIF or WebP.")


def _json(data: bytes, name: str) -> Any:
    try:
        value = json.loads(data.decode("utf-8"))
        json.dumps(value, ensure_ascii=False).encode()  # lone surrogates
    except (ValueError, RecursionError):
        raise PersonaError(f"{name} in this file is not JSON.") from None
    if "\\u0000" in data.decode("utf-8") or b"\0" in data:
        raise PersonaError(f"{name} in this file holds a NUL.")
    return value


def _read(kind: type[Any], value: Any, name: str) -> Any:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise PersonaError(f"{name} in this file: {key}: {first['msg']}.") from None


def _for_people(file: PersonaFile) -> str:
    persona = file.persona
    parts = [f"# {persona.name}", persona.description]
    for block in persona.blocks:
        parts += [f"## {block.label}", block.description, block.value]
    for title, key in (("How it greets", "greetings"), ("In groups", "group_greetings")):
        if persona.definition.get(key):
            parts += [f"## {title}", *(f"- {text}" for text in persona.definition[key])]
    if persona.definition.get("example"):
        parts += ["## An example", str(persona.definition["example"])]
    if file.lore:
        parts += ["## Lore", *(f"- {entry.at:%Y-%m-%d}: {entry.text}" for entry in file.lore)]
    return "\n\n".join(part for part in parts if part) + "\n"
