"""The incident's charts: latency, bad requests, burn rate and budget, with its events marked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from holdfast.learning.formats import duration, multiple
from holdfast.learning.questions import LATENCIES, Span, chart_span, incident_span
from holdfast.learning.svg import Chart, Level, Line, Mark, draw
from holdfast.model.case import Case
from holdfast.model.config import Config
from holdfast.model.evidence import Evidence, Matrix, Outcome
from holdfast.model.slo import SLO, BurnTier
from holdfast.slo.burn import burn_rate_threshold

BLUE, ORANGE, PURPLE, RED, GREEN, GREY = (
    "#3b82d6",
    "#d9822b",
    "#8b6fd6",
    "#d64545",
    "#2f9e63",
    "#7d8590",
)


def draw_charts(
    case: Case, config: Config, answers: Mapping[str, Evidence]
) -> dict[str, tuple[str, str]]:
    """Return path (in the incident's folder) → (title, SVG). Charts without data are not drawn."""
    slos = [slo for slo in config.slos if slo.service == case.opened.service]
    slos.sort(key=lambda slo: slo.name != case.opened.slo)
    wanted = {
        "charts/latency.svg": _latency(case, slos, answers),
        "charts/bad_requests.svg": _bad(case, slos, answers),
        "charts/burn_rate.svg": _burn(case, slos, answers),
        "charts/budget.svg": _budget(case, slos, answers),
    }
    return {path: (c.title, draw(c)) for path, c in wanted.items() if any(_drawn(c))}


def digest(svg: str) -> str:
    """Return the SHA-256 of a chart's file, in hex."""
    return hashlib.sha256(svg.encode()).hexdigest()


def _drawn(chart: Chart) -> list[bool]:
    return [len(line.points) > 0 for line in chart.lines]


def _latency(case: Case, slos: Sequence[SLO], answers: Mapping[str, Evidence]) -> Chart:
    lines: list[Line] = []
    for name, colour in zip(LATENCIES, (BLUE, ORANGE), strict=True):
        lines += _lines(answers.get(f"chart:latency {name}"), name, colour)
    levels = [
        Level(f"objective's threshold, {_seconds(s.threshold_seconds)}", RED, s.threshold_seconds)
        for s in slos
        if s.threshold_seconds is not None
    ]
    title = f"Latency of {case.opened.service}, as clients see it"
    return _chart(case, title, "seconds", lines, levels)


def _bad(case: Case, slos: Sequence[SLO], answers: Mapping[str, Evidence]) -> Chart:
    lines: list[Line] = []
    levels: list[Level] = []
    for slo, colour in zip(slos, (ORANGE, PURPLE, BLUE, GREEN), strict=False):
        word = "slow" if slo.kind == "latency" else "failed"
        item = answers.get(f"chart:bad:{slo.name}")
        lines += _lines(item, f"{word} ({slo.name})", colour, _percent)
        budget = slo.error_budget_fraction * 100
        levels.append(Level(f"allowed by {slo.name}, {budget:.4g} %", colour, budget))
    title = f"Slow and failed requests of {case.opened.service}"
    return _chart(case, title, "% of requests", lines, levels, top=100.0)


def _burn(case: Case, slos: Sequence[SLO], answers: Mapping[str, Evidence]) -> Chart:
    lines: list[Line] = []
    levels: list[Level] = []
    slo = slos[0] if slos else None
    tier = _tier(case, slo) if slo else None
    if slo and tier:
        for which, colour, seconds in (
            ("long", BLUE, tier.long_window_seconds),
            ("short", ORANGE, tier.short_window_seconds),
        ):
            name = f"over {_seconds(seconds)}"
            lines += _lines(answers.get(f"burn:{slo.name}:{tier.name}:{which}"), name, colour)
        rate = burn_rate_threshold(tier, slo)
        levels.append(Level(f"{tier.name} fires at {multiple(rate)}, both windows", RED, rate))
    title = f"Burn rate of {slo.name}" if slo else "Burn rate"
    return _chart(case, title, "times the sustainable rate", lines, levels)


def _tier(case: Case, slo: SLO) -> BurnTier | None:
    """The tier that alerted, or else the first."""
    alerted = case.opened.alert.labels.get("tier") if case.opened.alert else None
    by_name = {tier.name: tier for tier in slo.tiers}
    return by_name.get(alerted or "") or next(iter(slo.tiers), None)


def _budget(case: Case, slos: Sequence[SLO], answers: Mapping[str, Evidence]) -> Chart:
    lines: list[Line] = []
    for slo, colour in zip(slos, (BLUE, PURPLE, ORANGE, GREEN), strict=False):
        found = _lines(answers.get(f"chart:budget:{slo.name}"), slo.name, colour, _percent)
        lines += found
    title = "Error budget left in the period"
    below = any(v < 0 for line in lines for _, v in line.points)
    levels = [Level("spent", RED, 0.0)] if below else []
    return _chart(case, title, "% of the budget", lines, levels, top=100.0)


def _chart(
    case: Case,
    title: str,
    unit: str,
    lines: Sequence[Line],
    levels: Sequence[Level],
    top: float | None = None,
) -> Chart:
    start, end = incident_span(case)
    incident = Span(start.timestamp(), end.timestamp())
    shown = chart_span(case, incident)
    cut = [_cut(line, shown) for line in lines]
    times = [at for line in cut for at, _ in line.points]
    return Chart(
        title=title,
        unit=unit,
        lines=cut,
        levels=levels,
        marks=_marks(case),
        start=min(times, default=shown.start),
        end=max([*times, incident.end]),
        band=(incident.start, incident.end),
        top_at_most=top,
        top_at_least=top or 0.0,
    )


def _cut(line: Line, shown: Span) -> Line:
    inside = [(at, v) for at, v in line.points if shown.start <= at <= shown.end]
    return replace(line, points=inside)


def _lines(
    item: Evidence | None,
    name: str,
    colour: str,
    scale: Callable[[float], float] = lambda v: v,
) -> list[Line]:
    if item is None or item.outcome is not Outcome.DATA or not isinstance(item.value, Matrix):
        return []
    gap = 2.5 * (item.step_seconds or 15.0)
    many = len(item.value.series) > 1
    return [
        Line(
            name=f"{name} {_labels(series.labels)}" if many else name,
            colour=colour,
            points=[(at, scale(v)) for at, v in series.points],
            gap_seconds=gap,
            evidence_id=item.id,
        )
        for series in item.value.series
    ]


def _labels(labels: Mapping[str, str]) -> str:
    return ", ".join(value for _, value in sorted(labels.items()))


def _marks(case: Case) -> list[Mark]:
    marks = [
        Mark(change.at.timestamp(), f"{change.service} {change.to_version or change.type}", PURPLE)
        for change in (case.triage.changes if case.triage else ())
    ]
    for one in case.actions.values():
        for claim, at in zip(one.claims, one.claimed_at, strict=True):
            name = f"undo: {one.action.undo.runbook_id}"
            name = name if claim.part == "undo" else one.action.plan.runbook_id
            marks.append(Mark(at.timestamp(), name, BLUE))
    names = {"detected": ("alert", RED), "mitigated": ("mitigated", GREEN)}
    for key, (name, colour) in names.items():
        milestone = next((m for n, m in case.milestones.items() if n == key), None)
        if milestone:
            marks.append(Mark(milestone.at.timestamp(), name, colour))
    return marks


def _percent(fraction: float) -> float:
    return fraction * 100


def _seconds(seconds: float | None) -> str:
    return duration(seconds or 0.0)
