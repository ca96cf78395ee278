"""The design of one service: its indicators, targets, alerts and policy, as values."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from holdfast.catalog.defaults import DEFAULT_PERIOD_SECONDS, WORKBOOK_TIERS
from holdfast.catalog.proposals import RequestMetric
from holdfast.catalog.search import Search
from holdfast.errors import InputError, NotFound, QueryRefused
from holdfast.evidence.source import MetricsSource
from holdfast.model.budget_policy import default_policy
from holdfast.model.requirements import Requirements
from holdfast.model.slo import SLO, BurnTier
from holdfast.slo.design import slis
from holdfast.slo.design.counting import CountingSource
from holdfast.slo.design.find import RequestMetrics, find_requests
from holdfast.slo.design.objective import Wish, design_objective
from holdfast.slo.design.records import Architecture, DesignedObjective
from holdfast.slo.design.requirements_file import check_requirements
from holdfast.slo.design.slis import Chart, Sli
from holdfast.slo.design.threshold import choose, read_boundaries
from holdfast.slo.targets.percent import percent

DAY_SECONDS = 86_400.0
DEFAULT_DAYS = 30.0
_USUAL_SCRAPE_SECONDS = 60.0

Progress = Callable[[str], None]
"""Hears, in a few words, what is done next."""


def _silent(_what: str) -> None:
    """Nobody listens."""


def design_reliability_architecture(
    source: MetricsSource,
    service: str,
    *,
    requirements: Requirements | None = None,
    days: float = DEFAULT_DAYS,
    at: float | None = None,
    period_seconds: float | None = None,
    period_note: str = "",
    tiers: tuple[BurnTier, ...] = WORKBOOK_TIERS,
    progress: Progress = _silent,
) -> Architecture:
    """Return the SLO framework of a service, from its metrics of the last `days` before `at`.

    Nothing is written: see `folder.write_folder`. `at` is Unix time, now by default. Without
    requirements it finds the request metrics by their names and asks nothing. The period is that
    of the requirements, else `period_seconds`, else 30 d.

    Raises InputError (NotFound, ConfigError) for input that cannot be used, naming the field;
    EvidenceError for answers that cannot be right; SourceError where the source does not answer.
    """
    wish = make_wish(requirements or Requirements(), days, period_seconds, period_note, tiers)
    asked = CountingSource(source)
    search = Search(asked, time.time() if at is None else at)
    return design_service(asked, search, service, wish, progress)


def design_service(
    source: CountingSource,
    search: Search,
    service: str,
    wish: Wish,
    progress: Progress = _silent,
) -> Architecture:
    """Design one of several services: what `search` was told already is not asked again."""
    began, before = time.perf_counter(), source.asked
    check_requirements(wish.requirements, service)
    progress("which metrics tell of its requests")
    requests = _requests(search, service, wish.requirements)
    found = list(_indicators(source, search, service, requests, wish))
    scrape = (requests.scrape_seconds if requests else None) or _USUAL_SCRAPE_SECONDS
    objectives, gaps = _objectives(source, search, service, found, wish, scrape, progress)
    gaps = (*(requests.gaps if requests else ()), *gaps)
    if not objectives:
        raise InputError(f"{service}: no objective can be proposed: {'; '.join(gaps)}")
    return Architecture(
        service=service,
        source=source.name,
        designed_at=search.at,
        asked_seconds=wish.seconds,
        requirements=wish.requirements,
        objectives=objectives,
        charts=_charts(requests),
        policy=default_policy(f"{service}-error-budget", (service,), wish.requirements.owner),
        gaps=gaps,
        warnings=source.take_warnings(),
        asked=source.asked.since(before),
        seconds=time.perf_counter() - began,
        resolution_seconds=scrape,
    )


def make_wish(
    requirements: Requirements,
    days: float = DEFAULT_DAYS,
    period_seconds: float | None = None,
    period_note: str = "",
    tiers: tuple[BurnTier, ...] = WORKBOOK_TIERS,
) -> Wish:
    """Return what is asked for. Raises InputError for a period shorter than a tier's window."""
    if not 0 < days < 3660:
        raise InputError(f"days: {days:g} is no length of history", hint="give for example 30")
    given = requirements.period_days
    field = "period_days" if given is not None else "period"
    period = given * DAY_SECONDS if given is not None else period_seconds or DEFAULT_PERIOD_SECONDS
    for tier in tiers:
        if tier.long_window_seconds > period:
            raise InputError(
                f"{field}: {period / DAY_SECONDS:g} d is shorter than the long window of the tier "
                f"{tier.name}, {tier.long_window_seconds / DAY_SECONDS:g} d",
                hint="give a longer period; 28 or 30 days are usual",
            )
    return Wish(requirements, days * DAY_SECONDS, period, period_note, tiers)


@dataclass(frozen=True)
class Terms:
    """A period and the tiers that fit it."""

    period_seconds: float
    period_note: str
    tiers: tuple[BurnTier, ...]


def usual_terms(slos: Iterable[SLO], service: str) -> Terms:
    """Return the usual period and tiers, or those of a service whose period is not a real one."""
    for slo in slos:
        if slo.service == service and slo.period_note:
            return Terms(slo.period_seconds, slo.period_note, slo.tiers)
    return Terms(DEFAULT_PERIOD_SECONDS, "", WORKBOOK_TIERS)


def _requests(search: Search, service: str, given: Requirements) -> RequestMetrics | None:
    """What is found; None where only the team's own indicators are known."""
    try:
        return find_requests(search, service)
    except NotFound:
        if given.indicators:
            return None
        raise


def _indicators(
    source: MetricsSource,
    search: Search,
    service: str,
    requests: RequestMetrics | None,
    wish: Wish,
) -> Iterator[Sli | str]:
    """Yield the indicators, and a sentence for one that cannot be."""
    own = wish.requirements.indicators
    kinds = {indicator.kind for indicator in own}
    yield from (slis.given(indicator) for indicator in own)
    if requests is None:
        return
    if "availability" not in kinds and requests.traffic.metric.status_label is not None:
        yield slis.availability(service, requests.traffic.metric)
    if "latency" not in kinds and requests.latency is not None:
        yield _latency(source, search, service, requests.latency.metric, wish)


def _latency(
    source: MetricsSource, search: Search, service: str, histogram: RequestMetric, wish: Wish
) -> Sli | str:
    expected = wish.requirements.expectation("latency")
    wanted = expected.threshold_seconds if expected else None
    looked_back = wish.seconds
    try:
        boundaries = read_boundaries(source, histogram, looked_back, search.at)
    except QueryRefused:  # all buckets over a month may be more than a server lets be asked
        looked_back = min(wish.seconds, DAY_SECONDS)
        boundaries = read_boundaries(source, histogram, looked_back, search.at)
    threshold = choose(boundaries, wanted)
    if threshold is not None:
        seen = replace(threshold, looked_back_seconds=looked_back)
        return slis.latency(service, histogram, seen)
    name = f"{histogram.family.metric}_bucket"
    if not boundaries:
        return f"{name} has no finite boundary, or counted no request: no latency objective"
    last = boundaries[-1]
    return (
        f"{percent(last.measured_fraction)} of the requests kept {last.seconds:g} s, the last "
        f"boundary of {name}: that is no bound to promise (give the histogram higher buckets, or "
        "say in the requirements what users need)"
    )


def _objectives(
    source: MetricsSource,
    search: Search,
    service: str,
    found: list[Sli | str],
    wish: Wish,
    scrape_seconds: float,
    progress: Progress,
) -> tuple[tuple[DesignedObjective, ...], tuple[str, ...]]:
    objectives: list[DesignedObjective] = []
    gaps: list[str] = []
    for sli in found:
        if isinstance(sli, str):
            gaps.append(sli)
            continue
        progress(f"{sli.name}: its past, its target")
        designed = design_objective(source, search, service, sli, wish, scrape_seconds)
        if isinstance(designed, str):
            gaps.append(designed)
        else:
            objectives.append(designed)
    kinds = {sli.kind for sli in found if isinstance(sli, Sli)}
    if wish.requirements.expectation("latency") and "latency" not in kinds:
        gaps.append("user_expectations: latency is asked for, and no histogram tells of it")
    return tuple(objectives), tuple(gaps)


def _charts(requests: RequestMetrics | None) -> tuple[Chart, ...]:
    if requests is None:
        return ()
    histogram = requests.latency.metric if requests.latency else None
    return tuple(slis.charts(requests.traffic.metric, histogram))
