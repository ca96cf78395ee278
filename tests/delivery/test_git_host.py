"""Branches, tests, the guilty commit, reverts and merges, in real git repositories."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.delivery.codehost import TestCommand
from holdfast.delivery.git_host import GitHost
from holdfast.delivery.sandbox import GUARD, NAMESPACE, namespaces_permitted
from holdfast.errors import CodeHostFailed, InputError, MergeConflict, PreconditionFailed


def git(folder: Path, *arguments: str) -> str:
    who = {
        f"GIT_{r}_{w}": "a@example.org" for r in ("AUTHOR", "COMMITTER") for w in ("NAME", "EMAIL")
    }
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, **who}
    argv = ["git", "-c", "core.hooksPath=/dev/null", "-C", str(folder), *arguments]
    return subprocess.run(
        argv, check=True, env=environment, capture_output=True, text=True
    ).stdout.strip()


def change(folder: Path, subject: str, **files: str) -> str:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", subject)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A release with one bad commit among harmless ones."""
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    change(folder, "Begin", price="def price():\n    return 1\n", other="A = 1\n")
    git(folder, "tag", "v1")
    change(folder, "Harmless one", other="A = 2\n")
    change(folder, "Guilty", price="def price():\n    return 2\n")
    change(folder, "Harmless two", more="B = 1\n")
    change(folder, "Harmless three", more="B = 2\n")
    git(folder, "tag", "v2")
    return folder


@pytest.fixture
def host(shop: Path, tmp_path: Path) -> GitHost:
    return GitHost(shop, work_folder=tmp_path / "work")


def python(script: str, **more: str) -> TestCommand:
    return TestCommand((sys.executable, "check.py"), files={"check.py": script}, **more)  # pyright: ignore


PRICE_IS_ONE = python("import price\nassert price.price() == 1\n")


def test_the_guilty_commit_is_found_reverted_alone_and_merged_when_told(
    host: GitHost, shop: Path
) -> None:
    guilty = host.find_guilty("bisect", "v1", "v2", PRICE_IS_ONE)
    assert guilty.subject == "Guilty"
    assert len(guilty.tried) <= 4
    before = host.head("main")
    workspace = host.open("fix", "v2")
    host.revert(workspace, guilty.commit)
    assert host.run_tests(workspace, PRICE_IS_ONE).passed
    assert (workspace.folder / "more.py").read_text() == "B = 2\n"
    host.close(workspace, keep_branch=True)
    assert host.head("main") == before
    merged = host.merge(workspace.branch, "main", expect_head=before)
    assert host.head("main") == merged == host.head(workspace.branch)
    assert "return 1" in (shop / "price.py").read_text()
    assert git(shop, "status", "--porcelain") == ""
    assert host.merge(workspace.branch, "main", expect_head=before) == merged


def test_a_test_that_does_not_tell_the_releases_apart_finds_nobody(host: GitHost) -> None:
    with pytest.raises(PreconditionFailed, match="does not pass at v1 and fail at v2"):
        host.find_guilty("bisect", "v1", "v2", python("pass\n"))
    with pytest.raises(CodeHostFailed, match="cannot be judged"):
        host.find_guilty("bisect", "v1", "v2", python("raise SystemExit(5)\n"))
    assert host.leftovers() == ()


def test_a_revert_that_conflicts_is_reported_and_its_workspace_removed(
    host: GitHost, shop: Path
) -> None:
    guilty = git(shop, "rev-parse", "HEAD~2")
    change(shop, "On top", price="def price():\n    return 3\n")
    workspace = host.open("fix", "main")
    with pytest.raises(MergeConflict, match=r"price\.py"):
        host.revert(workspace, guilty)
    assert not workspace.folder.exists()
    assert host.leftovers() == ()
    assert git(shop, "worktree", "list").count("\n") == 0


def test_a_merge_is_refused_when_the_branch_has_moved(host: GitHost, shop: Path) -> None:
    seen = host.head("main")
    workspace = host.open("fix", "v2")
    host.commit(workspace, {"new/file.py": "C = 1\n"}, "Add a file")
    moved = change(shop, "Somebody else", other="A = 3\n")
    with pytest.raises(PreconditionFailed, match="not at"):
        host.merge(workspace.branch, "main", expect_head=seen)
    assert host.head("main") == moved
    host.merge(workspace.branch, "main", expect_head=moved)
    assert git(shop, "log", "-1", "--format=%s").startswith("Merge branch")
    assert (shop / "new/file.py").exists()


def test_a_merge_that_conflicts_changes_nothing(host: GitHost, shop: Path) -> None:
    workspace = host.open("fix", "v2")
    host.commit(workspace, {"other.py": "A = 9\n"}, "Nine")
    moved = change(shop, "Eight", other="A = 8\n")
    with pytest.raises(MergeConflict, match=r"other\.py"):
        host.merge(workspace.branch, "main", expect_head=moved)
    assert host.head("main") == moved
    assert host.leftovers() == ("fix",)


def test_a_checkout_with_uncommitted_changes_is_not_touched(host: GitHost, shop: Path) -> None:
    workspace = host.open("fix", "v2")
    host.commit(workspace, {"other.py": "A = 9\n"}, "Nine")
    (shop / "other.py").write_text("A = 'mine'\n")
    with pytest.raises(PreconditionFailed, match="uncommitted"):
        host.merge(workspace.branch, "main", expect_head=host.head("main"))
    assert (shop / "other.py").read_text() == "A = 'mine'\n"


def test_a_bare_repository_will_do(shop: Path, tmp_path: Path) -> None:
    bare = tmp_path / "shop.git"
    git(tmp_path, "clone", "-q", "--bare", str(shop), str(bare))
    host = GitHost(bare, work_folder=tmp_path / "work")
    workspace = host.open("fix", "v2")
    commit = host.commit(workspace, {"other.py": "A = 9\n"}, "Nine")
    host.close(workspace, keep_branch=True)
    assert host.merge(workspace.branch, "main", expect_head=host.head("main")) == commit


def test_what_a_dead_run_left_is_found_and_cleaned_by_name(host: GitHost, shop: Path) -> None:
    workspace = host.open("fix", "v2")
    (workspace.folder / "other.py").write_text("half written")
    (shop / ".git/worktrees/holdfast-fix/index.lock").touch()
    (shop / ".git/refs/heads/holdfast/fix.lock").touch()
    assert host.leftovers() == ("fix",)
    again = host.open("fix", "v2")
    assert (again.folder / "other.py").read_text() == "A = 2\n"
    (again.folder / ".git").unlink()
    host.clean("fix")
    assert host.leftovers() == ()
    assert not again.folder.exists()


def test_a_branch_that_somebody_has_checked_out_is_not_taken_away(
    host: GitHost, shop: Path
) -> None:
    workspace = host.open("fix", "v2")
    commit = host.commit(workspace, {"other.py": "A = 9\n"}, "Nine")
    host.close(workspace, keep_branch=True)
    git(shop, "checkout", "-q", workspace.branch)
    for again in (lambda: host.open("fix", "v2"), lambda: host.clean("fix")):
        with pytest.raises(PreconditionFailed, match="is checked out in"):
            again()
    assert host.head(workspace.branch) == commit
    assert git(shop, "status", "--porcelain") == ""


def test_nothing_that_the_repository_configures_is_run(
    host: GitHost, shop: Path, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    script = tmp_path / "trap.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n")
    script.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for hook in (
        "post-checkout",
        "pre-commit",
        "post-commit",
        "post-merge",
        "reference-transaction",
    ):
        (hooks / hook).write_text(script.read_text())
        (hooks / hook).chmod(0o755)
    (shop / ".gitattributes").write_text("*.py filter=evil merge=evil\n")
    change(shop, "Attributes")
    for key in ("filter.evil.smudge", "filter.evil.clean", "merge.evil.driver", "gpg.program"):
        git(shop, "config", key, str(script))
    git(shop, "config", "core.hooksPath", str(hooks))
    git(shop, "config", "commit.gpgSign", "true")
    git(shop, "config", "core.fsmonitor", str(script))
    workspace = host.open("fix", "main")
    host.commit(workspace, {"other.py": "A = 9\n"}, "Nine")
    host.merge(workspace.branch, "main", expect_head=host.head("main"))
    assert not trap.exists()


def test_tests_get_an_empty_environment_and_limits(
    host: GitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter22")
    workspace = host.open("fix", "v2")
    shown = host.run_tests(workspace, python("import os\nprint(sorted(os.environ))\n"))
    assert shown.passed
    assert "SECRET_TOKEN" not in shown.output
    hungry = python("bytearray(600 * 1024**2)\n", memory_bytes=300 * 1024**2)  # pyright: ignore
    outcome = host.run_tests(workspace, hungry)
    assert not outcome.passed
    assert "MemoryError" in outcome.output
    slow = python("import time\ntime.sleep(60)\n", timeout_seconds=0.5)  # pyright: ignore
    assert host.run_tests(workspace, slow).exit_code is None
    busy = python("while True: pass\n", cpu_seconds=1)  # pyright: ignore
    assert host.run_tests(workspace, busy).exit_code not in (0, None)


REACH = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname(), 1).close()
try:
    socket.create_connection(("192.0.2.1", 9), 2)
except OSError as error:
    print(type(error).__name__, error)
else:
    raise SystemExit("it got out")
"""


@pytest.mark.parametrize("namespace", [True, False])
def test_tests_reach_loopback_only_and_the_result_says_how_that_is_enforced(
    shop: Path, tmp_path: Path, namespace: bool
) -> None:
    if namespace and not namespaces_permitted():
        pytest.skip("this machine permits no network namespaces")
    host = GitHost(shop, work_folder=tmp_path / "work", namespace=namespace)
    outcome = host.run_tests(host.open("fix", "v2"), python(REACH))
    assert outcome.passed, outcome.output
    assert ("unreachable" if namespace else "loopback only") in outcome.output
    assert outcome.isolation == (NAMESPACE if namespace else GUARD)


@pytest.mark.parametrize("path", ["../out.py", ".git/hooks/x", "/etc/x"])
def test_files_stay_in_the_checkout(host: GitHost, path: str) -> None:
    workspace = host.open("fix", "v2")
    with pytest.raises(InputError, match="leads out"):
        host.commit(workspace, {path: "x"}, "Out")


def test_a_name_that_is_no_name_is_refused(host: GitHost) -> None:
    with pytest.raises(InputError, match="refused"):
        host.open("../x", "v2")
