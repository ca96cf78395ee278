"""Several objectives of one service in one expression."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.model.slo import SLO
from holdfast.slo.rules import ratio_query


def worst_burn_query(objectives: Sequence[tuple[SLO, float]]) -> str:
    """Return PromQL of the worst burn rate: bad events over the budget that allows them.

    Each objective has a window in seconds; 1 = exactly as fast as allowed. The answer is empty
    where one of them has no data or no traffic: what is not measured is not met. That is why the
    largest is picked by comparisons, `a >= b or b > a`: `max` would pass over what is missing.
    """
    burns = [
        f"max({ratio_query(slo, window)}) / {slo.error_budget_fraction:.12g}"
        for slo, window in objectives
    ]
    if len(burns) == 1:
        return burns[0]
    return " or ".join(
        " >= ".join([f"({burn})", *(f"({other})" for other in burns if other is not burn)])
        for burn in burns
    )
