"""The tool `deploy_canary`: one step of a canary, judged, and all traffic after it where wanted."""

from __future__ import annotations

from collections.abc import Callable

from holdfast.delivery.rollout.records import RolloutResult
from holdfast.errors import InputError
from holdfast.evidence.toolbox import Tool
from holdfast.model.base import Record
from holdfast.model.evidence import Evidence, EvidenceKind, Outcome, Table
from holdfast.model.policy import CanaryPolicy, CanaryStep

MOST_MINUTES = 24 * 60.0
_LEAST_INTERVALS = 5

RESULT_COLUMNS = ("outcome", "service", "stable", "candidate", "seconds", "reason")
"""Of the evidence of a canary that was ended before anything was judged."""


class CanaryOrder(Record):
    """A checked call. The margins, the alpha and the watch are the policy's."""

    service: str
    version: str
    step: CanaryStep
    auto_promote: bool


GuardedCanary = Callable[[CanaryOrder], RolloutResult]
"""Takes a checked order through whatever guards writes, and rolls it out."""


def policy_of(order: CanaryOrder, canary: CanaryPolicy) -> CanaryPolicy:
    """Return the policy with the order's own step. Raises InputError as `check_step` does."""
    check_step(order.step, canary)
    return canary.model_copy(update={"steps": (order.step,)})


def canary_tool(run: GuardedCanary) -> Tool:
    """Return `deploy_canary(service, version, traffic_percent, duration_minutes, auto_promote,
    rollback_on_error)`, its result as evidence.
    """

    def deploy_canary(
        service: str,
        version: str,
        traffic_percent: float,
        duration_minutes: float,
        auto_promote: bool = False,
        rollback_on_error: bool = True,
    ) -> Evidence:
        """Give a version a share of traffic and judge it; it is taken back where it is worse."""
        order = make_order(
            service, version, traffic_percent, duration_minutes, auto_promote, rollback_on_error
        )
        return result_evidence(run(order))

    return Tool(
        name="deploy_canary",
        effect="write",
        timeout_seconds=MOST_MINUTES * 60,
        summary="Give a version a share of traffic, judge it, and take it back where it is worse.",
        function=deploy_canary,
    )


def make_order(
    service: str,
    version: str,
    traffic_percent: float,
    duration_minutes: float,
    auto_promote: bool,
    rollback_on_error: bool,
) -> CanaryOrder:
    """Return the order, or raise InputError.

    A canary that is not taken back on an error is refused: nobody would watch it then.
    """
    if not rollback_on_error:
        raise InputError(
            "rollback_on_error is false", hint="a canary is always taken back where it is worse"
        )
    if not 0 < traffic_percent < 100:
        raise InputError(f"traffic_percent is {traffic_percent:g}: it must be above 0, below 100")
    if not 0 < duration_minutes <= MOST_MINUTES:
        raise InputError(
            f"duration_minutes is {duration_minutes:g}: above 0, at most {MOST_MINUTES:g}"
        )
    step = CanaryStep(percent=traffic_percent, duration_seconds=duration_minutes * 60)
    return CanaryOrder(service=service, version=version, step=step, auto_promote=auto_promote)


def check_step(step: CanaryStep, canary: CanaryPolicy) -> None:
    """Raise InputError for a step that is too short to show anything."""
    if step.duration_seconds < _LEAST_INTERVALS * canary.interval_seconds:
        raise InputError(
            f"{step.duration_seconds:g} s are fewer than {_LEAST_INTERVALS} intervals of "
            f"{canary.interval_seconds:g} s",
            hint="make duration_minutes longer, or the policy's canary.interval_seconds shorter",
        )


def result_evidence(result: RolloutResult) -> Evidence:
    """Return the last verdict of a rollout; where there is none, how it ended."""
    if result.verdict_evidence is not None:
        return result.verdict_evidence
    row = tuple(getattr(result, column) for column in RESULT_COLUMNS)
    return Evidence.seal(
        kind=EvidenceKind.COMMAND,
        query=f"deploy_canary({result.service!r}, {result.candidate!r})",
        source="holdfast canary",
        asked_at=result.at,
        outcome=Outcome.DATA,
        value=Table(columns=RESULT_COLUMNS, rows=(row,)),
    )
