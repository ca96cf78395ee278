"""The seam to where code lives: branches, tests, the guilty commit, reverts, merges and tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Workspace:
    """A fresh checkout of `base` (a full hash) on a branch of its own."""

    name: str
    folder: Path
    branch: str
    base: str


@dataclass(frozen=True)
class TestCommand:
    """How a repository's tests are run.

    `files` (path → content) are written over the checkout first; `variables` are all of the
    environment besides PATH, HOME and TMPDIR. `memory_bytes` is the address space and
    `cpu_seconds` the processor time of each process; `timeout_seconds` is for all of them.

    With `statements_file` (a path in the checkout), what each test sends to a database through
    SQLAlchemy is counted, and written there; actions/repair/count.py reads it.
    """

    __test__ = False  # not a pytest class

    argv: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    timeout_seconds: float = 120.0
    cpu_seconds: int = 120
    memory_bytes: int = 2 * 1024**3
    statements_file: str = ""


@dataclass(frozen=True)
class TestOutcome:
    """`exit_code` is None where time ran out. `isolation` says how the network was kept away."""

    __test__ = False

    exit_code: int | None
    output: str
    seconds: float
    isolation: str

    @property
    def passed(self) -> bool:
        """Whether all tests passed."""
        return self.exit_code == 0


@dataclass(frozen=True)
class Guilty:
    """The first commit at which a test fails, and the commits that were tried (hash → passed)."""

    commit: str
    subject: str
    tried: Mapping[str, bool]


class CodeHost(Protocol):
    """Every method raises CodeHostFailed, PreconditionFailed or NotFound.

    A name belongs to one run at a time (a claim in the ledger): `open` removes what a dead run of
    the same name has left.
    """

    @property
    def name(self) -> str:
        """How evidence names it."""
        ...

    def head(self, branch: str) -> str:
        """Return the full hash that a branch is at."""
        ...

    def commit_of(self, version: str) -> str:
        """Return the full hash of the commit that a version (a tag, a hash) names."""
        ...

    def versions(self) -> Sequence[str]:
        """Return the names of all tags."""
        ...

    def contains(self, branch: str, commit: str) -> bool:
        """Whether a commit is in a branch's history, and was not withdrawn since."""
        ...

    def diff(self, from_version: str, to_version: str) -> str:
        """Return the unified diff between two versions, redacted."""
        ...

    def changed_files(self, from_version: str, to_version: str) -> Sequence[str]:
        """Return the paths that differ between two versions, sorted."""
        ...

    def open(self, name: str, version: str) -> Workspace:
        """Return a fresh workspace at a version, on the branch `holdfast/<name>`."""
        ...

    def close(self, workspace: Workspace, *, keep_branch: bool) -> None:
        """Remove the checkout, and the branch unless it is the result."""
        ...

    def run_tests(self, workspace: Workspace, command: TestCommand) -> TestOutcome:
        """Run tests in the workspace; failing tests are an outcome, not an error."""
        ...

    def find_guilty(
        self,
        name: str,
        good: str,
        bad: str,
        command: TestCommand,
        *,
        known: Mapping[str, bool] | None = None,
    ) -> Guilty:
        """Return the first commit after `good` up to `bad` at which the tests fail.

        What is `known` already (full hash → passed) is not tried again.
        """
        ...

    def revert(self, workspace: Workspace, commit: str, *, message: str = "") -> str:
        """Undo one commit alone and return the new one, with this message or git's own.

        Raises MergeConflict, after which the workspace and its branch are gone.
        """
        ...

    def commit(self, workspace: Workspace, files: Mapping[str, str], message: str) -> str:
        """Write files (path → content), commit these alone and return the new commit."""
        ...

    def merge(self, branch: str, into: str, *, expect_head: str) -> str:
        """Merge a branch and return the new head.

        One that is merged already stays so. Raises PreconditionFailed, changing nothing, unless
        `into` is at `expect_head`, and where the merge was withdrawn since.
        """
        ...

    def withdraw(self, into: str, *, base: str, message: str, merged: str | None = None) -> str:
        """Take back what `merge` brought into a branch, by one commit on top; return the new head.

        `base` is the head that it was merged onto; `merged` the branch's commit, or None for the
        one branch of ours that came in since. What others committed later stays. Where it was
        taken back already the head is returned. Raises PreconditionFailed where it was never
        merged, MergeConflict where later commits build on it; then nothing was changed.
        """
        ...

    def tag(self, version: str, commit: str) -> None:
        """Give a commit a version, by an annotated tag; nothing where that is so already.

        Raises PreconditionFailed where the version is another commit.
        """
        ...

    def untag(self, version: str, *, expect_commit: str) -> None:
        """Take a version away; nothing where there is none.

        Raises PreconditionFailed where the version is another commit.
        """
        ...

    def leftovers(self) -> Sequence[str]:
        """Return the names of workspaces that exist."""
        ...

    def clean(self, name: str) -> None:
        """Remove the workspace and the branch of a name, whatever a dead run left of them."""
        ...
