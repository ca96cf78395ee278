"""A target and its reasons: what history shows, users need, dependencies allow, contracts ask.

Users' needs decide, not what happens to be (Google, The Site Reliability Workbook, chapter 2; Site
Reliability Engineering, chapter 4: "don't pick a target based on current performance", "keep a
safety margin"). What has not been shown is not promised: where needs go beyond history, the target
is what history carries and the gap is said.
"""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.errors import InputError
from holdfast.model.budget import Ceiling
from holdfast.model.slo import BurnTier
from holdfast.model.target import (
    Agreement,
    Baseline,
    DowntimeCost,
    Expectation,
    Reference,
    TargetProposal,
)
from holdfast.slo.targets.argument import (
    Argument,
    compare,
    reachable,
    sla_promise,
    sla_reasons,
)
from holdfast.slo.targets.percent import percent
from holdfast.slo.targets.steps import (
    greatest_step_at_most,
    least_step_above,
)

LOOSE_BUDGETS = 10.0
"""A need that allows ten times the bad events of history is asked about again."""


def propose_target(
    baseline: Baseline,
    ceiling: Ceiling,
    expectation: Expectation | None,
    sla: Agreement | None,
    tiers: Sequence[BurnTier],
    period_seconds: float,
    *,
    reference: Reference | None = None,
    cost: DowntimeCost | None = None,
) -> TargetProposal:
    """Return a target that history carries, never above the ceiling, at which each tier can fire.

    It is above the baseline's lower bound only where an SLA in force leaves no choice, or nothing
    was measured; both are warnings. Raises InputError, naming the field, for an objective of 0 or
    100 %, an SLA that the dependencies do not allow, and a period shorter than a tier's window.
    """
    _check(ceiling, expectation, sla, tiers, period_seconds)
    said = Argument()
    objective = _chosen(said, baseline, ceiling, expectation, sla)
    if objective is None:
        said.warnings.append("no target: there is no history, and nobody has said what users need")
        return TargetProposal(
            objective=None,
            period_seconds=period_seconds,
            reasons=tuple(said.reasons),
            warnings=tuple(said.warnings),
        )
    compare(said, objective, reference, cost, period_seconds)
    fitted = reachable(said, objective, tiers, period_seconds)
    return TargetProposal(
        objective=objective,
        period_seconds=period_seconds,
        reasons=(*said.reasons, *sla_reasons(objective, sla)),
        warnings=tuple(said.warnings),
        tiers=fitted.tiers,
        sla_promise=sla_promise(objective),
    )


def _check(
    ceiling: Ceiling,
    expectation: Expectation | None,
    sla: Agreement | None,
    tiers: Sequence[BurnTier],
    period_seconds: float,
) -> None:
    for name, given in (("expectation", expectation), ("sla", sla)):
        if given is not None and not 0 < given.objective < 1:
            raise InputError(
                f"{name}.objective: {100 * given.objective:g} % is no objective",
                hint="give a fraction between 0 and 1, such as 0.999",
            )
    if sla and ceiling.objective is not None and sla.objective >= ceiling.objective:
        raise InputError(
            f"sla.objective: {percent(sla.objective)} is promised, and the dependencies allow "
            f"{percent(ceiling.objective)}",
            hint="renegotiate the SLA, or make a dependency redundant or soft",
        )
    for tier in tiers:
        if tier.long_window_seconds > period_seconds:
            raise InputError(
                f"period_seconds: {period_seconds:g} s is shorter than the long window of "
                f"{tier.name} ({tier.long_window_seconds:g} s)",
                hint="give a longer period or shorter windows",
            )


# ---- the target -------------------------------------------------------------------------------


def _chosen(
    said: Argument,
    baseline: Baseline,
    ceiling: Ceiling,
    expectation: Expectation | None,
    sla: Agreement | None,
) -> float | None:
    said.say("baseline", baseline.low, baseline.statement)
    said.say("ceiling", ceiling.objective, ceiling.sentence)
    said.warnings.extend((*baseline.warnings, *ceiling.warnings))
    limit = _limit(said, baseline.low, ceiling.objective)
    if expectation is not None:
        objective = _for_users(said, expectation, limit, baseline)
    elif baseline.low is not None:
        objective = _rounded(said, limit)
    else:
        objective = None
    return _above_sla(said, objective, sla, baseline, ceiling)


def _limit(said: Argument, low: float | None, allowed: float | None) -> float | None:
    if low is not None and allowed is not None and low > allowed:
        said.warnings.append(
            f"history is better ({percent(low)}) than the dependencies' objectives allow "
            f"({percent(allowed)}): they do better than they promise, which may end"
        )
    known = [limit for limit in (low, allowed) if limit is not None]
    return min(known, default=None)


def _for_users(
    said: Argument, expectation: Expectation, limit: float | None, baseline: Baseline
) -> float | None:
    needed = expectation.objective
    said.say("expectation", needed, f"users need {percent(needed)} ({expectation.source})")
    if baseline.low is None:
        said.warnings.append(
            "expectation.objective: there is no history that shows whether it can be kept"
        )
    if limit is not None and needed > limit:
        times = (1 - limit) / (1 - needed)
        said.warnings.append(
            f"expectation.objective: users need {percent(needed)}, what is shown and allowed is "
            f"{percent(limit)}: bad events must become {times:.2g} times rarer before it can be "
            "promised"
        )
        return _rounded(said, limit)
    if baseline.low is not None and (1 - needed) > LOOSE_BUDGETS * (1 - baseline.low):
        said.warnings.append(
            f"expectation.objective: {percent(needed)} is far below what history shows "
            f"({percent(baseline.low)}): users may have come to rely on more; ask again"
        )
    said.say("rounding", needed, "not rounded: it is what users need")
    return needed


def _rounded(said: Argument, limit: float | None) -> float | None:
    if limit is None:
        return None
    step = greatest_step_at_most(limit)
    if step is None:
        said.warnings.append(
            f"{percent(limit)} are fewer than half of the events: mend the service, or its "
            "indicator, before it gets an objective"
        )
        return None
    said.say(
        "rounding",
        step,
        f"{percent(step)} is the greatest usual step that is shown and allowed ({percent(limit)})",
    )
    return step


def _above_sla(
    said: Argument,
    objective: float | None,
    sla: Agreement | None,
    baseline: Baseline,
    ceiling: Ceiling,
) -> float | None:
    if sla is None:
        return objective
    if objective is not None and objective > sla.objective:
        said.say(
            "sla",
            sla.objective,
            f"{sla.name} promises {percent(sla.objective)}; the objective is stricter, so that "
            "there is time to act before it is broken",
        )
        return objective
    stricter = _between(sla.objective, ceiling.objective)
    said.say(
        "sla",
        sla.objective,
        f"{sla.name} promises {percent(sla.objective)}: an objective must "
        f"be stricter, {percent(stricter)}",
    )
    shown = "no history" if baseline.low is None else f"history carries {percent(baseline.low)}"
    said.warnings.append(
        f"sla.objective: {percent(stricter)} is above what is shown ({shown}): "
        f"{sla.name} is likely to be broken as things are"
    )
    return stricter


def _between(lowest: float, highest: float | None) -> float:
    """A usual step above the SLA and not above the ceiling, else the middle of their budgets."""
    step = least_step_above(lowest)
    if step is not None and (highest is None or step <= highest):
        return step
    return (lowest + (1.0 if highest is None else highest)) / 2
