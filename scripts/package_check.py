"""Checks what people install: `python scripts/package_check.py [PYTHON ...]`, run by `make package-check`.

Source archive and wheel are built and looked at by twine; the wheel is installed into a new environment by each Python
that is named, or that is found here, from 3.11 to 3.14 (the one that runs this first, others while there is time); what
came with it is weighed; and it is talked with twice, to see whether it remembers.

Versions are those of requirements.lock, so that nothing that was published today changes the outcome. Where the package
index does not answer, the packages of the environment that runs this are used instead, and that is said.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
MINORS = range(11, 15)
MOST_MB = 350
UNWANTED = {"torch", "onnx", "chromadb", "kubernetes", "markitdown", "hatchling", "editables"}
LIMIT_S = 300.0  # of one program
INDEX_S = 120.0  # in which everything must have come
BUDGET_S = 40.0  # after which no other Python is begun
ABSENT = re.compile("not found in|no versions? of")  # of a package that the lock names: the index lags behind
FIT = "import sqlite3, ssl, sys; sys.exit(sys.version_info.releaselevel != 'final')"


class Failed(Exception):
    """The package is not as it should be: its text says in what."""


class NotTried(Exception):
    """It cannot be told here; why is the text."""


def main(pythons: Sequence[str]) -> int:
    begun = time.monotonic()
    with TemporaryDirectory(prefix="everbot-package-") as folder:
        try:
            wheel = build(Path(folder))
            for number, python in enumerate(pythons or found()):
                try:
                    if number and not pythons and time.monotonic() - begun > BUDGET_S:
                        raise NotTried("for lack of time")
                    check(wheel, python, Path(folder) / str(number))
                except NotTried as why:
                    tell(f"Not tried with {python}: {why}.")
        except (Failed, subprocess.SubprocessError) as error:
            tell(f"The package is not in order: {error}")
            return 1
    tell(f"The package is in order ({time.monotonic() - begun:.0f} s).")
    return 0


def build(folder: Path) -> Path:
    """Source archive and wheel, both sound; the wheel's path."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", folder / "dist")
    built = sorted((folder / "dist").iterdir())
    if [file.name.partition("-")[0] for file in built] != ["everbot", "everbot"]:
        raise Failed(f"built were {', '.join(file.name for file in built)}")
    run(sys.executable, "-m", "twine", "check", "--strict", *built)
    return next(file for file in built if file.suffix == ".whl")


def found() -> Iterator[str]:
    """This Python, then the others that are installed here and can run everbot."""
    yield sys.executable
    versions = Path(os.environ.get("PYENV_ROOT", "/nowhere")) / "versions"
    for minor in MINORS:
        name = f"python3.{minor}"
        places = [shutil.which(name), *map(str, sorted(versions.glob(f"3.{minor}.*/bin/{name}")))]
        fit = (place for place in places if place and minor != sys.version_info[1] and is_fit(place))
        if first := next(fit, None):
            yield first


def is_fit(python: str) -> bool:
    done = subprocess.run([python, "-c", FIT], capture_output=True, timeout=LIMIT_S, check=False)
    return done.returncode == 0


def check(wheel: Path, python: str, folder: Path) -> None:
    venv, home = folder / "venv", folder / "home"
    home.mkdir(parents=True)
    version = run(python, "-c", "import platform; print(platform.python_version())").strip()
    run(python, "-m", "venv", "--without-pip", venv)
    told = install(wheel, venv)
    talk(venv, home)
    tell(f"Python {version}: {told}; it remembers.")


def install(wheel: Path, venv: Path) -> str:
    """What was installed, in words."""
    uv = shutil.which("uv", path=sysconfig.get_path("scripts")) or shutil.which("uv")
    if uv is None:
        return borrow(wheel, venv, "uv is not installed")
    constraints = venv / "constraints.txt"
    constraints.write_text(locked(), encoding="utf-8")
    try:
        done = subprocess.run(
            [uv, "pip", "install", "--python", venv, "--constraints", constraints, wheel],
            capture_output=True,
            text=True,
            env={**os.environ, "UV_SYSTEM_CERTS": "1"},
            timeout=INDEX_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return borrow(wheel, venv, "it did not answer in time")
    if done.returncode:
        if "No solution found" in done.stderr and not ABSENT.search(done.stderr):
            raise Failed(f"what it needs cannot be had together: {done.stderr}")
        why = (line for line in done.stderr.splitlines() if line.startswith("error"))
        return borrow(wheel, venv, next(why, "it gave no reason"))
    run(uv, "pip", "check", "--python", venv)
    return weigh(packages_of(venv))


def borrow(wheel: Path, venv: Path, why: str) -> str:
    """The wheel alone is unpacked; what it needs is here already, for this version of Python."""
    if packages_of(venv).parent.name != f"python3.{sys.version_info[1]}":
        raise NotTried(why)
    shutil.unpack_archive(wheel, packages_of(venv), "zip")
    script = venv / "bin" / "everbot"
    script.write_text(f"#!{venv}/bin/python\nfrom bot.__main__ import main\nmain()\n", encoding="utf-8")
    script.chmod(0o755)
    here = [path for path in sys.path if path.endswith("site-packages")]
    (packages_of(venv) / "borrowed.pth").write_text("\n".join(here), encoding="utf-8")
    return f"with the packages of {sys.prefix}, because the index could not be used ({why})"


def locked() -> str:
    """requirements.lock without hashes, as constraints."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return "\n".join(line.rstrip(" \\") for line in lines if re.match(r"[\w.-]+==", line))


def packages_of(venv: Path) -> Path:
    return next((venv / "lib").glob("python3.*/site-packages"))


def weigh(packages: Path) -> str:
    """How many came, and how much it takes: as `du` counts, but without bytecode, which whoever runs it makes."""
    names = {path.name.partition("-")[0].lower() for path in packages.glob("*.dist-info")}
    if unwanted := names & UNWANTED:
        raise Failed(f"it brings {', '.join(sorted(unwanted))}")
    files = [path for path in packages.rglob("*") if path.suffix != ".pyc"]
    size = sum(path.lstat().st_blocks for path in files) * 512 / 2**20
    if size > MOST_MB:
        raise Failed(f"it takes {size:.0f} MB, more than {MOST_MB}")
    return f"{len(names)} packages, {size:.0f} MB"


def talk(venv: Path, home: Path) -> None:
    """As a person would who has just installed it, in a folder of their own."""
    everbot = venv / "bin" / "everbot"
    run(everbot, "chat", home=home, said="Hi, I'm Ada and I live in Lisbon.\n")
    answer = run(everbot, "chat", home=home, said="Where do I live?\n")
    if "Lisbon" not in answer:
        raise Failed(f"it does not remember: {answer!r}")
    (home / "notes.html").write_text("<p>The ferry leaves at nine.</p>", encoding="utf-8")
    told = run(everbot, "doctor", home=home)
    if "everbot[documents]" not in told and "web pages." not in told:
        raise Failed(f"doctor does not say whether documents are read: {told}")


def run(*command: str | Path, home: Path | None = None, said: str = "") -> str:
    """What it prints. With a ``home``, it runs there and knows nothing of our environment."""
    bare = {"HOME": str(home), "PATH": os.defpath, "LANG": "C.UTF-8"}
    done = subprocess.run(
        command,
        input=said,
        capture_output=True,
        text=True,
        cwd=home or ROOT,
        env=bare if home else None,
        timeout=LIMIT_S,
        check=False,
    )
    if done.returncode or "Traceback" in done.stderr:
        name = " ".join(Path(part).name for part in map(str, command[:4]))
        raise Failed(f"`{name}` ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def tell(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
