"""What both forms of the console share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from adapters.text import plain
from bot.errors import DeliveryWaits
from bot.events import FILE, LOCAL, Address, Command, MessageReceived, Reply, View
from bot.language import ENGLISH, gettext, nearest, spoken
from bot.ports import Inbound, Plain

PLATFORM = LOCAL


class Console(Plain):
    """A person, or a program, at this machine."""

    platform = PLATFORM

    def __init__(self, user: str, persona: str, zone: str, locale: str) -> None:
        self._user = user
        self._persona = persona
        self._zone = zone
        self._locale = locale
        self.language = nearest(locale) or ENGLISH

    def _own(self, text: str, /, **values: object) -> str:
        """What the console says itself."""
        with spoken(self.language):
            return gettext(text, **values)

    async def _invoked(self, command: Command, inbound: Inbound) -> View:
        """A command's answer, in whose language the console goes on."""
        view = await inbound.invoke(command)
        self.language = view.language or self.language
        return view

    def ready(self) -> str | None:
        return None

    def _message(self, user: str, text: str, message_id: str | None = None) -> MessageReceived:
        return MessageReceived(
            key=f"{keys_of(user)}{message_id or uuid4().hex}",
            **self._who(user),
            text=text,
            at=datetime.now(UTC),
        )

    def _command(self, user: str, text: str) -> Command | None:
        """The command that a line is, if it begins with a slash and a word."""
        name, _, argument = text[1:].partition(" ")
        if not text.startswith("/") or not name.isalpha():
            return None
        return Command(command=name.lower(), argument=argument, **self._who(user))

    def _for_us(self, reply: Reply) -> None:
        """Raises `DeliveryWaits` when it is another person's, who sat here before."""
        if reply.address != address(self._user):
            raise DeliveryWaits("it is for somebody who is not at this console")

    def _who(self, user: str) -> dict[str, Any]:
        place = address(user)
        return {
            "account": place,
            "name": user,
            "address": place,
            "audience": "private",
            "persona": self._persona,
            "zone": self._zone,
            "locale": self._locale,
        }


def address(user: str) -> Address:
    return f"{PLATFORM}:{user}"


def with_ways(reply: Reply) -> str:
    """A reply's text, with its buttons as the commands that they are."""
    return plain(View(text=_shown(reply), actions=reply.actions), "/")


def _shown(reply: Reply) -> str:
    """What of a reply can be shown here: of a file its text, of a picture its name."""
    if reply.kind != FILE or reply.file is None:
        return reply.text
    try:
        return f"{reply.file.name}:\n\n{reply.file.data.decode()}"
    except UnicodeDecodeError:
        return f"{reply.file.name} ({len(reply.file.data):,} bytes)"


def keys_of(user: str) -> str:
    """How the keys of a person's messages begin: two people's never begin alike."""
    return f"{address(user.replace('%', '%25').replace('/', '%2F'))}/"
