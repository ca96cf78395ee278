"""How far a permanent fix came, and where it ended: read from its steps. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from holdfast.actions.fix_steps import is_merged, steps_taken, succeeded
from holdfast.model.action import Purpose
from holdfast.model.case import ActionCase, Case
from holdfast.model.fix import Fix

Halt = Literal["rejected", "unanswered", "denied", "not_done", "not_seen", "no_data"]
"""Why a step went no further: a person said no, nobody answered, the guard said no, it could not
be carried out, its effect was measured and is not there, or its effect could not be measured."""

_FORWARD: tuple[Purpose, ...] = ("stage", "merge", "canary", "release")
_REFUSALS = ("reject", "modify", "escalate")


@dataclass(frozen=True)
class FixCourse:
    """`last` is the last step forward; `halt` says why it was the last, None while it was not."""

    fix: Fix | None
    last: ActionCase | None
    halt: Halt | None
    released: bool
    merged: bool
    withdrawn: bool

    @property
    def verified(self) -> bool:
        """Whether the fix is merged, and was measured to hold with all traffic on it."""
        return self.released and self.merged


def course_of(case: Case) -> FixCourse | None:
    """Return how far the fix came; None where nobody has begun to work on one."""
    if case.repaired is None:
        return None
    forward = steps_of(case, *_FORWARD)
    last = forward[-1] if forward else None
    withdrawn = any(succeeded(one) for one in steps_of(case, "withdraw"))
    return FixCourse(
        fix=case.repaired.fix,
        last=last,
        halt=_halt(last, concluded=case.concluded) if last else None,
        released=any(succeeded(one) for one in steps_of(case, "release")),
        merged=is_merged(case),
        withdrawn=withdrawn,
    )


def steps_of(case: Case, *purposes: Purpose) -> tuple[ActionCase, ...]:
    """Return the steps of the fix for these purposes, oldest first."""
    return tuple(one for one in steps_taken(case) if one.action.purpose in purposes)


def _halt(last: ActionCase, *, concluded: bool) -> Halt | None:
    if last.verdict is not None:
        return None if last.verdict.effect == "seen" else last.verdict.effect
    if last.outcome_of("act") in ("failed", "unknown"):
        return "not_done"
    if last.claims:
        return "not_done" if concluded else None
    if any(word.decision in _REFUSALS for word in last.approvals):
        return "rejected"
    if last.guard is not None and last.guard.decision == "deny":
        return "denied"
    return "unanswered" if concluded else None
