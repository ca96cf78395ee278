"""What is asked once more at the end, so that impact and charts cover the whole incident.

The engine asks each question through the toolbox and passes the answers by name:

    requests:SLO       requests of the objective in the incident's window, from counters' increase
    bad:SLO            those among them that were bad (slow or failed), likewise
    sli during:SLO     fraction of good requests in the incident's window
    sli before:SLO     the same over the healthy window before it
    budget spent:SLO   bad requests over those that the period's traffic allows (event-weighted)
    latency P during   p50 or p95 over the incident's window (`latency P before` likewise)
    chart:latency P    p50 or p95 over time          chart:bad:SLO    the bad fraction over time
    chart:budget:SLO   the period's budget left over time
    burn:SLO:TIER:W    the burn rate over the tier's long or short window, over time; they also
                       show that the alert fires on the incident's own data and on no healthy one
    history:SLO        the request rate over the period: how far back the counters reach
    changes meanwhile  what was changed while it lasted, where it ended without an action
    log impact:SERVICE requests, slow and failed ones, users affected, counted in the log: exact

A question whose template is not configured is not asked: the report says `not configured`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.catalog.template import fill
from holdfast.learning.meanwhile import MEANWHILE
from holdfast.model.base import Record
from holdfast.model.case import Case
from holdfast.model.hypothesis import Argument, ToolCall
from holdfast.model.incident import IncidentOutcome
from holdfast.model.service import Service, Signal
from holdfast.model.slo import SLO
from holdfast.slo.budget import bad_events_query, budget_spent_query, total_events_query
from holdfast.slo.rules import ratio_query

MOST_POINTS = 240
"""Points of a chart, at most."""

HISTORY_STEPS = 60
"""How finely the period is searched for its first request."""

LATENCIES = {"p50": Signal.LATENCY_P50, "p95": Signal.LATENCY_P95}


class Question(Record):
    """A named call of a read tool."""

    name: str
    call: ToolCall


@dataclass(frozen=True)
class Span:
    """A stretch of time in Unix seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length in whole seconds, at least one: PromQL windows are whole."""
        return max(1.0, float(math.ceil(self.end - self.start)))


def incident_span(case: Case) -> tuple[datetime, datetime]:
    """Return from when to when users suffered: to the last event while it is not mitigated."""
    reached = case.milestones
    started = reached.get("impact_started")
    ended = reached.get("mitigated") or reached.get("resolved")
    onset = case.triage.onset if case.triage else None
    start = started.at if started else onset or case.opened_at
    end = ended.at if ended else case.last_event_at
    return start, max(start, end)


def asked_span(case: Case, slos: Iterable[SLO]) -> tuple[datetime, datetime]:
    """Return what the impact is asked over: the incident's span.

    Where nobody knows when it began, it looks back from the opening by the long window of the
    service's fastest tier: a second of a false alarm holds no data to speak of.
    """
    start, end = incident_span(case)
    windows = [
        t.long_window_seconds for s in slos if s.service == case.opened.service for t in s.tiers
    ]
    if start < case.opened_at or not windows:
        return start, end
    return start - timedelta(seconds=min(windows)), end


def questions(
    case: Case,
    services: Iterable[Service],
    slos: Sequence[SLO],
    start: datetime,
    end: datetime,
    *,
    resolution_seconds: float = 15.0,
) -> tuple[Question, ...]:
    """Return what to ask for the impact from `start` to `end`. The same case asks the same."""
    known = {service.name: service for service in services}
    service = known.get(case.opened.service)
    incident = Span(start.timestamp(), end.timestamp())
    healthy = healthy_span(case)
    chart = chart_span(case, incident)
    proof = proof_span(chart, healthy)
    step = _step(chart, resolution_seconds)
    found: list[Question] = []
    for slo in slos:
        if slo.service == case.opened.service:
            found += _impact(slo, incident, healthy)
            found += _burns(slo, proof, _step(proof, resolution_seconds))
            found += _ratios(slo, chart, step, 4 * resolution_seconds)
    if service:
        found += _latencies(service, incident, healthy, chart, step, 4 * resolution_seconds)
    return (*found, *_log(service, slos, incident), *_meanwhile(case, incident))


def healthy_span(case: Case) -> Span | None:
    """Return the healthy window that triage found; None where there is none."""
    triage = case.triage
    if triage is None or triage.healthy_from is None or triage.healthy_to is None:
        return None
    return Span(triage.healthy_from.timestamp(), triage.healthy_to.timestamp())


def chart_span(case: Case, incident: Span) -> Span:
    """Return what the charts show: some time before, the incident, and a look behind it.

    Never beyond the last entry: what had not happened when it was asked would differ later.
    """
    length = incident.seconds
    known_until = max(incident.end, case.last_event_at.timestamp())
    return Span(incident.start - max(60.0, length), min(incident.end + 0.1 * length, known_until))


def proof_span(chart: Span, healthy: Span | None) -> Span:
    """Return what burn rates are asked for: the charts' time, and all of the healthy window."""
    return Span(min(chart.start, healthy.start if healthy else chart.start), chart.end)


def burn(slo: SLO, window_seconds: float) -> str:
    """Return the PromQL of the burn rate: bad fraction over the fraction that may be bad."""
    return f"({ratio_query(slo, window_seconds)}) / {slo.error_budget_fraction:.12g}"


def _impact(slo: SLO, incident: Span, healthy: Span | None) -> Iterator[Question]:
    window, at = incident.seconds, incident.end
    yield _instant(f"requests:{slo.name}", total_events_query(slo, window), at)
    yield _instant(f"bad:{slo.name}", bad_events_query(slo, window), at)
    yield _instant(f"sli during:{slo.name}", _good(slo, window), at)
    yield _instant(f"budget spent:{slo.name}", budget_spent_query(slo, window), at)
    yield _history(slo, at)
    if healthy:
        yield _instant(f"sli before:{slo.name}", _good(slo, healthy.seconds), healthy.end)


def _good(slo: SLO, window_seconds: float) -> str:
    return f"1 - ({ratio_query(slo, window_seconds)})"


def _history(slo: SLO, at: float) -> Question:
    step = max(1.0, math.ceil(slo.period_seconds / HISTORY_STEPS))
    rate = fill(slo.indicator.total_query, step)
    period = Span(at - slo.period_seconds, at)
    return _range(f"history:{slo.name}", rate, period, step)


def _burns(slo: SLO, chart: Span, step: float) -> Iterator[Question]:
    for tier in slo.tiers:
        for which, window in (
            ("long", tier.long_window_seconds),
            ("short", tier.short_window_seconds),
        ):
            yield _range(f"burn:{slo.name}:{tier.name}:{which}", burn(slo, window), chart, step)


def _ratios(slo: SLO, chart: Span, step: float, window: float) -> Iterator[Question]:
    yield _range(f"chart:bad:{slo.name}", ratio_query(slo, window), chart, step)
    left = f"1 - {burn(slo, slo.period_seconds)}"
    yield _range(f"chart:budget:{slo.name}", left, chart, step)


def _latencies(
    service: Service,
    incident: Span,
    healthy: Span | None,
    chart: Span,
    step: float,
    window: float,
) -> Iterator[Question]:
    for name, signal in LATENCIES.items():
        template = service.signals.get(signal)
        if template is None:
            continue
        yield _range(f"chart:latency {name}", fill(template, window), chart, step)
        yield _instant(f"latency {name} during", fill(template, incident.seconds), incident.end)
        if healthy:
            yield _instant(f"latency {name} before", fill(template, healthy.seconds), healthy.end)


def _log(service: Service | None, slos: Iterable[SLO], incident: Span) -> Iterator[Question]:
    if service is None or service.logs is None:
        return
    own = (slo.threshold_seconds for slo in slos if slo.service == service.name)
    threshold = next((seconds for seconds in own if seconds is not None), None)
    arguments: dict[str, Argument] = {
        "service": service.name,
        "lookback_minutes": (incident.end - incident.start) / 60,
        "until": incident.end,
    }
    if threshold is not None:
        arguments["slow_seconds"] = threshold
    call = ToolCall(tool="get_request_impact", arguments=arguments)
    yield Question(name=f"log impact:{service.name}", call=call)


def _meanwhile(case: Case, incident: Span) -> Iterator[Question]:
    if case.outcome is IncidentOutcome.RECOVERED:
        arguments: dict[str, Argument] = {
            "lookback_minutes": incident.seconds / 60,
            "until": incident.end,
        }
        call = ToolCall(tool="get_recent_changes", arguments=arguments)
        yield Question(name=MEANWHILE, call=call)


def _instant(name: str, query: str, at: float) -> Question:
    return _metric(name, query, at)


def _range(name: str, query: str, span: Span, step: float) -> Question:
    start = math.floor(span.start / step) * step
    return _metric(name, query, (start, math.floor(span.end / step) * step, step))


def _metric(name: str, query: str, time_range: Argument) -> Question:
    arguments: dict[str, Argument] = {"query": query, "time_range": time_range}
    return Question(name=name, call=ToolCall(tool="prometheus_query", arguments=arguments))


def _step(span: Span, resolution_seconds: float) -> float:
    steps = max(1, math.ceil(span.seconds / MOST_POINTS / resolution_seconds))
    return steps * resolution_seconds
