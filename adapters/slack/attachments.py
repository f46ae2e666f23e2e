"""What comes with a message: texts as documents, images for a model that sees, all else by its name."""

from __future__ import annotations

import asyncio
import logging

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from adapters import files
from adapters.hosts import Hosts
from adapters.slack import content, reading
from adapters.slack.errors import BROKEN, reason
from adapters.wire import Json, number, record, records, text
from bot.events import Attachment, DocumentUploaded, MessageReceived
from bot.ports import Clock

log = logging.getLogger(__name__)

_MOST = 10  # files of a message that are looked at
_WAIT_S = 2.0  # for all of them: the event waits for them to be acknowledged
_REDIRECTS = 3
_UNTOLD = "check_file_info"  # of a file of another workspace: it must be asked what it is


class Attachments:
    """``token`` may read files; ``vision``: a model sees images; ``hearing``: something hears sound."""

    def __init__(
        self,
        client: AsyncWebClient,
        session: aiohttp.ClientSession,
        hosts: Hosts,
        clock: Clock,
        token: str,
        *,
        vision: bool,
        hearing: bool = False,
    ) -> None:
        self._client = client
        self._session = session
        self._hosts = hosts
        self._clock = clock
        self._token = token
        self._vision = vision
        self._hearing = hearing

    async def of(
        self, said: MessageReceived, message: Json
    ) -> tuple[tuple[Attachment, ...], list[DocumentUploaded]]:
        shown: list[Attachment] = []
        documents: list[DocumentUploaded] = []
        limit = self._clock.timeout(_WAIT_S)
        for told in content.files_of(message)[:_MOST]:
            file = await self._told(told, limit)
            media_type = text(file.get("mimetype")) or "application/octet-stream"
            name = text(file.get("name")) or text(file.get("title")) or "file"
            voice = text(file.get("subtype")) == "slack_audio"
            if voice or (self._hearing and files.is_sound(media_type, number(file.get("size")))):
                sound = await self._read(file, limit) if self._hearing else None
                own = voice and told in records(message.get("files"))
                shown.append(files.spoken(name, media_type, sound, voice=own))
                continue
            is_image = self._vision and reading.is_image(file)
            data = await self._read(file, limit) if is_image or reading.is_document(file) else None
            taken = files.received(said, text(file.get("id")), name, media_type, data, is_image=is_image)
            if isinstance(taken, DocumentUploaded):
                documents.append(taken)
            else:
                shown.append(taken)
        return tuple(shown), documents

    async def _told(self, file: Json, limit: asyncio.Timeout) -> Json:
        """The file with all that is known of it."""
        if file.get("file_access") != _UNTOLD or not text(file.get("id")):
            return file
        try:
            async with asyncio.timeout_at(limit.when()):
                return record((await self._client.files_info(file=file["id"])).get("file")) or file
        except BROKEN:
            return file

    async def _read(self, file: Json, limit: asyncio.Timeout) -> bytes | None:
        """None when it could not be read in time, is larger than was said, or lies elsewhere than Slack's files do."""
        try:
            async with asyncio.timeout_at(limit.when()):
                url = URL(text(file.get("url_private")))
                for _ in range(_REDIRECTS):
                    if not self._hosts.may_give_files(url):
                        log.warning("A file was not fetched: %s is none of Slack's file hosts.", url.host)
                        return None
                    found = await self._fetched(url, text(file.get("mimetype")))
                    if not isinstance(found, URL):
                        return found
                    url = found
        except BROKEN as error:
            log.warning("A file could not be read: %s", reason(error))
        return None

    async def _fetched(self, url: URL, media_type: str) -> bytes | URL | None:
        """What lies there, or where it lies instead."""
        token = {"Authorization": f"Bearer {self._token}"} if self._hosts.may_have_token(url) else {}
        async with self._session.get(url, headers=token, allow_redirects=False) as answer:
            if answer.status in (301, 302, 303, 307, 308):
                return url.join(URL(answer.headers.get("Location", "")))
            if answer.status != 200 or (answer.content_type == "text/html" and media_type != "text/html"):
                return None  # without the right to it, Slack answers with a page to log in
            data = bytearray()
            async for chunk in answer.content.iter_chunked(65_536):
                data += chunk
                if len(data) > files.MAX_SOUND:
                    return None
            return bytes(data)
