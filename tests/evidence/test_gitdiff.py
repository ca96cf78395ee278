"""A release's diff is read from real repositories, and nothing that they configure is run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from holdfast.errors import NotFound, SourceUnavailable
from holdfast.evidence import gitdiff
from holdfast.evidence.gitdiff import GitRepository
from holdfast.evidence.redact import Redactor


def git(repository: Path, *arguments: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{
            f"GIT_{who}_{what}": "a@example.org"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }
    subprocess.run(
        ["git", "-C", str(repository), *arguments], check=True, env=environment, capture_output=True
    )


def release(repository: Path, tag: str, files: dict[str, str], subject: str) -> None:
    for name, text in files.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", subject)
    git(repository, "tag", tag)


BEFORE = "class Shop:\n    def load(self):\n        return one()\n"
AFTER = "class Shop:\n    def load(self):\n        return [one() for _ in self]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    release(folder, "v1.0.0", {"shop.py": BEFORE, "ümlaut.txt": "a\n"}, "First")
    release(folder, "v1.1.0", {"shop.py": AFTER, "conf.py": "API_KEY = 'hunter22'\n"}, "Load each")
    return folder


@pytest.fixture
def repository(folder: Path) -> GitRepository:
    return GitRepository(folder, Redactor())


def test_the_diff_between_two_tags_names_files_functions_and_lines(
    repository: GitRepository,
) -> None:
    text = repository.diff("v1.0.0", "v1.1.0", context_lines=0)
    assert "--- a/shop.py\n+++ b/shop.py\n@@ -3 +3 @@ def load(self):\n" in text
    assert "-        return one()\n+        return [one() for _ in self]\n" in text


def test_secrets_in_diffs_and_files_are_taken_out(repository: GitRepository) -> None:
    assert "hunter22" not in repository.diff("v1.0.0", "v1.1.0")
    assert repository.file_at("v1.1.0", "conf.py") == "API_KEY = 'REDACTED'\n"


def test_commits_and_changed_files_between_versions_are_listed(repository: GitRepository) -> None:
    (commit,) = repository.commits("v1.0.0", "v1.1.0")
    short, at, subject = commit.split(" ", 2)
    assert repository.commit("v1.1.0").startswith(short)
    assert at.startswith("20")
    assert subject == "Load each"
    assert repository.changed_files("v1.0.0", "v1.1.0") == ("conf.py", "shop.py")
    assert repository.commits("v1.1.0", "v1.0.0") == ()


def test_a_file_is_read_as_it_was_at_a_version(repository: GitRepository) -> None:
    assert repository.file_at("v1.0.0", "shop.py") == BEFORE
    assert repository.file_at("v1.0.0", "ümlaut.txt") == "a\n"
    with pytest.raises(NotFound, match=r"no file conf\.py at v1\.0\.0"):
        repository.file_at("v1.0.0", "conf.py")


def test_a_version_is_a_tag_with_or_without_v_or_a_commit(repository: GitRepository) -> None:
    full = repository.commit("v1.1.0")
    assert repository.commit("1.1.0") == repository.commit(full[:10]) == full


@pytest.mark.parametrize("version", ["v9", "", "--output=x", "v1.0.0..v1.1.0", "a b", "$(x)"])
def test_what_is_no_version_is_not_found(repository: GitRepository, version: str) -> None:
    with pytest.raises(NotFound, match="no version"):
        repository.diff("v1.0.0", version)


def test_a_folder_that_is_no_repository_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="is no git repository"):
        GitRepository(tmp_path, Redactor()).commit("v1")


def test_a_bare_repository_can_be_read(folder: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(folder), "bare.git")
    bare = GitRepository(tmp_path / "bare.git", Redactor())
    assert bare.changed_files("v1.0.0", "v1.1.0") == ("conf.py", "shop.py")


def test_nothing_that_a_repository_or_a_user_configures_is_run_or_heeded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap, sprung = tmp_path / "trap", tmp_path / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\n")
    trap.chmod(0o755)
    clean = GitRepository(folder, Redactor()).diff("v1.0.0", "v1.1.0")
    for key in ("diff.external", "core.pager", "core.fsmonitor", "diff.trap.textconv"):
        git(folder, "config", key, str(trap))
    for key, value in {
        "diff.noprefix": "true",
        "color.ui": "always",
        "diff.trap.command": str(trap),
        "log.showSignature": "true",
        "gpg.program": str(trap),
        "core.hooksPath": str(tmp_path),
        "diff.renames": "copies",
    }.items():
        git(folder, "config", key, value)
    (folder / ".gitattributes").write_text("*.py diff=trap\n")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(trap))
    monkeypatch.setenv("GIT_PAGER", str(trap))
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    repository = GitRepository(folder, Redactor())
    text = repository.diff("v1.0.0", "v1.1.0")
    repository.commits("v1.0.0", "v1.1.0")
    repository.file_at("v1.0.0", "shop.py")
    assert not sprung.exists()
    assert [line for line in text.splitlines() if line[:1] in "+-"] == [
        line for line in clean.splitlines() if line[:1] in "+-"
    ]


def test_git_that_takes_too_long_is_unavailable(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 5\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    with pytest.raises(SourceUnavailable, match=r"took longer than 0\.2 s"):
        GitRepository(folder, Redactor(), timeout_seconds=0.2).commit("v1.0.0")


def test_a_huge_diff_is_cut_and_says_so(
    repository: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gitdiff, "TEXT_AT_MOST", 100)
    assert repository.diff("v1.0.0", "v1.1.0").rstrip().endswith("characters are left out]")
