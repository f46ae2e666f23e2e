"""Slash commands, buttons and modals: what a person does with them, and what the bot may answer."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.fakes.discord_records import COMMAND, Channel, Message, User
from tests.fakes.discord_rules import (
    EPHEMERAL,
    FILE_BYTES,
    LOADING,
    Json,
    Refusal,
    check_modal,
    invalid,
    walk,
)
from tests.fakes.discord_transcript import Transcript
from tests.fakes.discord_world import World

PICKED, PRESSED, WRITING, SUBMITTED = 2, 3, 4, 5  # kinds of interactions
SAY, DEFER, DEFER_UPDATE, UPDATE, SUGGEST, MODAL = 4, 5, 6, 7, 8, 9  # kinds of answers
WORDS = (1, 2)  # options that are subcommands, or groups of them
ANSWERS = {
    PICKED: (SAY, DEFER, MODAL),
    PRESSED: (SAY, DEFER, DEFER_UPDATE, UPDATE, MODAL),
    WRITING: (SUGGEST,),
    SUBMITTED: (SAY, DEFER, DEFER_UPDATE, UPDATE),
}

# checks a message's JSON, and makes the fields of a new message, or the changes to an old one, of it
Fields = Callable[[Json, Channel, Message | None], Json]


class Interaction:
    """One act of a person, and what the bot answered to it.

    ``answer`` is the kind of the initial response (None: there was none), ``response`` the message it made or
    changed, ``modal`` the dialog it opened, ``choices`` what it suggested. An
    interaction that was not answered in time is ``late``.
    """

    def __init__(self, office: Interactions, kind: int, user: User, channel: Channel, data: Json) -> None:
        self.office, self.kind, self.user, self.channel, self.data = office, kind, user, channel, data
        self.id = office.world.snowflake()
        self.token = secrets.token_urlsafe(48)
        self.source: Message | None = None  # the message whose button was pressed
        self.answer: int | None = None
        self.response: Message | None = None
        self.followups: list[Message] = []
        self.modal: Json | None = None
        self.choices: list[Json] = []
        self.late = False
        self.born = office.world.now()

    @property
    def messages(self) -> list[Message]:
        """What it has brought about, without what is still a bare "thinking …"."""
        made = [self.response] if self.response and not self.response.flags & LOADING else []
        return [message for message in made + self.followups if not message.deleted]

    @property
    def text(self) -> str:
        return "\n".join(message.content for message in self.messages)

    @property
    def ephemeral(self) -> bool:
        return bool(self.response and self.response.ephemeral)

    @property
    def deferred(self) -> bool:
        return self.answer in (DEFER, DEFER_UPDATE)

    async def press(self, custom_id: str, values: Sequence[str] = ()) -> Interaction:
        """The person presses a button, or chooses from a menu, under one of the answers."""
        for message in reversed(self.messages):
            if any(part.get("custom_id") == custom_id for part in walk(message.components)):
                return await self.office.press(self.user, message, custom_id, values)
        raise LookupError(f"there is no {custom_id!r} under {self.messages}")

    async def submit(self, values: Mapping[str, str]) -> Interaction:
        """The person fills in the modal's fields, by custom id, and sends it off."""
        assert self.modal is not None, "no modal was opened"
        rows = [filled(row, values) for row in self.modal["components"]]
        unknown = values.keys() - {part.get("custom_id") for part in walk(self.modal["components"])}
        assert not unknown, f"the modal has no {unknown}"
        data = {"custom_id": self.modal["custom_id"], "components": rows}
        return await self.office.begin(SUBMITTED, self.user, self.channel, data, self.source)


def filled(part: Json, values: Mapping[str, str]) -> Json:
    """A modal's part as it comes back."""
    kept = {key: part[key] for key in ("id", "type", "custom_id") if key in part}
    if "component" in part:
        return kept | {"component": filled(part["component"], values)}
    if "components" in part:
        return kept | {"components": [filled(inner, values) for inner in part["components"]]}
    if part["type"] != 4:
        return kept
    value = values.get(part["custom_id"], part.get("value") or "")
    least = part.get("min_length", 1 if part.get("required", True) else 0)
    assert least <= len(value) <= part.get("max_length", 4000), f"the dialog would not take {value!r}"
    return kept | {"value": value}


def options(
    spec: Sequence[Json], words: Sequence[str], values: Mapping[str, Any], *, partial: bool = False
) -> list[Json]:
    """A command's options as they are sent; ``words`` are the names of subcommands. ``partial``: somebody still
    writes."""
    if words:
        inner = next(option for option in spec if option["name"] == words[0] and option["type"] in (1, 2))
        given = options(inner.get("options", []), words[1:], values, partial=partial)
        return [{"type": inner["type"], "name": inner["name"], "options": given}]
    names = {option["name"] for option in spec}
    missing = {option["name"] for option in spec if option.get("required")} - values.keys()
    assert partial or not missing, f"these options are required: {missing}"
    assert names >= values.keys(), f"the options are {names}"
    for option in spec:
        choices = [choice["value"] for choice in option.get("choices") or []]
        assert not choices or values.get(option["name"], choices[0]) in choices, f"choose from {choices}"
    return [
        {"type": option["type"], "name": option["name"], "value": values[option["name"]]}
        for option in spec
        if option["name"] in values
    ]


def typed(spec: Sequence[Json], text: str) -> tuple[list[str], Json]:
    """What somebody who has a command's argument in mind picks and fills in: subcommands, and values."""
    words = [option for option in spec if option["type"] in WORDS]
    if not words:
        return [], filled_in(spec, text) or {}
    head, _, rest = text.partition(" ")
    for word in words:
        if word["name"] == head:
            path, values = typed(word.get("options") or [], rest.strip())
            return [head, *path], values
    for word in words:
        values = filled_in(word.get("options") or [], text)
        if values is not None:
            return [word["name"]], values
    raise AssertionError(f"{text!r} can be typed nowhere among {[word['name'] for word in words]}")


def filled_in(blanks: Sequence[Json], text: str) -> Json | None:
    """A word for each, the rest for the last; None where that does not fit."""
    values: Json = {}
    for blank in blanks:
        head, _, rest = text.partition(" ")
        value, text = (text, "") if blank is blanks[-1] else (head, rest.strip())
        if value:
            values[blank["name"]] = value
        choices = [choice["value"] for choice in blank.get("choices") or []]
        if (not value and blank.get("required")) or (value and choices and value not in choices):
            return None
    return None if text else values


class Interactions:
    """Makes interactions, and takes the bot's answers to them."""

    def __init__(self, world: World, transcript: Transcript) -> None:
        self.world, self._transcript, self._settings = world, transcript, world.settings
        self.answer_s = world.settings.answer_s
        self.all: list[Interaction] = []
        self._by_token: dict[str, Interaction] = {}

    async def slash(self, user: User, channel: Channel, name: str, values: Mapping[str, Any]) -> Interaction:
        word, *rest = name.split()
        known = self._known(channel)
        if word not in known and channel.guild is None:
            return await self._say(user, channel, f"!{name} {values.get('argument', '')}".rstrip())
        return await self.begin(PICKED, user, channel, self._picked(channel, word, rest, values))

    def _known(self, channel: Channel) -> Mapping[str, Json]:
        here = self.world.commands.get(channel.guild.id, []) if channel.guild else []
        commands = [*self.world.commands[None], *here]
        return {command["name"]: command for command in commands if command.get("type", 1) == 1}

    def _picked(
        self,
        channel: Channel,
        word: str,
        rest: Sequence[str],
        values: Mapping[str, Any],
        *,
        partial: bool = False,
    ) -> Json:
        known = self._known(channel)
        assert word in known, f"/{word} is not registered; there are {sorted(known)}"
        command = known[word]
        contexts = command.get("contexts") or [0, 1]
        assert (0 if channel.guild else 1) in contexts, f"/{word} cannot be used here"
        spec = command.get("options") or []
        if not rest and values.keys() <= {"argument"} and "argument" not in {o["name"] for o in spec}:
            rest, values = typed(spec, values.get("argument", ""))
        data = {"id": command["id"], "type": 1, "name": word}
        data["options"] = options(spec, rest, values, partial=partial)
        return data

    async def _say(self, user: User, channel: Channel, text: str) -> Interaction:
        """Somebody types a command that is not announced; what the bot says next is taken for its answer."""
        made = Interaction(self, PICKED, user, channel, {})
        before = set(channel.messages)

        def answer() -> Message | None:
            fresh = [m for number, m in channel.messages.items() if number not in before]
            return next((message for message in fresh if message.author is self.world.bot), None)

        self.world.post(channel, user, text)
        made.response = await self._transcript.until(answer, timeout=self.answer_s + 10)
        made.answer = SAY
        return made

    async def write(self, user: User, channel: Channel, name: str, blank: str, text: str) -> Interaction:
        """Somebody writes in a blank of a command, and is shown what may stand there."""
        word, *rest = name.split()
        data = self._picked(channel, word, rest, {}, partial=True)
        inside = data["options"]
        while inside and inside[0]["type"] in WORDS:
            inside = inside[0]["options"]
        inside.append({"type": 3, "name": blank, "value": text, "focused": True})
        return await self.begin(WRITING, user, channel, data)

    async def press(
        self, user: User, message: Message, custom_id: str, values: Sequence[str] = ()
    ) -> Interaction:
        part = next(part for part in walk(message.components) if part.get("custom_id") == custom_id)
        assert not part.get("disabled"), f"{custom_id!r} is disabled"
        data: Json = {"custom_id": custom_id, "component_type": part["type"]}
        data |= {"values": list(values)} if part["type"] != 2 else {}
        return await self.begin(PRESSED, user, message.channel, data, message)

    async def begin(
        self, kind: int, user: User, channel: Channel, data: Json, source: Message | None = None
    ) -> Interaction:
        """Tell the bot; returns when it has answered, or when it is too late for that."""
        assert channel.allows(user), f"{user.name} does not see this channel"
        made = Interaction(self, kind, user, channel, data)
        made.source = source
        self.all.append(made)
        self._by_token[made.token] = made
        asyncio.get_running_loop().call_later(self.answer_s, self._expire, made)
        guild = channel.guild
        self.world.emit("INTERACTION_CREATE", self._payload(made), guild=guild)
        await self._transcript.until(lambda: made.answer or made.late, timeout=self.answer_s + 10)
        return made

    def _expire(self, made: Interaction) -> None:
        made.late = made.answer is None
        self._transcript.changed()

    def _payload(self, made: Interaction) -> Json:
        bot, channel = self.world.bot, made.channel
        body: Json = {
            "id": str(made.id),
            "application_id": str(bot.id),
            "type": made.kind,
            "token": made.token,
        }
        body |= {"version": 1, "data": made.data, "channel_id": str(channel.id), "locale": made.user.locale}
        body |= {"entitlements": [], "attachment_size_limit": FILE_BYTES}
        body |= {"app_permissions": str(int(channel.permissions(bot))), "context": 0 if channel.guild else 1}
        held = {"permissions": str(int(channel.permissions(made.user)))}
        body["channel"] = channel.payload(bot) | held
        owner = str(channel.guild.id) if channel.guild else "0"
        body["authorizing_integration_owners"] = {"0": owner}
        if made.source:
            body["message"] = made.source.payload(bot)
        if channel.guild is None:
            return body | {"user": made.user.payload()}
        body |= {"guild_id": owner, "guild": {"id": owner, "locale": "en-US", "features": []}}
        return body | {
            "guild_locale": "en-US",
            "member": channel.guild.members[made.user.id].payload() | held,
        }

    def respond(self, number: str, token: str, body: Json, fields: Fields) -> Json:
        """The initial response."""
        made = self._by_token.get(token)
        if made is None or str(made.id) != number or made.late:
            raise Refusal(404, 10062)
        if made.answer is not None:
            raise Refusal(400, 40060)
        kind, data = body.get("type"), body.get("data") or {}
        if kind not in ANSWERS[made.kind]:
            raise invalid("type", f"Value must be one of {ANSWERS[made.kind]}.", "BASE_TYPE_CHOICES")
        if kind == MODAL:
            check_modal(data)
            made.modal = data
        elif kind == SUGGEST:
            made.choices = data["choices"]
        elif kind == SAY:
            made.response = self._post(made, fields(data, made.channel, None))
        elif kind == DEFER:
            flags = LOADING | data.get("flags", 0) & EPHEMERAL
            made.response = self._post(made, {"content": "", "flags": flags})
        else:
            made.response = made.source
            if kind == UPDATE and made.source:
                self.world.edit(made.source, **fields(data, made.channel, made.source))
        made.answer = kind
        self._transcript.changed()
        return self._receipt(made)

    def _receipt(self, made: Interaction) -> Json:
        body: Json = {"id": str(made.id), "type": made.kind}
        resource: Json = {"type": made.answer}
        if made.response and made.answer in (SAY, DEFER, UPDATE):
            body |= {
                "response_message_id": str(made.response.id),
                "response_message_ephemeral": made.ephemeral,
            }
            body["response_message_loading"] = bool(made.response.flags & LOADING)
            resource["message"] = made.response.payload(self.world.bot)
        return {"interaction": body, "resource": resource}

    def _post(self, made: Interaction, fields: Json) -> Message:
        about: Json = {"id": str(made.id), "type": made.kind, "user": made.user.payload()}
        about["authorizing_integration_owners"] = {}
        kind = COMMAND if made.kind == PICKED else 0
        return self.world.post(made.channel, self.world.bot, kind=kind, interaction=about, **fields)

    def answered(self, token: str) -> Interaction:
        """The interaction that a follow-up belongs to."""
        made = self._by_token.get(token)
        if made is None or made.answer is None:
            raise Refusal(404, 10015)
        if self.world.now() - made.born > self._settings.life_s:
            raise Refusal(401, 50027)
        return made

    def follow_up(self, made: Interaction, fields: Json) -> Message:
        """A further message; the first one after a deferral takes the place of "thinking …"."""
        waiting = made.response
        if waiting and waiting.flags & LOADING:
            self.edit(waiting, **fields)
            return waiting
        message = self._post(made, fields)
        made.followups.append(message)
        self._transcript.changed()
        return message

    def find(self, token: str, number: str) -> Message:
        made = self.answered(token)
        known = {str(message.id): message for message in made.followups}
        if made.response:
            known |= {"@original": made.response, str(made.response.id): made.response}
        if number not in known or known[number].deleted:
            raise Refusal(404, 10008)
        return known[number]

    def edit(self, message: Message, **fields: Any) -> None:
        """Change an answer. Whether it is ephemeral stays as it is; "thinking …" does not."""
        flags = fields.get("flags", 0) & ~EPHEMERAL & ~LOADING | message.flags & EPHEMERAL
        self.world.edit(message, **{**fields, "flags": flags})
        self._transcript.changed()
