"""Chat commands, written once for every adapter: a module for each group, `table` has them all."""
