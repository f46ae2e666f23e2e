"""`python scripts/api_check.py FOLDER`: installs Schemathesis there, in an environment of its own, and has it try the
memory API by its description (tests/api). Where it cannot be had it says so and is content."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

# What it asks depends on both: with others it would ask something else, and find it on somebody else's day.
PINNED = ("schemathesis==4.32.5", "hypothesis==6.170.17")


def main(folder: Path) -> int:
    program = installed(folder)
    if program is None:
        print("Schemathesis is not to be had here: the memory API was not tested with it.", file=sys.stderr)
        return 0
    env = {**os.environ, "SCHEMATHESIS": str(program)}
    return subprocess.run([sys.executable, "-m", "pytest", "tests/api"], env=env, check=False).returncode


def installed(folder: Path) -> Path | None:
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    program = scripts / "schemathesis"
    if not program.exists():
        venv.create(folder, with_pip=True)
        pip = [str(scripts / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", *PINNED]
        subprocess.run(pip, check=False, stdout=sys.stderr)
    return program if program.exists() else None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute()))
