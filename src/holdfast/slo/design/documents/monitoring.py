"""`monitoring-strategy.md`: what is measured, what is only looked at, what pages whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from holdfast.slo.design.documents.indicator import QUANTILES, threshold_sentence
from holdfast.slo.design.documents.markdown import bullets, code, page, span, table
from holdfast.slo.design.documents.segment_tables import masked_sentences
from holdfast.slo.design.records import Architecture, DesignedObjective
from holdfast.slo.files.rules import NO_DATA_ALERT
from holdfast.slo.files.series import (
    BUDGET_REMAINING,
    OBJECTIVE,
    PERIOD_ERROR,
    PERIOD_RECORDED,
    base_window_seconds,
    evaluation_interval_seconds,
)
from holdfast.slo.rules import ALERT_NAME

_ANSWERS = {"page": "somebody is woken", "ticket": "somebody looks within a working day"}


def monitoring_strategy(design: Architecture, untested: Sequence[str] = ()) -> str:
    """Return the page. `untested`: why alerts of an objective have no tests, a sentence each."""
    return page(
        f"# Monitoring of {design.service}",
        _signals(design),
        _charts(design),
        _alerts(design),
        _series(design),
        _segments(design),
        _limits(design, untested),
        _loading(),
    )


def _signals(design: Architecture) -> str:
    rows = ((d.slo.name, d.slo.kind, d.sli.sentence, d.sli.origin) for d in design.objectives)
    return page(
        "## What is promised",
        "Users' experience is measured where it is nearest to them: by requests, good or bad.",
        table(("SLO", "kind", "good event", "measured by"), rows),
    ).rstrip()


def _charts(design: Architecture) -> str:
    if not design.charts:
        return ""
    rows = ((chart.title, f"`{chart.promql}`") for chart in design.charts)
    return page(
        "## What is looked at, and promises nothing",
        QUANTILES,
        table(("chart", "PromQL"), rows),
    ).rstrip()


def _alerts(design: Architecture) -> str:
    rows = [row for designed in design.objectives for row in _alert_rows(designed)]
    return page(
        "## What alerts",
        f"Each tier is an alert `{ALERT_NAME}` with the labels `service`, `slo`, `tier` and "
        f"`severity`; route `severity` in your Alertmanager. `{NO_DATA_ALERT}` says that an "
        "objective is not measured: silence is no health.",
        table(("SLO", "tier", "severity", "then", "spent when it fires"), rows),
    ).rstrip()


def _alert_rows(designed: DesignedObjective) -> Iterator[tuple[str, ...]]:
    for tier in designed.slo.tiers:
        yield (
            designed.slo.name,
            tier.name,
            tier.action,
            _ANSWERS[tier.action],
            f"{100 * tier.budget_fraction:.4g} % of the budget, at steady traffic",
        )


def _series(design: Architecture) -> str:
    slo = design.objectives[0].slo
    rows = (
        (f"`{PERIOD_ERROR}`", "bad over all events of the period"),
        (f"`{BUDGET_REMAINING}`", "fraction of the budget left; negative: overspent"),
        (f"`{PERIOD_RECORDED}`", "how much of the period has been recorded so far"),
        (f"`{OBJECTIVE}`", "the target"),
    )
    return page(
        "## What is recorded",
        f"Events are recorded over {span(base_window_seconds(slo))} every "
        f"{span(evaluation_interval_seconds(slo))}; samples of {design.source} are "
        f"{span(design.resolution_seconds)} apart.",
        table(("series", "what it is"), rows),
    ).rstrip()


def _segments(design: Architecture) -> str:
    masked = [line for designed in design.objectives for line in masked_sentences(designed)]
    gaps = [designed.segment_gap for designed in design.objectives if designed.segment_gap]
    hint = (
        "A masked segment deserves an objective of its own, or a repair: the sum will not page "
        "for it."
    )
    return page(
        "## Segments",
        "" if gaps else _dimensions(design),
        bullets((*masked, *gaps)),
        hint if masked else "",
    ).rstrip()


def _dimensions(design: Architecture) -> str:
    looked = sorted({t.dimension for d in design.objectives for t in d.segments})
    if looked:
        return f"Requests can be told apart by {', '.join(looked)}."
    return (
        "No label tells endpoints, tenants, regions or versions apart: what fails for a few stays "
        "hidden in the whole."
    )


def _limits(design: Architecture, untested: Sequence[str]) -> str:
    bounds = (
        f"{d.slo.name}: {threshold_sentence(d.sli.threshold)}"
        for d in design.objectives
        if d.sli.threshold is not None and not d.sli.threshold.exact
    )
    tests = (f"{d.slo.name}: {test.sentence}" for d in design.objectives for test in d.count_tests)
    lines = (*design.gaps, *bounds, *tests, *untested)
    return page("## Limits", bullets(lines)).rstrip() if lines else ""


def _loading() -> str:
    return page(
        "## How it gets into force",
        code(
            "text",
            "promtool check rules rules.yaml\npromtool test rules rules_test.yaml",
        ),
        "Then name `rules.yaml` under `rule_files` in your Prometheus, and import "
        "`dashboard.json` into Grafana.",
    ).rstrip()
