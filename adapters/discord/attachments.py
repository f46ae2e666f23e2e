"""What comes with a message: texts as documents, images for a model that sees, all else by its name."""

from __future__ import annotations

import logging

import aiohttp
import yarl

from adapters import files
from adapters.discord.hosts import Hosts
from adapters.discord.message import Message
from adapters.discord.reading import is_document, is_image
from bot.events import Attachment, DocumentUploaded, MessageReceived

log = logging.getLogger(__name__)

_TIMEOUT = aiohttp.ClientTimeout(total=60)
_REDIRECTS = 3


class Attachments:
    """``vision``: a model sees images; ``hearing``: something hears sound."""

    def __init__(
        self, session: aiohttp.ClientSession, hosts: Hosts, *, vision: bool, hearing: bool = False
    ) -> None:
        self._session = session
        self._hosts = hosts
        self._vision = vision
        self._hearing = hearing

    async def of(
        self, said: MessageReceived, message: Message
    ) -> tuple[tuple[Attachment, ...], list[DocumentUploaded]]:
        shown: list[Attachment] = []
        documents: list[DocumentUploaded] = []
        spoken = {file.id for file in message.own_files} if message.is_voice else set()
        for file in message.files:
            media_type = file.media_type or "application/octet-stream"
            if file.id in spoken or (self._hearing and files.is_sound(media_type, file.size)):
                heard = self._hearing and file.size <= files.MAX_SOUND
                data = await self._read(file.url, files.MAX_SOUND) if heard else None
                shown.append(files.spoken(file.name, media_type, data, voice=file.id in spoken))
                continue
            seen = self._vision and is_image(file)
            packed = files.is_packed(file.name, file.size)
            most = files.MAX_IMAGE if seen else files.MAX_DOCUMENT if packed else files.MAX_TEXT
            data = await self._read(file.url, most) if seen or is_document(file) else None
            taken = files.received(said, file.id, file.name, media_type, data, is_image=seen)
            if isinstance(taken, DocumentUploaded):
                documents.append(taken)
            else:
                shown.append(taken)
        return tuple(shown), documents

    async def _read(self, address: str, most: int) -> bytes | None:
        """None when it could not be read, is larger than was said, or lies elsewhere than Discord's files do."""
        try:
            url = yarl.URL(address)
            for _ in range(_REDIRECTS):
                if not self._hosts.may_give_files(url):
                    log.warning(
                        "An attachment was not fetched: %s is none of Discord's file hosts.", url.host
                    )
                    return None
                async with self._session.get(url, allow_redirects=False, timeout=_TIMEOUT) as answer:
                    if answer.status in (301, 302, 303, 307, 308):
                        url = url.join(yarl.URL(answer.headers.get("Location", "")))
                        continue
                    return await _up_to(answer, most) if answer.status == 200 else None
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            log.warning("An attachment could not be read: %s", type(error).__name__)
        return None


async def _up_to(answer: aiohttp.ClientResponse, most: int) -> bytes | None:
    data = bytearray()
    async for chunk in answer.content.iter_any():
        data += chunk
        if len(data) > most:
            return None
    return bytes(data)
