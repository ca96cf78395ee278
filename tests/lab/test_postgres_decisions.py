"""Which server is used, where it lives, what is left behind, and what it counts: decisions."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from holdfast.errors import NotFound
from holdfast.lab.postgres.find import Account, newest
from holdfast.lab.postgres.home import PREFIX, can_enter, can_live_in, make_home, sweep
from holdfast.lab.postgres.meters import OTHER, Count, StatementMeters

STRANGER = Account("stranger", 64_001, 64_001)


def server_folder(folder: Path, version: str, *programs: str) -> Path:
    """Make a folder with programs that say a version."""
    folder.mkdir(parents=True)
    for program in programs:
        path = folder / program
        path.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version} (Debian)'\n")
        path.chmod(0o755)
    return folder


def test_the_newest_whole_server_is_used(tmp_path: Path) -> None:
    nine = server_folder(tmp_path / "9.6", "9.6.24", "initdb", "postgres")
    fifteen = server_folder(tmp_path / "15", "15.18", "initdb", "postgres")
    clients_only = server_folder(tmp_path / "17", "17.2", "postgres")
    mute = server_folder(tmp_path / "18", "", "initdb", "postgres")
    assert newest([nine, fifteen, clients_only, mute]) == (fifteen, "15.18")


def test_no_server_and_an_old_one_are_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no PostgreSQL server was found"):
        newest([tmp_path])
    old = server_folder(tmp_path / "12", "12.9", "initdb", "postgres")
    with pytest.raises(NotFound, match=r"12.9 in .* is too old"):
        newest([old])


def test_an_account_passes_only_where_every_folder_above_lets_it(open_folder: Path) -> None:
    inner = open_folder / "inner"
    inner.mkdir(mode=0o755)
    assert can_enter(inner, STRANGER)
    open_folder.chmod(0o700)
    assert not can_enter(inner, STRANGER)
    assert can_enter(inner, Account("me", os.getuid(), os.getgid()))
    open_folder.chmod(0o750)
    assert can_enter(inner, Account("of my group", 64_001, os.getgid()))
    open_folder.chmod(0o705)
    assert not can_enter(inner, Account("of my group", 64_001, os.getgid()))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, below ones that they may too."""
    with tempfile.TemporaryDirectory(prefix="holdfast-test-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_the_path_of_a_socket_must_be_short(tmp_path: Path) -> None:
    assert can_live_in(Path("/tmp/lab/data/postgres"), None)
    assert not can_live_in(tmp_path / (90 * "x"), None)


def test_where_it_cannot_live_in_the_lab_it_has_a_private_folder(tmp_path: Path) -> None:
    near = make_home(Path("/tmp") / f"hf-{os.getpid()}", None)
    far = make_home(tmp_path / (90 * "x"), None)
    try:
        assert near.path == Path("/tmp") / f"hf-{os.getpid()}"
        assert far.path.name.startswith(PREFIX)
        assert [home.path.stat().st_mode & 0o777 for home in (near, far)] == [0o700, 0o700]
    finally:
        near.remove()
        far.remove()
    assert not near.path.exists()
    assert not far.path.exists()


def test_only_old_folders_that_nobody_holds_are_swept(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(open_folder))
    held, left, fresh = (make_home(open_folder / (90 * "x"), None) for _ in range(3))
    other = open_folder / f"{PREFIX}without-a-lock"
    other.mkdir()
    for path in (held.path, left.path, other):
        hour_ago = time.time() - 3600
        os.utime(path, (hour_ago, hour_ago))
    for home in (left, fresh):
        home.let_go()
    assert sweep(None, [str(open_folder)]) == [left.path]
    assert held.path.exists()
    assert fresh.path.exists()
    assert other.exists()
    held.remove()


def counted(meters: StatementMeters, *counts: tuple[str, float]) -> dict[str, float]:
    """Return calls by query id as the exporter would say them."""
    given = [Count("shop", name, f"SELECT\n {name}", calls, calls / 10) for name, calls in counts]
    text = meters.exposition(given).decode()
    return {
        sample.labels["queryid"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "pg_stat_statements_calls_total"
    }


def test_statements_beyond_the_bound_share_a_series_and_no_counter_falls() -> None:
    meters = StatementMeters(most=2)
    assert counted(meters, ("a", 5), ("b", 3), ("c", 1)) == {"a": 5, "b": 3, OTHER: 1}
    grown = counted(meters, ("c", 90), ("d", 10), ("a", 6), ("b", 3))
    assert grown == {"a": 6, "b": 3, OTHER: 100}


def test_a_text_is_normalised_and_bounded() -> None:
    meters = StatementMeters()
    text = meters.exposition([Count("shop", "1", "SELECT\n  " + 900 * "x", 1, 2)]).decode()
    [info] = [line for line in text.splitlines() if line.startswith("pg_stat_statements_query_inf")]
    assert 'query="SELECT xxx' in info
    assert len(info) < 400
    assert 'pg_stat_statements_exec_seconds_total{datname="shop",queryid="1"} 2.0' in text
