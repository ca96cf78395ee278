"""Which database the services use: a server of the lab's own where one can be run, else SQLite."""

from __future__ import annotations

from urllib.parse import quote

from holdfast.errors import HoldfastError
from holdfast.lab.postgres.find import find_server
from holdfast.lab.records import DatabaseServes, LabDatabase, LabFolder, LabOptions
from holdfast.lab.supervisor.processes import Child, Processes
from holdfast.lab.topology import ServiceSpec

GRACE_SECONDS = 6.0
"""It stops a server and removes a folder, also on a busy machine."""

Begun = Child | LabDatabase
"""A server that starts, or what is used without one."""


def start_database(
    processes: Processes,
    folder: LabFolder,
    options: LabOptions,
    services: tuple[ServiceSpec, ...],
) -> Begun:
    """Begin to start a server, where there is one and it is wanted.

    Raises NotFound where PostgreSQL was asked for by name and cannot be had.
    """
    names = [spec.module for spec in services if spec.database]
    if options.database == "sqlite":
        return LabDatabase(reason="as asked")
    if not names:
        return LabDatabase(reason="no service keeps data")
    try:
        find_server()
    except HoldfastError as error:
        return _without(options, error)
    arguments = ["--folder", str(folder.data / "postgres")]
    arguments += [part for name in names for part in ("--database", name)]
    return processes.start(
        "database", "holdfast.lab.postgres", arguments, grace_seconds=GRACE_SECONDS
    )


def await_database(begun: Begun, options: LabOptions, deadline: float) -> LabDatabase:
    """Return what services use, once it serves. Raises DeployerFailed as `start_database` does."""
    if isinstance(begun, LabDatabase):
        return begun
    try:
        said = DatabaseServes.model_validate_json(begun.first_line(deadline))
    except HoldfastError as error:
        begun.end(grace_seconds=GRACE_SECONDS)
        return _without(options, error)
    return LabDatabase(
        kind="postgresql",
        reason=f"PostgreSQL {said.version}",
        folder=said.folder,
        metrics_url=f"http://127.0.0.1:{said.metrics_port}",
    )


def _without(options: LabOptions, error: HoldfastError) -> LabDatabase:
    if options.database == "postgresql":
        raise error
    return LabDatabase(reason=" ".join(str(error).split()))


def url_for(database: LabDatabase, spec: ServiceSpec) -> str:
    """Return the address that SQLAlchemy takes for a service's own database; "" with SQLite."""
    if database.folder is None or not spec.database:
        return ""
    name, folder = quote(spec.module), quote(str(database.folder))
    return f"postgresql+psycopg://{name}@/{name}?host={folder}"
