"""What a tier's alert is tried with: traffic in phases, and whether it must fire at the end.

Ratios are put close to the threshold on both sides, so that an alert with another threshold,
another window or without one of its two conditions does not pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.errors import InputError
from holdfast.model.slo import SLO, BurnTier
from holdfast.slo.burn import error_ratio_threshold
from holdfast.slo.files.event_series import EventSeries
from holdfast.slo.files.rules import CountGuard
from holdfast.slo.files.synthetic import engine_of
from holdfast.slo.rules import ratio_query

EVENTS_PER_STEP = 10_000_000.0
"""So many that a ratio of 1 in 100,000 still is whole events."""

_LEAST_STEPS, _MOST_STEPS = 5, 1000
FIRES = "fires just above the threshold"
NEAR = 0.02
"""How far from the threshold, relatively, an alert must tell the two sides apart."""

Phase = tuple[int, float, float]
"""Steps, and good and bad events in each."""


@dataclass(frozen=True)
class Case:
    """Traffic that ends at `at_seconds`."""

    name: str
    step_seconds: float
    at_seconds: float
    phases: tuple[Phase, ...]
    over: bool = False
    """Whether both windows are above the threshold at the end."""
    fires: bool = False
    """Whether the alert fires there; a guard can hold it back."""


def tier_cases(
    slo: SLO, tier: BurnTier, interval_seconds: float, guard: CountGuard | None = None
) -> tuple[Case, ...]:
    """Return the cases of one tier. They end at a multiple of the evaluation interval."""
    return tuple(_Cases(slo, tier, interval_seconds).all(guard))


class _Cases:
    """One tier's windows in steps."""

    def __init__(self, slo: SLO, tier: BurnTier, interval_seconds: float) -> None:
        self._tier = tier
        self._threshold = error_ratio_threshold(tier, slo)
        self._last = _steps_in_short_window(tier)
        self._step = step_of(tier)
        self._at = math.ceil(tier.long_window_seconds / interval_seconds - 1e-9) * interval_seconds
        self._steps = math.floor(self._at / self._step + 1e-9)

    def all(self, guard: CountGuard | None) -> Iterator[Case]:
        above = min(self._threshold * (1 + NEAR), (1 + self._threshold) / 2)
        yield self._case(FIRES, [(self._steps, above)])
        below = self._threshold * (1 - NEAR)
        yield self._case("is silent just below the threshold", [(self._steps, below)])
        last = self._last
        yield self._case(
            "is silent while only its short window is bad",
            [(self._steps - last, 0.0), (last, self._short_only())],
        )
        yield self._case(
            "is silent once the short window is good again",
            [(self._steps - last, self._over()), (last, 0.0)],
        )
        if guard is not None:
            yield self._few(guard)

    def _short_only(self) -> float:
        """A ratio that is bad in the short window, and nine tenths of enough in the long one."""
        windows = self._tier.long_window_seconds / self._tier.short_window_seconds
        most = max(0.9 * windows, math.sqrt(windows))
        return min(1.0, self._threshold * most)

    def _over(self) -> float:
        """A ratio that is still one and a half of enough in the long window, where that can be."""
        long, short = self._tier.long_window_seconds, self._tier.short_window_seconds
        return min(1.0, self._threshold * max(2.0, 1.5 * long / (long - short)))

    def _few(self, guard: CountGuard) -> Case:
        """Everything is bad, and there is four fifths of the least number of events."""
        window = self._tier.long_window_seconds
        events = 0.8 * guard.bad_events_at_least / (window / self._step)
        return Case(
            "is silent with fewer bad events than its guard asks",
            self._step,
            self._at,
            ((self._steps, 0.0, events),),
            over=True,
        )

    def _case(self, name: str, ratios: list[tuple[int, float]]) -> Case:
        phases = tuple(
            (steps, EVENTS_PER_STEP - bad, bad)
            for steps, ratio in ratios
            for bad in (round(ratio * EVENTS_PER_STEP),)
            if steps > 0
        )
        fires = name == FIRES
        return Case(name, self._step, self._at, phases, over=fires, fires=fires)


def step_seconds(window_seconds: float, steps: int = _LEAST_STEPS) -> float:
    """Return the time between two samples, whole milliseconds, that gives a window its steps."""
    return max(1, math.floor(window_seconds * 1000 / steps)) / 1000


def step_of(tier: BurnTier) -> float:
    """Return the time between two samples in a tier's cases."""
    return step_seconds(tier.short_window_seconds, _steps_in_short_window(tier))


def _steps_in_short_window(tier: BurnTier) -> int:
    """So many that one sample matters little beside the difference of the two windows."""
    longer = tier.long_window_seconds / tier.short_window_seconds - 1
    return min(_MOST_STEPS, max(_LEAST_STEPS, math.ceil(10 / longer)))


def require_true(slo: SLO, tier: BurnTier, case: Case, series: EventSeries) -> None:
    """Raise InputError unless the evaluator, too, sees in the queries what the case says.

    Asked with the windows of Prometheus 2; where the traffic changes, with those of 3, too: they
    differ by the sample at a window's start.
    """
    for closed in (True, False)[: len(case.phases)]:
        over = _is_over(slo, tier, case, series, closed)
        if over is not case.over:
            where = "above" if over else "not above"
            raise InputError(
                f"SLO {slo.name}: tier {tier.name}: no test can be derived: its windows are "
                f"{where} the threshold in the case where it {case.name}",
                hint="the queries do not count events in proportion; leave its tests out",
            )


def _is_over(slo: SLO, tier: BurnTier, case: Case, series: EventSeries, closed: bool) -> bool:
    engine = engine_of(series.counters(case.phases), case.step_seconds, closed=closed)
    threshold = error_ratio_threshold(tier, slo)
    for window in (tier.long_window_seconds, tier.short_window_seconds):
        samples = engine.instant(ratio_query(slo, window), case.at_seconds).samples
        if not any(sample.value > threshold for sample in samples):
            return False
    return True
