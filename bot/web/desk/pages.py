"""The desk's pages of tables, and what is done on them."""

from __future__ import annotations

from datetime import timedelta
from typing import cast, get_args

from aiohttp import web

from bot.backups import Backups
from bot.errors import EverbotError
from bot.operations.operator import subject_of
from bot.people.restrictions import begin_of
from bot.web.desk import tables
from bot.web.desk.base import NOT_THERE, Fields, operator, shown
from bot.web.visitors import owners_only
from bot.web.website import website
from memory.ports.overview import By

_PAGE = 50


@owners_only
async def now(request: web.Request) -> web.StreamResponse:
    return shown(request, "Desk", await tables.now(operator(request)))


@owners_only
async def people(request: web.Request) -> web.StreamResponse:
    like, number = request.query.get("like", "")[:100], _number(request, "page", 0, 100_000)
    whoever = operator(request)
    found = await whoever.people(like, _PAGE, number * _PAGE)
    table = tables.people(found, await whoever.restrictions())
    after = number + 1 if len(found) == _PAGE else None
    return shown(request, "People", [table], more="people", like=like, number=number, after=after)


@owners_only
async def usage(request: web.Request) -> web.StreamResponse:
    site, wished = website(request), request.query.get("by", "day")
    by = cast(By, wished if wished in get_args(By) else "day")
    days = _number(request, "days", 30, 3_650) or 1
    since = begin_of("day", site.app.clock.now()) - timedelta(days=days - 1)
    table = tables.usage(by, await operator(request).usage(by, since), site.settings.currency)
    return shown(request, "Usage and cost", [table], more="usage", by=by, days=days, kinds=get_args(By))


@owners_only
async def budgets(request: web.Request) -> web.StreamResponse:
    table = tables.budgets(await operator(request).restrictions(), website(request).settings.currency)
    return shown(request, "Blocks and budgets", [table], more="budgets")


@owners_only
async def errors(request: web.Request) -> web.StreamResponse:
    since = website(request).app.clock.now() - timedelta(days=6)
    return shown(request, "Errors", [tables.errors(await operator(request).faults(since))])


@owners_only
async def deeds(request: web.Request) -> web.StreamResponse:
    return shown(request, "Log", [tables.deeds(await operator(request).deeds())], more="log")


@owners_only
async def reports(request: web.Request) -> web.StreamResponse:
    return shown(request, "Reports", [tables.reports(await operator(request).reports())])


async def _block(request: web.Request, fields: Fields) -> str:
    await operator(request).block(fields["about"], True)
    return f"{fields['about']} talks with nobody here any more."


async def _unblock(request: web.Request, fields: Fields) -> str:
    await operator(request).block(fields["about"], False)
    return f"{fields['about']} may talk again."


async def _stop(request: web.Request, fields: Fields) -> str:
    return "Stopped." if await operator(request).stop(fields["about"]) else NOT_THERE


async def _retry(request: web.Request, fields: Fields) -> str:
    return "It goes on now." if await operator(request).retry(fields["about"]) else NOT_THERE


async def _again(request: web.Request, fields: Fields) -> str:
    return "It is sent once more." if await operator(request).send_again(fields["about"]) else NOT_THERE


async def _budget(request: web.Request, fields: Fields) -> str:
    who = fields.get("who", "")
    if not who:
        raise EverbotError("Name whom it is for.")
    try:
        tokens = int(fields["tokens"]) if fields.get("tokens") else None
        cost = float(fields["cost"]) if fields.get("cost") else None
    except ValueError:
        raise EverbotError("Tokens a day and the cost a month are numbers.") from None
    if (tokens is None and cost is None) or (tokens or 0) < 0 or not 0 <= (cost or 0) < float("inf"):
        raise EverbotError("Say how many tokens a day, or how much a month, at most.")
    await operator(request).budget(subject_of(who, community="community" in fields), tokens, cost)
    return f"{who}: so it is."


async def _lift(request: web.Request, fields: Fields) -> str:
    await operator(request).budget(fields["about"], None, None)
    return "The budget is lifted."


async def _backup(request: web.Request, fields: Fields) -> str:
    app: Backups = website(request).app.backups
    made = await app.make(0)
    await operator(request).note("made a backup")
    return f"Written to {made}."


def _number(request: web.Request, name: str, default: int, most: int) -> int:
    given = request.query.get(name, "")
    return min(int(given), most) if given.isascii() and given.isdecimal() and len(given) < 9 else default


ACTS = {
    "block": _block,
    "unblock": _unblock,
    "stop": _stop,
    "retry": _retry,
    "again": _again,
    "budget": _budget,
    "lift": _lift,
    "backup": _backup,
}
ROUTES = (
    web.get("/desk", now),
    web.get("/desk/people", people),
    web.get("/desk/usage", usage),
    web.get("/desk/budgets", budgets),
    web.get("/desk/errors", errors),
    web.get("/desk/log", deeds),
    web.get("/desk/reports", reports),
)
