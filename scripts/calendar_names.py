"""Writes CLDR's names of months and weekdays to `memory/search/cldr.txt`: `python scripts/calendar_names.py`.

Its tables come with Babel, which is needed for development only. One section a language of `memory/search/languages`;
what people say beside what is written there stands in those files, by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from babel import Locale

SEARCH = Path(__file__).resolve().parents[1] / "memory" / "search"
LOCALES = {"no": "nb", "sr": "sr_Latn"}
"""Of a language that Babel knows by another name."""
DAYS = range(7)
MONTHS = range(1, 13)
HEAD = """\
# Names of months and weekdays, from Unicode's CLDR (https://cldr.unicode.org) by scripts/calendar_names.py.
# Copyright (c) 1991-2025 Unicode, Inc. Data files under the Unicode License v3 (SPDX: Unicode-3.0), which permits use,
# copying and distribution where this notice is kept: https://www.unicode.org/license.txt
"""


def forms(names: Iterable[str]) -> str:
    """Each name once, in quotation marks where it is more than one word."""
    return " ".join(f'"{name}"' if " " in name else name for name in dict.fromkeys(names))


def written(tables: Mapping[str, Any], width: str, places: Iterable[int]) -> str:
    """For each place the forms in which it is written within a date, and by itself."""
    kinds = [tables[kind][width] for kind in ("format", "stand-alone") if width in tables.get(kind, {})]
    return " | ".join(forms(kind[place] for kind in kinds) for place in places)


def section(name: str) -> str:
    locale = Locale.parse(LOCALES.get(name, name))
    return "\n".join(
        (
            f"[{name}]",
            f"months: {written(locale.months, 'wide', MONTHS)}",
            f"short: {written(locale.months, 'abbreviated', MONTHS)}",
            f"weekdays: {written(locale.days, 'wide', DAYS)}",
        )
    )


def main() -> None:
    names = sorted(path.stem for path in (SEARCH / "languages").glob("*.txt"))
    sections = [section(name) for name in names if name != "en"]  # English is in `memory.search.dates`
    (SEARCH / "cldr.txt").write_text(HEAD + "\n".join(sections) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
