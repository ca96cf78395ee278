"""The server itself: initialised, started as an unprivileged user, filled, stopped.

It listens on a Unix socket in its own folder and nowhere else. Nothing that it keeps outlives the
lab, so nothing is synced to disk.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypedDict

import psycopg
from psycopg import sql

from holdfast.errors import DeployerFailed
from holdfast.lab.postgres.find import Server
from holdfast.lab.postgres.home import Home
from holdfast.lab.process import die_with_parent

SUPERUSER = "lab"
_POLL_SECONDS = 0.01
_PATIENT_STOP_SECONDS, _QUICK_STOP_SECONDS = 0.7, 0.7
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "300",
    "shared_buffers": "16MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
    "dynamic_shared_memory_type": "mmap",
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.max": "1000",
    "pg_stat_statements.save": "off",
    "pg_stat_statements.track_utility": "off",
}
"""Utility statements are not tracked: BEGIN and ROLLBACK are no statements of a service."""

_SHARED_MEMORY_LINE, _IPC_RMID = 6, 0

Connection = psycopg.Connection[tuple[object, ...]]


class _AsWhom(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass
class Cluster:
    """One server over one folder. The process that starts it must be single-threaded."""

    server: Server
    home: Home
    _process: subprocess.Popen[bytes] | None = None

    def initialise(self) -> None:
        """Make the files of an empty server. Raises DeployerFailed with initdb's own words."""
        argv = [str(self.server.binaries / "initdb"), f"--pgdata={self.home.data}"]
        argv += [f"--username={SUPERUSER}", "--auth=trust", "--no-sync", "--no-instructions"]
        argv += ["--encoding=UTF8", "--locale=C"]
        try:
            done = subprocess.run(
                argv,
                **self._as_whom(),
                cwd=self.home.path,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            raise DeployerFailed(f"initdb could not be started: {error}") from error
        if done.returncode != 0:
            raise DeployerFailed(f"initdb: {done.stderr.strip()[-500:]}")

    def start(self, patience_seconds: float = 15.0) -> None:
        """Start the server and return when it answers; it says what it does on our stderr."""
        argv = [str(self.server.binaries / "postgres"), "-D", str(self.home.data)]
        leash = partial(die_with_parent, signal.SIGQUIT, parent_pid=os.getpid())
        settings = {"unix_socket_directories": str(self.home.path), **_SETTINGS}
        argv += [f"--{name}={value}" for name, value in settings.items()]
        self._process = subprocess.Popen(
            argv,
            **self._as_whom(),
            cwd=self.home.path,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=2,
            preexec_fn=leash,  # after the change of user, which undoes the kernel's promise
        )
        deadline = time.monotonic() + patience_seconds
        while not self._answers():
            if self.exit_code() is not None or time.monotonic() > deadline:
                raise DeployerFailed(f"the server did not start; it ended with {self.exit_code()}")
            time.sleep(_POLL_SECONDS)

    def exit_code(self) -> int | None:
        """Return how the server ended, None while it runs."""
        return self._process.poll() if self._process else None

    def create(self, databases: Iterable[str]) -> None:
        """Make the databases, each of a role with its own name, and begin to count statements."""
        with self.connect() as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
            for name in databases:
                names = {"name": sql.Identifier(name)}
                connection.execute(sql.SQL("CREATE ROLE {name} LOGIN").format(**names))
                connection.execute(sql.SQL("CREATE DATABASE {name} OWNER {name}").format(**names))

    def connect(self) -> Connection:
        """Connect as the superuser, outside every service's database."""
        return psycopg.connect(
            host=str(self.home.path), user=SUPERUSER, dbname="postgres", autocommit=True
        )

    def stop(self) -> None:
        """Let services leave first, then end it. Returns when nothing of it is left in memory."""
        if self._process is not None:
            _end(self._process)
            _free_shared_memory(self.home.data / "postmaster.pid")

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _as_whom(self) -> _AsWhom:
        account = self.server.account
        if account is None:
            return {}
        return {"user": account.uid, "group": account.gid, "extra_groups": []}

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _end(process: subprocess.Popen[bytes]) -> None:
    for number, patience_seconds in (
        (signal.SIGTERM, _PATIENT_STOP_SECONDS),
        (signal.SIGQUIT, _QUICK_STOP_SECONDS),
    ):
        process.send_signal(number)
        try:
            process.wait(patience_seconds)
            return
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    process.wait()


def _free_shared_memory(pid_file: Path) -> None:
    """Free the segment that a server which was killed outright leaves; a whole end frees it.

    The file is there after such an end only; its seventh line has the segment's key and id.
    """
    if pid_file.exists() and len(lines := pid_file.read_text().splitlines()) > _SHARED_MEMORY_LINE:
        segment_id = int(lines[_SHARED_MEMORY_LINE].split()[1])
        ctypes.CDLL(None).shmctl(segment_id, _IPC_RMID, None)
