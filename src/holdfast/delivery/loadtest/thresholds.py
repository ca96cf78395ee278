"""Thresholds: `p95<300ms`, `errors<1%`, `throughput>45/s`, `p95<1.2x` of the good version."""

from __future__ import annotations

import re
from collections.abc import Mapping

from holdfast.delivery.loadtest.records import ArmMeasures, Ratio, ThresholdReading
from holdfast.errors import InputError
from holdfast.model.base import Record

LATENCIES = ("p50", "p90", "p95", "p99", "max")
_FORM = re.compile(r"([a-z0-9]+)\s*([<>]=?)\s*(\d+(?:\.\d+)?)\s*(ms|s|%|x|/s)?")
_SCALES = {"ms": 1e-3, "s": 1.0, "%": 1e-2, "x": 1.0, "/s": 1.0}
_UNITS = {"errors": ("%",), "throughput": ("/s",), **dict.fromkeys(LATENCIES, ("ms", "s", "x"))}


class Threshold(Record):
    """A bound on one measure. `bound` is in seconds, a fraction, per second, or a ratio."""

    text: str
    measure: str
    comparison: str
    bound: float
    relative: bool
    """Whether the bound is a ratio to the good version: kept only if the whole interval keeps it"""

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """Read a threshold; raises InputError."""
        form = _FORM.fullmatch(text.strip())
        measure, comparison, number, unit = form.groups() if form else ("", "", "", "")
        if measure not in _UNITS or unit not in _UNITS[measure]:
            raise InputError(
                f"{text!r} is no threshold",
                hint="for example p95<300ms, errors<1%, throughput>45/s, p95<1.2x with --against",
            )
        if comparison.startswith(">") != (measure == "throughput"):
            raise InputError(f"{text!r} bounds the good side: latency and errors take <")
        return cls(
            text=text.strip(),
            measure=measure,
            comparison=comparison,
            bound=float(number) * _SCALES[unit],
            relative=unit == "x",
        )

    def holds(self, value: float | None) -> bool:
        """Whether a value keeps it. What is not known does not."""
        if value is None:
            return False
        match self.comparison:
            case "<":
                return value < self.bound
            case "<=":
                return value <= self.bound
            case ">":
                return value > self.bound
            case _:
                return value >= self.bound


def judge(
    thresholds: tuple[Threshold, ...], candidate: ArmMeasures, ratios: tuple[Ratio, ...]
) -> tuple[ThresholdReading, ...]:
    """Return what each threshold comes to for the candidate."""
    by_measure = {ratio.measure: ratio for ratio in ratios}
    return tuple(_reading(threshold, candidate, by_measure) for threshold in thresholds)


def _reading(
    threshold: Threshold, candidate: ArmMeasures, ratios: Mapping[str, Ratio]
) -> ThresholdReading:
    if threshold.relative:
        ratio = ratios.get(threshold.measure)
        measured = judged = ratio.high if ratio else None
    else:
        measured = judged = measure_of(candidate, threshold.measure)
    return ThresholdReading(
        threshold=threshold.text, measured=measured, kept=threshold.holds(judged)
    )


def measure_of(arm: ArmMeasures, measure: str) -> float | None:
    """Return a measure by the name that thresholds use."""
    return {
        "p50": arm.p50_seconds,
        "p90": arm.p90_seconds,
        "p95": arm.p95_seconds,
        "p99": arm.p99_seconds,
        "max": arm.max_seconds,
        "errors": arm.error_ratio,
        "throughput": arm.throughput_per_second,
    }[measure]
