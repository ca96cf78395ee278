"""The PromQL of objectives: ratios per window, the condition of a tier, and alerting rules."""

from __future__ import annotations

from collections.abc import Iterable

import yaml

from holdfast.catalog.template import fill
from holdfast.model.slo import SLO, BurnTier
from holdfast.slo.burn import burn_rate_threshold, error_ratio_threshold

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


def alerting_rules(slos: Iterable[SLO]) -> str:
    """Return a Prometheus rule file (YAML) with one alert for each tier of each SLO."""
    groups = [
        {"name": f"holdfast-{slo.name}", "rules": [_rule(slo, tier) for tier in slo.tiers]}
        for slo in slos
        if slo.tiers
    ]
    return yaml.safe_dump({"groups": groups}, sort_keys=False, allow_unicode=True, width=100)


def tier_labels(slo: SLO, tier_name: str) -> dict[str, str]:
    """Return the labels by which an alert of ours is known, wherever it is evaluated."""
    return {
        "alertname": ALERT_NAME,
        "service": slo.service,
        "slo": slo.name,
        "tier": tier_name,
    }


def _rule(slo: SLO, tier: BurnTier) -> dict[str, object]:
    return {
        "alert": ALERT_NAME,
        "expr": tier_expression(slo, tier),
        "labels": {**_without_name(tier_labels(slo, tier.name)), "severity": tier.action},
        "annotations": {
            "summary": f"{slo.service} spends the error budget of {slo.name} too fast",
            "burn_rate_threshold": f"{burn_rate_threshold(tier, slo):.12g}",
        },
    }


def _without_name(labels: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in labels.items() if key != "alertname"}
