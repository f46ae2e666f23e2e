"""Names the installed packages that everbot does not need with the extras given as an argument ("documents,chroma").

requirements.lock holds those of all extras; the image holds only what is asked for (Dockerfile).
"""

from __future__ import annotations

import sys
from importlib.metadata import distribution, distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def unneeded(extras: set[str]) -> list[str]:
    installed = {canonicalize_name(found.name): found for found in distributions()}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [("everbot", frozenset(extras))]
    while waiting:
        one = name, wanted = waiting.pop()
        if one in seen or name not in installed:
            continue
        seen.add(one)
        for line in installed[name].requires or ():
            part = Requirement(line)
            if part.marker is None or any(part.marker.evaluate({"extra": extra}) for extra in wanted | {""}):
                waiting.append((canonicalize_name(part.name), frozenset(part.extras)))
    return sorted(set(installed) - {name for name, _ in seen})


if __name__ == "__main__":
    known = set(distribution("everbot").metadata.get_all("Provides-Extra") or ())
    asked = {part for part in sys.argv[1].split(",") if part}
    if not asked <= known:
        sys.exit(
            f"There is no extra {', '.join(sorted(asked - known))}: known are {', '.join(sorted(known))}."
        )
    sys.stdout.write("\n".join(unneeded(asked)))
