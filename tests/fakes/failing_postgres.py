"""PostgreSQL servers of a story's own, which keep what they acknowledge, and may be killed, kept away, and replaced by
a replica."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from tests.fakes.ports import free_port
from tests.fakes.postgres_server import asked, programs, run, user, watch

_LASTING = "-c max_connections=100 -c shared_buffers=32MB -c wal_level=replica -c max_wal_senders=4 -c hot_standby=on"


class Server:
    """One server, in a folder of its own, on a port of loopback."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="everbot-postgres-"))
        self.port = free_port()
        self.data = self.folder / "data"
        if owner := user():
            shutil.chown(self.folder, owner["user"], owner["group"])
        watch(self.folder)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def make(self) -> None:
        how = ("--username=everbot", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        run(programs() / "initdb", *how, f"--pgdata={self.data}")

    def copy(self, primary: Server) -> None:
        """It becomes a replica."""
        where = f"host=127.0.0.1 port={primary.port} user=everbot application_name=replica"
        how = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync")
        run(programs() / "pg_basebackup", *how, f"--dbname={where}", f"--pgdata={self.data}")

    def start(self, more: str = "") -> None:
        where = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories='' {_LASTING} {more}"
        run(self._ctl, "start", "--wait", *self._which, f"--log={self.folder / 'log'}", f"--options={where}")

    def kill(self) -> None:
        """As a power cut: nothing is written any more."""
        run(self._ctl, "stop", "--mode=immediate", *self._which)

    def promote(self) -> None:
        run(self._ctl, "promote", "--wait", *self._which)

    def gone(self) -> None:
        if (self.data / "postmaster.pid").exists():
            run(self._ctl, "stop", "--mode=immediate", *self._which, must=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _ctl(self) -> Path:
        return programs() / "pg_ctl"

    @property
    def _which(self) -> tuple[str, ...]:
        return (f"--pgdata={self.data}",)


class FailingPostgres:
    """A database on a primary, with a synchronous replica if it is to have one."""

    def __init__(self, *, replicated: bool = False) -> None:
        self.servers = [Server() for _ in range(2 if replicated else 1)]

    async def url(self) -> str:
        await asyncio.to_thread(self._begin)
        async with asked(f"postgresql://everbot@{self.servers[0].host}/postgres") as connection:
            await connection.execute("CREATE DATABASE everbot")
            while len(self.servers) > 1 and not await connection.fetchval(
                "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
            ):
                await asyncio.sleep(0.05)
        hosts = ",".join(server.host for server in self.servers)
        return f"postgresql://everbot@{hosts}/everbot?target_session_attrs=read-write"

    def _begin(self) -> None:
        primary, *replicas = self.servers
        primary.make()
        primary.start()
        for replica in replicas:
            replica.copy(primary)
            replica.start()
            primary.kill()
            primary.start("-c synchronous_standby_names=replica")

    async def drop(self) -> None:
        for server in self.servers:
            await asyncio.to_thread(server.gone)
