"""Runs every method over the same made-up canaries and counts what came of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from canary_parts.generators import (
    HISTORY_MINUTES,
    MINUTES,
    Counts,
    Floats,
    LatencyRuns,
    Noise,
    failures,
    latency_runs,
)
from canary_parts.rivals import kayenta_each_minute, kayenta_once, static_limit
from holdfast.delivery.judge.counts import ErrorCounts, count_looks, dispersion
from holdfast.delivery.judge.noise import fit_noise
from holdfast.delivery.judge.paired import first_above, paired_looks
from holdfast.delivery.judge.records import JudgePlan, Metric, MetricPlan, Monitoring, PairedNoise

PLAN = JudgePlan()
STATIC_LATENCY_LIMIT = 1.25
STATIC_ERROR_LIMIT = 0.01


@dataclass(frozen=True)
class Outcome:
    """What a method did on the runs of one generator.

    `minutes`: of its alarm, infinite without one. `bad_requests`: mean number that the canary
    served until then, over the whole hour where none came. `promoted_percent`: None = it has no
    such verdict.
    """

    minutes: Floats
    bad_requests: float
    promoted_percent: float | None = None

    @property
    def found_percent(self) -> float:
        """Runs with an alarm within the hour."""
        return 100 * float(np.isfinite(self.minutes).mean())

    def found_by(self, minute: int) -> float:
        """Return the percentage of runs with an alarm by a minute."""
        return 100 * float((self.minutes <= minute).mean())

    @property
    def median_minutes(self) -> float:
        """Median over the runs with an alarm; not a number without any."""
        alarms = self.minutes[np.isfinite(self.minutes)]
        return float(np.median(alarms)) if len(alarms) else math.nan


Path = tuple[float, bool]
"""Minute of the alarm (infinite = none), and whether the metric passed at the end."""


def metric_plan(metric: Metric) -> MetricPlan:
    """Return the default plan's part for a metric."""
    return next(one for one in PLAN.metrics if one.metric is metric)


def outcome(minutes: Floats, bad: Floats, passed: Sequence[bool] | None = None) -> Outcome:
    """Return the outcome, counting the bad requests up to and with the minute of the alarm."""
    last = np.minimum(minutes, bad.shape[1]).astype(int)
    served = np.cumsum(bad, axis=1)[np.arange(len(minutes)), last - 1]
    promoted = None if passed is None else 100 * float(np.mean(passed))
    return Outcome(minutes, float(served.mean()), promoted)


def latency_path(
    ratios: Floats,
    noise: PairedNoise | None,
    plan: JudgePlan,
    margin: float,
    metric: MetricPlan | None = None,
) -> Path:
    """Return what the judge's paired test says of one run; `metric` None = the default's."""
    metric = metric or metric_plan(Metric.LATENCY_MEAN)
    looks = paired_looks(ratios.tolist(), noise=noise, plan=plan, alpha=plan.alpha_of(metric))
    worse = first_above(looks, margin)
    passed = bool(looks) and looks[-1].high < math.log(metric.promote_below)
    return (worse.intervals if worse else math.inf), worse is None and passed


def latency_outcomes(runs: int, noise: Noise, effect: str, seed: int) -> dict[str, Outcome]:
    """Return what each method did with made-up latencies."""
    chance = np.random.default_rng(seed)
    made = latency_runs(chance, runs, MINUTES, noise, effect)
    equal = latency_runs(chance, runs, HISTORY_MINUTES, noise, "none")
    history = [fit_noise(one) for one in np.log(equal.canary / equal.baseline).tolist()]
    ratios = np.log(made.canary / made.baseline)
    found = rival_latency_outcomes(made)
    continuous = PLAN.model_copy(update={"monitoring": Monitoring.EVERY_INTERVAL})
    margin = metric_plan(Metric.LATENCY_MEAN).roll_back_above
    ours: dict[str, tuple[JudgePlan, float, Sequence[PairedNoise | None]]] = {
        "**Holdfast, planned looks**": (PLAN, margin, history),
        "Holdfast, every interval": (continuous, margin, history),
        "Holdfast, planned looks, margin 1.05": (PLAN, 1.05, history),
        "Holdfast, planned looks, no A/A": (PLAN, margin, [None] * runs),
    }
    for name, (plan, limit, noises) in ours.items():
        paths = [latency_path(*one, plan, limit) for one in zip(ratios, noises, strict=True)]
        found[name] = _of_paths(paths, made.slow_requests)
    return found


def rival_latency_outcomes(made: LatencyRuns) -> dict[str, Outcome]:
    """Return what the rivals did. A fixed limit knows the healthy mean exactly."""
    limit = static_limit(made.canary, STATIC_LATENCY_LIMIT)
    return {
        "Kayenta, once": outcome(kayenta_once(made.canary, made.baseline), made.slow_requests),
        "Kayenta, each minute": outcome(
            kayenta_each_minute(made.canary, made.baseline), made.slow_requests
        ),
        "static 1.25x, 5 failures": outcome(limit, made.slow_requests),
    }


def _of_paths(paths: Sequence[Path], bad: Floats) -> Outcome:
    minutes = np.array([one[0] for one in paths], dtype=np.float64)
    return outcome(minutes, bad, [one[1] for one in paths])


@dataclass(frozen=True)
class Traffic:
    """Requests per minute and arm."""

    canary: int
    baseline: int


def error_outcomes(
    runs: int, traffic: Traffic, base_rate: float, rate: float, seed: int, *, burst: bool
) -> dict[str, Outcome]:
    """Return what each method did with made-up failures."""
    chance = np.random.default_rng(seed)

    def made(minutes: int, canary_rate: float) -> tuple[Counts, Counts]:
        shape = (runs, minutes)
        return (
            failures(chance, shape, traffic.canary, canary_rate, burst=burst),
            failures(chance, shape, traffic.baseline, base_rate, burst=burst),
        )

    canary, baseline = made(MINUTES, rate)
    equal = made(HISTORY_MINUTES, base_rate)
    bad = canary.astype(np.float64)
    fractions = canary / traffic.canary, baseline / traffic.baseline
    found = {
        "Kayenta, once": outcome(kayenta_once(*fractions), bad),
        "Kayenta, each minute": outcome(kayenta_each_minute(*fractions), bad),
        "static 1 %, 5 failures": outcome(static_limit(fractions[0], STATIC_ERROR_LIMIT), bad),
    }
    calibrated: list[float] = []
    for one in zip(*equal, strict=True):
        calibrated.append(dispersion(_counts(*one, traffic)) or 1.0)
    arms = list(zip(canary, baseline, strict=True))
    for name, spread in (
        ("**Holdfast, e-process**", calibrated),
        ("Holdfast, e-process, no A/A", [1.0] * runs),
    ):
        alarms = [
            error_alarm(_counts(*arm, traffic), one) for arm, one in zip(arms, spread, strict=True)
        ]
        found[name] = outcome(np.array(alarms), bad)
    return found


def error_alarm(counts: Sequence[ErrorCounts], spread: float) -> float:
    """Return the minute at which the e-process reaches 1/alpha, infinite if it does not."""
    metric = metric_plan(Metric.ERRORS)
    alpha = PLAN.alpha_of(metric)
    looks = count_looks(counts, margin_ratio=metric.roll_back_above, alpha=alpha, dispersion=spread)
    limit = math.log(1 / alpha)
    return next((float(one.intervals) for one in looks if one.log_e >= limit), math.inf)


def _counts(canary: Counts, baseline: Counts, traffic: Traffic) -> list[ErrorCounts]:
    pairs = zip(canary.tolist(), baseline.tolist(), strict=True)
    return [ErrorCounts(a, traffic.canary, b, traffic.baseline) for a, b in pairs]
