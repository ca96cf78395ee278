"""A local or bare git repository as code host: worktrees, bisection, reverts, guarded merges.

All work happens in worktrees under `work_folder`, never in the team's own checkout. Nothing that
the repository configures is run: no hook, no filter, no merge driver, no signing program.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from holdfast.delivery.codehost import Guilty, TestCommand, TestOutcome, Workspace
from holdfast.delivery.git_command import GitCommand
from holdfast.delivery.git_merge import GitMerge
from holdfast.delivery.git_tags import GitTags
from holdfast.delivery.git_workspaces import PREFIX as PREFIX
from holdfast.delivery.git_workspaces import GitWorkspaces
from holdfast.delivery.sandbox import namespaces_permitted, run_confined
from holdfast.errors import CodeHostFailed, InputError, PreconditionFailed
from holdfast.evidence.gitdiff import GitRepository
from holdfast.evidence.redact import Redactor


class GitHost:
    """Implements CodeHost. `author` signs its commits as `name`, `address`.

    `namespace` False = tests run with the weaker network guard, as where nothing else is permitted.
    """

    def __init__(
        self,
        repository: Path,
        *,
        work_folder: Path,
        author: tuple[str, str] = ("Holdfast", "holdfast@localhost"),
        timeout_seconds: float = 60.0,
        namespace: bool | None = None,
    ) -> None:
        self._git = GitCommand(repository, author=author, timeout_seconds=timeout_seconds)
        self._workspaces = GitWorkspaces(self._git, work_folder.absolute())
        self._branches = GitMerge(self._git, self._workspaces)
        self._tags = GitTags(self._git)
        self._namespace = namespaces_permitted() if namespace is None else namespace
        self._reader = GitRepository(repository, Redactor(), timeout_seconds=timeout_seconds)

    @property
    def name(self) -> str:
        """How evidence names it."""
        return self._git.name

    def head(self, branch: str) -> str:
        """Return the full hash that a branch is at."""
        return self._branches.head(branch)

    def commit_of(self, version: str) -> str:
        """Return the full hash of the commit that a version names."""
        return self._reader.commit(version)

    def versions(self) -> tuple[str, ...]:
        """Return the names of all tags, by their numbers."""
        return self._tags.versions()

    def contains(self, branch: str, commit: str) -> bool:
        """Whether a commit is in a branch's history, and was not taken back since."""
        return self._branches.contains(branch, self._reader.commit(commit))

    def diff(self, from_version: str, to_version: str) -> str:
        """Return the unified diff between two versions, redacted."""
        return self._reader.diff(from_version, to_version, context_lines=3)

    def changed_files(self, from_version: str, to_version: str) -> tuple[str, ...]:
        """Return the paths that differ between two versions, sorted."""
        return self._reader.changed_files(from_version, to_version)

    def open(self, name: str, version: str) -> Workspace:
        """Return a fresh workspace at a version, on the branch `holdfast/<name>`."""
        return self._workspaces.open(name, self._reader.commit(version))

    def close(self, workspace: Workspace, *, keep_branch: bool) -> None:
        """Remove the checkout, and the branch unless it is the result."""
        self._workspaces.close(workspace, keep_branch=keep_branch)

    def leftovers(self) -> tuple[str, ...]:
        """Return the names of workspaces that exist, as folders or as branches."""
        return self._workspaces.leftovers()

    def clean(self, name: str) -> None:
        """Remove the workspace and the branch of a name, whatever a dead run left of them."""
        self._workspaces.clean(name)

    def run_tests(self, workspace: Workspace, command: TestCommand) -> TestOutcome:
        """Run tests in the workspace; failing tests are an outcome, not an error."""
        _write_files(workspace.folder, command.files)
        home = self._workspaces.home(workspace.name)
        try:
            return run_confined(workspace.folder, command, home, namespace=self._namespace)
        finally:
            shutil.rmtree(home, ignore_errors=True)  # tests may leave what cannot be removed

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

        Goes along first parents. The tests must pass at `good` and fail (exit 1) at `bad`: else
        PreconditionFailed; a commit that cannot be judged is CodeHostFailed.
        """
        commits = [self._reader.commit(good), *self._between(good, bad)]
        workspace = self.open(name, good)
        tried: dict[str, bool] = dict(known or {})
        try:
            self._judge(workspace, commits[0], command, tried)
            self._judge(workspace, commits[-1], command, tried)
            if not tried[commits[0]] or tried[commits[-1]]:
                raise PreconditionFailed(f"the test does not pass at {good} and fail at {bad}")
            low, high = 0, len(commits) - 1
            while high - low > 1:
                middle = (low + high) // 2
                passed = self._judge(workspace, commits[middle], command, tried)
                low, high = (middle, high) if passed else (low, middle)
        finally:
            self.close(workspace, keep_branch=False)
        subject = self._git.ask("log", "-1", "--format=%s", commits[high]).strip()
        return Guilty(commits[high], subject, tried)

    def revert(self, workspace: Workspace, commit: str, *, message: str = "") -> str:
        """Undo one commit alone and return the new one; see the seam for a conflict."""
        full = self._reader.commit(commit)
        parents = self._git.ask("rev-list", "--parents", "-1", full).split()[1:]
        mainline = ("-m", "1") if len(parents) > 1 else ()
        self._workspaces.apply(workspace, "revert", "--no-edit", *mainline, full)
        if message:
            self._git.ask("commit", "--quiet", "--amend", "-m", message, at=workspace.folder)
        return self._git.ask("rev-parse", "HEAD", at=workspace.folder).strip()

    def commit(self, workspace: Workspace, files: Mapping[str, str], message: str) -> str:
        """Write files (path → content), commit these alone and return the new commit."""
        _write_files(workspace.folder, files)
        at = workspace.folder
        self._git.ask("add", "--force", "--", *files, at=at)
        self._git.ask("commit", "--quiet", "-m", message, "--only", "--", *files, at=at)
        return self._git.ask("rev-parse", "HEAD", at=at).strip()

    def merge(self, branch: str, into: str, *, expect_head: str) -> str:
        """Merge a branch, by fast-forward where possible, and return the new head."""
        return self._branches.merge(branch, into, expect_head=expect_head)

    def withdraw(self, into: str, *, base: str, message: str, merged: str | None = None) -> str:
        """Take back a merge by one commit on top, and return the new head; see the seam."""
        return self._branches.withdraw(into, base=base, message=message, merged=merged)

    def tag(self, version: str, commit: str) -> None:
        """Tag a commit; nothing where that is so already."""
        self._tags.tag(version, self._reader.commit(commit))

    def untag(self, version: str, *, expect_commit: str) -> None:
        """Remove a tag from a commit; nothing where there is none."""
        self._tags.untag(version, expect_commit=expect_commit)

    def _between(self, good: str, bad: str) -> list[str]:
        first, last = self._reader.commit(good), self._reader.commit(bad)
        if not self._git.is_ancestor(first, last):
            raise PreconditionFailed(f"{good} is not an ancestor of {bad} in {self.name}")
        listed = self._git.ask("rev-list", "--reverse", "--first-parent", f"{first}..{last}", "--")
        return listed.split() or [last]

    def _judge(
        self, workspace: Workspace, commit: str, command: TestCommand, tried: dict[str, bool]
    ) -> bool:
        if commit in tried:
            return tried[commit]
        self._git.ask("checkout", "--quiet", "--force", "--detach", commit, at=workspace.folder)
        self._git.ask("clean", "-ffdxq", at=workspace.folder)
        outcome = self.run_tests(workspace, command)
        if outcome.exit_code not in (0, 1):
            ended = "ran out of time" if outcome.exit_code is None else f"exit {outcome.exit_code}"
            raise CodeHostFailed(
                f"{self.name}: the test cannot be judged at {commit[:12]}: {ended}",
                hint=outcome.output[-300:].strip(),
            )
        tried[commit] = outcome.passed
        return outcome.passed


def _write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files below a folder. Raises InputError for a path that leads out of it."""
    root = folder.resolve()
    for name, content in files.items():
        path = (root / name).resolve()
        if not path.is_relative_to(root) or ".git" in Path(name).parts:
            raise InputError(f"the path {name!r} leads out of the checkout")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
