"""Runs a load test and prints what came of it. Exit codes: 1 thresholds broken, 3 refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from pydantic import ValidationError

from holdfast.delivery.loadtest.evidence import (
    call_text,
    knee_evidence,
    load_evidence,
    ratio_evidence,
)
from holdfast.delivery.loadtest.knee import find_knee
from holdfast.delivery.loadtest.order import LoadOptions
from holdfast.delivery.loadtest.records import (
    ArmMeasures,
    KneeResult,
    KneeStep,
    LoadResult,
    ThresholdReading,
)
from holdfast.delivery.loadtest.run import run_load_test
from holdfast.errors import InputError

THRESHOLDS_BROKEN = 1
REFUSED = 3

_LIMITS = {
    "thresholds": "the thresholds break above it",
    "generator": "the generator saturated above it: the server's own limit is not known",
    "first step": "already the first rate broke the thresholds: start lower with --rps",
    "most": "the thresholds still held at the greatest rate tried: --max-rps",
}


@dataclass(frozen=True)
class LoadRequest:
    """What a person asked for. `most_rps` is set where the knee is wanted."""

    endpoint: str
    rps: float
    duration_seconds: float
    version: str
    most_rps: float | None
    options: Mapping[str, object]


def run_loadtest(stream: TextIO, wanted: LoadRequest, *, as_json: bool) -> int:
    """Run it, print it, and return the exit code. With `as_json`: evidence, one a line."""
    options = _options(wanted.options)
    if wanted.most_rps is not None:
        return _search(stream, wanted, wanted.most_rps, options, as_json=as_json)
    result = run_load_test(
        wanted.endpoint, wanted.rps, wanted.duration_seconds, wanted.version, options=options
    )
    if as_json:
        query = _query(wanted, options)
        print(load_evidence(result, query).model_dump_json(), file=stream)
        if result.ratios:
            print(ratio_evidence(result, query).model_dump_json(), file=stream)
    else:
        print("\n".join(lines_of(result)), file=stream)
    return {"failed": THRESHOLDS_BROKEN, "refused": REFUSED}.get(result.status, 0)


def lines_of(result: LoadResult) -> list[str]:
    """Return a result in lines."""
    health = result.generator
    lines = [
        f"{result.rate_per_second:g} requests/s for {result.duration_seconds:g} s, "
        f"{result.arrivals} arrivals, timed from the intended start",
        f"generator: lag p99 {_ms(health.lag_p99_seconds)}, {health.missed} of {health.intended} "
        f"not sent, {health.cpu_fraction:.0%} of a core",
    ]
    if result.status == "refused":
        return [*lines, f"REFUSED  {result.refusal}; nothing is said about the server"]
    lines += [line for arm in result.arms for line in _arm_lines(arm)]
    for ratio in result.ratios:
        known = ratio.low is not None and ratio.high is not None
        between = f" ({ratio.low:.2f} to {ratio.high:.2f})" if known else ""
        lines.append(f"  {ratio.measure:<4} {ratio.ratio:.2f}x{between}  {ratio.reading}")
    lines += [_threshold_line(reading) for reading in result.thresholds]
    return [*lines, result.status.upper()]


def _arm_lines(arm: ArmMeasures) -> list[str]:
    errors = ", ".join(
        f"{count} {name.replace('_', ' ')}"
        for name in ("client_error", "server_error", "timeout", "connection_error")
        if (count := getattr(arm, name))
    )
    return [
        f"{arm.arm} {arm.version}  {arm.endpoint}",
        f"  p50 {_ms(arm.p50_seconds)}  p90 {_ms(arm.p90_seconds)}  p95 {_ms(arm.p95_seconds)}  "
        f"p99 {_ms(arm.p99_seconds)}  max {_ms(arm.max_seconds)}",
        f"  {arm.throughput_per_second:.1f} answered/s of {arm.sent} sent, errors "
        f"{arm.error_ratio:.2%}" + (f": {errors}" if errors else ""),
    ]


def _threshold_line(reading: ThresholdReading) -> str:
    mark = "✓" if reading.kept else "✗"
    return f"{mark} {reading.threshold}: {_measured(reading)}"


def _measured(reading: ThresholdReading) -> str:
    if reading.measured is None:
        return "no data"
    if reading.threshold.endswith("x"):
        return f"at most {reading.measured:.2f}x"
    if reading.threshold.startswith("errors"):
        return f"{reading.measured:.2%}"
    if reading.threshold.startswith("throughput"):
        return f"{reading.measured:.1f}/s"
    return _ms(reading.measured)


def _search(
    stream: TextIO, wanted: LoadRequest, most_rps: float, options: LoadOptions, *, as_json: bool
) -> int:
    def show(step: KneeStep) -> None:
        if not as_json:
            print(_step_line(step), file=stream, flush=True)

    knee = find_knee(
        wanted.endpoint,
        wanted.rps,
        wanted.duration_seconds,
        wanted.version,
        options=options,
        most_rps=most_rps,
        on_step=show,
    )
    if as_json:
        print(knee_evidence(knee, _query(wanted, options)).model_dump_json(), file=stream)
    else:
        print(_knee_line(knee), file=stream)
    if knee.holds_at_per_second is not None:
        return 0
    return REFUSED if knee.limited_by == "generator" else THRESHOLDS_BROKEN


def _step_line(step: KneeStep) -> str:
    result = step.result
    said = result.refusal or ", ".join(
        f"{reading.threshold}: {_measured(reading)}" for reading in result.thresholds
    )
    return f"{step.rate_per_second:>8.1f}/s  {result.status:<7}  {said}"


def _knee_line(knee: KneeResult) -> str:
    if knee.holds_at_per_second is None:
        return f"no rate held: {_LIMITS[knee.limited_by]}"
    return f"holds {knee.holds_at_per_second:.1f} requests/s; {_LIMITS[knee.limited_by]}"


def _query(wanted: LoadRequest, options: LoadOptions) -> str:
    return call_text(wanted.endpoint, wanted.rps, wanted.duration_seconds, wanted.version, options)


def _options(given: Mapping[str, object]) -> LoadOptions:
    try:
        return LoadOptions.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"{first['loc'][0]} {first['input']!r}: {first['msg']}") from None


def _ms(seconds: float | None) -> str:
    return "no data" if seconds is None else f"{seconds * 1000:.1f} ms"
