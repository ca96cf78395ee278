"""What the clients of both arms measured, interval by interval: input of the judge, as evidence.

One range query a metric. An interval that ends at t is asked as a rate over the interval and one
scrape more: a rate sees the increases between its samples only, so that with one sample more the
intervals touch, and nothing between two of them is lost or counted twice.

Missing is None, never zero. An error ratio that is absent while requests are measured is unknown
too: a ratio of absent series says neither that none failed nor that some did. A template that
means zero by it says so, for example `(FAILED or 0 * ALL) / ALL`, as `holdfast init` writes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from holdfast.catalog.template import fill
from holdfast.delivery.judge.records import ArmMeasurements, Interval
from holdfast.errors import InputError
from holdfast.model.evidence import Evidence, Matrix, Outcome
from holdfast.model.hypothesis import ToolCall
from holdfast.model.service import Service, Signal

Ask = Callable[[ToolCall], Evidence]
"""Calls a read tool: `Toolbox.ask`."""

SIGNALS = (
    Signal.REQUEST_RATE,
    Signal.ERROR_RATIO,
    Signal.LATENCY_MEAN,
    Signal.LATENCY_P95,
    Signal.STATEMENTS_PER_REQUEST,
    Signal.CPU_SECONDS_PER_REQUEST,
)

Values = Mapping[str, Mapping[int, float]]
"""Version → number of the interval → value."""


@dataclass(frozen=True)
class Arms:
    """Two versions that share the traffic, and the candidate's share as it was set."""

    stable: str
    candidate: str
    candidate_percent: float


@dataclass(frozen=True)
class Span:
    """From when to when (Unix seconds) in intervals of what length, by samples how far apart."""

    since: float
    until: float
    interval_seconds: float
    resolution_seconds: float

    def __post_init__(self) -> None:
        if not self.interval_seconds >= self.resolution_seconds > 0:
            raise InputError(
                f"intervals of {self.interval_seconds:g} s are shorter than the time between two "
                f"scrapes, {self.resolution_seconds:g} s",
                hint="set canary.interval_seconds in the policy to a multiple of it",
            )

    @property
    def first_end(self) -> float:
        """When the first interval ends. The sample before it is the first one since `since`."""
        return self.since + self.resolution_seconds + self.interval_seconds

    @property
    def count(self) -> int:
        """How many whole intervals there are, whose last sample has been taken."""
        past = self.until - self.resolution_seconds - self.first_end
        return max(0, math.floor(past / self.interval_seconds + 1e-9) + 1)

    def started_at(self, number: int) -> datetime:
        """Return when an interval begins."""
        begins = self.first_end + (number - 1) * self.interval_seconds
        return datetime.fromtimestamp(begins, UTC)


@dataclass(frozen=True)
class Measured:
    """`intervals` hold those in which the requests of both arms are known; others are gaps."""

    intervals: tuple[Interval, ...]
    evidence: tuple[Evidence, ...] = ()
    problems: tuple[str, ...] = ()
    """What could not be asked, and why."""


@dataclass(frozen=True)
class _Answers:
    values: Mapping[Signal, Values]
    evidence: tuple[Evidence, ...]
    problems: tuple[str, ...]

    def of(self, version: str, number: int, seconds: float) -> ArmMeasurements | None:
        """Return one arm in one interval; None where its requests are not known."""
        rate = self._value(Signal.REQUEST_RATE, version, number)
        if rate is None:
            return None
        requests = round(rate * seconds)
        failed = self._value(Signal.ERROR_RATIO, version, number)
        return ArmMeasurements(
            requests=requests,
            failed_requests=None if failed is None else min(requests, round(failed * requests)),
            latency_mean_seconds=self._value(Signal.LATENCY_MEAN, version, number),
            latency_p95_seconds=self._value(Signal.LATENCY_P95, version, number),
            statements_per_request=self._value(Signal.STATEMENTS_PER_REQUEST, version, number),
            cpu_seconds_per_request=self._value(Signal.CPU_SECONDS_PER_REQUEST, version, number),
        )

    def _value(self, signal: Signal, version: str, number: int) -> float | None:
        found = self.values.get(signal, {}).get(version, {}).get(number)
        return found if found is not None and math.isfinite(found) and found >= 0 else None


def measure_arms(ask: Ask, service: Service, arms: Arms, span: Span) -> Measured:
    """Return both arms over the whole intervals of a span, in order, and what was asked.

    `span.since` is when the weights were set. Raises nothing for what a source gets wrong: that is
    a problem and a gap.
    """
    answers = _ask_all(ask, service, span)
    found: list[Interval] = []
    for number in range(span.count):
        baseline = answers.of(arms.stable, number, span.interval_seconds)
        canary = answers.of(arms.candidate, number, span.interval_seconds)
        if baseline is not None and canary is not None:
            found.append(
                Interval(
                    started_at=span.started_at(number),
                    duration_seconds=span.interval_seconds,
                    planned_canary_fraction=arms.candidate_percent / 100,
                    baseline=baseline,
                    canary=canary,
                )
            )
    return Measured(tuple(found), answers.evidence, answers.problems)


def measure_one(
    ask: Ask, service: Service, version: str, span: Span
) -> tuple[tuple[ArmMeasurements | None, ...], tuple[Evidence, ...]]:
    """Return one version alone over the intervals of a span, None = a gap, and what was asked."""
    answers = _ask_all(ask, service, span)
    numbers = range(span.count)
    return tuple(
        answers.of(version, number, span.interval_seconds) for number in numbers
    ), answers.evidence


def _ask_all(ask: Ask, service: Service, span: Span) -> _Answers:
    values: dict[Signal, Values] = {}
    evidence: list[Evidence] = []
    problems: list[str] = []
    if not span.count:
        return _Answers(values, (), ())
    for signal in SIGNALS:
        template = service.signals.get(signal)
        if template is None:
            problems.append(f"{service.name} has no signal {signal.value}")
            continue
        answer = ask(_question(template, service, span))
        evidence.append(answer)
        values[signal] = _by_version(answer, service.version_label, span)
        if answer.outcome is not Outcome.DATA:
            problems.append(f"{signal.value}: {answer.error or 'no data'}")
    return _Answers(values, tuple(evidence), tuple(problems))


def _question(template: str, service: Service, span: Span) -> ToolCall:
    window_seconds = span.interval_seconds + span.resolution_seconds
    query = fill(template, window_seconds, (service.version_label,))
    last = span.first_end + (span.count - 1) * span.interval_seconds
    time_range = (span.first_end, last, span.interval_seconds)
    return ToolCall(tool="prometheus_query", arguments={"query": query, "time_range": time_range})


def _by_version(answer: Evidence, label: str, span: Span) -> Values:
    if not isinstance(answer.value, Matrix):
        return {}
    return {
        series.labels[label]: _numbered(series.points, span)
        for series in answer.value.series
        if label in series.labels
    }


def _numbered(points: Sequence[tuple[float, float]], span: Span) -> dict[int, float]:
    return {round((at - span.first_end) / span.interval_seconds): value for at, value in points}
