"""Tests against real servers of tools, from the registries: `make test-mcp` installs them and tells where they are."""

from __future__ import annotations

import os

collect_ignore_glob = [] if "MCP_SERVERS" in os.environ else ["test_*.py"]
