"""What changed between two versions of a repository: argv git, read-only, configuration-proof.

Nothing that the repository, the user or the system has configured is run: no hook, no pager, no
external diff, no text conversion, no file-system monitor, no network. `git.attributes` only tells
git the languages, so that it names the function that a hunk stands in.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from holdfast.errors import NotFound, SourceError, SourceUnavailable
from holdfast.evidence.git_process import git_argv, run_git
from holdfast.evidence.redact import Redactor

TEXT_AT_MOST = 2_000_000
"""Characters of a diff that are kept; what was cut off is said in its last line."""

_DIFF = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--submodule=short")
_VERSION = re.compile(r"[A-Za-z0-9][\w.+/-]*")


class GitRepository:
    """One repository, bare or with a checkout. Versions are tags (also `v` + version) or commits.

    Raises NotFound for what does not exist, SourceUnavailable when git takes too long, SourceError
    when it fails. All texts are redacted.
    """

    def __init__(self, path: Path, redactor: Redactor, *, timeout_seconds: float = 20.0) -> None:
        self._path = path
        self._redactor = redactor
        self._timeout_seconds = timeout_seconds

    @property
    def name(self) -> str:
        """How evidence names it."""
        return f"git {self._path}"

    def diff(self, from_version: str, to_version: str, *, context_lines: int = 20) -> str:
        """Return the unified diff; empty where both versions have the same content."""
        commits = self.commit(from_version), self.commit(to_version)
        text = self._git("diff", *_DIFF, f"--unified={context_lines}", *commits, "--")
        return _cut(self._redactor.text(text))

    def commits(self, from_version: str, to_version: str) -> tuple[str, ...]:
        """Return `hash time subject`, oldest first, of what is in the second but not the first."""
        span = f"{self.commit(from_version)}..{self.commit(to_version)}"
        arguments = ("--no-color", "--reverse", "--no-show-signature", "--format=%h %cI %s")
        text = self._git("log", *arguments, span, "--")
        return tuple(self._redactor.text(text).splitlines())

    def changed_files(self, from_version: str, to_version: str) -> tuple[str, ...]:
        """Return the paths that differ, sorted."""
        commits = self.commit(from_version), self.commit(to_version)
        names = self._git("diff", *_DIFF, "--name-only", "-z", *commits, "--")
        return tuple(sorted(filter(None, names.split("\0"))))

    def file_at(self, version: str, path: str) -> str:
        """Return a file's content at a version."""
        commit = self.commit(version)
        try:
            return self._redactor.text(self._git("cat-file", "blob", f"{commit}:{path}"))
        except SourceUnavailable:
            raise
        except SourceError:
            raise NotFound(f"{self.name} has no file {path} at {version}") from None

    def commit(self, version: str) -> str:
        """Return the full hash of the commit that a version names."""
        if _VERSION.fullmatch(version) and ".." not in version:
            for name in (f"refs/tags/{version}", f"refs/tags/v{version}", version):
                found = self._run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
                if found.returncode == 0:
                    return found.stdout.strip()
        if self._run("rev-parse", "--git-dir").returncode != 0:
            raise NotFound(f"{self._path} is no git repository")
        raise NotFound(
            f"{self.name} has no version {version!r}", hint="versions are tags, or commit hashes"
        )

    def _git(self, *arguments: str) -> str:
        done = self._run(*arguments)
        if done.returncode != 0:
            said = self._redactor.text(done.stderr.strip()[:500])
            raise SourceError(f"{self.name}: git {arguments[0]} failed: {said}")
        return done.stdout

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        try:
            return run_git(git_argv(self._path, *arguments), self._timeout_seconds)
        except FileNotFoundError:
            raise SourceUnavailable("the program `git` is not installed") from None
        except subprocess.TimeoutExpired:
            raise SourceUnavailable(
                f"{self.name}: git {arguments[0]} took longer than {self._timeout_seconds:g} s"
            ) from None


def _cut(text: str) -> str:
    if len(text) <= TEXT_AT_MOST:
        return text
    return f"{text[:TEXT_AT_MOST]}\n[cut: {len(text) - TEXT_AT_MOST} characters are left out]\n"
