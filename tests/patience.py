"""How long tests wait for what must come. What is waited for counts, and never how long it took: machines are busy."""

PATIENCE_S = 120.0
