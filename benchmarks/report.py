"""How the benchmarks print: the machine, tables, and goals beside what was measured."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path


def heading(title: str) -> str:
    """The title, the day, and what the figures were measured on."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return (
        f"{title}\n{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {_processor()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, load before {load:.1f}"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns aligned, text to the left and numbers to the right."""
    cells = [list(head), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    left = [all(isinstance(row[i], str) for row in rows) for i in range(len(head))]
    lines = [
        "  ".join(c.ljust(w) if kept else c.rjust(w) for c, w, kept in zip(line, widths, left, strict=True))
        for line in cells
    ]
    return "\n".join([lines[0].rstrip(), "  ".join("-" * w for w in widths), *map(str.rstrip, lines[1:])])


def goal(name: str, value: float, bound: float, unit: str = "", *, at_least: bool = False) -> str:
    """One line: the goal, the figure, and whether it is met."""
    met = value >= bound if at_least else value <= bound
    sign = "≥" if at_least else "≤"
    return f"{'met   ' if met else 'MISSED'}  {name}: {value:.4g}{unit} (goal {sign} {bound:g}{unit})"


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def resident_mb(process: int | str = "self") -> float:
    """Memory of a process now, where the system tells (Linux); else NaN."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return float("nan")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def _cell(value: object) -> str:
    return (
        f"{value:,.2f}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "processor unknown"
    return next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), "processor unknown"
    )
