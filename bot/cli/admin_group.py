"""`everbot admin ...`: what an operator sees (who is there, what waits, what it costs) and does, also while it runs."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from bot.cli import process
from bot.cli.options import Config, Json, settings_of

admin_app = typer.Typer(
    help="See who is there, what waits and what it costs; block, cap, stop. Also while everbot runs.",
    no_args_is_help=True,
)
Days = Annotated[int, typer.Option("--days", min=1, max=3_650, help="Of so many days, today included.")]


@admin_app.command()
def people(
    like: Annotated[str, typer.Argument(help="Part of a name or an account.")] = "",
    page: Annotated[int, typer.Option("--page", min=0, help="Which page, from 0.")] = 0,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """List people with their accounts and agents, and when they talked last."""
    from bot.cli import operating

    process.run(operating.people(settings_of(config), like, page, as_json=as_json))


@admin_app.command()
def pairing(
    deny: Annotated[str, typer.Option("--deny", help="Let nobody in by this code.", metavar="CODE")] = "",
    revoke: Annotated[
        str, typer.Option("--revoke", help="Who was let in is a stranger again.", metavar="ACCOUNT")
    ] = "",
    as_json: Json = False,
    config: Config = None,
) -> None:
    """List who asks to be let in (`everbot pair CODE` does), and who was; turn one of them away."""
    from bot.cli import operating

    sys.exit(process.run(operating.pairing(settings_of(config), deny, revoke, as_json=as_json)))


@admin_app.command("sources")
def shelves(
    delete: Annotated[str, typer.Option("--delete", help="Delete a source.", metavar="SOURCE")] = "",
    file: Annotated[
        str, typer.Option("--file", help="With --delete: only what was loaded of that file.")
    ] = "",
    detach: Annotated[
        str, typer.Option("--detach", help="Let --agent search a source no more.", metavar="SOURCE")
    ] = "",
    agent: Annotated[int, typer.Option("--agent", help="With --detach: which, by its number.")] = 0,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """List sources and lore, the files in them, and who searches them; `everbot load` loads files."""
    from bot.cli import sources

    wish = sources.Shelving(delete, file, detach, agent)
    sys.exit(process.run(sources.sources(settings_of(config), wish, as_json=as_json)))


@admin_app.command()
def turns(
    stop: Annotated[str, typer.Option("--stop", help="Call a turn off.", metavar="TURN")] = "",
    retry: Annotated[
        str, typer.Option("--retry", help="Go on now with a turn that waits for its model.", metavar="TURN")
    ] = "",
    as_json: Json = False,
    config: Config = None,
) -> None:
    """List who waits for an answer, for what, and since when; stop or retry a turn."""
    from bot.cli import operating

    sys.exit(process.run(operating.turns(settings_of(config), stop, retry, as_json=as_json)))


@admin_app.command()
def delivery(
    again: Annotated[
        str,
        typer.Option("--again", help="Send a reply once more that is in doubt or was refused.", metavar="ID"),
    ] = "",
    as_json: Json = False,
    config: Config = None,
) -> None:
    """List replies that wait to be sent, are in doubt, or were refused."""
    from bot.cli import operating

    sys.exit(process.run(operating.delivery(settings_of(config), again, as_json=as_json)))


@admin_app.command()
def usage(
    by: Annotated[
        Literal["day", "model", "persona", "community", "person"],
        typer.Option("--by", help="Summed by what."),
    ] = "day",
    days: Days = 30,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Tokens and what they cost (by `prices` of the configuration)."""
    from bot.cli import operating

    process.run(operating.usage(settings_of(config), by, days, as_json=as_json))


@admin_app.command()
def errors(days: Days = 7, as_json: Json = False, config: Config = None) -> None:
    """What went wrong, by day, kind, platform and model."""
    from bot.cli import operating

    process.run(operating.errors(settings_of(config), days, as_json=as_json))


@admin_app.command()
def reports(as_json: Json = False, config: Config = None) -> None:
    """What people reported of answers, newest first."""
    from bot.cli import operating

    process.run(operating.reports(settings_of(config), as_json=as_json))


@admin_app.command()
def block(
    account: Annotated[str, typer.Argument(help='Whom, such as "discord:123".')],
    undo: Annotated[bool, typer.Option("--undo", help="Let them in again.")] = False,
    config: Config = None,
) -> None:
    """Let an account talk with nobody here any more."""
    from bot.cli import operating

    sys.exit(process.run(operating.block(settings_of(config), account, blocked=not undo)))


@admin_app.command()
def budget(
    who: Annotated[
        str,
        typer.Argument(help="An account (discord:123), or with --community a community.", metavar="[WHO]"),
    ] = "",
    community: Annotated[
        bool, typer.Option("--community", help="WHO is a guild (discord:1) or a workspace (slack:T1).")
    ] = False,
    tokens_per_day: Annotated[int | None, typer.Option("--tokens-per-day", min=0)] = None,
    cost_per_month: Annotated[
        float | None, typer.Option("--cost-per-month", min=0, help="In the currency of `prices`.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Lift the budget.")] = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """List budgets with what is used of them, or set one: days and months begin at midnight UTC."""
    from bot.cli import operating

    settings = settings_of(config)
    limits = operating.Limits(tokens_per_day, cost_per_month, lift=none)
    sys.exit(process.run(operating.budget(settings, who, limits, community=community, as_json=as_json)))


@admin_app.command("log")
def deeds(as_json: Json = False, config: Config = None) -> None:
    """What operators did, newest first."""
    from bot.cli import operating

    process.run(operating.deeds(settings_of(config), as_json=as_json))
