"""`python scripts/mcp_servers.py FOLDER`: installs real MCP servers there, each where it can be had, and runs
tests/servers against them. Where none can be had it says so and is content."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

PYTHON = {"time": "mcp-server-time", "fetch": "mcp-server-fetch"}
NODE = {"everything": ("@modelcontextprotocol/server-everything", "mcp-server-everything")}


def main(folder: Path) -> int:
    servers = {**in_python(folder / "python"), **in_node(folder / "node")}
    missing = sorted({*PYTHON, *NODE} - servers.keys())
    if missing:
        print(f"Not to be had here, and not tested: {', '.join(missing)}.", file=sys.stderr)
    if not servers:
        return 0
    env = {**os.environ, "MCP_SERVERS": json.dumps(servers)}
    return subprocess.run([sys.executable, "-m", "pytest", "tests/servers"], env=env, check=False).returncode


def in_python(folder: Path) -> dict[str, list[str]]:
    """Their commands, in an environment of their own: they need another version of the SDK than everbot."""
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    if not scripts.exists():
        venv.create(folder, with_pip=True)
    for package in PYTHON.values():
        if not (scripts / package).exists():
            ran(
                [
                    str(scripts / "python"),
                    "-m",
                    "pip",
                    "install",
                    "-q",
                    "--disable-pip-version-check",
                    package,
                ]
            )
    return {name: [str(scripts / one)] for name, one in PYTHON.items() if (scripts / one).exists()}


def in_node(folder: Path) -> dict[str, list[str]]:
    npm = shutil.which("npm")
    for package, command in NODE.values():
        if npm and not (folder / "node_modules" / ".bin" / command).exists():
            folder.mkdir(parents=True, exist_ok=True)
            ran([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), package])
    found = {name: folder / "node_modules" / ".bin" / command for name, (_, command) in NODE.items()}
    return {name: [str(path)] for name, path in found.items() if path.exists()}


def ran(command: list[str]) -> None:
    subprocess.run(command, check=False, stdout=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute()))
