"""The complete example of docs/personas.md, as it is written there."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from bot.cli import persona
from bot.events import Command, View, community_audience
from tests.fakes.parlour import House, opened, parrot, settings_at
from tests.fakes.pictures import png
from tests.patience import PATIENCE_S
from tests.program.process import command
from tests.program.program import QUIET, Program

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "personas.md").read_text(encoding="utf-8")
EXAMPLE = PAGE[PAGE.index("## A complete example") : PAGE.index("## Who speaks where")]
BLOCKS = re.findall(r"```sh\n(.*?)```", EXAMPLE, re.DOTALL)
SAID = [match[1] for match in re.finditer(r"`(?:/persona|/everbot persona) ([^`]+)`", EXAMPLE)]


def shell(program: Program) -> str:
    """What the example's commands print, run by a shell that ends at the first that fails."""
    script = f'set -eu\neverbot() {{ {shlex.join(command())} "$@"; }}\n' + "\n".join(BLOCKS)
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        cwd=program.folder,
        env=program.environment,
        stdin=subprocess.DEVNULL,
        timeout=5 * PATIENCE_S,  # five programs
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


async def used(house: House, argument: str) -> View:
    """`/persona` of an admin, in a channel that everybody in the guild can see."""
    command = Command(
        command="persona",
        argument=argument,
        account="discord:5",
        name="Ada",
        address="discord:10",
        audience=community_audience("discord:1"),
        community="discord:1",
        channel="10",
        admin=True,
    )
    return await house.app.inbound.invoke(command)


@pytest.mark.long
async def test_it_runs_as_it_is_written(tmp_path: Path) -> None:
    program = Program(tmp_path, QUIET)
    assert len(BLOCKS) == 3
    printed = shell(program)
    assert "flora is made." in printed
    assert (tmp_path / "flora.zip").is_file()
    assert printed.rstrip().endswith("flora is here. Bind it with /persona bind flora.")

    (tmp_path / "flora.png").write_bytes(png())
    change = {"definition": False, "description": None, "avatar": tmp_path / "flora.png"}
    await persona.edit(settings_at(program.data), "flora", "persona", lambda *_: None, **change)  # type: ignore[arg-type]

    assert SAID[:3] == ["bind flora", "bind marlow here", "unbind here"]
    assert {"lore", "edit persona", "set persona TEXT", "history", "restore 3", "proposals"} <= set(SAID)
    async with opened(program.data, parrot) as house:
        for argument in SAID:
            if argument == "restore 3":  # so that there are so many versions
                await used(house, "set persona I am Flora, and I like figs.")
            view = await used(house, argument)
            assert view.kind == "notice", (argument, view.text)
            if argument == "lore":
                assert "red shed" in " ".join(entry.text for entry in view.entries)
        assert "Hello {{user}}. I'm Flora" in (await used(house, "show")).text
