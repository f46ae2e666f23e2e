"""`everbot store`: where everything is held."""

from __future__ import annotations

from rich.console import Console

from bot.backends.store import move_store
from bot.cli.screen import tell, warn
from bot.data_dir import hold
from bot.events import printable
from bot.settings import Settings


async def migrate(settings: Settings, url: str | None) -> int:
    """Move all that the data directory's database holds into a PostgreSQL database; nobody may use it meanwhile."""
    configured = settings.store.url
    target = url or (configured.get_secret_value() if configured is not None else "")
    if not target:
        warn("Name the PostgreSQL database: everbot store migrate URL, or EVERBOT_STORE__URL.")
        return 2
    screen = Console(stderr=True)

    def told(what: str, count: int) -> None:
        screen.print(printable(f"{what}: {count}"), markup=False, highlight=False, soft_wrap=True)

    with hold(settings.data_dir, "store migrate"):
        counts = await move_store(settings, target, told)
    tell(
        f"{sum(counts.values())} rows of {len(counts)} tables are there, compared with those here one by one."
    )
    if configured is None:
        tell(
            "Set store.url (EVERBOT_STORE__URL) to that database now. What is held here is not used any more."
        )
    return 0
