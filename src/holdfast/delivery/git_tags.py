"""A repository's versions: tags that are set once, and taken away only from where they were set."""

from __future__ import annotations

from holdfast.delivery.git_command import GitCommand
from holdfast.errors import InputError, PreconditionFailed


class GitTags:
    """The tags of one repository. A version's tag is its exact name."""

    def __init__(self, git: GitCommand) -> None:
        self._git = git

    def versions(self) -> tuple[str, ...]:
        """Return the names of all tags, by their numbers."""
        listing = ("for-each-ref", "--sort=version:refname", "--format=%(refname:strip=2)")
        return tuple(self._git.ask(*listing, "refs/tags").splitlines())

    def tag(self, version: str, commit: str) -> None:
        """Tag a commit with a note of our own; nothing where that is so already."""
        if self._git.run("check-ref-format", f"refs/tags/{version}").returncode != 0:
            raise InputError(f"{version!r} cannot be the name of a tag")
        if self._is_set(version, commit):
            return
        note = ("--annotate", "--message", f"Release {version}")
        done = self._git.run("tag", *note, "--", version, commit)
        if done.returncode != 0 and not self._is_set(version, commit):
            raise PreconditionFailed(
                f"{self._git.name} cannot tag {version}: {done.stderr.strip()[:500]}"
            )

    def untag(self, version: str, *, expect_commit: str) -> None:
        """Remove a tag; nothing where there is none. Raises PreconditionFailed as `tag` does."""
        if not self._is_set(version, expect_commit):
            return
        reference = f"refs/tags/{version}"
        tag = self._git.ask("rev-parse", "--verify", "--end-of-options", reference).strip()
        self._git.ask("update-ref", "-d", reference, tag)

    def _is_set(self, version: str, commit: str) -> bool:
        """Whether the version's tag is on a commit. Raises PreconditionFailed if on another one."""
        named = f"refs/tags/{version}^{{commit}}"
        found = self._git.run("rev-parse", "--verify", "--quiet", "--end-of-options", named)
        if found.returncode != 0:
            return False
        if found.stdout.strip() == commit:
            return True
        raise PreconditionFailed(
            f"{version} of {self._git.name} is {found.stdout.strip()[:12]}, not {commit[:12]}",
            hint="nothing was changed; a tag is never moved",
        )
