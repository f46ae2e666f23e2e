"""What Slack publishes of its API, and nobody here wrote: our requests and the fake's answers are held against it.

Names of arguments come from the installed SDK's methods; fields and limits of blocks and views from its models; types,
answers, events and the manifest from `slack_facts.json`, which says what it was taken from. Each function gives the
problems that it found, as sentences.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models import blocks as models
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack_state import Json

_ALSO = {
    # What Slack sends, and its types leave out: docs.slack.dev, "Message metadata", "message.file_share",
    # "app_mention", "app_home_opened", "File object", "Conversation object", "Retrieving messages".
    "event message": {"app_id", "metadata"},
    "event bot_message": {"app_id", "metadata", "parent_user_id", "team"},
    "event file_share": {"bot_id", "client_msg_id", "team"},
    "event file_share.files[]": {"timestamp", "user_team", "file_access", "subtype", "transcription"},
    "event message_changed.message": {"app_id", "is_locked", "latest_reply", "metadata", "reply_count"}
    | {"reply_users", "reply_users_count"},
    "event app_mention": {"parent_user_id"},
    "event app_home_opened.view": {
        "app_id",
        "app_installed_team_id",
        "bot_id",
        "hash",
        "id",
        "previous_view_id",
    }
    | {"root_view_id", "state", "team_id"},
    "conversations.info.channel": {"user", "is_user_deleted"},
    "conversations.replies.messages[]": {"client_msg_id", "hidden", "subtype"},
    "auth.test": {"team_id"},  # Bolt asks so
}
_MAY_LACK = {"event reaction_added": {"item_user"}}  # of a message that is of no user
_KINDS: dict[str, tuple[type, ...]] = {
    "s": (str,),
    "b": (bool,),
    "a": (list,),
    "o": (dict,),
    "0": (type(None),),
}
_LENGTHS = re.compile(r"([sa])(\d*)-?(\d*)")


@cache
def facts() -> Json:
    told: Json = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
    return told


# Requests


@cache
def signature(method: str) -> dict[str, bool]:
    """The arguments of a method as the SDK has it, and whether each is required."""
    call = getattr(AsyncWebClient, method.replace(".", "_"))
    found = [p for p in inspect.signature(call).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return {p.name: p.default is p.empty for p in found}


def asked(method: str, args: Json, *, typed: bool) -> list[str]:
    """``typed``: the arguments came as JSON, not as the texts of a form."""
    known = facts()["methods"][method]["asks"]
    names = {name.rstrip("?"): kind for name, kind in known.items()}
    allowed = {*names, *signature(method), *_ALSO.get(method, ())}
    problems = [f"{method} has no argument {name}" for name in args if name not in allowed]
    needed = [name for name, is_needed in signature(method).items() if is_needed and name != "app_token"]
    problems += [f"{method} needs {name}" for name in needed if args.get(name) is None]
    for name, value in args.items():
        if name in names and (typed or isinstance(value, dict | list)):
            problems += _mismatch(value, names[name], f"{method}: {name}")
    problems += blocks(args.get("blocks"), method)
    problems += _too_much(args, method)
    if isinstance(args.get("view"), dict):
        problems += view(args["view"], method)
    return problems


def _too_much(args: Json, method: str) -> Iterator[str]:
    """Limits that stand in docs.slack.dev alone, with the methods and "Markdown block"."""
    longest = {"text": 40_000, "username": 80, "title": 200}
    for name, most in longest.items():
        if isinstance(args.get(name), str) and len(args[name]) > most:
            yield f"{method}: {name} is longer than {most}"
    found = args.get("blocks") if isinstance(args.get("blocks"), list) else []
    if len(found) > 50:
        yield f"{method}: more than 50 blocks"
    if sum(len(block["text"]) for block in found if block.get("type") == "markdown") > 12_000:
        yield f"{method}: more than 12,000 characters in markdown blocks"
    if len(args.get("prompts") or ()) > 4:
        yield f"{method}: more than 4 prompts"
    for block in found:
        names = [part.get("action_id") for part in block.get("elements") or () if part.get("action_id")]
        if len(names) != len(set(names)):
            yield f"{method}: an action_id twice in one block"


def responded(message: Json) -> list[str]:
    """What is sent to a ``response_url``, or with an acknowledgement."""
    names = inspect.signature(AsyncRespond.__call__).parameters
    problems = [f"an answer has no {name}" for name in message if name not in names]
    return problems + blocks(message.get("blocks"), "an answer")


def answered(method: str, answer: Json) -> list[str]:
    return list(_differences(answer, facts()["methods"][method]["gives"], method))


def told(event: Json) -> list[str]:
    """An event as the fake sends it."""
    kind = event["type"]
    if kind == "message":
        kind = event.get("subtype", "message")
    if kind not in facts()["events"]:
        return []  # it is not described
    return list(_differences(event, facts()["events"][kind], f"event {kind}"))


def manifest(description: Json) -> list[str]:
    return list(_differences(description, facts()["manifest"], "manifest"))


def _differences(value: Json, shape: Json, where: str) -> Iterator[str]:
    """What of an object is not as its shape tells."""
    names = {name.rstrip("?"): kind for name, kind in shape.items() if name}
    for name in shape:
        if name and not name.endswith("?") and name not in {*value, *_MAY_LACK.get(where, ())}:
            yield f"{where} lacks {name}"
    for name, inner in value.items():
        if name in names:
            # Answers tell of what there is not as null; the types, which were made of answers, do not.
            yield from _mismatch(inner, names[name], f"{where}.{name}") if inner is not None else ()
        elif name not in _ALSO.get(where, ()):
            yield f"{where} has no {name}"


def _mismatch(value: Any, kind: str | Json, where: str) -> Iterator[str]:
    if isinstance(kind, str):
        if not any(_fits(value, one) for one in kind.split("|")):
            yield f"{where} is {value!r:.60}, not {kind}"
        return
    if (
        not any(_fits(value, one) for one in kind[""].split("|"))
        if "" in kind
        else not isinstance(value, dict)
    ):
        yield f"{where} is {value!r:.60}, not {kind.get('', 'o')}"
    elif isinstance(value, list):
        for item in value:
            if "[]" in kind:
                yield from _mismatch(item, kind["[]"], f"{where}[]")
            elif isinstance(item, dict):
                yield from _differences(item, kind, f"{where}[]")
    elif isinstance(value, dict):
        yield from _differences(value, kind, where)


def _fits(value: Any, kind: str) -> bool:
    if kind == "*":
        return True
    if kind.startswith("="):
        return value in kind[1:].split(",")
    if kind == "n":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind in _KINDS:
        return isinstance(value, _KINDS[kind])
    letter, least, most = _LENGTHS.fullmatch(kind).groups()  # type: ignore[union-attr]
    if letter == "a":
        return isinstance(value, list) and len(value) <= int(least or most)
    return isinstance(value, str) and int(least or 0) <= len(value) <= int(most or len(value))


# Blocks and views, by the SDK's models


@cache
def _models() -> tuple[dict[str, type], dict[str, type]]:
    """Blocks, and what stands in blocks, by their type."""
    outer: dict[str, type] = {}
    inner: dict[str, type] = {}
    for _, model in inspect.getmembers(models, inspect.isclass):
        kind = getattr(model, "type", None)
        if isinstance(kind, str):
            (outer if issubclass(model, Block) else inner).setdefault(kind, model)
    return outer, inner


def blocks(found: Any, where: str) -> list[str]:
    problems: list[str] = []
    for block in found or ():
        kind = block.get("type")
        if kind not in _models()[0]:
            problems.append(f"{where}: there is no block {kind!r}")
            continue
        problems += _fields(block, _models()[0][kind], where)
        try:
            Block.parse(block).validate_json()  # type: ignore[union-attr]
        except (SlackObjectFormationError, TypeError) as error:
            problems.append(f"{where}: {kind}: {error}")
    return problems


def view(found: Json, where: str) -> list[str]:
    """A view to be shown; what Slack adds to one that it keeps is no part of it."""
    allowed = View.attributes - {"id", "app_id", "bot_id", "team_id", "state", "hash"}
    problems = [f"{where}: a view has no {name}" for name in found if name not in allowed]
    problems += blocks(found.get("blocks"), where)
    if any(block.get("type") == "markdown" for block in found.get("blocks") or ()):
        problems.append(f"{where}: a markdown block is for messages alone")
    try:
        View(**{name: found[name] for name in found if name in allowed}).validate_json()
    except (SlackObjectFormationError, TypeError) as error:
        problems.append(f"{where}: view: {error}")
    return problems


def _fields(thing: Json, model: type, where: str) -> Iterator[str]:
    """What of a block, or of what stands in it, its model does not know, or finds too long."""
    at = f"{where}: {thing.get('type')}"
    known = (
        model.attributes.fget(object.__new__(model))
        if isinstance(model.attributes, property)
        else model.attributes
    )  # type: ignore[attr-defined]
    for name, value in thing.items():
        if name not in known:
            yield f"{at} has no {name}"
        most = getattr(model, f"{name}_max_length", None)
        words = value.get("text", "") if isinstance(value, dict) and "text" in value else value
        if most is not None and isinstance(words, str | list) and len(words) > most:
            yield f"{at}.{name} is longer than {most}"
        for part in value if isinstance(value, list) else [value]:
            inner = _models()[1].get(part.get("type", "")) if isinstance(part, dict) else None
            if inner is not None:
                yield from _fields(part, inner, where)
