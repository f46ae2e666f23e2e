"""What Slack refuses in messages, blocks, metadata and views. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.fakes.slack_state import Json, Refused

KINDS = frozenset(
    "actions context context_actions divider file header image input markdown rich_text section table video".split()
)
TEXT_LIMITS = {"section": 3_000, "header": 150, "input": 2_000}
ALL_BLOCKS_TEXT = 13_200  # undocumented; seen as msg_blocks_too_long


def invalid(error: str, *messages: str) -> Refused:
    said = [f"[ERROR] {message}" for message in messages]
    return Refused(error, errors=[*messages], response_metadata={"messages": said})


def elements(block: Json) -> list[Json]:
    """The interactive things in a block."""
    one = block.get("accessory") or block.get("element")
    return [*block.get("elements", ()), *([one] if one else ())]


def text_of(thing: Any) -> str:
    return thing.get("text", "") if isinstance(thing, dict) else str(thing or "")


def block_problems(block: Json, at: str) -> Iterator[str]:
    kind = block.get("type")
    if kind not in KINDS:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    texts = [block.get("text"), block.get("label"), *block.get("fields", ())]
    limit = 12_000 if kind == "markdown" else TEXT_LIMITS.get(kind, 3_000)
    for text in texts:
        if len(text_of(text)) > limit:
            yield f"must be less than {limit + 1} characters [json-pointer:{at}/text/text]"
    if kind in ("section", "header") and not any(text_of(text) for text in texts):
        yield f"must provide text [json-pointer:{at}]"
    if len(block.get("block_id", "")) > 255:
        yield f"must be less than 256 characters [json-pointer:{at}/block_id]"
    if kind == "context" and len(block.get("elements", ())) > 10:
        yield f"no more than 10 items allowed [json-pointer:{at}/elements]"
    if kind == "actions" and not 1 <= len(block.get("elements", ())) <= 25:
        yield f"must have 1 to 25 items [json-pointer:{at}/elements]"
    for element in elements(block):
        yield from element_problems(element, at)


def element_problems(element: Json, at: str) -> Iterator[str]:
    if len(element.get("action_id", "")) > 255:
        yield f"must be less than 256 characters [json-pointer:{at}/action_id]"
    if element.get("type") == "button":
        if not 1 <= len(text_of(element.get("text"))) <= 75:
            yield f"must be 1 to 75 characters [json-pointer:{at}/text]"
        if len(element.get("value", "")) > 2_000:
            yield f"must be less than 2001 characters [json-pointer:{at}/value]"
    if element.get("type") == "plain_text_input" and len(element.get("initial_value", "")) > 3_000:
        yield f"must be less than 3001 characters [json-pointer:{at}/initial_value]"
    for option in element.get("options", ()):
        if not 1 <= len(text_of(option.get("text"))) <= 75:
            yield f"must be 1 to 75 characters [json-pointer:{at}/options/text]"


def check_blocks(blocks: Any, most: int, error: str = "invalid_blocks") -> None:
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise invalid("invalid_blocks_format", "blocks must be an array of objects")
    problems = [
        problem for n, block in enumerate(blocks) for problem in block_problems(block, f"/blocks/{n}")
    ]
    if len(blocks) > most:
        problems.append(f"no more than {most} items allowed [json-pointer:/blocks]")
    for named, things in (("block_id", blocks), ("action_id", [e for b in blocks for e in elements(b)])):
        names = [thing[named] for thing in things if named in thing]
        if len(names) != len(set(names)) and named == "block_id":
            problems.append(f"`{named}` already exists [json-pointer:/blocks]")
    if problems:
        raise invalid(error, *problems)


def check_message(args: Json, most_blocks: int = 50) -> Json:
    """The content of a message as it is kept, from the arguments of a post or an update."""
    text, markdown, blocks = args.get("text") or "", args.get("markdown_text") or "", args.get("blocks")
    if markdown and (text or blocks):
        raise Refused("markdown_text_conflict")
    if not (text or markdown or blocks or args.get("attachments")):
        raise Refused("no_text")
    if len(text) > 40_000 or len(markdown) > 12_000:
        raise Refused("msg_too_long")
    content: Json = {"text": text or markdown}
    if markdown:
        blocks = [{"type": "markdown", "text": markdown}]
    if blocks:
        check_blocks(blocks, most_blocks)
        if sum(len(text_of(block.get("text"))) for block in blocks) > ALL_BLOCKS_TEXT:
            raise Refused("msg_blocks_too_long")
        content["blocks"] = [{"block_id": f"b{n}", **block} for n, block in enumerate(blocks)]
    if args.get("metadata") is not None:
        content["metadata"] = check_metadata(args["metadata"])
    return content


def check_metadata(metadata: Any) -> Json:
    if not isinstance(metadata, dict) or not metadata.get("event_type"):
        raise Refused("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise Refused("invalid_metadata_format")
    if len(json.dumps(metadata)) > 16_000:
        raise Refused("metadata_too_large")
    return {"event_type": metadata["event_type"], "event_payload": metadata["event_payload"]}


def check_view(view: Any, kind: str) -> Json:
    """The view with every block named; refused if it is not of this kind or beyond a limit."""
    if not isinstance(view, dict) or view.get("type") != kind or not isinstance(view.get("blocks"), list):
        raise invalid("invalid_arguments", f"must be a {kind} view with blocks [json-pointer:/view]")
    if len(json.dumps(view)) > 250_000:
        raise Refused("view_too_large")
    check_blocks(view["blocks"], 100, "invalid_arguments")
    for name, limit in (("private_metadata", 3_000), ("callback_id", 255), ("external_id", 255)):
        if len(view.get(name) or "") > limit:
            raise invalid(
                "invalid_arguments", f"must be less than {limit + 1} characters [json-pointer:/view/{name}]"
            )
    if kind == "modal":
        check_modal(view)
    named = [{"block_id": f"b{n}", **block} for n, block in enumerate(view["blocks"])]
    return {"private_metadata": "", "callback_id": "", "external_id": "", **view, "blocks": named}


def check_modal(view: Json) -> None:
    for name in ("title", "submit", "close"):
        if len(text_of(view.get(name))) > 24:
            raise invalid("invalid_arguments", f"must be less than 25 characters [json-pointer:/view/{name}]")
    if not text_of(view.get("title")):
        raise invalid("invalid_arguments", "missing required field: title [json-pointer:/view]")
    if any(block["type"] == "input" for block in view["blocks"]) and not view.get("submit"):
        raise invalid("invalid_arguments", "submit is required with input blocks [json-pointer:/view/submit]")
