"""A lab on PostgreSQL: its own server, which counts what it is asked and ends with the lab."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from small_lab import SMALL, get, metric, processes_of, running, still_there

from holdfast.errors import DeployerFailed, NotFound
from holdfast.lab.control import LabHandle
from holdfast.lab.records import LabDatabase, LabFolder, LabOptions
from holdfast.lab.supervisor import database
from holdfast.lab.supervisor.processes import Processes
from holdfast.lab.topology import chosen
from holdfast.surfaces.cli.database_line import database_line
from support.databases import postgresql

pytestmark = [pytest.mark.long, pytest.mark.lab, pytest.mark.usefixtures("_server")]

ON_POSTGRESQL = SMALL.model_copy(update={"database": "postgresql"})
SERVICES = chosen(SMALL.services)
PAGES = 3


@pytest.fixture(scope="module")
def _server() -> None:
    postgresql()


@pytest.fixture(scope="module")
def lab(_server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHandle]:
    with running(tmp_path_factory.mktemp("postgres") / "lab", ON_POSTGRESQL) as lab:
        yield lab


def server_of(lab: LabHandle) -> Path:
    """Return the folder of a lab's server."""
    assert lab.lab.database.kind == "postgresql", lab.lab.database
    assert lab.lab.database.folder is not None
    return lab.lab.database.folder


def connected(lab: LabHandle) -> psycopg.Connection[tuple[object, ...]]:
    """Connect as the service does."""
    host = str(server_of(lab))
    return psycopg.connect(host=host, user="customer_api", dbname="customer_api", autocommit=True)


def server_pid(lab: LabHandle) -> int:
    """Return the server's first process."""
    return int((server_of(lab) / "data" / "postmaster.pid").read_text().splitlines()[0])


def statements_per_list(lab: LabHandle) -> tuple[float, float]:
    """Return the statements for one page as the service counts them, and as the server does."""
    [url] = lab.state().services["customer-api"].urls.values()
    meters = (
        (url, "db_client_operation_duration_seconds_count"),
        (lab.lab.database.metrics_url, "pg_stat_statements_calls_total"),
    )
    get(f"{lab.entry_url}/customers")  # what only a first request asks
    before = [metric(*meter) or 0 for meter in meters]
    for page in range(PAGES):
        assert get(f"{lab.entry_url}/customers?offset={50 * page}")[0] == 200
    by_service, by_server = (
        ((metric(*meter) or 0) - known) / PAGES for meter, known in zip(meters, before, strict=True)
    )
    return by_service, by_server


def test_the_server_counts_as_many_statements_as_the_service(lab: LabHandle) -> None:
    assert statements_per_list(lab) == (4, 4)
    lab.release("customer-api", "v2.3.4", (100,), 0)
    assert statements_per_list(lab) == (151, 151)
    lab.release("customer-api", "v2.3.3", (100,), 0)


def test_the_service_keeps_its_data_there_as_its_own_role(lab: LabHandle) -> None:
    with connected(lab) as connection:
        owned = "SELECT count(*) FROM pg_tables WHERE tableowner = current_user"
        assert connection.execute(owned).fetchall() == [(4,)]
        assert connection.execute("SELECT count(*) FROM customers").fetchall() == [(1200,)]
        assert connection.execute("SELECT count(*) FROM orders").fetchall() == [(3600,)]
    assert not list(lab.folder.data.glob("*.db"))


def test_the_server_is_unprivileged_and_reached_by_its_folder_alone(lab: LabHandle) -> None:
    folder = server_of(lab)
    status = Path(f"/proc/{server_pid(lab)}/status").read_text()
    [uids] = [line.split()[1:] for line in status.splitlines() if line.startswith("Uid:")]
    assert "0" not in uids
    assert {int(uid) for uid in uids} == {folder.stat().st_uid}
    assert folder.stat().st_mode & 0o777 == 0o700
    with connected(lab) as connection:
        assert connection.execute("SHOW listen_addresses").fetchall() == [("",)]


def test_labs_side_by_side_know_nothing_of_each_other(lab: LabHandle, tmp_path: Path) -> None:
    with running(tmp_path / "other", ON_POSTGRESQL) as other:
        with connected(other) as connection:
            connection.execute("DELETE FROM payments")
        with connected(lab) as connection:
            assert connection.execute("SELECT count(*) FROM payments").fetchall() == [(2400,)]
        folder, pid = server_of(other), server_pid(other)
    assert not folder.exists()
    assert still_there(folder, [pid]) == []
    assert get(f"{lab.entry_url}/customers")[0] == 200


@pytest.mark.parametrize("reachable", [True, False], ids=["in the lab", "in a private folder"])
def test_a_killed_supervisor_leaves_no_server_and_no_folder(reachable: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="hf", dir="/tmp") as name:
        above = Path(name)
        above.chmod(0o755 if reachable else 0o700)
        root = above / "lab" if reachable or os.geteuid() == 0 else above / (90 * "x")
        with running(root, ON_POSTGRESQL) as lab:
            folder = server_of(lab)
            assert (folder == lab.folder.data / "postgres") == reachable
            pids = [server_pid(lab), *processes_of(lab)]
            os.kill(lab.lab.pid, signal.SIGKILL)
            deadline = time.monotonic() + 10
            while (left := _left(folder, pids)) and time.monotonic() < deadline:
                time.sleep(0.02)
            assert not left
        assert above.stat().st_mode & 0o777 == (0o755 if reachable else 0o700)


def _left(folder: Path, pids: list[int]) -> list[object]:
    return [*still_there(folder, pids), *([folder] if folder.exists() else [])]


def test_a_server_that_dies_is_noticed_and_tidied_up(tmp_path: Path) -> None:
    with running(tmp_path / "lab", ON_POSTGRESQL) as lab:
        folder = server_of(lab)
        key = (folder / "data" / "postmaster.pid").read_text().splitlines()[6].split()[0]
        assert key in shared_memory_keys()
        os.kill(server_pid(lab), signal.SIGKILL)
        deadline = time.monotonic() + 10
        while _exit_code(lab) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert _exit_code(lab) == 1
        assert not folder.exists()
        assert key not in shared_memory_keys()


def shared_memory_keys() -> set[str]:
    """Return the keys of the shared memory segments of the system."""
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()
    return {line.split()[0] for line in lines[1:]}


def _exit_code(lab: LabHandle) -> int | None:
    return next(p.exit_code for p in lab.state().processes if p.name == "database")


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    (tmp_path / "logs").mkdir()
    processes = Processes(tmp_path / "logs")
    yield processes
    processes.end_all()


@pytest.mark.parametrize("wanted", ["auto", "postgresql"])
def test_a_server_that_does_not_start_is_done_without_or_is_an_error(
    processes: Processes, tmp_path: Path, wanted: str
) -> None:
    options = LabOptions.model_validate({"database": wanted})
    cannot = processes.start(
        "database",
        "holdfast.lab.postgres",
        ["--folder", str(tmp_path / "x"), "--database", "too", "--database", "too"],
    )
    deadline = time.monotonic() + 20
    if wanted == "postgresql":
        with pytest.raises(DeployerFailed, match='role "too" already exists'):
            database.await_database(cannot, options, deadline)
    else:
        found = database.await_database(cannot, options, deadline)
        assert (found.kind, found.metrics_url) == ("sqlite", "")
        assert 'role "too" already exists' in found.reason


def test_without_a_server_it_is_sqlite_unless_postgresql_was_asked_for(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere() -> object:
        raise NotFound("no PostgreSQL server was found")

    def begin(**options: object) -> object:
        chosen_options = LabOptions.model_validate(options)
        return database.start_database(processes, LabFolder(tmp_path), chosen_options, SERVICES)

    monkeypatch.setattr(database, "find_server", nowhere)
    assert begin(database="auto") == LabDatabase(reason="no PostgreSQL server was found")
    assert begin(database="sqlite") == LabDatabase(reason="as asked")
    with pytest.raises(NotFound, match="no PostgreSQL server was found"):
        begin(database="postgresql")
    said = database_line(LabDatabase(reason="no PostgreSQL server was found"))
    assert said == "SQLite (no PostgreSQL server was found)"
    assert processes.children == []
