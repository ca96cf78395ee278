"""Runs git on one repository so that nothing which it configures is run, with our name on commits.

No hook, no filter, no merge driver, no signing program; what fails is an error with git's words.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from holdfast.errors import CodeHostFailed
from holdfast.evidence.git_process import git_argv, run_git

_SETTINGS = (
    *("commit.gpgSign=false", "tag.gpgSign=false", "merge.verifySignatures=false"),
    *("core.editor=true", "sequence.editor=true", "commit.template=", "rerere.enabled=false"),
    *("gc.auto=0", "maintenance.auto=false", "submodule.recurse=false", "core.autocrlf=false"),
    *("merge.autoStash=false", "merge.renames=true", "advice.detachedHead=false"),
)
_DRIVERS = re.compile(r"(filter|merge)\.(.+)\.(clean|smudge|process|driver|required)")


class GitCommand:
    """Git in one repository; `author` (name, address) signs commits and tags."""

    def __init__(
        self, repository: Path, *, author: tuple[str, str], timeout_seconds: float
    ) -> None:
        self._repository = repository
        self._timeout_seconds = timeout_seconds
        name, address = author
        who = {f"GIT_{role}_NAME": name for role in ("AUTHOR", "COMMITTER")}
        where = {f"GIT_{role}_EMAIL": address for role in ("AUTHOR", "COMMITTER")}
        self._identity = {**who, **where}

    @property
    def name(self) -> str:
        """How evidence names the repository."""
        return f"git {self._repository}"

    def ask(self, *arguments: str, at: Path | None = None) -> str:
        """Return what git prints, in the repository or in a checkout. Raises CodeHostFailed."""
        done = self.run(*arguments, at=at)
        if done.returncode != 0:
            said = done.stderr.strip()[:500]
            raise CodeHostFailed(f"{self.name}: git {arguments[0]} failed: {said}")
        return done.stdout

    def run(self, *arguments: str, at: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run git and return how it ended. Raises CodeHostFailed where it takes too long."""
        settings = (*_SETTINGS, *self._disarmed())
        argv = git_argv(at or self._repository, *arguments, settings=settings)
        return self._execute(argv)

    def is_ancestor(self, first: str, second: str) -> bool:
        """Whether the second commit contains the first, or is it."""
        return self.run("merge-base", "--is-ancestor", first, second).returncode == 0

    def _disarmed(self) -> list[str]:
        """Return settings that empty every filter and merge driver which the repository has."""
        argv = git_argv(self._repository, "config", "--name-only", "-z", "--list")
        keys = self._execute(argv).stdout.split("\0")
        found = {(m[1], m[2]) for key in keys if (m := _DRIVERS.fullmatch(key))}
        filters = {name for kind, name in found if kind == "filter"}
        drivers = {name for kind, name in found if kind == "merge"}
        empty = [f"filter.{n}.{w}=" for n in filters for w in ("clean", "smudge", "process")]
        lenient = [f"filter.{n}.required=false" for n in filters]
        return [*empty, *lenient, *(f"merge.{n}.driver=false" for n in drivers)]

    def _execute(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        try:
            return run_git(argv, self._timeout_seconds, self._identity)
        except FileNotFoundError:
            raise CodeHostFailed("the program `git` is not installed") from None
        except subprocess.TimeoutExpired:
            raise CodeHostFailed(
                f"{self.name}: git took longer than {self._timeout_seconds:g} s"
            ) from None
