"""Makes the services' git repositories from their histories, which ship as series of patches.

`services/<name>/*.patch` are in `git format-patch` form, with author, date and message;
`services/<name>/tags` has a line for each release: the tag and the number of its last patch.
Hashes are the same each time. To change a history: change a repository that was made from it, then
`git format-patch --root --zero-commit --no-signature -o services/<name> HEAD`.
"""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from holdfast.errors import DeployerFailed, NotFound

HISTORIES = Path(__file__).parent / "services"
PLATFORM = Path(__file__).parent / "platform"
"""To be put on a service's path: it holds the package `shopkit`."""

_COMMITTER = "Meridian Merge Queue"
_ADDRESS = "merge-queue@meridian.example"


@dataclass(frozen=True)
class Release:
    """A tag, and the patches that it has on top of the release before it."""

    tag: str
    patches: tuple[Path, ...]


def releases(service: str) -> tuple[Release, ...]:
    """Return a service's releases, oldest first."""
    folder = HISTORIES / service
    patches = sorted(folder.glob("*.patch"))
    found: list[Release] = []
    done = 0
    for line in (folder / "tags").read_text(encoding="utf-8").splitlines():
        tag, last = line.split()
        found.append(Release(tag, tuple(patches[done : int(last)])))
        done = int(last)
    return tuple(found)


def make_repository(service: str, folder: Path) -> Path:
    """Make the repository of a service in `folder/<service>` and return its path."""
    repository = folder / service
    repository.mkdir(parents=True)
    git(repository, "init", "--quiet", "--initial-branch=main", "--template=")
    git(repository, "config", "user.name", _COMMITTER)
    git(repository, "config", "user.email", _ADDRESS)
    for release in releases(service):
        patches = [str(path) for path in release.patches]
        git(repository, "am", "--quiet", "--committer-date-is-author-date", *patches)
        date = git(repository, "log", "-1", "--format=%aI").strip()
        message = f"{service} {release.tag}"
        git(repository, "tag", "--annotate", "--message", message, release.tag, at=date)
    return repository


def make_repositories(services: tuple[str, ...], folder: Path) -> None:
    """Make the repositories of all these services side by side."""
    with ThreadPoolExecutor(max_workers=len(services)) as pool:
        list(pool.map(partial(make_repository, folder=folder), services))


def check_out(repository: Path, version: str, folder: Path) -> Path:
    """Return a folder with the files of a tag, checking it out where that was not done yet."""
    target = folder / repository.name / version
    if not target.exists():
        if not git(repository, "tag", "--list", version).strip():
            known = ", ".join(git(repository, "tag").split())
            raise NotFound(f"{repository.name} has no version {version}", hint=f"known: {known}")
        target.parent.mkdir(parents=True, exist_ok=True)
        git(repository, "worktree", "add", "--quiet", "--detach", str(target), version)
    return target


def git(repository: Path, *arguments: str, at: str | None = None) -> str:
    """Run git, free of the user's own settings, and return what it prints.

    `at` is the committer's date. Raises DeployerFailed with git's own words.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment = {
        **kept,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_COMMITTER_NAME": _COMMITTER,
        "GIT_COMMITTER_EMAIL": _ADDRESS,
        **({"GIT_COMMITTER_DATE": at} if at else {}),
    }
    done = subprocess.run(
        ["git", *arguments],
        cwd=repository,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DeployerFailed(f"git {arguments[0]} in {repository}: {done.stderr.strip()}")
    return done.stdout
