"""Tools from outside: servers that speak the Model Context Protocol (docs/tools.md)."""
