"""Makes .venv, and keeps it: `python scripts/make_venv.py [--dev] [--wanted]`, run by make with any Python from 3.11.

What is there is left alone while it fits the lock files. With ``--dev`` the packages for development are installed,
too; with ``--wanted`` this Python was asked for: a .venv of another one is made anew. All is told to standard error.
"""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST = (3, 11)
COSTS = {  # measured on Linux, x86-64, with Python 3.11
    "requirements.lock": "about 240 MB to fetch, 650 MB on the disk, a minute or two",
    "requirements-dev.lock": "about 80 MB more to fetch, 230 MB more on the disk",
}
PROBE = """
import importlib.util, sys, sysconfig
print(*sys.version_info[:2], sysconfig.get_path("purelib"), importlib.util.find_spec("pip") and "pip", sep="\\n")
"""
QUIETLY = ("--disable-pip-version-check", "--no-input")
STEP = 25  # packages between two lines, where there is no terminal
KEPT = 20  # lines of pip's that are shown when it failed


def main(*options: str) -> int:
    venv = ROOT / ".venv"
    if reason := unfit(venv, wanted=sys.version_info[:2] if "--wanted" in options else None):
        tell(f"{reason}: it is made anew.")
        remove(venv)
    needed = [("requirements.lock", ".ready", ["pyproject.toml"])]
    if "--dev" in options:
        needed.append(("requirements-dev.lock", ".ready-dev", []))
    for lock, mark, others in needed:
        if is_newer(venv / mark, [ROOT / lock, *(ROOT / other for other in others)]):
            continue
        count = (ROOT / lock).read_text(encoding="utf-8").count("==")
        tell(f"Setting up in .venv: {count} packages; at first {COSTS[lock]}.")
        if not venv.exists():
            subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, stdout=sys.stderr)
        code = install(venv, ["--require-hashes", "--no-deps", "-r", str(ROOT / lock)], count)
        if not code and mark == ".ready":
            code = install(venv, ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)], 1)
        if code:
            return code
        (venv / mark).touch()
    return 0


def unfit(venv: Path, wanted: tuple[int, ...] | None = None) -> str:
    """Why it cannot be used, with ``wanted`` as that version of Python; empty when it can, or is not there."""
    if not os.path.lexists(venv):
        return ""
    try:
        done = subprocess.run(
            [venv / "bin" / "python", "-c", PROBE], capture_output=True, text=True, check=True, timeout=60
        )
        major, minor, packages, pip = done.stdout.splitlines()
        version = int(major), int(minor)
    except (OSError, ValueError, subprocess.SubprocessError):
        return "The Python with which .venv was made is gone"
    if version < OLDEST:
        return f".venv is of Python {dotted(version)}, and everbot needs {dotted(OLDEST)}"
    if wanted not in (None, version):
        return f".venv is of Python {dotted(version)}, and {dotted(wanted or ())} was asked for"
    if not Path(packages).is_dir():
        return f".venv was made with another Python than {dotted(version)}, which it has now"
    if pip != "pip":
        return ".venv was left half made"
    return ".venv was made in another folder" if is_moved(venv) else ""


def is_moved(venv: Path) -> bool:
    """Whether its scripts name a Python elsewhere: then they run something else, or nothing."""
    try:
        first = (venv / "bin" / "everbot").read_bytes().split(b"\n", 1)[0]
    except OSError:
        return False
    named = Path(os.fsdecode(first.removeprefix(b"#!")).strip()).parent
    return first.startswith(b"#!/") and not (named.exists() and named.samefile(venv / "bin"))


def is_newer(mark: Path, files: Iterable[Path]) -> bool:
    """Whether it was made after those were last changed."""
    return mark.exists() and all(mark.stat().st_mtime >= file.stat().st_mtime for file in files)


def install(venv: Path, arguments: list[str], count: int) -> int:
    """Run pip, and show how far it is. Returns its exit code; what it said is shown when it failed."""
    process = subprocess.Popen(
        [venv / "bin" / "python", "-m", "pip", *QUIETLY, "install", "--progress-bar", "off", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    stream = process.stdout

    def read() -> None:
        for line in stream:
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    progress, last = Progress(count), deque[str](maxlen=KEPT)
    while True:
        try:
            line = lines.get(timeout=1)
        except queue.Empty:
            progress.show()
            continue
        if not line:
            break
        last.append(line.rstrip())
        progress.hear(line)
    progress.end()
    if code := process.wait():
        tell("\n".join(["It failed. The last that pip said:", *last]))
    return code


class Progress:
    """Of ``count`` packages: found first, then installed all at once."""

    def __init__(self, count: int) -> None:
        self._count, self._found, self._installing = count, 0, False
        self._name = ""
        self._begun = time.monotonic()
        self._live = sys.stderr.isatty()

    def hear(self, line: str) -> None:
        """A line of pip's."""
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            self._found += 1
            self._name = line.split(": " if line.startswith("Req") else " ", 1)[1].split("==")[0].split()[0]
            if not self._live and self._found % STEP == 0:
                tell(f"  {self._found} of {self._count} packages found ...")
        elif line.startswith("Installing collected packages"):
            self._installing = True
            if not self._live and self._count > 1:
                tell("  installing them ...")
        self.show()

    def show(self) -> None:
        """On a terminal, in one line that is written over."""
        if self._live:
            passed = int(time.monotonic() - self._begun)
            told = f"{self._found} of {self._count} packages found ({self._name})"
            told = "installing them" if self._installing else told
            sys.stderr.write(f"\r\033[K  {told} ... {passed} s")
            sys.stderr.flush()

    def end(self) -> None:
        if self._live:
            sys.stderr.write("\r\033[K")


def remove(venv: Path) -> None:
    if venv.is_symlink() or venv.is_file():
        venv.unlink()
    else:
        shutil.rmtree(venv)


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version[:2]))


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
