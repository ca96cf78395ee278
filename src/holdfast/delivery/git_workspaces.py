"""Checkouts of our own, each on a branch of its own, and what a dead run leaves of them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from holdfast.delivery.codehost import Workspace
from holdfast.delivery.git_command import GitCommand
from holdfast.errors import CodeHostFailed, InputError, MergeConflict, PreconditionFailed

PREFIX = "holdfast/"
"""What the names of our branches begin with."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
_FOLDER, _HOME = "holdfast-", "home-"


class GitWorkspaces:
    """The worktrees of one repository below `folder`, never in the team's own checkout."""

    def __init__(self, git: GitCommand, folder: Path) -> None:
        self._git = git
        self._all = folder

    def open(self, name: str, commit: str) -> Workspace:
        """Return a fresh checkout of a commit; what an earlier run of the name left is removed."""
        self.clean(name)
        folder, branch = self._folder(name), f"{PREFIX}{name}"
        self._all.mkdir(parents=True, exist_ok=True)
        self._git.ask("worktree", "add", "--quiet", "--no-track", "-b", branch, str(folder), commit)
        return Workspace(name, folder, branch, commit)

    def close(self, workspace: Workspace, *, keep_branch: bool) -> None:
        """Remove the checkout, and the branch unless it is the result."""
        if keep_branch:
            self._remove_checkout(workspace.name)
        else:
            self.clean(workspace.name)

    def home(self, name: str) -> Path:
        """Return a new empty folder beside the checkout: the home of the tests that run there."""
        folder = self._all / f"{_HOME}{name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def leftovers(self) -> tuple[str, ...]:
        """Return the names that have a folder or a branch."""
        listed = self._git.ask("for-each-ref", "--format=%(refname)", f"refs/heads/{PREFIX}")
        names = {line.removeprefix(f"refs/heads/{PREFIX}") for line in listed.splitlines()}
        for prefix in (_FOLDER, _HOME):
            folders = self._all.glob(f"{prefix}*") if self._all.is_dir() else ()
            names |= {path.name.removeprefix(prefix) for path in folders}
        return tuple(sorted(names))

    def clean(self, name: str) -> None:
        """Remove the checkout and the branch of a name, whatever a dead run left of them.

        Raises PreconditionFailed where somebody else has checked the branch out.
        """
        self._remove_checkout(name)
        theirs = self.checkout_of(f"{PREFIX}{name}")
        if theirs is not None:
            raise PreconditionFailed(
                f"{PREFIX}{name} is checked out in {theirs}",
                hint="it cannot be begun anew: check out another branch there",
            )
        common = self._git.ask("rev-parse", "--path-format=absolute", "--git-common-dir").strip()
        reference = f"refs/heads/{PREFIX}{name}"
        Path(common, f"{reference}.lock").unlink(missing_ok=True)
        self._git.ask("update-ref", "-d", reference)

    def checkout_of(self, branch: str) -> Path | None:
        """Return the folder where a branch is checked out, ours or not."""
        listed = self._git.ask("worktree", "list", "--porcelain")
        for block in listed.split("\n\n"):
            lines = block.splitlines()
            if f"branch refs/heads/{branch}" in lines:
                return Path(lines[0].removeprefix("worktree "))
        return None

    def apply(self, workspace: Workspace, *arguments: str) -> None:
        """Run a git command in a checkout that may conflict.

        Where it does, the workspace and its branch are removed and MergeConflict names the files.
        """
        done = self._git.run(*arguments, at=workspace.folder)
        if done.returncode == 0:
            return
        unmerged = ("diff", "--name-only", "--diff-filter=U", "-z")
        files = [f for f in self._git.ask(*unmerged, at=workspace.folder).split("\0") if f]
        self.close(workspace, keep_branch=False)
        what = f"{self._git.name}: git {arguments[0]}"
        if files:
            raise MergeConflict(
                f"{what} conflicts in {', '.join(files)}",
                hint="nothing was changed; a person has to resolve it",
            )
        raise CodeHostFailed(f"{what}: {done.stderr.strip()[:500]}")

    def _folder(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise InputError(f"the name {name!r} is refused", hint="a-z, 0-9 and - only")
        return self._all / f"{_FOLDER}{name}"

    def _remove_checkout(self, name: str) -> None:
        """Remove a checkout and what git knows of it, even where it was only half made."""
        folder = self._folder(name)
        removal = ("worktree", "remove", "--force", "--force", str(folder))
        if self._git.run(*removal).returncode != 0 and folder.exists():
            shutil.rmtree(folder)
            self._git.run(*removal)  # fails where git never knew it: that is as it should be
        home = self._all / f"{_HOME}{name}"
        if home.exists():
            shutil.rmtree(home)
