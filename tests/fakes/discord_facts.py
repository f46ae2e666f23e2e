"""What Discord's published OpenAPI description says of the requests that everbot makes.

``discord_facts.json`` holds it: for each route its query and its body as a JSON schema without words. It is made of the
description (github.com/discord/discord-api-spec, MIT) by ``python -m tests.fakes.discord_facts openapi.json``, for the
routes that stand here. Nobody of this project wrote what is in it: the fake believes it, and what it does not name is
a mistake of ours.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FILE = Path(__file__).with_suffix(".json")
ROUTES = (
    "GET /applications/{}/commands",
    "GET /channels/{}",
    "GET /channels/{}/messages",
    "GET /channels/{}/messages/{}",
    "GET /channels/{}/thread-members/{}",
    "GET /channels/{}/webhooks",
    "GET /gateway",
    "GET /gateway/bot",
    "GET /guilds/{}",
    "GET /guilds/{}/members/{}",
    "GET /oauth2/applications/@me",
    "GET /users/@me",
    "GET /users/@me/guilds",
    "GET /users/{}",
    "PATCH /webhooks/{}",
    "POST /channels/{}/messages",
    "POST /channels/{}/messages/{}/threads",
    "POST /channels/{}/typing",
    "POST /channels/{}/webhooks",
    "POST /interactions/{}/{}/callback",
    "PUT /channels/{}/messages/{}/reactions/{}/@me",
    "POST /webhooks/{}/{}",
    "PUT /applications/{}/commands",
)
KEPT = (
    "type properties required items enum const oneOf anyOf allOf $ref pattern minLength maxLength minItems maxItems "
    "minimum maximum uniqueItems additionalProperties"
).split()
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


@cache
def facts() -> Json:
    known: Json = json.loads(FILE.read_text(encoding="utf-8"))
    return known


def misfits(line: str, query: Mapping[str, str], body: Any) -> list[str]:
    """What of a request is not as described; ``line`` is as in ``POST /channels/123/messages``."""
    route = _route(line)
    if route is None:
        return [f"{line}: there is no such route"]
    known = facts()["routes"][route]
    wrong = [f"{route}: the query {name!r} is not known" for name in query.keys() - known["query"].keys()]
    for name in query.keys() & known["query"].keys():
        read = [query[name], *_numbers(query[name])]
        if all(list(_wrong(known["query"][name], value, name)) for value in read):
            wrong.append(f"{route}: the query {name}={query[name]}")
    if "body" in known:
        wrong += [f"{route}: {what}" for what in _unfit(route, json.dumps(body))]
    elif body:
        wrong.append(f"{route}: there is a body where none is taken")
    return wrong


@cache
def _unfit(route: str, body: str) -> list[str]:
    """What of a body does not fit. The same commands are announced at every start: they are looked at once."""
    return list(_wrong(facts()["routes"][route]["body"], json.loads(body), ""))


@cache
def _routes() -> list[str]:
    """The most exact ones first."""
    return sorted(facts()["routes"], key=lambda known: str(known).count("{}"))


def _route(line: str) -> str | None:
    method, _, path = line.partition(" ")
    parts = path.split("?")[0].split("/")
    for route in _routes():
        known_method, _, known_path = route.partition(" ")
        known = known_path.split("/")
        fits = len(known) == len(parts) and all(k in ("{}", p) for k, p in zip(known, parts, strict=True))
        if known_method == method and fits:
            return route
    return None


def _numbers(value: str) -> list[Any]:
    numbers: list[Any] = [int(value)] if re.fullmatch(r"-?\d{1,20}", value) else []
    return numbers + (
        [value.lower() in ("true", "1")] if value.lower() in ("true", "false", "0", "1") else []
    )


def _wrong(schema: Json, value: Any, at: str) -> Iterator[str]:
    """What does not fit the schema, and where."""
    if schema.get("$ref") == "SnowflakeType" and _is("integer", value) and value >= 0:
        return  # ids are taken as numbers, too (API reference, "ID Serialization"); discord.py sends some so
    if "$ref" in schema:
        yield from _wrong(facts()["schemas"][schema["$ref"]], value, at)
        return
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            found = [list(_wrong(one, value, at)) for one in schema[choice]]
            if all(found):
                yield from min(found, key=lambda wrong: (_depth(wrong), len(wrong)))
    for one in schema.get("allOf", ()):
        yield from _wrong(one, value, at)
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at or 'body'} is {value!r}, and none of {schema['enum']}"
    types = schema.get("type")
    names = types if isinstance(types, list) else [types] if types else []
    if names and not any(_is(name, value) for name in names):
        yield f"{at or 'body'} is no {' or '.join(names)}: {str(value)[:80]!r}"
        return
    yield from _within(schema, value, at)


def _depth(wrong: list[str]) -> int:
    """The choice that was meant is the one that fits the furthest."""
    return -max(what.split(" ")[0].count(".") for what in wrong)


def _is(name: str, value: Any) -> bool:
    return isinstance(value, _TYPES[name]) and (name in ("boolean", "object") or not isinstance(value, bool))


def _within(schema: Json, value: Any, at: str) -> Iterator[str]:
    size = len(value) if isinstance(value, str | list) else None
    for least, most, unit in (("minLength", "maxLength", str), ("minItems", "maxItems", list)):
        if (
            isinstance(value, unit)
            and size is not None
            and not (schema.get(least, 0) <= size <= schema.get(most, size))
        ):
            yield f"{at or 'body'} is {size} long, and not {schema.get(least, 0)} to {schema.get(most)}"
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{at or 'body'} is {value}, and not within its bounds"
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at or 'body'} does not fit {schema['pattern']}: {value[:80]!r}"
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _wrong(schema.get("items", {}), item, f"{at}.{number}")
    if isinstance(value, dict) and "properties" in schema:
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{at}.{name} is missing"
        for name, item in value.items():
            if name in schema["properties"]:
                yield from _wrong(schema["properties"][name], item, f"{at}.{name}")
            elif not schema.get("additionalProperties"):
                yield f"{at}.{name} is not known"


# Making the file


def distilled(description: Json) -> Json:
    """What is needed of the whole description."""
    found = {re.sub(r"\{[^}]*\}", "{}", path): item for path, item in description["paths"].items()}
    routes: Json = {}
    named: set[str] = set()
    for route in ROUTES:
        method, _, path = route.partition(" ")
        operation = found[path][method.lower()]
        asked = [one for one in operation.get("parameters", ()) if one.get("in") == "query"]
        routes[route] = {"query": {one["name"]: _bare(one["schema"], named) for one in asked}}
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is not None:
            routes[route]["body"] = _bare(body["schema"], named)
    schemas: Json = {}
    while waiting := named - schemas.keys():
        for name in sorted(waiting):
            schemas[name] = _bare(description["components"]["schemas"][name], named)
    return {
        "version": description["info"]["version"],
        "routes": routes,
        "schemas": dict(sorted(schemas.items())),
    }


def _bare(schema: Any, named: set[str]) -> Any:
    """A schema without words; names of other schemas are noted."""
    if isinstance(schema, list):
        return [_bare(one, named) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made: Json = {}
    for key, value in schema.items():
        if key == "properties":
            made[key] = {name: _bare(inner, named) for name, inner in value.items()}
        elif key == "$ref":
            made[key] = value.rpartition("/")[2]
            named.add(made[key])
        elif key == "const":
            made["enum"] = [value]
        elif key in KEPT:
            made[key] = _bare(value, named)
    choices = made.get("oneOf", ())
    if choices and all(one.keys() == {"enum"} for one in choices):
        del made["oneOf"]
        made["enum"] = [value for one in choices for value in one["enum"]]
    return made


if __name__ == "__main__":
    whole = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    FILE.write_text(json.dumps(distilled(whole), separators=(",", ":")) + "\n", encoding="utf-8")
