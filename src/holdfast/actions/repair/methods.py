"""The ways to a fix: the query loads what a loop reads, or the guilty commit is undone alone."""

from __future__ import annotations

import textwrap
from pathlib import Path

from holdfast.actions.codefix.eager import load_eagerly
from holdfast.actions.codefix.records import Refusal
from holdfast.actions.repair.order import FixOrder
from holdfast.actions.repair.reproduce import Reproduction
from holdfast.delivery.codehost import CodeHost, Guilty, Workspace
from holdfast.errors import CodeHostFailed
from holdfast.model.fix import DeclinedFix

_WIDTH = 72
_SUBJECT_AT_MOST = 72


def load_with_query(
    host: CodeHost, workspace: Workspace, order: FixOrder, reproduction: Reproduction
) -> tuple[str, ...] | DeclinedFix:
    """Commit eager loading at the mechanism's places; return what was changed, a sentence each."""
    spots = order.mechanism.code
    if not spots:
        reason = "no place in the code is known"
        return DeclinedFix(method="eager_loading", reason=reason)
    try:
        files = _sources(workspace.folder)
    except UnicodeDecodeError as error:
        reason = f"a file of the repository is not UTF-8: {error}"
        return DeclinedFix(method="eager_loading", reason=reason)
    fix = load_eagerly(files, spots)
    if isinstance(fix, Refusal):
        return DeclinedFix(method="eager_loading", reason=fix.reason)
    subject = "Load related rows with their query, not one by one"
    message = _message(subject, (*fix.sentences, *fix.remarks), order, reproduction)
    host.commit(workspace, {file.path: file.content for file in fix.files}, message)
    return fix.sentences


def revert_guilty(
    host: CodeHost,
    workspace: Workspace,
    order: FixOrder,
    reproduction: Reproduction,
    guilty: Guilty,
) -> tuple[str, ...] | DeclinedFix:
    """Commit the undoing of the guilty commit alone; where it conflicts the workspace is gone."""
    sentence = (
        f"Commit {guilty.commit[:12]} ({guilty.subject}) is undone alone; the other commits of "
        f"{order.bad_version} stay."
    )
    subject = f'Revert "{guilty.subject}"'
    if len(subject) > _SUBJECT_AT_MOST:
        subject = f"Revert {guilty.commit[:12]}"
    message = _message(subject, (sentence,), order, reproduction)
    try:
        host.revert(workspace, guilty.commit, message=message)
    except CodeHostFailed as error:
        return DeclinedFix(method="revert", reason=str(error))
    return (sentence,)


def _message(
    subject: str, changes: tuple[str, ...], order: FixOrder, reproduction: Reproduction
) -> str:
    """Return what was changed, why, and for which incident."""
    why = (
        f"{reproduction.test.id} sends {reproduction.on_bad} SQL statements at "
        f"{order.bad_version} and {reproduction.on_good} at {order.good_version}. "
        f"{order.mechanism.statement}"
    )
    body = (*changes, why, f"Incident: {order.incident_id}")
    return "\n\n".join([subject, *map(_wrapped, body)]) + "\n"


def _wrapped(text: str) -> str:
    plain = " ".join(text.split())
    return textwrap.fill(plain, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _sources(folder: Path) -> dict[str, str]:
    """Return the Python files of a checkout (path → source); links are not followed."""
    files = [path for path in sorted(folder.rglob("*.py")) if not path.is_symlink()]
    return {path.relative_to(folder).as_posix(): _text(path) for path in files}


def _text(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()
