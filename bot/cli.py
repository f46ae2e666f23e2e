"""The command line. What is heavy is imported by the command that needs it: ``--help`` stays quick."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bot.settings import Settings

app = typer.Typer(
    help="A self-hosted chat bot that remembers: one persistent agent per user.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
memory_app = typer.Typer(help="Look into an agent's memory.", no_args_is_help=True)
app.add_typer(memory_app, name="memory")
discord_app = typer.Typer(help="Set up Discord.", no_args_is_help=True)
app.add_typer(discord_app, name="discord")
slack_app = typer.Typer(help="Set up Slack.", no_args_is_help=True)
app.add_typer(slack_app, name="slack")

Config = Annotated[Path | None, typer.Option("--config", help="The configuration file.", metavar="PATH")]
User = Annotated[str, typer.Option("--user", help="Whose memory.")]
Persona = Annotated[str | None, typer.Option("--persona", help="Which persona (default: personas.default).")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
Page = Annotated[int, typer.Option("--page", min=0, help="Which page, from 0.")]


@app.command()
def chat(
    user: Annotated[str | None, typer.Option(help="Who you are.")] = None,
    persona: Persona = None,
    as_json: Annotated[bool, typer.Option("--json", help="Read and print one JSON object per line.")] = False,
    config: Config = None,
) -> None:
    """Chat in the terminal, or, with a pipe, answer each line of standard input."""
    from bot import chat as chatting

    settings = _settings(config)
    name = user or os.environ.get("USER") or getpass.getuser()
    sys.exit(
        asyncio.run(chatting.chat(settings, name.strip() or "me", _whom(settings, persona), as_json=as_json))
    )


@app.command()
def run(config: Config = None) -> None:
    """Serve every configured platform (Discord, Slack) until stopped."""
    from bot import service

    sys.exit(asyncio.run(service.serve(_settings(config))))


@app.command()
def pair(
    code: Annotated[str, typer.Argument(help="The code that the person was shown.")], config: Config = None
) -> None:
    """Let a person in who was shown a code (access.dm_policy = "pairing")."""
    from bot import admin

    sys.exit(asyncio.run(admin.pair(_settings(config), code)))


@app.command()
def heartbeat(user: User, persona: Persona = None, config: Config = None) -> None:
    """Let an agent's heart beat now: it reflects, and tidies its memory."""
    from bot import admin

    settings = _settings(config)
    sys.exit(asyncio.run(admin.heartbeat(settings, user, _whom(settings, persona))))


@app.command()
def backup(
    path: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")], config: Config = None
) -> None:
    """Write a consistent copy of the database, also while everbot runs."""
    from bot import admin

    sys.exit(asyncio.run(admin.backup(_settings(config), path)))


@discord_app.command("invite")
def discord_invite(config: Config = None) -> None:
    """Print where a guild's admin lets the bot in, with the permissions and intents that it needs."""
    from bot import admin

    sys.exit(asyncio.run(admin.discord_invite(_settings(config))))


@slack_app.command("manifest")
def slack_manifest(config: Config = None) -> None:
    """Print the app manifest to create the Slack app from."""
    from bot import admin

    sys.exit(admin.slack_manifest(_settings(config)))


@app.command()
def load(
    paths: Annotated[list[Path], typer.Argument(help="Files and directories.")],
    name: Annotated[str, typer.Option("--name", help="What to call the source (for /attach).")],
    config: Config = None,
) -> None:
    """Load documents into a source that agents can search: text, Markdown, HTML, PDF, DOCX."""
    from bot import loading

    sys.exit(asyncio.run(loading.load(_settings(config), paths, name)))


@memory_app.command("show")
def memory_show(user: User, persona: Persona = None, as_json: Json = False, config: Config = None) -> None:
    """Core memory blocks, and how much is stored."""
    from bot import inspection

    settings = _settings(config)
    asyncio.run(inspection.show(settings, user, _whom(settings, persona), as_json=as_json))


@memory_app.command("search")
def memory_search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    user: User,
    recall: Annotated[bool, typer.Option("--recall", help="Only what was said.")] = False,
    archival: Annotated[bool, typer.Option("--archival", help="Only archival storage.")] = False,
    page: Page = 0,
    persona: Persona = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Search recall and archival storage, as the agent does."""
    from bot import inspection

    kinds = [kind for kind, wanted in (("recall", recall), ("archival", archival)) if wanted]
    settings = _settings(config)
    places = kinds or ["recall", "archival"]
    persona = _whom(settings, persona)
    asyncio.run(inspection.search(settings, user, persona, query, places, page, as_json=as_json))


@memory_app.command("history")
def memory_history(
    user: User, page: Page = 0, persona: Persona = None, as_json: Json = False, config: Config = None
) -> None:
    """How core memory came to be: every edit, newest first."""
    from bot import inspection

    settings = _settings(config)
    asyncio.run(inspection.history(settings, user, _whom(settings, persona), page, as_json=as_json))


@app.command()
def reindex(config: Config = None) -> None:
    """Rebuild the vector index from SQL."""
    from bot import loading

    sys.exit(asyncio.run(loading.reindex(_settings(config))))


@app.command()
def doctor(config: Config = None) -> None:
    """Check configuration, database, index and model; say what is wrong and how to mend it."""
    from bot import doctor as checks

    sys.exit(asyncio.run(checks.examine(config)))


def _settings(config: Path | None) -> Settings:
    import logging

    from bot.settings import load as load_settings

    settings = load_settings(config)
    logging.basicConfig(
        level=settings.log.level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    return settings


def _whom(settings: Settings, persona: str | None) -> str:
    return persona or settings.personas.default
