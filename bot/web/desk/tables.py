"""What the desk's pages show: tables whose rows may be acted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.operations.operator import Limited, Operator, Pairing, Spent
from memory.ports.overview import By
from memory.records import Deed, FaultCount, PersonSeen, Report, Restriction, Undelivered, Underway


@dataclass(frozen=True)
class Button:
    """A button of a row: what it does (see `bot.web.desk.pages`), to what."""

    does: str
    about: str
    label: str
    danger: bool = False


@dataclass(frozen=True)
class Row:
    cells: Sequence[str]
    buttons: Sequence[Button] = ()


@dataclass(frozen=True)
class Table:
    """``nothing`` is shown where there are no rows."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]
    nothing: str

    @property
    def acts(self) -> bool:
        """Whether there is a button in any row."""
        return any(row.buttons for row in self.rows)


async def now(operator: Operator) -> list[Table]:
    """Who waits, and what is not delivered."""
    return [turns(await operator.turns()), undelivered(await operator.undelivered())]


def turns(found: Sequence[Underway]) -> Table:
    def row(each: Underway) -> Row:
        waits = "its model" if each.waits else ("an answer" if each.turn_id else "its turn")
        cells = [each.person, each.persona, each.address, each.kind, told(each.since), str(each.steps), waits]
        buttons = [Button("stop", each.turn_id, "Stop", danger=True)] if each.turn_id else []
        if each.waits:
            buttons.insert(0, Button("retry", each.turn_id, "Retry now"))
        return Row(cells, buttons)

    columns = ("Person", "Persona", "Place", "Kind", "Since (UTC)", "Steps", "Waits for")
    return Table("Turns now", columns, [row(each) for each in found], "Nobody waits.")


def undelivered(found: Sequence[Undelivered]) -> Table:
    def row(each: Undelivered) -> Row:
        over = each.state in ("doubtful", "refused")
        buttons = [Button("again", each.id, "Send again")] if over else []
        return Row([each.person, each.address, each.kind, each.state, told(each.created_at)], buttons)

    columns = ("Person", "Place", "Kind", "State", "Said (UTC)")
    return Table("Delivery", columns, [row(each) for each in found], "All that was said is delivered.")


def people(found: Sequence[PersonSeen], restrictions: Sequence[Limited]) -> Table:
    blocked = {each.restriction.subject for each in restrictions if each.restriction.blocked}

    def row(each: PersonSeen) -> Row:
        cells = [
            each.name,
            " ".join(each.accounts),
            " ".join(each.personas),
            told(each.since),
            told(each.last_at),
        ]
        buttons = [
            Button("unblock", account, f"Let {account} in")
            if f"account:{account}" in blocked
            else Button("block", account, f"Block {account}", danger=True)
            for account in each.accounts
            if not account.startswith("console:")
        ]
        return Row(cells, buttons)

    columns = ("Name", "Accounts", "Personas", "Came (UTC)", "Last turn (UTC)")
    return Table("People", columns, [row(each) for each in found], "Nobody.")


def pairing(found: Pairing) -> list[Table]:
    """Who asks to be let in, and who was."""
    asking = [
        Row(
            [each.name, each.account, each.code, told(each.expires_at)],
            [
                Button("let-in", each.code, f"Let {each.account} in"),
                Button("deny", each.code, "Turn away", danger=True),
            ],
        )
        for each in found.asking
    ]
    let_in = [
        Row([each.account, told(each.at)], [Button("revoke", each.account, "Let in no more", danger=True)])
        for each in found.let_in
    ]
    return [
        Table("Who asks", ("Name", "Account", "Code", "Until (UTC)"), asking, "Nobody asks to be let in."),
        Table("Who was let in", ("Account", "When (UTC)"), let_in, "Nobody yet."),
    ]


def usage(by: By, found: Sequence[Spent], currency: str) -> Table:
    rows = [
        Row(
            [
                each.key or "(none)",
                str(each.steps),
                f"{each.usage.prompt:,}",
                f"{each.usage.cached:,}",
                f"{each.usage.completion:,}",
                f"{each.usage.pictures:,}",
                f"{each.usage.characters:,}",
                f"{each.usage.seconds / 60:,.1f}",
                f"{each.cost:.2f}{' (in part)' if each.unpriced else ''}",
            ]
        )
        for each in found
    ]
    media = ("Pictures made", "Characters spoken", "Minutes heard")
    tokens = ("Tokens in", "Of these cached", "Tokens out")
    columns = (by.capitalize(), "Steps", *tokens, *media, f"Cost ({currency})")
    return Table(f"Usage by {by}", columns, rows, "Nothing was used.")


def budgets(found: Sequence[Limited], currency: str) -> Table:
    def row(each: Limited) -> Row:
        kind, _, name = each.restriction.subject.partition(":")
        cells = [name or "(forgotten since)", kind or "account", *_limits(each)]
        buttons = (
            [Button("lift", each.restriction.subject, "Lift the budget")]
            if _is_budget(each.restriction)
            else []
        )
        if each.restriction.blocked and name:
            buttons.append(Button("unblock", name, "Let in again"))
        return Row(cells, buttons)

    columns = ("Of", "What", "Blocked", "Tokens today", "At most", f"This month ({currency})", "At most")
    return Table("Blocks and budgets", columns, [row(each) for each in found], "There are none.")


def _limits(each: Limited) -> list[str]:
    r = each.restriction
    tokens = "" if r.tokens_per_day is None else f"{r.tokens_per_day:,}"
    cost = "" if r.cost_per_month is None else f"{r.cost_per_month:.2f}"
    return [
        "blocked" if r.blocked else "",
        f"{each.tokens_today:,}",
        tokens,
        f"{each.cost_this_month:.2f}",
        cost,
    ]


def _is_budget(restriction: Restriction) -> bool:
    limited = restriction.tokens_per_day is not None or restriction.cost_per_month is not None
    return bool(restriction.subject) and limited


def errors(found: Sequence[FaultCount]) -> Table:
    rows = [
        Row([each.day.isoformat(), each.kind, each.platform, each.model, str(each.count), told(each.last_at)])
        for each in found
    ]
    columns = ("Day (UTC)", "Kind", "Platform", "Model", "Times", "Last (UTC)")
    return Table("Errors of seven days", columns, rows, "Nothing went wrong.")


def deeds(found: Sequence[Deed]) -> Table:
    rows = [Row([told(each.at), each.who, each.did, each.about]) for each in found]
    return Table("What operators did", ("When (UTC)", "Who", "Did", "To"), rows, "Nothing yet.")


def told(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else ""


def reports(found: Sequence[Report]) -> Table:
    rows = [
        Row([told(each.at), each.account, each.persona, each.community, each.reason, each.answer])
        for each in found
    ]
    columns = ["When", "Who", "Persona", "Where", "Reason", "Answer"]
    return Table("Reports", columns, rows, "Nothing was reported.")
