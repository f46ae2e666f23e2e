"""What the real Discord refuses, in its own words, and the numbers it goes by."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from http import HTTPStatus
from typing import Any

from tests.patience import PATIENCE_S

Json = dict[str, Any]

CONTENT, NONCE, FILE_BYTES = 2000, 25, 10 * 2**20
EPHEMERAL, LOADING = 1 << 6, 1 << 7  # flags of a message
CODES = {
    10003: "Unknown Channel",
    10004: "Unknown Guild",
    10007: "Unknown Member",
    10008: "Unknown Message",
    10013: "Unknown User",
    10015: "Unknown Webhook",
    10062: "Unknown interaction",
    50240: "You cannot remove this app's Entry Point command in a bulk update operation.",
    30007: "Maximum number of webhooks reached (15)",
    40005: "Request entity too large",
    40060: "Interaction has already been acknowledged.",
    50001: "Missing Access",
    50003: "Cannot execute action on a DM channel",
    50005: "Cannot edit a message authored by another user",
    50006: "Cannot send an empty message",
    50007: "Cannot send messages to this user",
    50013: "Missing Permissions",
    50027: "Invalid Webhook Token",
    50035: "Invalid Form Body",
    50109: "The request body contains invalid JSON.",
    160002: "Cannot reply without permission to read message history",
    160004: "A thread has already been created for this message",
}


class Intent(IntFlag):
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_WEBHOOKS = 1 << 5
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    MESSAGE_CONTENT = 1 << 15


PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT
KNOWN_INTENTS = (1 << 26) - 1


class Permission(IntFlag):
    ADMINISTRATOR = 1 << 3
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW = 1 << 10
    SEND = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    CONNECT = 1 << 20
    MANAGE_WEBHOOKS = 1 << 29
    USE_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_IN_THREADS = 1 << 38
    SEND_VOICE = 1 << 46


ALL = Permission(sum(Permission))
NONE = Permission(0)
EVERYBODY = ALL & ~(
    Permission.ADMINISTRATOR
    | Permission.MANAGE_GUILD
    | Permission.MANAGE_MESSAGES
    | Permission.MENTION_EVERYONE
    | Permission.MANAGE_WEBHOOKS
    | Permission.MANAGE_THREADS
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a test can say of the platform: scaled down where the real numbers would keep it waiting."""

    token: str = "fake-bot-token"
    privileged: Intent = Intent.MESSAGE_CONTENT  # the intents switched on in the developer portal
    shards: int = 1  # what GET /gateway/bot recommends
    limits: Mapping[str, tuple[int, float]] = field(default_factory=dict)  # instead of some of `LIMITS`
    heartbeat_s: float = 41.25
    answer_s: float = PATIENCE_S  # how long an interaction waits for its first answer (3 s, really)
    life_s: float = 900.0  # how long an interaction's token holds
    nonce_s: float = 180.0  # how long a nonce is remembered
    max_concurrency: int = 1  # IDENTIFYs at once, of shards with different rate limit keys
    guilds_per_shard: int = 2_500
    identify_s: float = 0.0  # what must pass between two IDENTIFYs of a key (5 s, really)
    identify_total: int = 1000  # IDENTIFYs in a day
    invalid_total: int = 10_000  # answers with 401, 403 or 429 until the address is banned
    sends_per_minute: int = 120  # of a gateway connection
    strict: bool = True  # a request that is not as Discord describes it fails the test at its end
    now: Callable[[], float] = time.time


class Refusal(Exception):
    """An error answer; ``errors`` are the (field, code, message) triples of an Invalid Form Body."""

    def __init__(self, status: int, code: int, *errors: tuple[str, str, str]) -> None:
        super().__init__(CODES.get(code, f"{status}: {HTTPStatus(status).phrase}"))
        self.status, self.code, self.errors = status, code, errors

    def body(self) -> Json:
        body: Json = {"message": str(self), "code": self.code}
        for path, code, message in self.errors:
            place = body.setdefault("errors", {})
            for key in path.split("."):
                place = place.setdefault(key, {})
            place.setdefault("_errors", []).append({"code": code, "message": message})
        return body


VOICE = 1 << 13  # message flag IS_VOICE_MESSAGE


def invalid(field: str, message: str, code: str = "BASE_TYPE_INVALID") -> Refusal:
    return Refusal(400, 50035, (field, code, message))


def length(field: str, value: object, least: int, most: int) -> None:
    """Refuse what is not text of this length."""
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise invalid(field, f"Must be between {least} and {most} in length.", "BASE_TYPE_BAD_LENGTH")


def check_message(body: Json, files: Sequence[tuple[str, bytes]], *, partial: bool = False) -> None:
    """Refuse what can be neither posted nor, where ``partial``, be an edit."""
    length("content", body.get("content") or "", 0, CONTENT)
    if len(str(body.get("nonce") or "")) > NONCE:
        raise invalid("nonce", f"Must be {NONCE} or fewer in length.", "BASE_TYPE_MAX_LENGTH")
    if len(files) > 10:
        raise invalid("attachments", "Must be 10 or fewer in length.", "BASE_TYPE_MAX_LENGTH")
    if int(body.get("flags") or 0) & VOICE:
        check_voice(body, files)
    if any(len(data) > FILE_BYTES for _, data in files):
        raise Refusal(413, 40005)
    check_embeds(body.get("embeds") or [])
    check_components(body.get("components") or [])
    check_mentions(body.get("allowed_mentions") or {})
    filled = str(body.get("content") or "").strip() or body.get("embeds") or body.get("components") or files
    if not filled and not partial:
        raise Refusal(400, 50006)


def check_voice(body: Json, files: Sequence[tuple[str, bytes]]) -> None:
    """Discord's reference, "Voice Messages", and the bounds of its OpenAPI document: one sound, and nothing else."""
    if body.get("content") or body.get("embeds") or body.get("components"):
        raise Refusal(400, 50159)  # "Voice messages do not support additional content"
    told = body.get("attachments") or []
    if len(files) != 1 or len(told) != 1:
        raise Refusal(400, 50160)  # "Voice messages must have a single audio attachment"
    seconds, waveform = told[0].get("duration_secs"), told[0].get("waveform")
    if (
        not isinstance(seconds, int | float)
        or not 0 < seconds <= 2_147_483_647
        or not isinstance(waveform, str)
    ):
        raise Refusal(400, 50161)  # "Voice messages must have supporting metadata"
    if len(waveform) > 400 or not 0 < len(base64.b64decode(waveform, validate=True)) <= 256:
        raise invalid("attachments", "Must be 400 or fewer in length.", "BASE_TYPE_MAX_LENGTH")
    if not files[0][1].startswith(b"OggS"):
        raise Refusal(400, 50160)


def check_embeds(embeds: Sequence[Json]) -> None:
    if len(embeds) > 10:
        raise invalid("embeds", "Must be 10 or fewer in length.", "BASE_TYPE_MAX_LENGTH")
    total = 0
    for number, embed in enumerate(embeds):
        parts = [("title", embed.get("title", ""), 256), ("description", embed.get("description", ""), 4096)]
        parts.append(("footer.text", embed.get("footer", {}).get("text", ""), 2048))
        rows = embed.get("fields", [])
        for index, row in enumerate(rows):
            parts.append((f"fields.{index}.name", row["name"], 256))
            parts.append((f"fields.{index}.value", row["value"], 1024))
        for name, text, most in parts:
            length(f"embeds.{number}.{name}", text or "", 0, most)
            total += len(text or "")
        if len(rows) > 25:
            raise invalid(f"embeds.{number}.fields", "Must be 25 or fewer in length.")
    if total > 6000:
        raise invalid("embeds", "Embed size exceeds maximum size of 6000", "MAX_EMBED_SIZE_EXCEEDED")


def walk(components: Sequence[Json]) -> Iterator[Json]:
    """Every component, with those inside rows and labels."""
    for component in components:
        yield component
        inner = component.get("components") or filter(None, [component.get("component")])
        yield from walk(list(inner))


def check_components(components: Sequence[Json]) -> None:
    if len(components) > 5 or any(len(row.get("components", [])) > 5 for row in components):
        raise invalid("components", "Must be 5 or fewer in length.", "BASE_TYPE_MAX_LENGTH")
    names = [part["custom_id"] for part in walk(components) if "custom_id" in part]
    for name in names:
        length("components.custom_id", name, 1, 100)
    if len(set(names)) < len(names):
        raise invalid(
            "components", "Component custom id cannot be duplicated", "COMPONENT_CUSTOM_ID_DUPLICATED"
        )
    for part in walk(components):
        length("components.label", part.get("label") or "", 0, 80 if part["type"] == 2 else 45)


def check_modal(modal: Json) -> None:
    length("data.title", modal.get("title"), 1, 45)
    length("data.custom_id", modal.get("custom_id"), 1, 100)
    check_components(modal.get("components", []))
    if not modal.get("components"):
        raise invalid("data.components", "This field is required", "BASE_TYPE_REQUIRED")
    for part in walk(modal["components"]):
        if part["type"] == 4:
            length("data.components.value", part.get("value") or "", 0, part.get("max_length") or 4000)


def check_mentions(allowed: Json) -> None:
    for kind in ("users", "roles"):
        if allowed.get(kind) and kind in allowed.get("parse", []):
            text = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            raise invalid("allowed_mentions", text, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE")


def check_webhook_name(field: str, name: object) -> None:
    length(field, name, 1, 80)
    if re.search("clyde|discord", str(name), re.IGNORECASE):
        raise invalid(field, f'{field} cannot contain "{name}"', "USERNAME_INVALID_CONTAINS")


def picture(field: str, data: object) -> str | None:
    """The mark of a picture that came as a data URL; None for none."""
    if data is None:
        return None
    found = re.fullmatch(r"data:image/(png|jpeg|gif|webp);base64,([A-Za-z0-9+/=]+)", str(data))
    if found is None:
        raise invalid(field, "Invalid image data", "IMAGE_INVALID")
    return hashlib.md5(base64.b64decode(found[2]), usedforsecurity=False).hexdigest()


LOCALES = set(  # reference, "Locales"
    "id da de en-GB en-US es-ES es-419 fr hr it lt hu nl no pl pt-BR ro fi sv-SE vi tr cs el bg ru uk hi th zh-CN ja "
    "zh-TW ko".split()
)


def size(command: Json) -> int:
    """Characters of its names, descriptions and values, each in its longest localization."""
    shown = [command.get("name", ""), str(command.get("value", ""))]
    said = [command.get("description", ""), *(command.get("description_localizations") or {}).values()]
    inner = [*command.get("options", ()), *command.get("choices", ())]
    return sum(map(len, shown)) + max(map(len, said)) + sum(map(size, inner))


def check_commands(commands: Sequence[Json]) -> None:
    """Refuse a bulk overwrite as the real one does: all or nothing."""
    if len(commands) > 100:
        raise invalid("commands", "Maximum number of application commands reached (100).")
    keys = [(command.get("type", 1), command.get("name")) for command in commands]
    if len(set(keys)) < len(keys):
        raise invalid("0", "Application command names must be unique", "APPLICATION_COMMANDS_DUPLICATE_NAME")
    for number, command in enumerate(commands):
        if command.get("type", 1) == 1:
            check_command(str(number), command)
            if size(command) > 8_000:
                raise invalid(
                    str(number), "Command exceeds maximum size (8000)", "APPLICATION_COMMAND_TOO_LARGE"
                )
        else:
            length(f"{number}.name", command.get("name"), 1, 32)


def check_command(place: str, command: Json) -> None:
    """A slash command, a group of them or one option: all have a name, a description and options."""
    name = command.get("name")
    length(f"{place}.name", name, 1, 32)
    if not re.fullmatch(r"[-_'\w]+", str(name)) or name != str(name).lower():
        raise invalid(f"{place}.name", "Command name is invalid", "APPLICATION_COMMAND_INVALID_NAME")
    length(f"{place}.description", command.get("description"), 1, 100)
    for locale, text in (command.get("description_localizations") or {}).items():
        if locale not in LOCALES:
            raise invalid(f"{place}.description_localizations", "Invalid locale", "BASE_TYPE_CHOICES")
        length(f"{place}.description_localizations.{locale}", text, 1, 100)
    options = command.get("options") or []
    if len(options) > 25 or len(command.get("choices") or []) > 25:
        raise invalid(f"{place}.options", "Must be 25 or fewer in length.", "BASE_TYPE_MAX_LENGTH")
    required = [bool(option.get("required")) for option in options]
    if required != sorted(required, reverse=True):
        text = "Required options must be placed before non-required options"
        raise invalid(f"{place}.options", text, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID")
    for number, option in enumerate(options):
        check_command(f"{place}.options.{number}", option)
