"""What commands print: everything goes through here, so that no text of anybody steers the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from bot.events import clean, printable


def tell(text: object = "") -> None:
    """A text for people, on standard output."""
    print(printable(clean(str(text))))


def warn(text: object) -> None:
    """What went wrong, or is only said beside the result: on standard error."""
    print(printable(clean(str(text))), file=sys.stderr)


def tell_json(values: Mapping[str, Any]) -> None:
    """An object for programs, on a line of standard output."""
    print(json.dumps(values))
