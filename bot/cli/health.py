"""`everbot health`: asks a running everbot how it is, for whoever watches over the container or the machine."""

from __future__ import annotations

import urllib.error
import urllib.request

from bot.cli.screen import tell, warn
from bot.errors import SettingsError
from bot.settings import Settings, address

_WAIT_S = 4.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}  # noqa: S104 (read, not listened on)


def health(settings: Settings, *, ready: bool) -> int:
    """0 when the process lives, or is ``ready`` to answer; else 1, and why. Raises `SettingsError` when it is told
    nowhere."""
    if not settings.run.health:
        raise SettingsError("run.health is empty, so that a running everbot tells nobody how it is: set it.")
    host, port = address(settings.run.health, "run.health")
    host = _EVERYWHERE.get(host, host)
    where = f"{f'[{host}]' if ':' in host else host}:{port}"
    url = f"http://{where}/{'readyz' if ready else 'healthz'}"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=_WAIT_S) as answer:
            tell(answer.read().decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        warn(error.read().decode("utf-8", "replace"))
        return 1
    except (OSError, ValueError) as error:
        why = error.reason if isinstance(error, urllib.error.URLError) else error
        warn(f"Nobody answers at {where} (run.health): {why}. Does `everbot run` run here?")
        return 1
    return 0
