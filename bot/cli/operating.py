"""What the commands of `everbot admin` do: rows are shown as tables for people, or as JSON lines for programs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bot.backends.clock import SystemClock
from bot.backends.memory import open_memory
from bot.cli.options import myself
from bot.cli.screen import tell, tell_json, warn
from bot.data_dir import holder, is_held
from bot.operations.operator import Operator, subject_of
from bot.people.identities import account_of
from bot.people.prices import Prices
from bot.people.restrictions import begin_of
from bot.settings import Settings
from memory.ports.overview import By

_PAGE = 50
_NO_CODE = "There is no code {code}, or it is older than an hour."
_NOT_RUNNING = "everbot does not run here: there is no turn to be stopped or gone on with."


@dataclass(frozen=True)
class Limits:
    """What a budget is to be. ``lift``: none."""

    tokens_per_day: int | None
    cost_per_month: float | None
    lift: bool = False

    def __bool__(self) -> bool:
        return self.lift or self.tokens_per_day is not None or self.cost_per_month is not None


async def people(settings: Settings, like: str, page: int, *, as_json: bool) -> None:
    """Print who there is."""
    async with opened(settings) as operator:
        found = await operator.people(like, _PAGE, page * _PAGE)
    rows = [
        {
            "name": each.name,
            "accounts": " ".join(each.accounts),
            "personas": " ".join(each.personas),
            "since": each.since,
            "last turn": each.last_at,
        }
        for each in found
    ]
    show(rows, "Nobody.", as_json=as_json)


async def pair(settings: Settings, code: str) -> int:
    """Let the person in who was shown the code."""
    async with opened(settings) as operator:
        found = await operator.let_in(code)
    if found is None:
        warn(_NO_CODE.format(code=code))
        return 1
    tell(f"{' '.join(found.name.split())} ({found.account}) may talk with the bot now.")
    return 0


async def pairing(settings: Settings, deny: str, revoke: str, *, as_json: bool) -> int:
    """Print who asks to be let in, and who was; or turn one of them away."""
    async with opened(settings) as operator:
        if deny:
            turned = await operator.turn_away(deny)
            tell(f"{turned.account} is not let in.") if turned else warn(_NO_CODE.format(code=deny))
            return 0 if turned else 1
        if revoke:
            account = account_of(revoke)
            out = await operator.let_out(account)
            tell(f"{account} is a stranger again.") if out else warn(f"{account} was not let in.")
            return 0 if out else 1
        found = await operator.pairing()
    rows = [
        {
            "account": each.account,
            "name": each.name,
            "code": each.code,
            "expires": each.expires_at,
            "let in": None,
        }
        for each in found.asking
    ] + [
        {"account": each.account, "name": "", "code": "", "expires": None, "let in": each.at}
        for each in found.let_in
    ]
    show(rows, "Nobody asks to be let in, and nobody was.", as_json=as_json)
    return 0


async def turns(settings: Settings, stop: str, retry: str, *, as_json: bool) -> int:
    """Print who waits, or stop, or retry a turn."""
    async with opened(settings) as operator:
        if stop or retry:
            if not is_held(settings.data_dir):
                warn(_NOT_RUNNING)
                return 1
            done = await (operator.stop(stop) if stop else operator.retry(retry))
            if not done:
                warn(f"No turn {stop or retry} is under way.")
                return 1
            tell(f"{holder(settings.data_dir)} does it within seconds.")
            return 0
        found = await operator.turns()
    rows = [
        {
            "turn": each.turn_id or "(in line)",
            "agent": each.agent_id,
            "person": each.person,
            "persona": each.persona,
            "place": each.address,
            "kind": each.kind,
            "since": each.since,
            "steps": each.steps,
            "waits for": "model" if each.waits else ("" if each.turn_id else "its turn"),
        }
        for each in found
    ]
    show(rows, "Nobody waits.", as_json=as_json)
    return 0


async def delivery(settings: Settings, again: str, *, as_json: bool) -> int:
    """Print what is not delivered, or have it sent again."""
    async with opened(settings) as operator:
        if again:
            if not await operator.send_again(again):
                warn(f"There is no reply {again} that is in doubt or was refused.")
                return 1
            tell("It is sent once more, as soon as everbot runs.")
            return 0
        found = await operator.undelivered()
    rows = [
        {
            "reply": each.id,
            "person": each.person,
            "place": each.address,
            "kind": each.kind,
            "state": each.state,
            "made": each.created_at,
            "tried": each.claimed_at,
        }
        for each in found
    ]
    show(rows, "All that was said is delivered.", as_json=as_json)
    return 0


async def reports(settings: Settings, *, as_json: bool) -> None:
    """Print what was reported."""
    async with opened(settings) as operator:
        found = await operator.reports()
    rows = [
        {
            "at": each.at,
            "person": each.account,
            "persona": each.persona,
            "community": each.community,
            "reason": each.reason,
            "answer": each.answer,
        }
        for each in found
    ]
    show(rows, "Nothing was reported.", as_json=as_json)


async def usage(settings: Settings, by: By, days: int, *, as_json: bool) -> None:
    """Print tokens and cost."""
    since = begin_of("day", SystemClock().now()) - timedelta(days=days - 1)
    async with opened(settings) as operator:
        found = await operator.usage(by, since)
    rows = [
        {
            by: each.key or "(none)",
            "steps": each.steps,
            "tokens in": each.usage.prompt,
            "cached": each.usage.cached,
            "tokens out": each.usage.completion,
            "pictures": each.usage.pictures,
            "characters": each.usage.characters,
            "minutes": round(each.usage.seconds / 60, 1),
            f"cost ({settings.currency})": each.cost,
            "priced": "in part" if each.unpriced else "",
        }
        for each in found
    ]
    show(rows, "Nothing was used.", as_json=as_json)
    if any(each.unpriced for each in found) and not as_json:
        tell("Of some models no price is known: see `prices` in config.example.toml.")


async def errors(settings: Settings, days: int, *, as_json: bool) -> None:
    """Print what went wrong."""
    async with opened(settings) as operator:
        found = await operator.faults(SystemClock().now() - timedelta(days=days - 1))
    rows = [
        {
            "day": each.day,
            "kind": each.kind,
            "platform": each.platform,
            "model": each.model,
            "times": each.count,
            "last": each.last_at,
        }
        for each in found
    ]
    show(rows, "Nothing went wrong.", as_json=as_json)


async def block(settings: Settings, account: str, *, blocked: bool) -> int:
    """Block an account, or let it in again."""
    account = account_of(account)
    if blocked and account.startswith("console:"):
        warn("Whoever sits at this machine cannot be blocked: name an account such as discord:123.")
        return 1
    async with opened(settings) as operator:
        await operator.block(account, blocked)
    tell(f"{account} {'talks with nobody here any more' if blocked else 'may talk again'}{when(settings)}.")
    return 0


async def budget(settings: Settings, who: str, limits: Limits, *, community: bool, as_json: bool) -> int:
    """Set a budget, or print all of them."""
    async with opened(settings) as operator:
        if who and limits:
            await operator.budget(
                subject_of(who, community=community), limits.tokens_per_day, limits.cost_per_month
            )
            tell(f"{who}: {'no budget' if limits.lift else 'so it is'}{when(settings)}.")
            return 0
        if who or limits:
            warn("Name whom it is for, and --tokens-per-day, --cost-per-month or --none.")
            return 2
        found = await operator.restrictions()
    rows = [
        {
            "for": each.restriction.subject.partition(":")[2] or "(forgotten since)",
            "is": each.restriction.subject.partition(":")[0] or "account",
            "blocked": "blocked" if each.restriction.blocked else "",
            "tokens today": each.tokens_today,
            "of": each.restriction.tokens_per_day,
            f"cost this month ({settings.currency})": each.cost_this_month,
            "at most": each.restriction.cost_per_month,
        }
        for each in found
    ]
    show(rows, "There are no budgets and no blocks.", as_json=as_json)
    return 0


async def deeds(settings: Settings, *, as_json: bool) -> None:
    """Print what operators did."""
    async with opened(settings) as operator:
        found = await operator.deeds()
    rows = [{"at": each.at, "who": each.who, "did": each.did, "to": each.about} for each in found]
    show(rows, "Operators did nothing yet.", as_json=as_json)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Operator]:
    """Whoever sits at this machine, as an operator."""
    async with open_memory(settings, embedders=lambda _: None) as memory:
        yield Operator(memory.store, SystemClock(), Prices(settings.prices), f"{myself()} (command line)")


def show(rows: Sequence[dict[str, Any]], nothing: str, *, as_json: bool) -> None:
    """Print rows: a table whose columns are as wide as what is in them, or an object a line."""
    if as_json:
        for row in rows:
            tell_json({key: _plain(value) for key, value in row.items()})
        return
    if not rows:
        tell(nothing)
        return
    table = [list(rows[0]), *([_told(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        tell(_line(line, widths))


def _line(cells: Iterable[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _told(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, float):
        return f"{value:.4f}"
    return "" if value is None else " ".join(str(value).split())


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def when(settings: Settings) -> str:
    """When what was set is heeded: words for after it."""
    return f": {holder(settings.data_dir)} heeds it within seconds" if is_held(settings.data_dir) else ""
