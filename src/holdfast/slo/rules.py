"""The PromQL of objectives: ratios per window, the condition of a tier, an alert's labels."""

from __future__ import annotations

from holdfast.catalog.template import fill
from holdfast.model.slo import SLO, BurnTier
from holdfast.slo.burn import error_ratio_threshold

ALERT_NAME = "ErrorBudgetBurn"


def ratio_query(slo: SLO, window_seconds: float) -> str:
    """Return the fraction of bad events over the window; no events in it = no data."""
    bad = fill(slo.indicator.bad_query, window_seconds)
    total = fill(slo.indicator.total_query, window_seconds)
    return f"({bad}) / ({total})"


def tier_windows(slo: SLO) -> tuple[float, ...]:
    """Return all windows that the SLO's tiers look at, in seconds, each once, ascending."""
    windows = {w for t in slo.tiers for w in (t.short_window_seconds, t.long_window_seconds)}
    return tuple(sorted(windows))


def tier_expression(slo: SLO, tier: BurnTier) -> str:
    """Return the alert's condition: both windows above the threshold."""
    threshold = f"{error_ratio_threshold(tier, slo):.12g}"
    long, short = (
        f"({ratio_query(slo, window)}) > {threshold}"
        for window in (tier.long_window_seconds, tier.short_window_seconds)
    )
    return f"({long}) and ({short})"


def tier_labels(slo: SLO, tier_name: str) -> dict[str, str]:
    """Return the labels by which an alert of ours is known, wherever it is evaluated."""
    return {
        "alertname": ALERT_NAME,
        "service": slo.service,
        "slo": slo.name,
        "tier": tier_name,
    }
