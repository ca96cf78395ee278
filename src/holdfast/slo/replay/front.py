"""The Pareto front of parameter sets, and which of it is recommended. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from holdfast.model.replay import Candidate
from holdfast.slo.replay.windows import Floats

RECALL_WITHIN = 0.02
PRECISION_WITHIN = 0.05
WORTH_A_CHANGE = 0.10


def mark_front(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the candidates with those marked that no other beats.

    One beats another where it is at least as good in precision, recall, median detection time and
    pages a week, and better in one. A set without any page has no wrong one: precision 1.
    """
    costs = np.array([_costs(one) for one in candidates])
    return tuple(
        one.model_copy(update={"on_front": not _beaten(costs, row)})
        for row, one in enumerate(candidates)
    )


def recommend(candidates: Sequence[Candidate], present: str) -> tuple[str, str]:
    """Return the name of the set that is recommended, and why.

    Of the front: recall within 2 points of the best; of these, precision within 5 points of the
    best; of these, the shortest median detection. The present set stays where the gain is less than
    a tenth of it.
    """
    front = [one for one in candidates if one.on_front]
    recall = max(one.recall.fraction or 0.0 for one in front)
    kept = [one for one in front if (one.recall.fraction or 0.0) >= recall - RECALL_WITHIN]
    precision = max(_precision(one) for one in kept)
    kept = [one for one in kept if _precision(one) >= precision - PRECISION_WITHIN]
    best = min(kept, key=lambda one: (_detection(one), one.pages_per_week, one.name))
    now = next((one for one in candidates if one.name == present), best)
    enough = (
        (now.recall.fraction or 0.0) >= recall - RECALL_WITHIN
        and _precision(now) >= precision - PRECISION_WITHIN
        and _detection(now) <= _detection(best) * (1 + WORTH_A_CHANGE)
    )
    if enough:
        return now.name, (
            f"no set is worth a change: recall {_percent(recall)} and precision "
            f"{_percent(precision)} at best, and none pages a tenth sooner"
        )
    return best.name, (
        f"of {len(front)} sets that nothing beats, it pages soonest ({_detection(best):.0f} s at "
        f"the median, now {_detection(now):.0f} s) among those with recall within 2 points of the "
        f"best ({_percent(recall)}) and precision within 5 points of the best of these "
        f"({_percent(precision)}); now: recall {_percent(now.recall.fraction or 0)}, precision "
        f"{_percent(_precision(now))}"
    )


def _costs(one: Candidate) -> tuple[float, float, float, float]:
    recall = one.recall.fraction or 0.0
    return -_precision(one), -recall, _detection(one), one.pages_per_week


def _beaten(costs: Floats, row: int) -> bool:
    no_worse = (costs <= costs[row]).all(axis=1)
    return bool((no_worse & (costs < costs[row]).any(axis=1)).any())


def _precision(one: Candidate) -> float:
    return 1.0 if one.precision.fraction is None else one.precision.fraction


def _detection(one: Candidate) -> float:
    seconds = one.detection_median_seconds
    return math.inf if seconds is None else seconds


def _percent(fraction: float) -> str:
    return f"{fraction:.1%}"
