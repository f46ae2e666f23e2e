"""The card inside a PNG: its text chunks ``ccv3`` and ``chara``, and the image without any other metadata.

The image is never decoded: its chunks are walked, and its header says how large it would become.
"""

from __future__ import annotations

import binascii
import struct
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass

from bot.errors import CardError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 20_000
MAX_SIDE = 4_096  # pixels
MAX_DECODED = 96 * 1024 * 1024  # bytes of the image once somebody decodes it
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
KEYWORDS = ("ccv3", "chara")  # the better one first

# What an image looks like is in these; a colour profile (iCCP) is compressed and may tell of its maker.
LOOKS = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"acTL", b"fcTL", b"fdAT"}
)


@dataclass(frozen=True)
class Chunk:
    kind: bytes
    data: bytes

    def packed(self) -> bytes:
        crc = zlib.crc32(self.kind + self.data)
        return struct.pack(">I", len(self.data)) + self.kind + self.data + struct.pack(">I", crc)


def embedded(image: bytes, limit: int) -> bytes:
    """The JSON of the card in a PNG: of ``ccv3`` if it is there, else of ``chara``. At most ``limit`` bytes.

    Only tEXt chunks count: compressed ones (zTXt, iTXt) are not opened. Raises CardError for an image that is
    damaged, that would grow too large, or that holds no card.
    """
    texts: dict[str, bytes] = {}
    for chunk in _checked(image):
        if chunk.kind == b"tEXt":
            name, _, text = chunk.data.partition(b"\0")
            texts.setdefault(name.decode("latin-1").lower(), text)
    for keyword in KEYWORDS:
        if keyword in texts:
            return _decoded(keyword, texts[keyword], limit)
    raise CardError("This image holds no character card: it has no text chunk named ccv3 or chara.")


def bare(image: bytes) -> bytes:
    """The PNG with what it looks like and nothing else: no text, no camera's data, no colour profile."""
    return SIGNATURE + b"".join(chunk.packed() for chunk in _checked(image) if chunk.kind in LOOKS)


def with_text(image: bytes, keyword: str, text: bytes) -> bytes:
    """The `bare` image with ``text`` in the chunk ``keyword``, as cards carry it."""
    chunk = Chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + b64encode(text))
    clean = bare(image)
    end = len(clean) - len(Chunk(b"IEND", b"").packed())
    return clean[:end] + chunk.packed() + clean[end:]


def _decoded(keyword: str, text: bytes, limit: int) -> bytes:
    packed = b"".join(text.split())
    if len(packed) > (limit + 2) // 3 * 4:
        raise CardError(f"The card in this image is larger than the {limit:,} bytes that are taken.")
    try:
        return b64decode(packed, validate=True)
    except binascii.Error:
        raise CardError(f"The text chunk {keyword} of this image is not base64.") from None


def _checked(image: bytes) -> list[Chunk]:
    """The chunks of a whole and sound PNG, to its end; what follows the end is left out."""
    chunks: list[Chunk] = []
    for chunk in _chunks(image):
        if not chunks:
            _check_header(chunk)
        chunks.append(chunk)
        if len(chunks) > MAX_CHUNKS:
            raise CardError(f"This PNG has more than {MAX_CHUNKS:,} chunks.")
        if chunk.kind == b"IEND":
            break
    kinds = [chunk.kind for chunk in chunks]
    if not kinds or kinds[-1] != b"IEND" or chunks[-1].data:
        raise CardError("This PNG is cut off: it has no end.")
    if b"IDAT" not in kinds or kinds.count(b"IHDR") != 1:
        raise CardError("This PNG is damaged: it has no image, or two headers.")
    return chunks


def _chunks(image: bytes) -> Iterator[Chunk]:
    if not image.startswith(SIGNATURE):
        raise CardError("This file is not a PNG.")
    at = len(SIGNATURE)
    while at < len(image):
        if at + 12 > len(image):
            raise CardError("This PNG is cut off inside a chunk.")
        (length,) = struct.unpack_from(">I", image, at)
        if length > len(image) - at - 12:
            raise CardError("This PNG is cut off, or says a wrong length of a chunk.")
        chunk = Chunk(image[at + 4 : at + 8], image[at + 8 : at + 8 + length])
        (crc,) = struct.unpack_from(">I", image, at + 8 + length)
        if not (chunk.kind.isascii() and chunk.kind.isalpha()):
            raise CardError("This PNG is damaged: a chunk's name is no name.")
        if crc != zlib.crc32(image[at + 4 : at + 8 + length]):
            raise CardError(f"This PNG is damaged: the checksum of its chunk {chunk.kind.decode()} is wrong.")
        yield chunk
        at += 12 + length


def _check_header(chunk: Chunk) -> None:
    if chunk.kind != b"IHDR" or len(chunk.data) != 13:
        raise CardError("This PNG is damaged: it does not begin with its header.")
    width, height, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", chunk.data)
    if depth not in DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise CardError("This PNG is damaged: its header says what no PNG can be.")
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise CardError(
            f"This image is {width:,} x {height:,} pixels; up to {MAX_SIDE:,} x {MAX_SIDE:,} are taken."
        )
    if width * height * CHANNELS[colour] * depth // 8 > MAX_DECODED:
        raise CardError(f"This image would take more than {MAX_DECODED // 2**20} MB when shown.")
