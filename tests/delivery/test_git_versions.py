"""Versions as tags, what a branch contains, and merges taken back, in real repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from holdfast.delivery.git_host import GitHost
from holdfast.delivery.versions import next_version
from holdfast.errors import InputError, MergeConflict, NotFound, PreconditionFailed

WHO = {f"GIT_{r}_{w}": "a@example.org" for r in ("AUTHOR", "COMMITTER") for w in ("NAME", "EMAIL")}


def git(folder: Path, *arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, **WHO}
    argv = ["git", "-c", "core.hooksPath=/dev/null", "-C", str(folder), *arguments]
    done = subprocess.run(argv, check=True, env=environment, capture_output=True, text=True)
    return done.stdout.strip()


def change(folder: Path, subject: str, **files: str) -> str:
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", subject)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    change(folder, "Begin", price="1\n", other="1\n")
    git(folder, "tag", "v1.0.0")
    change(folder, "Dearer", price="2\n")
    git(folder, "tag", "v1.0.10")
    return folder


@pytest.fixture(params=["checked out", "bare"])
def host(request: pytest.FixtureRequest, shop: Path, tmp_path: Path) -> GitHost:
    """The same repository with `main` checked out, and bare."""
    if request.param == "bare":
        bare = tmp_path / "shop.git"
        git(tmp_path, "clone", "-q", "--bare", str(shop), str(bare))
        return GitHost(bare, work_folder=tmp_path / "work")
    return GitHost(shop, work_folder=tmp_path / "work")


def place(host: GitHost) -> Path:
    return Path(host.name.removeprefix("git "))


def show(host: GitHost, path: str) -> str:
    return git(place(host), "show", f"main:{path}")


def fix(host: GitHost, **files: str) -> str:
    """Write a branch of two commits."""
    workspace = host.open("fix", "v1.0.10")
    names = {f"{name}.txt": text for name, text in files.items()}
    host.commit(workspace, names, "Fix")
    commit = host.commit(workspace, {"new_test.txt": "test\n"}, "Test")
    host.close(workspace, keep_branch=True)
    return commit


def on_main(host: GitHost, tmp_path: Path, subject: str, **files: str) -> str:
    """Somebody else commits to `main`."""
    repository = place(host)
    if (repository / ".git").is_dir():
        return change(repository, subject, **files)
    folder = tmp_path / subject.replace(" ", "-")
    git(tmp_path, "clone", "-q", str(repository), str(folder))
    change(folder, subject, **files)
    git(folder, "push", "-q", "origin", "main")
    return host.head("main")


def clean(host: GitHost) -> bool:
    repository = place(host)
    return not (repository / ".git").is_dir() or git(repository, "status", "--porcelain") == ""


def test_a_version_is_set_once_and_never_moved(host: GitHost) -> None:
    assert host.versions() == ("v1.0.0", "v1.0.10")
    commit = fix(host, price="1\n")
    for _ in range(2):
        host.tag("v1.0.11", commit)
    assert host.commit_of("v1.0.11") == commit
    assert git(place(host), "cat-file", "-t", "v1.0.11") == "tag"
    with pytest.raises(PreconditionFailed, match=r"v1\.0\.10 of .* is .* not"):
        host.tag("v1.0.10", commit)
    with pytest.raises(PreconditionFailed, match="not"):
        host.untag("v1.0.11", expect_commit=host.head("main"))
    assert "v1.0.11" in host.versions()
    for _ in range(2):
        host.untag("v1.0.11", expect_commit=commit)
    assert host.versions() == ("v1.0.0", "v1.0.10")
    with pytest.raises(InputError, match="name of a tag"):
        host.tag("v1..2", commit)


def test_a_branch_contains_what_was_merged_into_it(host: GitHost) -> None:
    commit = fix(host, price="1\n")
    assert not host.contains("main", commit)
    host.merge("holdfast/fix", "main", expect_head=host.head("main"))
    assert host.contains("main", commit)
    assert host.changed_files("v1.0.10", commit) == ("new_test.txt", "price.txt")
    assert "+1" in host.diff("v1.0.10", commit)
    with pytest.raises(NotFound):
        host.contains("main", "f" * 40)


@pytest.mark.parametrize("moved", [False, True], ids=["fast-forward", "merge commit"])
def test_a_merge_is_taken_back_by_one_commit_on_top(
    host: GitHost, tmp_path: Path, moved: bool
) -> None:
    if moved:
        on_main(host, tmp_path, "Meanwhile", other="2\n")
    commit = fix(host, price="1\n")
    base = host.head("main")
    merged = host.merge("holdfast/fix", "main", expect_head=base)
    later = on_main(host, tmp_path, "Later", third="3\n")
    new = host.withdraw("main", base=base, message="Take the fix back")
    assert new == host.head("main")
    assert git(place(host), "rev-parse", f"{new}^1") == later
    assert git(place(host), "log", "-1", "--format=%B", new) == (
        f"Take the fix back\n\nWithdraws: {commit}"
    )
    assert show(host, "price.txt") == "2"
    assert show(host, "third.txt") == "3"
    assert "new_test.txt" not in git(place(host), "ls-tree", "--name-only", "main")
    assert git(place(host), "diff", "--name-only", f"{merged}", base).split() == [
        "new_test.txt",
        "price.txt",
    ]
    assert host.leftovers() == ("fix",)
    assert clean(host)
    assert host.withdraw("main", base=base, message="Take the fix back") == new
    assert not host.contains("main", commit)
    assert host.contains("main", later)
    with pytest.raises(PreconditionFailed, match="and taken back"):
        host.merge("holdfast/fix", "main", expect_head=new)


def test_what_was_taken_back_already_stays_so_whatever_came_later(
    host: GitHost, tmp_path: Path
) -> None:
    commit, base = fix(host, price="1\n"), host.head("main")
    host.merge("holdfast/fix", "main", expect_head=base)
    host.withdraw("main", base=base, message="Back", merged=commit)
    on_main(host, tmp_path, "Cheaper", price="0\n")
    head = host.head("main")
    assert host.withdraw("main", base=base, message="Back", merged=commit) == head


def test_what_later_commits_build_on_is_not_taken_back(host: GitHost, tmp_path: Path) -> None:
    fix(host, price="1\n")
    base = host.head("main")
    host.merge("holdfast/fix", "main", expect_head=base)
    head = on_main(host, tmp_path, "On top", price="1.50\n")
    with pytest.raises(MergeConflict, match=r"price\.txt"):
        host.withdraw("main", base=base, message="Back")
    assert host.head("main") == head
    assert host.leftovers() == ("fix",)
    assert clean(host)


def test_nothing_is_taken_back_that_was_never_merged(host: GitHost) -> None:
    commit, base = fix(host, price="1\n"), host.head("main")
    with pytest.raises(PreconditionFailed, match="0 branches"):
        host.withdraw("main", base=base, message="Back")
    with pytest.raises(PreconditionFailed, match="not taken in"):
        host.withdraw("main", base=base, message="Back", merged=commit)


def test_a_checkout_with_uncommitted_changes_keeps_its_merge(shop: Path, tmp_path: Path) -> None:
    host = GitHost(shop, work_folder=tmp_path / "work")
    fix(host, price="1\n")
    base = host.head("main")
    merged = host.merge("holdfast/fix", "main", expect_head=base)
    (shop / "price.txt").write_text("mine\n")
    with pytest.raises(PreconditionFailed, match="uncommitted"):
        host.withdraw("main", base=base, message="Back")
    assert host.head("main") == merged
    assert (shop / "price.txt").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("version", "taken", "expected"),
    [
        ("v2.3.4", (), "v2.3.5"),
        ("v2.3.4", ("v2.3.5", "2.3.6", "v2.4.0"), "v2.3.7"),
        ("2.3.9", ("v2.3.9",), "2.3.10"),
        ("release-1.0.0", (), "release-1.0.1"),
        ("v1.2.3-rc1", (), "v1.2.3-rc1-fix.1"),
        ("1.2.3.4", (), "1.2.3.4-fix.1"),
        ("2026-01-31", ("2026-01-31-fix.1",), "2026-01-31-fix.2"),
        ("v7", (), "v7-fix.1"),
    ],
)
def test_the_next_version_is_the_next_patch_that_is_free(
    version: str, taken: tuple[str, ...], expected: str
) -> None:
    assert next_version(version, taken) == expected
