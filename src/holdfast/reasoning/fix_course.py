"""How far a permanent fix came, and where it ended: read from its steps. Pure."""

from __future__ import annotations

from collections.abc import Callable
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
        return "unanswered" if last.guard.expired else "denied"
    return "unanswered" if concluded else None


# ---- in words --------------------------------------------------------------------------------

_ANY_HALT: dict[Halt, str] = {
    "rejected": "a person said no to this: {title}",
    "unanswered": "nobody decided on this: {title}",
    "denied": "this was not permitted: {title}",
    "not_done": "this could not be carried out: {title}",
    "not_seen": "this did not show its effect: {title}",
    "no_data": "whether this had its effect could not be measured: {title}",
}

_HALTS: dict[tuple[Purpose, Halt], str] = {
    ("stage", "not_seen"): "under load, {version} was not as good as {good}",
    ("stage", "no_data"): "the load test of {version} beside {good} could not be made",
    ("stage", "not_done"): "{version} could not be started",
    ("merge", "rejected"): "a person said no to the merge",
    ("merge", "unanswered"): "nobody decided on the merge in time",
    ("merge", "not_done"): "the merge could not be made on the branch as it is now",
    ("canary", "not_seen"): "{version} was worse for its users than {good}, and was taken back",
    ("canary", "no_data"): "the canary of {version} could not tell, and was taken back",
    ("release", "not_seen"): "the objective did not hold with all traffic on {version}",
    ("release", "no_data"): "whether the objective holds with {version} could not be measured",
}
"""How a step of a fix ended that went no further."""

Name = Callable[[str], str]
"""Writes a name as the surface writes names."""


def why_no_further(course: FixCourse, fix: Fix, *, title: str = "", name: Name = str) -> str:
    """Say why the fix went no further; `title` is that of the last step, as it may be written."""
    last = course.last
    if last is None:
        return f"{name(fix.version)} of {name(fix.service)} was written and tested, not started"
    if course.halt is None:
        return f"this was done last: {title or last.action.title}"
    told = _HALTS.get((last.action.purpose, course.halt)) or _ANY_HALT[course.halt]
    return told.format(
        version=name(fix.version), good=name(fix.good_version), title=title or last.action.title
    )


def where_it_is(course: FixCourse, fix: Fix, *, name: Name = str) -> str:
    """Say where the code of the fix is now."""
    if course.withdrawn:
        return f"its merge was taken back, and the fix stays on {name(fix.branch)}"
    if not course.merged:
        return f"it is not merged: the fix is on {name(fix.branch)}"
    return "it is merged" if course.released else "it is merged, its release is left to a person"
