"""What people send to be seen or heard becomes words before the turn begins: pictures are described, voice is written
down. Each once: what came of it is kept with the event, and of a picture also under its content.

A failing model or server costs the words, never the message.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence
from dataclasses import replace

from bot import prompts
from bot.agent.context import IMAGE, voiced
from bot.agent.picture import digest_of
from bot.delivery.documents import masked_in
from bot.errors import AllowanceUsed, ModelError, ModelRefused
from bot.events import Attachment, MessageReceived, from_json, to_json
from bot.people.paid_media import PaidMedia, Whose
from bot.ports import ChatModel, ModelRequest
from bot.runtime import Runtime
from bot.safety.masking import Masking, attachment
from bot.safety.notices import post_once
from bot.safety.refusing import Refusing, Verdict
from memory.records import InboxRow, Usage
from memory.search.excerpts import one_line

log = logging.getLogger(__name__)

MOST = 4
"""Pictures that are described at once."""
_TOKENS = 400  # of a caption: a model that reasons needs some
_LONGEST = 1_200  # characters of one
TRIES = 3
"""How often one is looked at, with the first time."""
_WAIT_S = 60.0  # for one
_REFUSED = "(what is said in it may not be talked about here)"


class Senses:
    """``describer`` is None where no model sees; ``sees_for_all``: it is who thinks in turns, too, so that what it
    refuses to look at need not be shown again."""

    def __init__(
        self,
        runtime: Runtime,
        media: PaidMedia,
        describer: ChatModel | None,
        masking: Masking,
        refusing: Refusing,
        *,
        sees_for_all: bool,
    ) -> None:
        self.masking, self._refusing = masking, refusing
        self._sees_for_all = sees_for_all
        self._store, self._clock = runtime.store, runtime.clock
        self._media = media
        self._describer = describer

    @property
    def hear(self) -> bool:
        return self._media.hears

    @property
    def speaks(self) -> bool:
        """Whether voice is answered by voice."""
        return self._media.speaks

    def wants(self, row: InboxRow) -> bool:
        """Whether something came with the event that is still to be seen or heard."""
        return row.kind == MessageReceived.kind and any(map(self._is_open, row.payload["attachments"]))

    def _is_open(self, attached: dict[str, object]) -> bool:
        unseen = self._describer is not None and attached.get("image") and not attached.get("looked")
        return bool(unseen or attached.get("sound"))

    async def perceive(self, row: InboxRow) -> None:
        event = from_json(row.payload)
        assert isinstance(event, MessageReceived)
        async with self._store.read() as session:
            agent = await session.agents.agent(row.agent_id)
            user = await session.agents.user(agent.user_id) if agent else None
        if agent is None or user is None:
            return
        told = list(event.attachments)
        pictures = [n for n, a in enumerate(told) if a.image and not a.looked]
        for number, attached in enumerate(told):
            if attached.sound:
                told[number] = await self._heard(row, attached)
            elif attached.image and not attached.looked:
                told[number] = await self._seen(row, attached, ask=number in pictures[:MOST])
        kept = list(map(attachment, told)) if self.masking.of(user) else told
        masked, told = kept != told, kept
        async with self._store.write() as session:
            rows = [found for found in await session.mailbox.events_from(row.key) if found.key == row.key]
            for now in rows:
                if not self.wants(now):
                    continue  # its author deleted it meanwhile
                event = from_json(now.payload)
                assert isinstance(event, MessageReceived)
                left = _left(event.attachments, told)
                event = replace(event, text=voiced(event.text, left), attachments=tuple(left))
                await session.mailbox.replace_event(row.key, to_json(event))
                if masked:
                    await post_once(session, masked_in(row, agent, user, self._clock.now()))
                for attached in left:
                    if attached.shows or 0 < attached.tries < TRIES:
                        place = now.conversation_id
                        await session.captions.put(
                            agent.id, digest_of(attached), attached.shows, place, row.key, self._clock.now()
                        )

    async def _heard(self, row: InboxRow, attached: Attachment) -> Attachment:
        text = ""
        if self._media.hears:
            sound = base64.b64decode(attached.sound)
            try:
                text = await self._media.transcribe(_whose(row), attached.name, attached.media_type, sound)
            except (ModelError, AllowanceUsed) as error:
                log.warning("A voice message was not written down: %s", error)
        if not await self._passes(row, text):
            text = _REFUSED
        return replace(attached, sound="", heard=text)

    async def _passes(self, row: InboxRow, text: str) -> bool:
        """Whether it may be kept; judged as it would be, without secrets."""
        async with self._store.read() as session:
            agent = await session.agents.agent(row.agent_id)
            user = await session.agents.user(agent.user_id) if agent else None
        return await self._refusing.heard(self.masking.text(user, text)) is Verdict.PASSES

    @property
    def sees(self) -> bool:
        return self._describer is not None

    async def seen_again(self, row: InboxRow, attached: Attachment) -> Attachment:
        """A picture of an event whose turn is over, described by one call where it can be; else ``tries`` is one more
        if it was asked for."""
        async with self._store.read() as session:
            agent = await session.agents.agent(row.agent_id)
            user = await session.agents.user(agent.user_id) if agent else None
        if user is None:
            return attached
        seen = await self._seen(row, attached, ask=True, beside=True)
        return attachment(seen) if self.masking.of(user) else seen

    async def _seen(
        self, row: InboxRow, attached: Attachment, *, ask: bool, beside: bool = False
    ) -> Attachment:
        """``beside``: what it takes is no turn's to count."""
        async with self._store.read() as session:
            known = await session.captions.get(row.agent_id, digest_of(attached))
        if known or not ask:
            return replace(attached, looked=True, shows=known or "")
        try:
            async with self._clock.timeout(_WAIT_S):
                shows, usage = await self._described(row, attached, beside)
        except (ModelError, AllowanceUsed, TimeoutError) as error:
            log.warning(
                "agent %s: a picture was not described: %s", row.agent_id, error or "it took too long"
            )
            if isinstance(error, ModelRefused) and self._sees_for_all:
                return replace(attached, looked=True, image="")
            return replace(attached, looked=True, tries=_tries(attached, error))
        if beside:
            usage = Usage()
        if not await self._passes(row, shows):
            return replace(attached, looked=True, image="", prompt=usage.prompt, completion=usage.completion)
        tries = attached.tries if shows else attached.tries + 1
        attached = replace(attached, tries=tries)
        return replace(attached, looked=True, shows=shows, prompt=usage.prompt, completion=usage.completion)

    async def _described(self, row: InboxRow, attached: Attachment, beside: bool) -> tuple[str, Usage]:
        assert self._describer is not None
        asked = [
            {"type": "text", "text": prompts.read("caption")},
            {"type": "image_url", "image_url": {"url": attached.image}},
        ]
        request = ModelRequest(
            key=f"caption/{row.agent_id}/{digest_of(attached)}/{attached.tries}",
            messages=[{"role": "user", "content": asked}],
            max_tokens=_TOKENS,
        )
        async with self._media.account(_whose(row), 2 * IMAGE) as bill:
            reply = await self._describer.complete(request)
            usage = reply.usage if reply.usage.total else Usage(prompt=IMAGE, completion=_TOKENS // 4)
            model = reply.model or self._describer.name
            if beside:
                await self._media.spend(_whose(row), bill, model, usage)
            else:
                self._media.charge(bill, model, usage)
        return one_line(reply.text)[:_LONGEST], usage


def is_spoken(row: InboxRow) -> bool:
    """Whether it is a voice message that was heard."""
    attached = row.payload.get("attachments", ()) if row.kind == MessageReceived.kind else ()
    return any(each.get("voice") and each.get("heard") for each in attached)


def spent(rows: Sequence[InboxRow]) -> Usage:
    """What describing the pictures among these events took: their turn owes it."""
    total = Usage()
    for row in rows:
        for attached in row.payload.get("attachments", ()) if row.kind == MessageReceived.kind else ():
            total += Usage(prompt=attached.get("prompt", 0), completion=attached.get("completion", 0))
    return total


def _left(now: Sequence[Attachment], told: Sequence[Attachment]) -> list[Attachment]:
    """What was perceived, apart from what was deleted meanwhile: of that its cost is all that is left."""
    return [
        replace(one, prompt=seen.prompt, completion=seen.completion) if one.removed else seen
        for one, seen in zip(now, told, strict=True)
    ]


def _whose(row: InboxRow) -> Whose:
    return Whose(row.agent_id, row.conversation_id)


def _tries(attached: Attachment, error: Exception) -> int:
    """With this one, if it is to be tried again: a refusal is an answer, and nobody was asked where nothing was
    left."""
    if isinstance(error, ModelRefused):
        return TRIES
    return attached.tries if isinstance(error, AllowanceUsed) else attached.tries + 1
