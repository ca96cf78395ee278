"""The services' repositories: made from patches, the same each time, tested, and in the wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from holdfast.errors import NotFound
from holdfast.lab.repositories import (
    HISTORIES,
    PLATFORM,
    check_out,
    git,
    make_repositories,
    make_repository,
    releases,
)
from holdfast.lab.topology import SERVICES

ROOT = Path(__file__).parents[2]
GUILTY = "Build customer summaries in one place"


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repositories")
    make_repositories(tuple(SERVICES), folder)
    return folder


@pytest.mark.parametrize("name", SERVICES)
def test_the_newest_release_passes_its_own_tests(
    name: str, repositories: Path, tmp_path: Path
) -> None:
    newest = releases(name)[-1].tag
    run_tests(check_out(repositories / name, newest, tmp_path))


def test_the_guilty_commit_can_be_reverted_alone(repositories: Path, tmp_path: Path) -> None:
    code = check_out(repositories / "customer-api", "v2.3.4", tmp_path)
    guilty = git(code, "log", "--format=%H", f"--grep={GUILTY}").strip()
    between = git(code, "log", "--format=%an", "v2.3.3..v2.3.4").splitlines()
    git(code, "revert", "--no-edit", guilty)
    assert "selectinload" in (code / "src/customer_api/queries.py").read_text()
    assert len(between) == 5
    assert len(set(between)) == 4
    run_tests(code)


def test_a_repository_is_the_same_each_time(repositories: Path, tmp_path: Path) -> None:
    again = make_repository("customer-api", tmp_path)
    shown = ("for-each-ref", "--format=%(refname) %(objectname)")
    assert git(again, *shown) == git(repositories / "customer-api", *shown)
    assert git(again, "status", "--porcelain") == ""


def test_first_versions_and_later_ones_are_releases() -> None:
    for name, spec in SERVICES.items():
        tags = [release.tag for release in releases(name)]
        assert tags.index(spec.first_version) < len(tags) - 1, f"{name} has nothing to release"


def test_a_version_that_was_never_released_is_named(repositories: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no version v0.0.1 \(known: v1.4.0, v1.4.1\)"):
        check_out(repositories / "checkout", "v0.0.1", tmp_path)


def test_the_wheel_has_every_history_and_the_platform(tmp_path: Path) -> None:
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed: the wheel cannot be built")
    argv = [uv, "build", "--wheel", "--offline", "--out-dir", str(tmp_path), str(ROOT)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if "offline" in done.stderr and "uv-build" in done.stderr:
        pytest.skip(f"the build backend is not at hand offline: {done.stderr}")
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    package = HISTORIES.parents[1]
    shipped = [p for p in HISTORIES.rglob("*") if p.is_file()] + list(PLATFORM.rglob("*.py"))
    assert {f"holdfast/{p.relative_to(package)}" for p in shipped} <= packed
    assert len(shipped) > 30


def run_tests(code: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join((str(code / "src"), str(PLATFORM))),
    }
    argv = [sys.executable, "-W", "error", "-m", "unittest", "discover", "-s", "tests"]
    done = subprocess.run(
        argv, cwd=code, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Ran 0" not in done.stderr
