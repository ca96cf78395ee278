"""Judges the measured effect of an action against the expected one. Pure: asks nothing itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

from holdfast.errors import EvidenceError
from holdfast.model.action import ExpectedEffect, Verdict
from holdfast.model.evidence import Evidence, Outcome
from holdfast.model.hypothesis import Bound
from holdfast.verification.run import SILENCE, Run, measure_run

_SLACK_SECONDS = 1e-6


@dataclass(frozen=True)
class StillWaiting:
    """The effect is neither seen nor out of time. `silent` = no data came up to now."""

    seconds_left: float
    held_so_far: float
    silent: bool


@dataclass(frozen=True)
class Recovery:
    """Whether a value is back inside its bound for long enough. `measured` is the latest."""

    back: bool
    held_seconds: float
    measured: float | None
    silent: bool


def judge(
    expected: ExpectedEffect,
    evidence: Evidence,
    *,
    action_id: str,
    acted_at: float,
    now: float,
) -> Verdict | StillWaiting:
    """Return the verdict, or that it is too early for one. Times are Unix seconds.

    `evidence` is the range answer to `expected.query` from `acted_at` to `now`.

    - `seen`: inside the bound without a break for `hold_seconds` up to now, with data at nearly
      every step. A gap, silence or NaN (0/0: no traffic) never counts as health.
    - before the deadline: StillWaiting.
    - at the deadline: `no_data` where silence is what kept it from being seen, else `not_seen`.

    Raises EvidenceError where the evidence answers another question or is no range matrix.
    """
    if evidence.outcome is not Outcome.ERROR and evidence.query != expected.query:
        raise EvidenceError(
            f"evidence {evidence.id} answers {evidence.query!r}, "
            f"but the effect is measured by {expected.query!r}"
        )
    run = measure_run(evidence, expected.bound, since=acted_at, now=now)
    seconds_left = acted_at + expected.deadline_seconds - now
    held_long_enough = _held(run, expected.hold_seconds)
    if not held_long_enough and seconds_left > 0:
        return StillWaiting(seconds_left, run.held_seconds, run.ended_by == SILENCE)
    silent = run.ended_by == SILENCE
    return Verdict(
        action_id=action_id,
        effect="seen" if held_long_enough else "no_data" if silent else "not_seen",
        measured=run.last_value,
        expected=_in_words(expected),
        held_seconds=run.held_seconds,
        evidence_ids=(evidence.id,),
    )


def recovered(
    evidence: Evidence,
    *,
    bound: Bound,
    hold_seconds: float,
    now: float,
    since: float = -math.inf,
) -> Recovery:
    """Return whether the value is back by the same measure, whoever or whatever brought it back.

    `since` (Unix seconds) is where the watched time begins, for example the alert.
    """
    run = measure_run(evidence, bound, since=since, now=now)
    return Recovery(
        back=_held(run, hold_seconds),
        held_seconds=run.held_seconds,
        measured=run.last_value,
        silent=run.ended_by == SILENCE,
    )


def _held(run: Run, hold_seconds: float) -> bool:
    return run.last_value is not None and run.held_seconds >= hold_seconds - _SLACK_SECONDS


def _in_words(expected: ExpectedEffect) -> str:
    return (
        f"{expected.statement}: {expected.bound} for {expected.hold_seconds:g} s "
        f"within {expected.deadline_seconds:g} s"
    )
