"""The command line. What is heavy is imported by the command that needs it: ``--help`` stays quick."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer.main import get_command

from bot.cli import process
from bot.cli.admin_group import admin_app
from bot.cli.options import Config, Json, myself, settings_of

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
persona_app = typer.Typer(help="Make, change, move and retire personas.", no_args_is_help=True)
app.add_typer(persona_app, name="persona")
app.add_typer(admin_app, name="admin")
store_app = typer.Typer(help="Where everything is held.", no_args_is_help=True)
app.add_typer(store_app, name="store")

User = Annotated[str, typer.Option("--user", help="Whose memory.")]
Persona = Annotated[str | None, typer.Option("--persona", help="Which persona (default: personas.default).")]
Page = Annotated[int, typer.Option("--page", min=1, help="Which page, from 1.")]


@cache
def command_line() -> Callable[[], object]:
    """All commands with their options, put together: half of what a short command takes, so a process and its forks do
    it once. Called, it runs what ``sys.argv`` says."""
    return get_command(app)


@app.command()
def chat(
    user: Annotated[str | None, typer.Option(help="Who you are.")] = None,
    persona: Persona = None,
    as_json: Annotated[bool, typer.Option("--json", help="Read and print one JSON object per line.")] = False,
    config: Config = None,
) -> None:
    """Chat in the terminal, or, with a pipe, answer each line of standard input."""
    from bot.cli import chat

    settings = settings_of(config)
    name = (user or "").strip() or myself()
    sys.exit(process.run(chat.chat(settings, name, _whom(settings, persona), as_json=as_json)))


@app.command()
def mcp(persona: Persona = None, config: Config = None) -> None:
    """Serve your own memory to a program of yours (MCP, over its pipes); EVERBOT_TOKEN is from /connect program."""
    from bot.cli import mcp

    settings = settings_of(config)
    sys.exit(process.run(mcp.serve(settings, _whom(settings, persona))))


@app.command()
def run(
    roles: Annotated[
        str, typer.Option(help="Of several that share agents: gateway, worker.")
    ] = "gateway,worker",
    config: Config = None,
) -> None:
    """Serve every configured platform (Discord, Slack) until stopped."""
    from bot.cli import run, worker

    settings = settings_of(config)
    sys.exit(process.run(run.serve(settings, config, worker.roles_of(settings, roles))))


@app.command()
def workers(
    drain: Annotated[str, typer.Option(help="Have this one end its turns, and itself.")] = "",
    move: Annotated[
        int,
        typer.Option(
            metavar="N",
            show_default=False,
            help="Have the process of --to think for N more shares of the agents.",
        ),
    ] = 0,
    to: Annotated[
        str, typer.Option(metavar="NAME", help="To which process: its name, or the end of it.")
    ] = "",
    even: Annotated[bool, typer.Option("--even", help="Share the agents out evenly again.")] = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """List the processes that share the database, and what each of them does; or have them do it otherwise."""
    from bot.cli import standby, worker

    settings = settings_of(config)
    if drain:
        process.run(worker.drain(settings, drain))
    elif move or to:
        process.run(worker.move(settings, move, to))
    elif even:
        process.run(worker.even_out(settings))
    else:
        process.run(standby.workers(settings, as_json=as_json))


@app.command()
def health(
    ready: Annotated[
        bool, typer.Option("--ready", help="Also: are platforms and model there to answer?")
    ] = False,
    config: Config = None,
) -> None:
    """Ask the everbot that runs here how it is; exit code 0 when it is well."""
    from bot.cli import health

    sys.exit(health.health(settings_of(config), ready=ready))


@app.command()
def setup(config: Config = None) -> None:
    """Ask for what is missing (model, Discord, Slack), try it, write it to config.toml, and start."""
    from bot import logs
    from bot.cli import chat, run
    from bot.cli.setup.terminal import ThisTerminal
    from bot.cli.setup.wizard import setup
    from bot.settings import Settings

    def start(settings: Settings, command: Literal["run", "chat"]) -> int:
        logs.begin(settings)
        if command == "run":
            return process.run(run.serve(settings))
        return process.run(chat.chat(settings, myself(), settings.personas.default, as_json=False))

    logs.begin(Settings())
    sys.exit(setup(config, ThisTerminal(), start))


@app.command()
def pair(
    code: Annotated[str, typer.Argument(help="The code that the person was shown.")], config: Config = None
) -> None:
    """Let a person in who was shown a code (access.dm_policy = "pairing")."""
    from bot.cli import operating

    sys.exit(process.run(operating.pair(settings_of(config), code)))


@app.command()
def heartbeat(user: User, persona: Persona = None, config: Config = None) -> None:
    """Let an agent's heart beat now: it reflects, and tidies its memory."""
    from bot.cli import admin

    settings = settings_of(config)
    sys.exit(process.run(admin.heartbeat(settings, user, _whom(settings, persona))))


@admin_app.command()
@app.command()
def backup(
    path: Annotated[
        Path | None,
        typer.Argument(help="A file to write, or a folder to write one into (default: backup.folder)."),
    ] = None,
    keep: Annotated[
        int, typer.Option("--keep", min=0, help="Throw away all but the newest so many of the folder.")
    ] = 0,
    config: Config = None,
) -> None:
    """Write a consistent copy of the database, also while everbot runs."""
    from bot.cli import backup

    sys.exit(process.run(backup.backup(settings_of(config), path, keep)))


@store_app.command("migrate")
def store_migrate(
    url: Annotated[
        str | None,
        typer.Argument(
            help="An empty PostgreSQL database (default: EVERBOT_STORE__URL).", show_default=False
        ),
    ] = None,
    config: Config = None,
) -> None:
    """Move everything from the data directory into PostgreSQL; everbot must not run."""
    from bot.cli import store

    sys.exit(process.run(store.migrate(settings_of(config), url)))


@app.command()
def restore(
    path: Annotated[Path, typer.Argument(help="A backup.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Config = None,
) -> None:
    """Put a backup in the place of the database; everbot must not run."""
    from bot.cli import backup

    sys.exit(process.run(backup.restore(settings_of(config), path, sure=yes)))


@app.command()
def export(
    user: User,
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path(),
    persona: Persona = None,
    config: Config = None,
) -> None:
    """Write all that an agent remembers to a zip, or several; also while everbot runs."""
    from bot.cli import transfer

    settings = settings_of(config)
    sys.exit(process.run(transfer.export(settings, user, _whom(settings, persona), folder)))


@app.command("import")
def import_(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="All parts of an export, or files and folders of other programs."),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(
            "--user", help="Whose it becomes. Default: as it says; of another program's, whoever you are."
        ),
    ] = None,
    persona: Persona = None,
    form: Annotated[
        str, typer.Option("--from", help="Which program's it is. Default: as it looks.", metavar="PROGRAM")
    ] = "",
    partner: Annotated[
        str,
        typer.Option("--with", help="The bot that you talked with, where there are several.", metavar="NAME"),
    ] = "",
    me: Annotated[
        str, typer.Option("--me", help="What you are called there, where there are several.", metavar="NAME")
    ] = "",
    config: Config = None,
) -> None:
    """Put an exported memory back, or take over what you and another bot said (docs/moving-in.md)."""
    from bot.cli import imports

    settings = settings_of(config)
    order = imports.Order(
        user=user, me=myself(), persona=_whom(settings, persona), form=form, partner=partner, called=me
    )
    sys.exit(process.run(imports.import_(settings, files or [], order)))


@app.command("imports")
def imported(
    user: Annotated[str | None, typer.Option("--user", help="Whose. Default: whoever you are.")] = None,
    persona: Persona = None,
    reflect: Annotated[
        bool, typer.Option("--reflect", help="Read what was imported, for what should be kept in mind.")
    ] = False,
    budget: Annotated[
        int, typer.Option(help="Tokens that reading may take, with those of earlier times.", min=1)
    ] = 200_000,
    undo: Annotated[str, typer.Option("--undo", help="Take an import back.", metavar="ID")] = "",
    config: Config = None,
) -> None:
    """List what was taken over from other programs; read it, or take it back (docs/moving-in.md)."""
    from bot.cli import imports

    settings = settings_of(config)
    order = imports.Order(
        user=user, me=myself(), persona=_whom(settings, persona), reflect=reflect, budget=budget
    )
    if undo:
        sys.exit(process.run(imports.undo(settings, order, undo)))
    sys.exit(process.run(imports.import_(settings, [], order) if reflect else imports.show(settings, order)))


@app.command()
def forget(
    user: User,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Config = None,
) -> None:
    """Forget a person: everything, everywhere."""
    from bot.cli import transfer

    sys.exit(process.run(transfer.forget(settings_of(config), user, sure=yes)))


@discord_app.command("invite")
def discord_invite(config: Config = None) -> None:
    """Print where a guild's admin lets the bot in, with the permissions and intents that it needs."""
    from bot.cli import admin

    sys.exit(process.run(admin.discord_invite(settings_of(config))))


@slack_app.command("manifest")
def slack_manifest(config: Config = None) -> None:
    """Print the app manifest to create the Slack app from."""
    from bot.cli import admin

    sys.exit(admin.slack_manifest(settings_of(config)))


@app.command()
def load(
    paths: Annotated[list[Path], typer.Argument(help="Files and directories.")],
    name: Annotated[str, typer.Option("--name", help="What to call the source (for /attach).")] = "",
    lore: Annotated[
        str,
        typer.Option(
            "--lore", help="Instead: make it a persona's lore of a community.", metavar="PERSONA@COMMUNITY"
        ),
    ] = "",
    config: Config = None,
) -> None:
    """Load documents into a source that agents can search, or into lore: text, CSV, HTML, PDF, Office, EPUB."""
    from bot.cli import load

    sys.exit(process.run(load.load(settings_of(config), paths, name, lore)))


@memory_app.command("show")
def memory_show(user: User, persona: Persona = None, as_json: Json = False, config: Config = None) -> None:
    """Core memory blocks, and how much is stored."""
    from bot.cli import memory

    settings = settings_of(config)
    process.run(memory.show(settings, user, _whom(settings, persona), as_json=as_json))


@memory_app.command("search")
def memory_search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    user: User,
    recall: Annotated[bool, typer.Option("--recall", help="Only what was said.")] = False,
    archival: Annotated[bool, typer.Option("--archival", help="Only archival storage.")] = False,
    page: Page = 1,
    persona: Persona = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Search recall and archival storage, as the agent does."""
    from bot.cli import memory

    kinds = [kind for kind, wanted in (("recall", recall), ("archival", archival)) if wanted]
    settings = settings_of(config)
    places = kinds or ["recall", "archival"]
    persona = _whom(settings, persona)
    process.run(memory.search(settings, user, persona, query, places, page, as_json=as_json))


@memory_app.command("history")
def memory_history(
    user: User, page: Page = 1, persona: Persona = None, as_json: Json = False, config: Config = None
) -> None:
    """How core memory came to be: every edit, newest first."""
    from bot.cli import memory

    settings = settings_of(config)
    process.run(memory.history(settings, user, _whom(settings, persona), page, as_json=as_json))


Name = Annotated[str, typer.Argument(help="The persona's name.")]
Community = Annotated[
    str | None,
    typer.Option("--community", help="Whose lore, such as discord:1 or slack:T1.", metavar="COMMUNITY"),
]
Defined = Annotated[
    Path | None,
    typer.Option(
        "--definition", help="Greetings, example, policies: a file of TOML or JSON.", metavar="FILE"
    ),
]
Picture = Annotated[
    Path | None, typer.Option("--avatar", help="An image: PNG, JPEG, GIF, WebP.", metavar="FILE")
]


@persona_app.command("create")
def persona_create(
    name: Name,
    text: Annotated[str | None, typer.Option(help="Who it is, in the first person.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with that text.", metavar="FILE")] = None,
    description: Annotated[str, typer.Option(help="One line for people.")] = "",
    definition: Defined = None,
    avatar: Picture = None,
    config: Config = None,
) -> None:
    """Make a persona; its text is taken from --text, --file or standard input."""
    from bot.cli import persona

    settings = settings_of(config)
    told = text if text is not None else (persona.text_of(file) if file else sys.stdin.read())
    process.run(persona.create(settings, name, told, description, definition, avatar))


@persona_app.command("list")
def persona_list(config: Config = None) -> None:
    """All personas, and where they are bound."""
    from bot.cli import persona

    process.run(persona.show_all(settings_of(config)))


@persona_app.command("show")
def persona_show(name: Name, as_json: Json = False, config: Config = None) -> None:
    """A persona's blocks, definition, lore and versions."""
    from bot.cli import persona

    process.run(persona.show(settings_of(config), name, as_json=as_json))


@persona_app.command("edit")
def persona_edit(
    name: Name,
    label: Annotated[str, typer.Argument(help="Which block.")] = "persona",
    given: Annotated[
        Path | None, typer.Option("--set", help="Take the new text from here.", metavar="FILE")
    ] = None,
    definition: Annotated[
        bool, typer.Option("--definition", help="The definition instead, as JSON.")
    ] = False,
    description: Annotated[str | None, typer.Option(help="Another line for people.")] = None,
    avatar: Picture = None,
    config: Config = None,
) -> None:
    """Change a persona in $EDITOR, or from a file. It holds from everyone's next message on."""
    import click

    from bot.cli import persona

    def change(text: str, ending: str) -> str | None:
        if given is not None:
            return persona.text_of(given)
        return click.edit(text, extension=ending)

    settings = settings_of(config)
    process.run(
        persona.edit(
            settings, name, label, change, definition=definition, description=description, avatar=avatar
        )
    )


@persona_app.command("export")
def persona_export(
    name: Name,
    path: Annotated[Path | None, typer.Argument(help="The file to write; it must not exist.")] = None,
    community: Community = None,
    card: Annotated[str | None, typer.Option(help="A character card instead: v2 or v3.")] = None,
    png: Annotated[bool, typer.Option("--png", help="The card inside the avatar.")] = False,
    config: Config = None,
) -> None:
    """Write a persona to a file: with its history, and with a community's lore if one is named."""
    from bot.cli import persona

    versions: dict[str | None, Literal["2", "3"] | None] = {None: None, "v2": "2", "v3": "3"}
    if card not in versions:
        raise typer.BadParameter("--card is v2 or v3.")
    process.run(persona.take_out(settings_of(config), name, path, community, versions[card], png=png))


@persona_app.command("import")
def persona_import(
    path: Annotated[Path, typer.Argument(help="A persona's file, or a character card (PNG, JSON).")],
    name: Annotated[str | None, typer.Option("--name", help="Another name for it.")] = None,
    community: Community = None,
    config: Config = None,
) -> None:
    """Make a persona of a file."""
    from bot.cli import persona

    process.run(persona.bring_in(settings_of(config), path, name, community))


@persona_app.command("delete")
def persona_delete(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Also when it is bound, or has agents.")] = False,
    config: Config = None,
) -> None:
    """Delete a persona; one that people have talked with is retired, and what its agents remember stays."""
    from bot.cli import persona

    sys.exit(process.run(persona.delete(settings_of(config), name, force=force)))


@persona_app.command("restore")
def persona_restore(
    name: Name,
    version: Annotated[
        int | None, typer.Option("--version", help="Instead: make it what it was in that version.")
    ] = None,
    config: Config = None,
) -> None:
    """Bring a retired persona back, or one to what it was before."""
    from bot.cli import persona

    if version is None:
        process.run(persona.restore(settings_of(config), name))
    else:
        process.run(persona.go_back(settings_of(config), name, version))


Proposed = Annotated[int, typer.Argument(help="The proposal's number, as `persona show` has it.")]


@persona_app.command("accept")
def persona_accept(name: Name, number: Proposed, config: Config = None) -> None:
    """Let a persona be what a reflection proposes."""
    from bot.cli import persona

    process.run(persona.settle(settings_of(config), name, number, accept=True))


@persona_app.command("refuse")
def persona_refuse(name: Name, number: Proposed, config: Config = None) -> None:
    """Refuse what a reflection proposes."""
    from bot.cli import persona

    process.run(persona.settle(settings_of(config), name, number, accept=False))


Place = Annotated[str, typer.Argument(help="A community (discord:1), or one channel of it (discord:1/2).")]


@persona_app.command("bind")
def persona_bind(name: Name, place: Place, config: Config = None) -> None:
    """Let a persona speak in a community, or in one channel."""
    from bot.cli import persona

    process.run(persona.bind(settings_of(config), name, place))


@persona_app.command("unbind")
def persona_unbind(place: Place, config: Config = None) -> None:
    """Let no persona of its own speak in a place any more."""
    from bot.cli import persona

    process.run(persona.unbind(settings_of(config), place))


@app.command()
def reindex(config: Config = None) -> None:
    """Rebuild the vector index from SQL."""
    from bot.cli import load

    sys.exit(process.run(load.reindex(settings_of(config))))


@app.command()
def doctor(
    versions: Annotated[
        bool, typer.Option("--versions", help="Instead: what is installed, with its version, a line each.")
    ] = False,
    config: Config = None,
) -> None:
    """Check configuration, database, index and model; say what is wrong and how to mend it."""
    from bot.cli import doctor

    if versions:
        doctor.versions()
        return
    sys.exit(process.run(doctor.examine(config)))


def _whom(settings: Settings, persona: str | None) -> str:
    return persona or settings.personas.default
