"""`dashboard.json`: what the rules record of the objectives, for Grafana.

For each objective: what is left of its budget and how much of the period has been recorded, the SLI
with its objective, the burn rate of each window with the tiers' thresholds, what each day spent,
and a heat map of latency where the objective counts in buckets. All but the heat map ask recorded
series only, so that opening it costs the server little.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence

from holdfast.catalog.template import duration
from holdfast.model.slo import SLO
from holdfast.slo.burn import burn_rate_threshold
from holdfast.slo.files.grafana import (
    SCHEMA_VERSION,
    Json,
    Place,
    Step,
    Target,
    bars,
    lines,
    row,
    stat,
)
from holdfast.slo.files.latency_panel import latency_heat_map
from holdfast.slo.files.series import (
    BUDGET_REMAINING,
    OBJECTIVE,
    PERIOD_ERROR,
    PERIOD_RECORDED,
    bad_events_series,
    base_window_seconds,
    error_ratio_series,
    events_series,
    selector,
)
from holdfast.slo.files.usable import require_usable
from holdfast.slo.rules import tier_windows

_DAY_SECONDS = 86_400.0
_ROWS_OF_AN_OBJECTIVE = 25
_BUDGET_STEPS = (Step("red"), Step("orange", 0.0), Step("yellow", 0.25), Step("green", 0.5))
_RECORDED_STEPS = (Step("orange"), Step("green", 0.99))


def dashboard_document(slos: Sequence[SLO]) -> str:
    """Return the dashboard as JSON text. Raises as `dashboard` does."""
    return json.dumps(dashboard(slos), indent=2, ensure_ascii=False) + "\n"


def dashboard(slos: Sequence[SLO]) -> Json:
    """Return a Grafana dashboard of the series that `rules_document` records for these SLOs.

    Its data source is a variable, chosen where it is opened. Raises InputError for SLOs that no
    rule can be right for.
    """
    require_usable(slos)
    services = list(dict.fromkeys(slo.service for slo in slos))
    panels = [
        panel
        for index, slo in enumerate(slos)
        for panel in _panels(slo, 1 + index * 20, index * _ROWS_OF_AN_OBJECTIVE)
    ]
    longest = max(slo.period_seconds for slo in slos)
    return {
        "uid": _uid(slos),
        "title": f"Objectives of {', '.join(services)}",
        "description": "Made from the SLOs by Holdfast; it shows the series of its rules.yaml.",
        "tags": ["slo", "holdfast"],
        "timezone": "utc",
        "editable": True,
        "graphTooltip": 1,
        "schemaVersion": SCHEMA_VERSION,
        "refresh": "1m",
        "time": {"from": f"now-{math.ceil(longest)}s", "to": "now"},
        "templating": {"list": [_DATASOURCE_VARIABLE]},
        "annotations": {"list": []},
        "links": [],
        "panels": panels,
    }


_DATASOURCE_VARIABLE: Json = {
    "type": "datasource",
    "name": "datasource",
    "label": "Data source",
    "query": "prometheus",
    "multi": False,
    "includeAll": False,
    "hide": 0,
}


def _uid(slos: Sequence[SLO]) -> str:
    """The same objectives keep their address: 40 characters at most, as Grafana asks."""
    names = "\0".join(f"{slo.service}\0{slo.name}" for slo in slos)
    return f"holdfast-{hashlib.sha256(names.encode()).hexdigest()[:16]}"


def _panels(slo: SLO, first: int, y: int) -> list[Json]:
    heat = latency_heat_map(slo, first + 8, Place(12, y + 17, 12, 8))
    return [
        row(first, f"{slo.service}: {slo.name}, {slo.objective:.12g} over {_period(slo)}", y),
        *_numbers(slo, first + 1, y + 1),
        _sli(slo, first + 4, Place(4, y + 1, 20, 8)),
        _burn(slo, first + 5, Place(0, y + 9, 12, 8)),
        _budget(slo, first + 6, Place(12, y + 9, 12, 8)),
        _by_day(slo, first + 7, Place(0, y + 17, 12 if heat else 24, 8)),
        *([heat] if heat else []),
    ]


def _period(slo: SLO) -> str:
    return duration(slo.period_seconds)


def _numbers(slo: SLO, first: int, y: int) -> list[Json]:
    objective = (Step("red"), Step("green", slo.objective))
    shown = (
        ("Budget left", selector(BUDGET_REMAINING, slo), _BUDGET_STEPS, "Below 0: overspent."),
        (
            f"SLI over {_period(slo)}",
            f"1 - {selector(PERIOD_ERROR, slo)}",
            objective,
            "Good events of all events of the period that were recorded.",
        ),
        (
            "Period recorded",
            selector(PERIOD_RECORDED, slo),
            _RECORDED_STEPS,
            "Below 100 % the budget is that of the events recorded so far.",
        ),
    )
    heights = (3, 3, 2)
    return [
        stat(
            first + index,
            title,
            description,
            Target(promql, title),
            steps,
            Place(0, y + sum(heights[:index]), 4, heights[index]),
        )
        for index, (title, promql, steps, description) in enumerate(shown)
    ]


def _sli(slo: SLO, identifier: int, place: Place) -> Json:
    windows = _shown_windows(slo)
    targets = [
        Target(f"1 - {selector(error_ratio_series(w), slo)}", f"SLI of {duration(w)}")
        for w in windows
    ]
    targets += (
        [] if windows else [Target(f"1 - {selector(PERIOD_ERROR, slo)}", "SLI of the period")]
    )
    targets.append(Target(selector(OBJECTIVE, slo), "objective", line=True))
    return lines(identifier, "SLI", "Good events of all events. A gap: no events.", targets, place)


def _shown_windows(slo: SLO) -> tuple[float, ...]:
    """The shortest and the longest window; those between are in the burn panel."""
    windows = tier_windows(slo)
    return tuple(dict.fromkeys((windows[0], windows[-1]))) if windows else ()


def _burn(slo: SLO, identifier: int, place: Place) -> Json:
    budget = f"{slo.error_budget_fraction:.12g}"
    targets = [
        Target(f"{selector(error_ratio_series(w), slo)} / {budget}", f"burn of {duration(w)}")
        for w in tier_windows(slo)
    ]
    for tier in slo.tiers:
        threshold = burn_rate_threshold(tier, slo)
        targets.append(
            Target(f"vector({threshold:.12g})", f"{tier.name}: {threshold:.4g}", line=True)
        )
    targets.append(Target("vector(1)", "sustained: 1", line=True))
    return lines(
        identifier,
        "Burn rate by window",
        "1 = the whole budget in exactly the period. A tier fires while its two windows are above "
        "its line.",
        targets,
        place,
        "short",
    )


def _budget(slo: SLO, identifier: int, place: Place) -> Json:
    targets = [
        Target(selector(BUDGET_REMAINING, slo), "budget left"),
        Target("vector(0)", "spent", line=True),
    ]
    return lines(identifier, "Budget left", "Weighted by events, over the period.", targets, place)


def _by_day(slo: SLO, identifier: int, place: Place) -> Json:
    part = _DAY_SECONDS if slo.period_seconds >= 7 * _DAY_SECONDS else slo.period_seconds / 24
    base = base_window_seconds(slo)
    bad, total = (selector(name(base), slo) for name in (bad_events_series, events_series))
    spent = (
        f"sum_over_time({bad}[{duration(part)}]) / ({slo.error_budget_fraction:.12g} * "
        f"(sum_over_time({total}[{_period(slo)}]) > 0))"
    )
    title = "Budget spent by day" if part == _DAY_SECONDS else f"Budget spent by {duration(part)}"
    return bars(
        identifier,
        title,
        "Of the budget of the events recorded in the period. Days are those of UTC.",
        Target(spent, "spent"),
        duration(part),
        place,
    )
