"""The OpenAPI document (3.1.0, spec.openapis.org): made of the operations and their shapes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from bot.web.api.asking import KEY, NAMED, Operation
from bot.web.api.problems import MEDIA_TYPE

_ABOUT = (
    "What one's own remembering agent holds of one: to read, search, correct and forget, under the same rules, "
    "locks and undo as in the chat. The key is of /connect program, in a direct message to the bot."
)
_REF = "#/components/schemas/{model}"
_WRONG = {
    "401": "Unauthorized: there is no such key, or it was ended.",
    "403": "Forbidden: you may not talk with the bot (any more).",
    "404": "Not there, or not yours.",
    "409": "It was changed meanwhile, or that Idempotency-Key is of another request, or of one that is being done.",
    "410": "It was done under the Idempotency-Key before, and what it wrote was forgotten since: it is not done anew.",
    "413": "The body is too large.",
    "415": "The body is not application/json.",
    "422": "What is asked is not as it should be; detail says what.",
    "429": "Too fast: Retry-After says when to ask again.",
    "503": "Memory cannot be read just now, or nobody can judge what is to be kept; ask again in a minute.",
}
_PROBLEM = {
    "type": "object",
    "description": "Problem details, RFC 9457.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
}
_IDS = {"notes": "^[0-9a-f]{16}$", "messages": "^[1-9][0-9]{0,9}$", "why": "^[^/\\u0000]{1,200}$"}


def description(operations: Sequence[Operation], url: str, version: str) -> dict[str, Any]:
    """``url`` is where the server is reached."""
    kinds = [kind for each in operations for kind in (each.body, each.answer) if kind is not None]
    _, made = models_json_schema([(kind, "validation") for kind in dict.fromkeys(kinds)], ref_template=_REF)
    paths: dict[str, Any] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": "everbot memory", "version": version, "description": _ABOUT},
        "servers": [{"url": url}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": {**made["$defs"], "Problem": _PROBLEM},
            "responses": {
                f"Problem{status}": {
                    "description": about,
                    "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
                }
                for status, about in _WRONG.items()
            },
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(each: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "As asked."}
    if each.answer is None:
        good["content"] = {"application/zip": {}}
    else:
        good["content"] = _json(each.answer.__name__)
    told: dict[str, Any] = {
        "operationId": each.name,
        "summary": each.about,
        "parameters": _parameters(each),
        "responses": {
            str(each.status): good,
            **{status: {"$ref": f"#/components/responses/Problem{status}"} for status in _wrong(each)},
        },
    }
    if each.body is not None:
        told["requestBody"] = {"required": True, "content": _json(each.body.__name__)}
    return told


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(model=name)}}}


def _wrong(each: Operation) -> list[str]:
    writes, sends = each.deed is not None, each.body is not None
    seldom = {"409": writes, "410": writes, "413": sends, "415": sends}
    return [status for status in _WRONG if seldom.get(status, True)]


def _parameters(each: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if "{id}" in each.path:
        kind = next(pattern for word, pattern in _IDS.items() if f"/{word}/" in each.path)
        found.append(_parameter("id", "path", {"type": "string", "pattern": kind}, required=True))
    schema = each.query.model_json_schema()
    for name, property in schema["properties"].items():
        found.append(
            _parameter(name, "query", _present(property), required=name in schema.get("required", ()))
        )
    if each.deed is not None:
        told = {
            "type": "string",
            "pattern": NAMED,
            "description": "Repeated with the same one within a day, it is done once.",
        }
        found.append(_parameter(KEY, "header", told, required=False))
    return found


def _parameter(name: str, where: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    about = schema.pop("description", None)
    told = {"name": name, "in": where, "required": required, "schema": schema}
    return told | ({"description": about} if about else {})


def _present(schema: dict[str, Any]) -> dict[str, Any]:
    """Of what may be left out, how it is when it is not: in a query there is no null."""
    told = {name: value for name, value in schema.items() if name not in ("title", "default")}
    some = [one for one in told.pop("anyOf", ()) if one.get("type") != "null"]
    return told | (some[0] if some else {})
