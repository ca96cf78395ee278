"""A local or bare git repository as code host: worktrees, bisection, reverts, guarded merges.

All work happens in worktrees under `work_folder`, never in the team's own checkout. Nothing that
the repository configures is run: no hook, no filter, no merge driver, no signing program.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from holdfast.delivery.codehost import Guilty, TestCommand, TestOutcome, Workspace
from holdfast.delivery.sandbox import namespaces_permitted, run_confined
from holdfast.errors import CodeHostFailed, InputError, MergeConflict, PreconditionFailed
from holdfast.evidence.git_process import git_argv, run_git
from holdfast.evidence.gitdiff import GitRepository
from holdfast.evidence.redact import Redactor

PREFIX = "holdfast/"
"""What the names of our branches begin with."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
_SETTINGS = (
    *("commit.gpgSign=false", "tag.gpgSign=false", "merge.verifySignatures=false"),
    *("core.editor=true", "sequence.editor=true", "commit.template=", "rerere.enabled=false"),
    *("gc.auto=0", "maintenance.auto=false", "submodule.recurse=false", "core.autocrlf=false"),
    *("merge.autoStash=false", "merge.renames=true", "advice.detachedHead=false"),
)
_DRIVERS = re.compile(r"(filter|merge)\.(.+)\.(clean|smudge|process|driver|required)")


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
        self._repository = repository
        self._work_folder = work_folder
        self._author = author
        self._timeout_seconds = timeout_seconds
        self._namespace = namespaces_permitted() if namespace is None else namespace
        self._reader = GitRepository(repository, Redactor(), timeout_seconds=timeout_seconds)

    @property
    def name(self) -> str:
        """How evidence names it."""
        return f"git {self._repository}"

    def head(self, branch: str) -> str:
        """Return the full hash that a branch is at."""
        return self._git(
            "rev-parse", "--verify", "--end-of-options", f"refs/heads/{branch}"
        ).strip()

    def open(self, name: str, version: str) -> Workspace:
        """Return a fresh workspace at a version, on the branch `holdfast/<name>`."""
        self.clean(name)
        base = self._reader.commit(version)
        folder, branch = self._folder(name), f"{PREFIX}{name}"
        self._work_folder.mkdir(parents=True, exist_ok=True)
        self._git("worktree", "add", "--quiet", "--no-track", "-b", branch, str(folder), base)
        return Workspace(name, folder, branch, base)

    def close(self, workspace: Workspace, *, keep_branch: bool) -> None:
        """Remove the checkout, and the branch unless it is the result."""
        if keep_branch:
            self._remove_checkout(workspace.folder)
        else:
            self.clean(workspace.name)

    def run_tests(self, workspace: Workspace, command: TestCommand) -> TestOutcome:
        """Run tests in the workspace; failing tests are an outcome, not an error."""
        _write_files(workspace.folder, command.files)
        return run_confined(workspace.folder, command, namespace=self._namespace)

    def find_guilty(self, name: str, good: str, bad: str, command: TestCommand) -> Guilty:
        """Return the first commit after `good` up to `bad` at which the tests fail.

        Goes along first parents. The tests must pass at `good` and fail (exit 1) at `bad`: else
        PreconditionFailed; a commit that cannot be judged is CodeHostFailed.
        """
        commits = [self._reader.commit(good), *self._between(good, bad)]
        workspace = self.open(name, good)
        tried: dict[str, bool] = {}
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
        subject = self._git("log", "-1", "--format=%s", commits[high]).strip()
        return Guilty(commits[high], subject, tried)

    def revert(self, workspace: Workspace, commit: str) -> str:
        """Undo one commit alone and return the new one; see the seam for a conflict."""
        full = self._reader.commit(commit)
        parents = self._git("rev-list", "--parents", "-1", full).split()[1:]
        mainline = ("-m", "1") if len(parents) > 1 else ()
        self._apply(workspace, "revert", "--no-edit", *mainline, full)
        return self._git("rev-parse", "HEAD", at=workspace.folder).strip()

    def commit(self, workspace: Workspace, files: Mapping[str, str], message: str) -> str:
        """Write files (path → content), commit these alone and return the new commit."""
        _write_files(workspace.folder, files)
        self._git("add", "--", *files, at=workspace.folder)
        self._git("commit", "--quiet", "-m", message, "--only", "--", *files, at=workspace.folder)
        return self._git("rev-parse", "HEAD", at=workspace.folder).strip()

    def merge(self, branch: str, into: str, *, expect_head: str) -> str:
        """Merge a branch, by fast-forward where possible, and return the new head."""
        head, tip = self.head(into), self.head(branch)
        if self._is_ancestor(tip, head):
            return head
        if head != expect_head:
            raise PreconditionFailed(
                f"{into} of {self.name} is at {head[:12]}, not at {expect_head[:12]}",
                hint="nothing was merged; test the branch on the new head",
            )
        new = tip if self._is_ancestor(head, tip) else self._merge_commit(head, tip, branch)
        self._advance(into, new, head)
        return new

    def leftovers(self) -> tuple[str, ...]:
        """Return the names of workspaces that exist, as folders or as branches."""
        listed = self._git("for-each-ref", "--format=%(refname)", f"refs/heads/{PREFIX}")
        names = {line.removeprefix(f"refs/heads/{PREFIX}") for line in listed.splitlines()}
        folders = self._work_folder.glob("holdfast-*") if self._work_folder.is_dir() else ()
        return tuple(sorted(names | {path.name.removeprefix("holdfast-") for path in folders}))

    def clean(self, name: str) -> None:
        """Remove the workspace and the branch of a name, whatever a dead run left of them."""
        self._remove_checkout(self._folder(name))
        common = self._git("rev-parse", "--path-format=absolute", "--git-common-dir").strip()
        reference = f"refs/heads/{PREFIX}{name}"
        Path(common, f"{reference}.lock").unlink(missing_ok=True)
        self._git("update-ref", "-d", reference)

    def _folder(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise InputError(f"the name {name!r} is refused", hint="a-z, 0-9 and - only")
        return self._work_folder / f"holdfast-{name}"

    def _remove_checkout(self, folder: Path) -> None:
        """Remove a checkout and what git knows of it, even where it was only half made."""
        removal = ("worktree", "remove", "--force", "--force", str(folder))
        if self._run(*removal).returncode != 0 and folder.exists():
            shutil.rmtree(folder)
            self._run(*removal)  # fails where git never knew it: that is as it should be

    def _between(self, good: str, bad: str) -> list[str]:
        first, last = self._reader.commit(good), self._reader.commit(bad)
        if not self._is_ancestor(first, last):
            raise PreconditionFailed(f"{good} is not an ancestor of {bad} in {self.name}")
        listed = self._git("rev-list", "--reverse", "--first-parent", f"{first}..{last}", "--")
        return listed.split() or [last]

    def _judge(
        self, workspace: Workspace, commit: str, command: TestCommand, tried: dict[str, bool]
    ) -> bool:
        self._git("checkout", "--quiet", "--force", "--detach", commit, at=workspace.folder)
        self._git("clean", "-ffdxq", at=workspace.folder)
        outcome = self.run_tests(workspace, command)
        if outcome.exit_code not in (0, 1):
            ended = "ran out of time" if outcome.exit_code is None else f"exit {outcome.exit_code}"
            raise CodeHostFailed(
                f"{self.name}: the test cannot be judged at {commit[:12]}: {ended}",
                hint=outcome.output[-300:].strip(),
            )
        tried[commit] = outcome.passed
        return outcome.passed

    def _apply(self, workspace: Workspace, *arguments: str) -> None:
        """Run a command that may conflict; then the workspace is removed and the files named."""
        done = self._run(*arguments, at=workspace.folder)
        if done.returncode == 0:
            return
        unmerged = ("diff", "--name-only", "--diff-filter=U", "-z")
        files = [f for f in self._git(*unmerged, at=workspace.folder).split("\0") if f]
        self.close(workspace, keep_branch=False)
        if files:
            raise MergeConflict(
                f"{self.name}: git {arguments[0]} conflicts in {', '.join(files)}",
                hint="nothing was changed; a person has to resolve it",
            )
        raise CodeHostFailed(f"{self.name}: git {arguments[0]}: {done.stderr.strip()[:500]}")

    def _merge_commit(self, head: str, tip: str, branch: str) -> str:
        workspace = self.open(f"merge-{tip[:12]}", head)
        message = f"Merge branch '{branch}'"
        self._apply(workspace, "merge", "--quiet", "--no-ff", "-m", message, tip)
        new = self._git("rev-parse", "HEAD", at=workspace.folder).strip()
        self.close(workspace, keep_branch=False)
        return new

    def _advance(self, into: str, new: str, head: str) -> None:
        """Move a branch from `head` to `new`, with the files of a checkout that is on it."""
        checkout = self._checkout_of(into)
        if checkout is None:
            done = self._run("update-ref", "-m", "holdfast", f"refs/heads/{into}", new, head)
        elif self._git("status", "--porcelain", "--untracked-files=no", at=checkout).strip():
            raise PreconditionFailed(
                f"{into} is checked out in {checkout} with uncommitted changes"
            )
        else:
            done = self._run("merge", "--quiet", "--ff-only", new, at=checkout)
        if done.returncode != 0 or self.head(into) != new:
            raise PreconditionFailed(f"{into} could not be moved: {done.stderr.strip()[:500]}")

    def _checkout_of(self, branch: str) -> Path | None:
        listed = self._git("worktree", "list", "--porcelain")
        for block in listed.split("\n\n"):
            lines = block.splitlines()
            if f"branch refs/heads/{branch}" in lines:
                return Path(lines[0].removeprefix("worktree "))
        return None

    def _is_ancestor(self, first: str, second: str) -> bool:
        return self._run("merge-base", "--is-ancestor", first, second).returncode == 0

    def _git(self, *arguments: str, at: Path | None = None) -> str:
        done = self._run(*arguments, at=at)
        if done.returncode != 0:
            said = done.stderr.strip()[:500]
            raise CodeHostFailed(f"{self.name}: git {arguments[0]} failed: {said}")
        return done.stdout

    def _run(self, *arguments: str, at: Path | None = None) -> subprocess.CompletedProcess[str]:
        settings = (*_SETTINGS, *self._disarmed())
        argv = git_argv(at or self._repository, *arguments, settings=settings)
        return self._execute(argv)

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
        name, address = self._author
        who = {f"GIT_{role}_NAME": name for role in ("AUTHOR", "COMMITTER")}
        where = {f"GIT_{role}_EMAIL": address for role in ("AUTHOR", "COMMITTER")}
        try:
            return run_git(argv, self._timeout_seconds, {**who, **where})
        except FileNotFoundError:
            raise CodeHostFailed("the program `git` is not installed") from None
        except subprocess.TimeoutExpired:
            raise CodeHostFailed(
                f"{self.name}: git took longer than {self._timeout_seconds:g} s"
            ) from None


def _write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files below a folder. Raises InputError for a path that leads out of it."""
    root = folder.resolve()
    for name, content in files.items():
        path = (root / name).resolve()
        if not path.is_relative_to(root) or ".git" in Path(name).parts:
            raise InputError(f"the path {name!r} leads out of the checkout")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
