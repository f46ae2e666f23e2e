"""Processes that were stopped (SIGSTOP, a machine that stands still) while their kernels still answer: the server waits
for them, and others for what they hold. Its own timeouts end the connection of who says nothing, but not of who was
stopped in the middle of what it sends: others do that."""

from __future__ import annotations

AT_WORK = "SET idle_in_transaction_session_timeout = '5s'"
AT_ANY_TIME = ("SET idle_session_timeout = '5s'", AT_WORK)
END_STOPPED = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND usename = current_user AND application_name LIKE 'everbot%' AND state = 'active' "
    "AND wait_event = 'ClientRead' AND query_start < now() - interval '5 s' AND query NOT ILIKE 'copy%'"
)
"""Ends the connections of all that were stopped in the middle of what they send, whatever they do there."""
