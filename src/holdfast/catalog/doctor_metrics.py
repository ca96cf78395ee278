"""The doctor's questions to the metrics source: does every query that Holdfast will ask answer?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holdfast.catalog.check import Check
from holdfast.catalog.reader import MetricsReader
from holdfast.catalog.template import fill
from holdfast.errors import HoldfastError
from holdfast.model.config import Config
from holdfast.model.evidence import Vector
from holdfast.model.service import Service, Signal
from holdfast.model.slo import SLO

SKEW_SECONDS = 5.0
"""Clocks further apart make onsets and changes look out of order."""

_AHEAD_SECONDS = 240.0
"""How far ahead newer samples are looked for: less than Prometheus's lookback of 5 minutes."""

_WANTED: dict[Signal, str] = {
    Signal.REQUEST_RATE: "impact cannot be counted",
    Signal.STATEMENTS_PER_REQUEST: "repeated statements can be suspected only",
    Signal.CPU_SECONDS_PER_REQUEST: "more work for each request can be suspected only",
    Signal.POOL_UTILIZATION: "an exhausted pool can be suspected only",
}
"""Signals that a diagnosis leans on, and what it lacks without them."""


@dataclass(frozen=True)
class _Metrics:
    """The source at one time; failures are answers."""

    source: MetricsReader
    at: float

    def ask(self, promql: str, at: float | None = None) -> Vector | HoldfastError:
        try:
            return self.source.query(promql, self.at if at is None else at)
        except HoldfastError as error:
            return error


def metrics_checks(config: Config, source: MetricsReader, at: float) -> Iterator[Check]:
    """Yield the checks of the source, the SLOs and the signals. An unreachable source ends it."""
    reachable = _reachable(source)
    yield reachable
    if reachable.status == "fail":
        yield Check(
            name="SLOs and signals",
            status="unknown",
            detail="not asked: the metrics source does not answer",
            remedy="mend the metrics source first",
        )
        return
    metrics = _Metrics(source, at)
    yield _clock(metrics, config.metrics.resolution_seconds)
    if not config.slos:
        yield Check(
            name="SLOs",
            status="warn",
            detail="none: nothing is watched, incidents are opened by people only",
            remedy="run `holdfast init`, or write one",
        )
    for slo in config.slos:
        yield _slo(metrics, slo)
    for service in config.services:
        yield _signals(metrics, service, config.comparison_window_seconds)
        yield _versions(metrics, service, config.comparison_window_seconds)


def _reachable(source: MetricsReader) -> Check:
    try:
        names = source.metric_names()
    except HoldfastError as error:
        return Check(
            name="metrics source",
            status="fail",
            detail=f"{source.name} does not answer: {error}",
            remedy="check the URL, the credentials and the network",
            access="read",
        )
    status = "ok" if names else "warn"
    return Check(
        name="metrics source",
        status=status,
        detail=f"{source.name} answers and has {len(names)} metrics",
        remedy="" if names else "let it scrape your services",
        access="read",
    )


def _clock(metrics: _Metrics, resolution_seconds: float) -> Check:
    """Compares the newest sample with our clock; a clock that is behind sees it in the future."""
    name = "clock and freshness"
    answers = [
        metrics.ask("max(timestamp(up))", metrics.at + ahead) for ahead in (_AHEAD_SECONDS, 0)
    ]
    for answer in answers:
        if isinstance(answer, HoldfastError):
            return Check(
                name=name,
                status="unknown",
                detail=f"the newest sample's time cannot be asked: {answer}",
                remedy="compare the clocks of both machines by hand",
            )
    newest = [s.value for a in answers if isinstance(a, Vector) for s in a.samples]
    if not newest:
        return Check(
            name=name,
            status="unknown",
            detail="no recent sample of `up`: freshness and clocks cannot be compared",
            remedy="is the metrics source scraping?",
        )
    age = metrics.at - max(newest)
    return _clock_check(name, age, resolution_seconds)


def _clock_check(name: str, age: float, resolution_seconds: float) -> Check:
    if age < -SKEW_SECONDS:
        return Check(
            name=name,
            status="warn",
            detail=f"the newest sample is {-age:.1f} s in the future: this clock is behind",
            remedy="synchronise both clocks (NTP)",
        )
    if age > 3 * resolution_seconds + SKEW_SECONDS:
        return Check(
            name=name,
            status="warn",
            detail=f"the newest sample is {age:.1f} s old: scrapes are late or this clock is ahead",
            remedy="check the scrapes, synchronise both clocks (NTP)",
        )
    return Check(name=name, status="ok", detail=f"the newest sample is {max(age, 0):.1f} s old")


def _slo(metrics: _Metrics, slo: SLO) -> Check:
    name = f"SLO {slo.name}"
    windows = {w for t in slo.tiers for w in (t.short_window_seconds, t.long_window_seconds)}
    window = min(windows, default=slo.period_seconds)
    for part in ("bad_query", "total_query"):
        answer = metrics.ask(fill(getattr(slo.indicator, part), window))
        problem = _problem(answer, part)
        if problem is not None:
            status, detail = problem
            return Check(
                name=name,
                status="fail" if status == "fail" else "warn",
                detail=detail,
                remedy="ask the query in the metrics server's page; correct the indicator, or "
                "wait for traffic",
                access="read",
            )
    return Check(name=name, status="ok", detail="both queries answer with data", access="read")


def _problem(answer: Vector | HoldfastError, part: str) -> tuple[str, str] | None:
    if isinstance(answer, HoldfastError):
        return "fail", f"{part}: {answer}"
    if not answer.samples:
        return "warn", f"{part}: no data (no data is never read as health)"
    if len(answer.samples) > 1:
        return "fail", f"{part}: {len(answer.samples)} series where one is needed; aggregate them"
    return None


def _signals(metrics: _Metrics, service: Service, window_seconds: float) -> Check:
    failed: list[str] = []
    silent: list[str] = []
    for signal, template in service.signals.items():
        answer = metrics.ask(fill(template, window_seconds))
        if isinstance(answer, HoldfastError):
            failed.append(f"{signal.value}: {answer}")
        elif not answer.samples:
            silent.append(signal.value)
    lacking = [f"{s.value} ({w})" for s, w in _WANTED.items() if s not in service.signals]
    parts = (("refused", failed), ("no data", silent), ("not configured", lacking))
    detail = "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names)
    return Check(
        name=f"signals of {service.name}",
        status="fail" if failed else "warn" if detail else "ok",
        detail=detail or "every signal answers with data",
        remedy=_signal_remedy(failed, silent, lacking),
        access="read",
    )


def _signal_remedy(failed: Sequence[str], silent: Sequence[str], lacking: Sequence[str]) -> str:
    if failed or silent:
        return "correct the templates, or wait for traffic"
    return (
        "add templates for them under `signals`, where the service exports them" if lacking else ""
    )


def _versions(metrics: _Metrics, service: Service, window_seconds: float) -> Check:
    name = f"versions of {service.name}"
    template = service.signals.get(Signal.REQUEST_RATE)
    if template is None:
        return Check(
            name=name,
            status="unknown",
            detail=f"no {Signal.REQUEST_RATE.value} to ask for",
            remedy="add its template",
        )
    answer = metrics.ask(fill(template, window_seconds, (service.version_label,)))
    if isinstance(answer, HoldfastError):
        return Check(name=name, status="fail", detail=str(answer), remedy="correct the template")
    versions = sorted({s.labels.get(service.version_label, "") for s in answer.samples} - {""})
    if versions:
        told = f"{service.version_label} tells versions apart: {', '.join(versions)}"
        return Check(name=name, status="ok", detail=told, access="read")
    return Check(
        name=name,
        status="warn",
        detail=f"the label {service.version_label} names no version: a new release cannot be "
        "compared with the one before it",
        remedy="keep `$by` in the template and set `version_label`, or export the version",
        access="read",
    )
