"""The recorded series of an objective: their names, and the PromQL that makes them.

Names follow Prometheus's convention `level:metric:operations`
(https://prometheus.io/docs/practices/rules/). Each carries the labels `service` and `slo`.

| series | what it is |
|---|---|
| `slo:bad_events:increase5m`, `slo:events:increase5m` | events of the base window |
| `slo:error:ratio_rate1h` | fraction of bad events over a window; absent where there was none |
| `slo:period_error:ratio` | the same over the whole period, weighted by events |
| `slo:error_budget_remaining:ratio` | fraction of the period's budget left; negative: overspent |
| `slo:period_recorded:ratio` | how much of the period has been recorded: below 1 it is partial |
| `slo:objective:ratio` | the target |

The base window is the shortest that a tier looks at. The period's ratio is that of two sums over
recorded events, never a mean of ratios: an hour without traffic weighs nothing, and counts as no
NaN. It needs two series of history, where the raw counters over 30 d would exceed a server's limit
of samples from some hundreds of series on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from holdfast.catalog.search import quoted
from holdfast.catalog.template import duration, fill
from holdfast.model.slo import SLO
from holdfast.slo.budget import bad_events_query, total_events_query
from holdfast.slo.rules import tier_windows

PERIOD_ERROR = "slo:period_error:ratio"
BUDGET_REMAINING = "slo:error_budget_remaining:ratio"
PERIOD_RECORDED = "slo:period_recorded:ratio"
OBJECTIVE = "slo:objective:ratio"

_USUAL_BASE_SECONDS = 300.0
_USUAL_INTERVAL_SECONDS = 60.0
_EVALUATIONS_IN_BASE = 5


def base_window_seconds(slo: SLO) -> float:
    """Return the window whose events are recorded: the shortest of the tiers; none = 5 min."""
    windows = tier_windows(slo)
    return windows[0] if windows else min(_USUAL_BASE_SECONDS, slo.period_seconds / 12)


def evaluation_interval_seconds(slo: SLO) -> float:
    """Return how often the rules are evaluated: a minute, or five times in the base window."""
    fast = base_window_seconds(slo) / _EVALUATIONS_IN_BASE
    return min(_USUAL_INTERVAL_SECONDS, max(0.001, round(fast, 3)))


def bad_events_series(window_seconds: float) -> str:
    """Return the name of the series of bad events in a window."""
    return f"slo:bad_events:increase{duration(window_seconds)}"


def events_series(window_seconds: float) -> str:
    """Return the name of the series of all events in a window."""
    return f"slo:events:increase{duration(window_seconds)}"


def error_ratio_series(window_seconds: float) -> str:
    """Return the name of the series of the error ratio over a window."""
    return f"slo:error:ratio_rate{duration(window_seconds)}"


def labels_of(slo: SLO) -> dict[str, str]:
    """Return the labels that each of an objective's series carries."""
    return {"service": slo.service, "slo": slo.name}


def selector(name: str, slo: SLO) -> str:
    """Return the PromQL that picks an objective's own series."""
    return f"{name}{{{matchers(labels_of(slo))}}}"


def matchers(labels: Mapping[str, str]) -> str:
    """Return labels as PromQL's matchers."""
    return ",".join(f"{name}={quoted(value)}" for name, value in labels.items())


def recordings(slo: SLO, counted_windows: Sequence[float] = ()) -> tuple[tuple[str, str], ...]:
    """Return (name, PromQL) of each recorded series, in the order in which they rest on another.

    `counted_windows`: windows, in seconds, over which bad events are counted too.
    """
    base = base_window_seconds(slo)
    bad, total = bad_events_series(base), events_series(base)
    counted = tuple(dict.fromkeys(counted_windows))
    period = duration(slo.period_seconds)
    bad_sum, total_sum = (
        f"sum_over_time({selector(name, slo)}[{period}])" for name in (bad, total)
    )
    recorded = f"count_over_time({selector(total, slo)}[{period}])"
    per_period = evaluation_interval_seconds(slo) / slo.period_seconds
    remaining = f"1 - {selector(PERIOD_ERROR, slo)} / {slo.error_budget_fraction:.12g}"
    return (
        (bad, bad_events_query(slo, base)),
        (total, total_events_query(slo, base)),
        *((bad_events_series(w), bad_events_query(slo, w)) for w in counted if w != base),
        *((error_ratio_series(w), error_ratio_query(slo, w)) for w in tier_windows(slo)),
        (PERIOD_ERROR, f"{bad_sum} / ({total_sum} > 0)"),
        (BUDGET_REMAINING, remaining),
        (PERIOD_RECORDED, f"clamp_max({recorded} * {per_period:.12g}, 1)"),
        (OBJECTIVE, f"vector({slo.objective:.12g})"),
    )


def error_ratio_query(slo: SLO, window_seconds: float) -> str:
    """Return the fraction of bad events over the window; absent where there were no events."""
    bad = fill(slo.indicator.bad_query, window_seconds)
    total = fill(slo.indicator.total_query, window_seconds)
    return f"({bad}) / (({total}) > 0)"
