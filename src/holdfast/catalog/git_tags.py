"""A repository's tags as deployments: where nothing better is known, a tag's time is a hint.

Nobody says that a tagged version was deployed at that time, nor at all; `Change.source` says so.
"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from holdfast.errors import SourceError, SourceUnavailable
from holdfast.model.change import Change, ChangeType

TIMEOUT_SECONDS = 20.0
_FORMAT = "%(refname:strip=2)%00%(objecttype)%00%(creatordate:unix)%00%(contents:subject)"


def read_tags(repository: Path, service: str) -> tuple[Change, ...]:
    """Return one change for each tag that has a time, oldest first.

    Annotated tags have their own time, lightweight ones that of their commit. Raises
    SourceUnavailable where git cannot read the repository.
    """
    lines = _git(
        repository, "for-each-ref", "--sort=creatordate", f"--format={_FORMAT}", "refs/tags"
    )
    changes: list[Change] = []
    for line in lines.splitlines():
        change = _change(line, repository, service, changes[-1] if changes else None)
        if change is not None:
            changes.append(change)
    return tuple(changes)


def _change(line: str, repository: Path, service: str, before: Change | None) -> Change | None:
    name, object_type, created, subject = line.split("\0", 3)
    if not created:  # a tag of a tree or a blob names no version
        return None
    kind = "annotated tag" if object_type == "tag" else "tag's commit"
    return Change(
        id=f"tag:{service}:{name}",
        type=ChangeType.DEPLOYMENT,
        service=service,
        at=datetime.fromtimestamp(int(created), UTC),
        predicate="upgraded" if before else "deployed",
        from_version=before.to_version if before else None,
        to_version=name,
        summary=subject,
        source=f"tags of {repository} (time of the {kind}; when it was deployed is not recorded)",
    )


def _git(repository: Path, *arguments: str) -> str:
    argv = ["git", "-C", str(repository), "--no-pager", *arguments]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise SourceError("git is not installed", hint="install git") from error
    except subprocess.TimeoutExpired as error:
        raise SourceUnavailable(
            f"git did not answer within {TIMEOUT_SECONDS:g} s for {repository}",
            hint="is the folder on a slow or missing disk?",
        ) from error
    if done.returncode != 0:
        raise SourceUnavailable(
            f"the tags of {repository} cannot be read: {done.stderr.strip()}",
            hint="give the path of a git repository that this user may read",
        )
    return done.stdout
