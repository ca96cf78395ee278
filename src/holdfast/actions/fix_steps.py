"""How a fix goes on, step by step, on its way to all users: read from what was done. Pure.

See design/007: `stage` → `merge` → `canary` … → `release`; `withdraw` and `unstage` put back.
"""

from __future__ import annotations

from typing import Literal

from holdfast.model.action import Purpose
from holdfast.model.case import ActionCase, Case


def steps_taken(case: Case) -> tuple[ActionCase, ...]:
    """Return the actions of the fix so far, oldest first."""
    return tuple(a for a in case.actions.values() if a.action.purpose != "mitigate")


def succeeded(item: ActionCase) -> bool:
    """Whether the effect of a step was seen."""
    return item.verdict is not None and item.verdict.effect == "seen"


def stands_against_its_verdict(item: ActionCase) -> bool:
    """Whether a step that did not show its effect could not be put back."""
    in_vain = item.verdict is not None and item.verdict.effect != "seen"
    unclear = item.outcome_of("act") == "failed" and not item.performances[-1].drifted
    undone = item.outcome_of("undo") in ("done", "not_needed")
    on_the_way = item.action.purpose in ("stage", "canary", "release")
    return on_the_way and (in_vain or unclear) and not undone


def is_merged(case: Case) -> bool:
    """Whether the fix is on its branch: merged, and not taken back."""
    return _last(case, "merge") and not _last(case, "withdraw")


def is_staged(case: Case) -> bool:
    """Whether the fixed version may still run without being the one that serves."""
    taken = steps_taken(case)
    staged = [index for index, item in enumerate(taken) if item.action.purpose == "stage"]
    if not staged or not succeeded(taken[staged[-1]]):
        return False
    after = taken[staged[-1] + 1 :]
    return not any(_ends_the_other(item) for item in after)


Move = Literal["forward", "unstage", "withdraw"]


def next_move(case: Case) -> Move | None:
    """Say purely how the fix goes on: forward, back to how it was, or (None) no further.

    What was started without traffic is ended where it goes no further. A merge is taken back only
    where production refused the fix: where a policy, a person or missing data stood in its way, an
    approved and tested fix stays merged, and its release is left to a person.
    """
    if case.repaired is None or case.repaired.fix is None:
        return None
    taken = steps_taken(case)
    last = taken[-1] if taken else None
    if last is None:
        return "forward"
    if last.action.purpose == "withdraw":
        return None
    if last.action.purpose == "unstage":
        return "withdraw" if succeeded(last) and _was_refused(case) else None
    if succeeded(last):
        return None if last.action.purpose == "release" else "forward"
    if is_staged(case):
        return "unstage"
    return "withdraw" if _was_refused(case) else None


def _was_refused(case: Case) -> bool:
    """Whether users were measured to be worse off with the fix, which is merged."""
    worse = any(
        item.action.purpose in ("canary", "release")
        and item.verdict is not None
        and item.verdict.effect == "not_seen"
        for item in steps_taken(case)
    )
    return worse and is_merged(case)


def _last(case: Case, purpose: Purpose) -> bool:
    found = [item for item in steps_taken(case) if item.action.purpose == purpose]
    return bool(found) and succeeded(found[-1])


def _ends_the_other(item: ActionCase) -> bool:
    """Whether a step left the fixed version not running, or serving everything."""
    if item.action.purpose in ("unstage", "release"):
        return succeeded(item) or item.outcome_of("undo") == "done"
    return item.action.purpose == "canary" and item.outcome_of("undo") in ("done", "not_needed")
