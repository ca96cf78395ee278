"""The knee: the greatest rate at which the thresholds still hold, by doubling, then bisecting."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from holdfast.delivery.loadtest.order import MOST_PER_SECOND, LoadOptions, LoadOrder, make_order
from holdfast.delivery.loadtest.records import KneeResult, KneeStep, LoadResult
from holdfast.delivery.loadtest.run import run_order
from holdfast.errors import InputError

PRECISION = 1.1
"""The search ends when the smallest failing rate is within this factor of the greatest held."""


def find_knee(
    endpoint: str,
    start_rps: float,
    step_seconds: float,
    version: str,
    *,
    options: LoadOptions,
    most_rps: float = MOST_PER_SECOND,
    on_step: Callable[[KneeStep], None] = lambda _: None,
) -> KneeResult:
    """Load in steps of `step_seconds` until the thresholds break or the generator saturates.

    Raises InputError without thresholds: there is no knee without a bound; else as
    `run_load_test`.
    """
    if not options.thresholds:
        raise InputError("a knee needs a bound", hint="for example --threshold 'p95<300ms'")
    if most_rps < start_rps:
        raise InputError(f"the greatest rate {most_rps:g} is below the first one {start_rps:g}")
    make_order(endpoint, most_rps, step_seconds, version, options)
    order = make_order(endpoint, start_rps, step_seconds, version, options)
    steps: list[KneeStep] = []
    while (rate := next_rate(steps, start_rps, most_rps)) is not None:
        result = _measured_at(replace(order, rate_per_second=rate))
        steps.append(KneeStep(rate_per_second=rate, result=result))
        on_step(steps[-1])
    return conclude_knee(steps)


def _measured_at(order: LoadOrder) -> LoadResult:
    """Run a step; one that is refused once more: the machine may have been busy for a moment."""
    result = run_order(order)
    return run_order(order) if result.status == "refused" else result


def next_rate(steps: Sequence[KneeStep], start: float, most: float) -> float | None:
    """Return the next rate to try, or None when the knee is known well enough."""
    if not steps:
        return start
    held, broken = _bracket(steps)
    if held is None:
        return None
    if broken is None:
        return None if held.rate_per_second >= most else min(held.rate_per_second * 2, most)
    if broken.rate_per_second <= held.rate_per_second * PRECISION:
        return None
    return math.sqrt(held.rate_per_second * broken.rate_per_second)


def conclude_knee(steps: Sequence[KneeStep]) -> KneeResult:
    """Return the knee that the steps show, and what limited it."""
    held, broken = _bracket(steps)
    if broken is None:
        limited_by = "most"
    elif broken.result.status == "refused":
        limited_by = "generator"
    else:
        limited_by = "thresholds" if held else "first step"
    return KneeResult(
        holds_at_per_second=held.rate_per_second if held else None,
        fails_at_per_second=broken.rate_per_second if broken else None,
        limited_by=limited_by,
        steps=tuple(steps),
    )


def _bracket(steps: Sequence[KneeStep]) -> tuple[KneeStep | None, KneeStep | None]:
    """Return the greatest rate below any failure, and the smallest that failed."""
    failed = [step for step in steps if not _held(step.result)]
    broken = min(failed, key=lambda step: step.rate_per_second, default=None)
    least = broken.rate_per_second if broken else math.inf
    held = [s for s in steps if _held(s.result) and s.rate_per_second < least]
    return max(held, key=lambda step: step.rate_per_second, default=None), broken


def _held(result: LoadResult) -> bool:
    return result.status == "passed"
