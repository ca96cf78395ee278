"""Killed inside, the writing of a fix is begun anew: the same result, and nothing else is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from actions.repair_world import BRANCH, INCIDENT, git, host_of, make_shop, order_for
from holdfast.actions.repair.write import write_fix
from holdfast.errors import CodeHostFailed

SCRIPT = """
import sys
from pathlib import Path
from actions.repair_world import host_of, order_for
from holdfast.actions.repair.write import write_fix

shop = Path(sys.argv[1])
write_fix(order_for(shop), host_of(shop))
"""
TESTS = Path(__file__).parents[1]


def kill_when(shop: Path, there: Callable[[], bool]) -> None:
    """Start writing the fix in a process of its own and kill it at a point."""
    argv = [sys.executable, "-c", SCRIPT, str(shop)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(argv, env=environment, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not there():
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)


def working_in(folder: Path) -> list[str]:
    """Return the processes that still work below a folder."""
    found: list[str] = []
    for process in Path("/proc").iterdir():
        try:
            where = os.readlink(process / "cwd")
        except OSError:
            continue
        if where.startswith(str(folder)):
            found.append(process.name)
    return found


def test_killed_at_three_points_it_is_begun_anew_and_leaves_its_branch_alone(
    tmp_path: Path,
) -> None:
    shop, work = make_shop(tmp_path / "shop"), tmp_path / "work"
    bad = git(shop, "rev-parse", "v1.0.1")

    def counting() -> bool:
        return any(work.glob("holdfast-*-bad/.holdfast-statements.jsonl"))

    def bisecting() -> bool:
        return any(work.glob("home-*-bisect"))

    def fixed() -> bool:
        branch = shop / ".git/refs/heads" / BRANCH
        return branch.exists() and branch.read_text().strip() not in ("", bad)

    for point in (counting, bisecting, fixed):
        kill_when(shop, point)
        assert host_of(shop).leftovers(), "it was killed too early or too late"
    deadline = time.monotonic() + 5
    while working_in(work) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert working_in(work) == [], "the tests outlive the process that ran them"

    fix = write_fix(order_for(shop), host_of(shop)).fix
    assert fix is not None
    assert fix.method == "eager_loading"
    assert host_of(shop).leftovers() == (INCIDENT,)
    assert list(work.iterdir()) == []
    assert git(shop, "worktree", "list").count("\n") == 0
    assert len(git(shop, "rev-list", f"v1.0.1..{BRANCH}").split()) == 3


def test_where_the_repository_cannot_be_worked_in_no_workspace_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = make_shop(tmp_path / "shop")
    host = host_of(shop)

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(host, "run_tests", full)
    with pytest.raises(CodeHostFailed, match="no space left"):
        write_fix(order_for(shop), host)
    assert host.leftovers() == ()
