"""`python -m holdfast.lab.postgres --folder F --database NAME …`: a server, and what it counts.

Prints one JSON line with where it is once it serves. Ends on SIGTERM, and when its starter ends
or the server does; the server's folder goes with it.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import psycopg
from prometheus_client import CONTENT_TYPE_LATEST

from holdfast.errors import DeployerFailed, HoldfastError
from holdfast.lab.http_server import Answer, admin_handler, listen
from holdfast.lab.postgres.cluster import Cluster, Connection
from holdfast.lab.postgres.find import find_server
from holdfast.lab.postgres.home import make_home, sweep
from holdfast.lab.postgres.meters import READ_COUNTS, Count, StatementMeters
from holdfast.lab.process import die_with_parent, until_told_to_stop
from holdfast.lab.records import DatabaseServes

_LOOK_EVERY_SECONDS = 0.25


class Exporter:
    """Reads the counts over one connection whenever it is asked."""

    def __init__(self, connection: Connection, databases: list[str]) -> None:
        self._connection, self._databases = connection, databases
        self._meters = StatementMeters()

    def metrics(self, _rest: str, _body: bytes) -> Answer:
        """Answer with the counts; 503 where the server does not give them."""
        try:
            rows = self._connection.execute(READ_COUNTS, (self._databases,)).fetchall()
        except psycopg.Error as error:
            return Answer.json({"error": str(error)}, 503)
        counts = [
            Count(str(database), str(query_id), str(text), float(str(calls)), float(str(seconds)))
            for database, query_id, text, calls, seconds in rows
        ]
        return Answer(self._meters.exposition(counts), CONTENT_TYPE_LATEST)


def main() -> None:
    """Run until told to stop."""
    parser = argparse.ArgumentParser("holdfast.lab.postgres", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--database", action="append", required=True)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    die_with_parent(signal.SIGTERM)  # from here on there is something to tidy up
    try:
        _run(given.folder, given.database)
    except (OSError, psycopg.Error, HoldfastError) as error:
        sys.exit(f"postgres: {error}")


def _run(folder: Path, databases: list[str]) -> None:
    server = find_server()
    sweep(server.account)
    home = make_home(folder, server.account)
    cluster = Cluster(server, home)
    try:
        cluster.initialise()
        cluster.start()
        cluster.create(databases)
        asyncio.run(_serve(cluster, databases))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # we are at it
        cluster.stop()
        home.remove()


async def _serve(cluster: Cluster, databases: list[str]) -> None:
    with cluster.connect() as connection:
        exporter = Exporter(connection, databases)
        http = await listen(admin_handler({("GET", "/metrics"): exporter.metrics}), 0)
        serves = DatabaseServes(
            version=cluster.server.version, folder=cluster.home.path, metrics_port=http.port
        )
        print(serves.model_dump_json(), flush=True)
        told = asyncio.create_task(until_told_to_stop())
        ended = asyncio.create_task(_until_ended(cluster))
        await asyncio.wait((told, ended), return_when=asyncio.FIRST_COMPLETED)
        await http.stop()
    if ended.done():
        raise DeployerFailed(f"the server ended with {cluster.exit_code()}")
    ended.cancel()


async def _until_ended(cluster: Cluster) -> None:
    while cluster.exit_code() is None:
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


if __name__ == "__main__":
    main()
