"""`rules.yaml`: the recording and alerting rules of objectives, as Prometheus loads them.

A threshold is never typed in: burn rate = budget fraction x period / long window, threshold =
burn rate x (1 - objective) (Google, The Site Reliability Workbook, chapter 5). The arithmetic
stands in each alert's annotations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.catalog.template import duration
from holdfast.errors import InputError
from holdfast.model.prevention import AlertRule
from holdfast.model.slo import SLO, BurnTier
from holdfast.slo.burn import burn_rate_threshold, error_ratio_threshold
from holdfast.slo.files.series import (
    bad_events_series,
    base_window_seconds,
    error_ratio_series,
    evaluation_interval_seconds,
    events_series,
    labels_of,
    recordings,
    selector,
)
from holdfast.slo.files.usable import require_usable
from holdfast.slo.files.yaml_text import yaml_text
from holdfast.slo.rule_files import plain_rule
from holdfast.slo.rules import tier_labels

NO_DATA_ALERT = "ErrorBudgetNoData"

_HEAD = (
    "# Made from the SLOs by Holdfast: change those, not this file.\n"
    "# Check it with `promtool check rules`, its tests with `promtool test rules`.\n"
)


@dataclass(frozen=True)
class CountGuard:
    """For low traffic: a tier fires only with this many bad events in its long window at least.

    Without it, one bad event of few is a high ratio, and a page.
    """

    slo: str
    tier: str
    bad_events_at_least: int


def rules_document(slos: Sequence[SLO], guards: Sequence[CountGuard] = ()) -> str:
    """Return a Prometheus rule file (YAML): a group for each SLO.

    Raises InputError for SLOs that no rule can be right for, and for a guard of no tier.
    """
    require_usable(slos)
    _require_known(slos, guards)
    groups = [_group(slo, guards) for slo in slos]
    return _HEAD + yaml_text({"groups": groups})


def alert_rules(slo: SLO, guards: Sequence[CountGuard] = ()) -> tuple[AlertRule, ...]:
    """Return the alerts: one for each tier, in their order, and the one for no data."""
    return (
        *(tier_alert(slo, tier, guard_of(slo, tier, guards)) for tier in slo.tiers),
        no_data(slo),
    )


def tier_alert(slo: SLO, tier: BurnTier, guard: CountGuard | None = None) -> AlertRule:
    """Return the alert of one tier: both windows above the threshold."""
    threshold = f"{error_ratio_threshold(tier, slo):.12g}"
    conditions = [
        f"{selector(error_ratio_series(window), slo)} > {threshold}"
        for window in (tier.long_window_seconds, tier.short_window_seconds)
    ]
    if guard is not None:
        bad = bad_events_series(tier.long_window_seconds)
        conditions.append(f"{selector(bad, slo)} >= {guard.bad_events_at_least}")
    labels = tier_labels(slo, tier.name)
    name = labels.pop("alertname")
    return AlertRule(
        name=name,
        expression=" and ".join(conditions),
        labels={**labels, "severity": tier.action},
        annotations=_tier_annotations(slo, tier, guard),
    )


def no_data(slo: SLO) -> AlertRule:
    """Return the alert for an objective that is not measured: what nobody counts pages nobody.

    No traffic is no event, and not this alert: a counter that stands still is still there.
    """
    base = base_window_seconds(slo)
    missing = " or ".join(
        f"absent({selector(name, slo)})" for name in (events_series(base), bad_events_series(base))
    )
    pages = any(tier.action == "page" for tier in slo.tiers)
    return AlertRule(
        name=NO_DATA_ALERT,
        expression=missing,
        for_seconds=base,
        labels={**labels_of(slo), "severity": "page" if pages else "ticket"},
        annotations={
            "summary": f"{slo.name} of {slo.service} is not measured",
            "description": (
                "The events of the objective are not counted: while that lasts, none of its "
                "alerts can fire. Where only the bad events are missing because none has "
                "happened yet, write the query so that none is a zero: `BAD or 0 * TOTAL`."
            ),
        },
    )


def guard_of(slo: SLO, tier: BurnTier, guards: Sequence[CountGuard]) -> CountGuard | None:
    """Return the guard of a tier; None = it has none."""
    return next((g for g in guards if (g.slo, g.tier) == (slo.name, tier.name)), None)


def threshold_reason(slo: SLO, tier: BurnTier) -> str:
    """Return, in a sentence, how the tier's threshold follows from what was agreed on."""
    return (
        f"{tier.budget_fraction * 100:.6g} % of the budget in "
        f"{duration(tier.long_window_seconds)} of {duration(slo.period_seconds)}: a burn rate of "
        f"{tier.budget_fraction:.6g} x {duration(slo.period_seconds)} / "
        f"{duration(tier.long_window_seconds)} = {burn_rate_threshold(tier, slo):.6g}, an error "
        f"ratio of {burn_rate_threshold(tier, slo):.6g} x (1 - {slo.objective:.12g}) = "
        f"{error_ratio_threshold(tier, slo):.6g}."
    )


def tier_summary(slo: SLO) -> str:
    """Return what each of an objective's alerts says first."""
    return f"{slo.service} spends the error budget of {slo.name} too fast"


def _tier_annotations(slo: SLO, tier: BurnTier, guard: CountGuard | None) -> dict[str, str]:
    long, short = duration(tier.long_window_seconds), duration(tier.short_window_seconds)
    least = f" It needs {guard.bad_events_at_least} bad events in {long}." if guard else ""
    return {
        "summary": tier_summary(slo),
        "description": (
            f"{{{{ $value | humanizePercentage }}}} of the events of the last {long} were bad, and "
            f"the last {short} are above the threshold too."
        ),
        "threshold_reason": threshold_reason(slo, tier) + least,
        "burn_rate_threshold": f"{burn_rate_threshold(tier, slo):.12g}",
    }


def _group(slo: SLO, guards: Sequence[CountGuard]) -> dict[str, object]:
    return {
        "name": f"holdfast-{slo.name}",
        "interval": duration(evaluation_interval_seconds(slo)),
        "rules": [
            *(
                {"record": name, "expr": promql, "labels": labels_of(slo)}
                for name, promql in recordings(slo, _guarded_windows(slo, guards))
            ),
            *(plain_rule(rule) for rule in alert_rules(slo, guards)),
        ],
    }


def _guarded_windows(slo: SLO, guards: Sequence[CountGuard]) -> tuple[float, ...]:
    return tuple(t.long_window_seconds for t in slo.tiers if guard_of(slo, t, guards))


def _require_known(slos: Sequence[SLO], guards: Sequence[CountGuard]) -> None:
    known = {(slo.name, tier.name) for slo in slos for tier in slo.tiers}
    for guard in guards:
        if (guard.slo, guard.tier) not in known:
            raise InputError(f"a guard names tier {guard.tier} of SLO {guard.slo}: there is none")
        if guard.bad_events_at_least < 1:
            raise InputError(
                f"the guard of {guard.slo}, {guard.tier}: bad_events_at_least: "
                f"{guard.bad_events_at_least}",
                hint="give at least 1",
            )
