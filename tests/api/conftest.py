"""The memory API as a program that knows its description alone finds it: `make test-api` installs that program."""

from __future__ import annotations

import os

collect_ignore_glob = [] if "SCHEMATHESIS" in os.environ else ["test_*.py"]
