"""What Slack tells, heard: each message in its channel's order, with its files, its lines and people's names."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from dataclasses import dataclass, replace

from adapters.faults import fault
from adapters.slack import content, reading
from adapters.slack.attachments import Attachments
from adapters.slack.chores import Chores
from adapters.slack.context import Context
from adapters.slack.order import Order
from adapters.slack.people import People
from adapters.slack.places import Places
from adapters.slack.posting import LIMIT, Posting
from adapters.slack.reading import Workspace, place_of
from adapters.slack.work import Work
from adapters.text import command_of, plain, spelling, split
from adapters.wire import Json, record, text
from bot.events import Command, Event, MessageReceived, origin_of
from bot.language import ENGLISH, spoken
from bot.ports import Inbound
from memory.errors import StoreError

log = logging.getLogger(__name__)

_BARE = ("user", "bot_id", "channel", "ts", "thread_ts", "text")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What is asked and told beside a message."""

    people: People
    places: Places
    context: Context
    attachments: Attachments
    posting: Posting
    work: Work
    chores: Chores


class Hearing:
    """What is heard goes to ``inbound``. Raises `memory.errors.StoreError` alone: then Slack shall tell it again."""

    def __init__(self, us: Workspace, inbound: Inbound, order: Order, surroundings: Surroundings) -> None:
        self._us = us
        self._inbound = inbound
        self._order = order
        self._around = surroundings

    async def message(self, event: Json, is_shared: object) -> None:
        """A message, new, changed or deleted. ``is_shared``: whether other workspaces see its channel."""
        channel = text(event.get("channel"))
        if channel and (key := _key(event)) is not None:
            await self._order.in_turn(channel, key, lambda: self._hear(event, is_shared))

    async def missed(self, message: Json, kind: str) -> None:
        """A message that was found in the history: it may be known already, and read otherwise by now."""
        if self._us.is_own(message):
            return
        if message.get("subtype") == "tombstone":
            await self._deleted({**message, "deleted_ts": message.get("ts")}, kind)
        elif reading.is_said(message) and reading.is_message(message):
            await self._take(message, kind, found=True)
            if record(message.get("edited")):
                await self._edited({"channel": message["channel"], "message": message}, kind)

    async def reaction(self, event: Json) -> None:
        # What a persona said is of no user: whether it is ours is known by whoever posted it.
        maybe_ours = event.get("item_user") in (None, self._us.user)
        if (
            maybe_ours
            and record(event.get("item")).get("type") == "message"
            and event.get("user") != self._us.user
        ):
            made = self._us.to_reaction(event, await self._around.people.name(text(event.get("user"))))
            if made is not None:
                await self._inbound.submit(made)

    async def stop(self, event: Json) -> None:
        channel, account = text(event.get("channel")), self._us.account(text(event.get("user")))
        thread = reading.stamp(event.get("thread_ts")) or None
        for address in {self._us.address(channel, thread), self._us.address(channel)}:
            await self._inbound.interrupt(address, account)

    # A message in its turn

    async def _hear(self, event: Json, is_shared: object) -> None:
        channel, subtype = text(event.get("channel")), event.get("subtype")
        kind = await self._around.places.heard(channel, event.get("channel_type"), is_shared)
        stone = reading.tombstone(event) if subtype == "message_changed" else ""
        if stone:
            await self._deleted({**event, "deleted_ts": stone}, kind)
        elif subtype == "message_changed":
            # Without this mark Slack itself added something, such as a link's preview.
            if event["message"].get("edited") and not self._us.is_own(event["message"]):
                await self._edited(event, kind)
        elif subtype == "message_deleted":
            await self._deleted(event, kind)
        elif reading.is_said(event) and not self._us.is_own(event):
            await self._take(event, kind)

    async def _edited(self, event: Json, kind: str) -> None:
        message = {**event["message"], "channel": event["channel"]}
        if reading.is_message(message):
            people = self._around.people
            await people.learn([reading.author(message), *content.mentioned(message)])
            line = self._us.line_of(message, await people.name(reading.author(message)), people.names)
            self._around.context.change(line.key, line.text)
            await self._inbound.submit(self._us.to_edit({**event, "message": message}, kind, people.names))

    async def _deleted(self, event: Json, kind: str) -> None:
        if reading.stamp(event.get("deleted_ts")):
            gone = self._us.to_deletion(event, kind)
            self._around.context.change(gone.target, "(deleted)")
            await self._inbound.submit(gone)

    async def _take(self, event: Json, kind: str, *, found: bool = False) -> None:
        try:
            await self._take_whole(event, kind, found=found)
        except StoreError:
            raise
        except Exception as error:  # what it holds beside its text is lost, and not the message
            log.error("Slack: a message is taken without what came with it (%s)", fault(error))
            bare = {key: event[key] for key in _BARE if key in event}
            await self._submit(self._us.to_event(bare, kind, reading.author(bare), {}))

    async def _take_whole(self, event: Json, kind: str, *, found: bool) -> None:
        people = self._around.people
        await people.learn([reading.author(event), *content.mentioned(event)])
        name = people.names.get(reading.author(event)) or text(event.get("username")) or reading.author(event)
        said = self._us.to_event(event, kind, name, people.names)
        said = replace(said, locale=await people.locale(reading.author(event)))
        asked = command_of(said.text, [spec.name for spec in self._inbound.commands])
        if asked is not None and (said.addressed or said.thread):
            if not found:
                await self._command(asked, event, said)
            return
        begun = reading.stamp(event.get("thread_ts")) or event["ts"]
        self._around.work.asked(said.address, begun, said.text, said.locale)
        async with self._inbound.reading(said.account, said.address, said.key):
            await self._submit_whole(said, event, kind)

    async def _submit_whole(self, said: MessageReceived, event: Json, kind: str) -> None:
        around = self._around
        has_files = bool(content.files_of(event))
        awaited = (has_files or around.context.is_new(event, kind)) and await self._inbound.awaits(said)
        line = self._us.line_of(event, said.name, around.people.names)
        said = replace(said, context=await around.context.before(event, kind, line, awaited=awaited))
        if has_files and awaited:
            shown, documents = await around.attachments.of(said, event)
            for document in documents:
                await self._submit(document)
            if documents and not (said.text or shown):
                return
            said = replace(said, attachments=shown)
        await self._submit(said)

    async def _submit(self, event: Event) -> None:
        view = await self._inbound.submit(event)
        if view is not None:
            self._around.chores.begin(self._around.posting.notice(*place_of(event.address), view.text))

    async def _command(self, asked: tuple[str, str], event: Json, said: Event) -> None:
        """``!word`` in a thread, where slash commands can't be had; only the asker sees the answer."""
        obeyed = Command(**origin_of(said), command=asked[0], argument=asked[1])
        view = await self._inbound.typed(obeyed, said.key)
        if view is None:
            return
        user, posting = reading.author(event), self._around.posting
        typed = spelling([spec.name for spec in self._inbound.commands], "!")
        words = plain(replace(view, text=typed(view.text)), "!")
        if view.files:
            with spoken(view.language or ENGLISH):
                words = f"{words}\n{await posting.upload(user, view.files, words)}"
        thread = reading.stamp(event.get("thread_ts")) or None
        for part in split(words, LIMIT):
            self._around.chores.begin(posting.whisper(text(event["channel"]), user, thread, part))


def _key(event: Json) -> Hashable | None:
    """What an event is known by when it is told again, as a mention is (``message`` and ``app_mention``); None for one
    that cannot be known."""
    channel, subtype = text(event.get("channel")), event.get("subtype")
    if subtype == "message_changed":
        changed = reading.stamp(record(event.get("message")).get("ts"))
        return ("changed", channel, changed, text(event.get("event_ts"))) if changed else None
    if subtype == "message_deleted":
        gone = reading.stamp(event.get("deleted_ts"))
        return ("deleted", channel, gone) if gone else None
    return ("said", channel, event["ts"]) if reading.is_message(event) else None
