"""Moves a team's branch: a guarded merge, and the one commit that takes a merge back."""

from __future__ import annotations

from holdfast.delivery.codehost import Workspace
from holdfast.delivery.git_command import GitCommand
from holdfast.delivery.git_workspaces import PREFIX, GitWorkspaces
from holdfast.errors import PreconditionFailed

WITHDRAWS = "Withdraws"
"""The trailer that names the merged commit in the message of the commit that takes it back."""


class GitMerge:
    """Merges into branches of one repository, checked out or not, and withdraws what it merged."""

    def __init__(self, git: GitCommand, workspaces: GitWorkspaces) -> None:
        self._git = git
        self._workspaces = workspaces

    def head(self, branch: str) -> str:
        """Return the full hash that a branch is at."""
        named = ("rev-parse", "--verify", "--end-of-options", f"refs/heads/{branch}")
        return self._git.ask(*named).strip()

    def contains(self, branch: str, commit: str) -> bool:
        """Whether a commit is in a branch's history, and was not taken back since."""
        head = self.head(branch)
        return self._git.is_ancestor(commit, head) and not self._withdrawal(commit, head, commit)

    def merge(self, branch: str, into: str, *, expect_head: str) -> str:
        """Merge a branch, by fast-forward where possible, and return the new head."""
        head, tip = self.head(into), self.head(branch)
        if self._git.is_ancestor(tip, head):
            if self._withdrawal(tip, head, tip):
                raise PreconditionFailed(
                    f"{branch} was merged into {into} of {self._git.name}, and taken back",
                    hint="nothing was merged; commit the change anew to merge it again",
                )
            return head
        if head != expect_head:
            raise PreconditionFailed(
                f"{into} of {self._git.name} is at {head[:12]}, not at {expect_head[:12]}",
                hint="nothing was merged; test the branch on the new head",
            )
        new = tip if self._git.is_ancestor(head, tip) else self._merge_commit(head, tip, branch)
        self._advance(into, new, head)
        return new

    def withdraw(self, into: str, *, base: str, message: str, merged: str | None) -> str:
        """Take back a merge by one commit on top, and return the new head; see the seam."""
        head = self.head(into)
        ours = merged or self._merged_branch(into, head, base)
        if self._withdrawal(base, head, ours):
            return head
        before, after = self._step(into, head, base, ours)
        new = self._undo(head, before, after, f"{message.rstrip()}\n\n{WITHDRAWS}: {ours}\n")
        if new != head:
            self._advance(into, new, head)
        return new

    def _withdrawal(self, base: str, head: str, merged: str) -> str:
        """Return the commit since `base` that took `merged` back, or nothing."""
        grep = ("-1", "--format=%H", "--fixed-strings", f"--grep={WITHDRAWS}: {merged}")
        return self._git.ask("log", *grep, f"{base}..{head}", "--").strip()

    def _merged_branch(self, into: str, head: str, base: str) -> str:
        """Return the one commit of a branch of ours that came into a branch since `base`."""
        chosen = (f"--merged={head}", f"--no-merged={base}", "--format=%(objectname)")
        found = set(self._git.ask("for-each-ref", *chosen, f"refs/heads/{PREFIX}").split())
        if len(found) == 1:
            return found.pop()
        raise PreconditionFailed(
            f"{len(found)} branches of {PREFIX}* were merged into {into} of {self._git.name} "
            f"since {base[:12]}, not one",
            hint="nothing was changed; say which commit was merged",
        )

    def _step(self, into: str, head: str, base: str, merged: str) -> tuple[str, str]:
        """Return the states of `into` before and after the merge that brought `merged`."""
        listed = self._git.ask("rev-list", "--first-parent", "--reverse", f"{base}..{head}", "--")
        chain = listed.split()
        if merged in chain:
            return base, merged
        for commit in chain:
            if self._git.is_ancestor(merged, commit):
                return f"{commit}^1", commit
        raise PreconditionFailed(
            f"{into} of {self._git.name} has not taken in {merged[:12]} since {base[:12]}",
            hint="nothing was changed",
        )

    def _undo(self, head: str, before: str, after: str, message: str) -> str:
        """Return a commit on `head` without the step from `before` to `after`, or `head`.

        The step's inverse is made a commit that no branch has, which is then picked.
        """
        workspace = self._workspaces.open(f"withdraw-{after[:12]}", head)
        tree = ("-p", after, "-m", "Inverse", f"{before}^{{tree}}")
        inverse = self._git.ask("commit-tree", *tree).strip()
        self._workspaces.apply(workspace, "cherry-pick", "--no-commit", inverse)
        if self._git.run("diff", "--cached", "--quiet", at=workspace.folder).returncode == 0:
            self._workspaces.close(workspace, keep_branch=False)
            return head
        return self._committed(workspace, "commit", "--quiet", "-m", message)

    def _merge_commit(self, head: str, tip: str, branch: str) -> str:
        workspace = self._workspaces.open(f"merge-{tip[:12]}", head)
        message = f"Merge branch '{branch}'"
        return self._committed(workspace, "merge", "--quiet", "--no-ff", "-m", message, tip)

    def _committed(self, workspace: Workspace, *arguments: str) -> str:
        """Run a command that commits, and return the commit; the workspace is removed."""
        self._workspaces.apply(workspace, *arguments)
        new = self._git.ask("rev-parse", "HEAD", at=workspace.folder).strip()
        self._workspaces.close(workspace, keep_branch=False)
        return new

    def _advance(self, into: str, new: str, head: str) -> None:
        """Move a branch from `head` to `new`, with the files of a checkout that is on it."""
        checkout = self._workspaces.checkout_of(into)
        if checkout is None:
            done = self._git.run("update-ref", "-m", "holdfast", f"refs/heads/{into}", new, head)
        elif self._git.ask("status", "--porcelain", "--untracked-files=no", at=checkout).strip():
            raise PreconditionFailed(
                f"{into} is checked out in {checkout} with uncommitted changes"
            )
        else:
            done = self._git.run("merge", "--quiet", "--ff-only", new, at=checkout)
        if done.returncode != 0 or self.head(into) != new:
            raise PreconditionFailed(f"{into} could not be moved: {done.stderr.strip()[:500]}")
