"""The order of a load test, checked: bounded in rate and time, to allowed hosts only."""

from __future__ import annotations

import math
from dataclasses import dataclass

from holdfast.delivery.loadtest.endpoint import Endpoint, parse_endpoint
from holdfast.delivery.loadtest.mix import RequestKind
from holdfast.delivery.loadtest.records import ArmName
from holdfast.delivery.loadtest.schedule import Shape
from holdfast.delivery.loadtest.thresholds import Threshold
from holdfast.errors import InputError
from holdfast.model.base import Record

MOST_PER_SECOND = 20_000.0
MOST_SECONDS = 600.0
MOST_REQUESTS = 1_000_000
MOST_TIMEOUT_SECONDS = 60.0

_OWN_HEADERS = frozenset({"host", "content-length", "connection", "transfer-encoding"})


class LoadOptions(Record):
    """How a load test is done. Texts are written as on the command line.

    `requests`: `WEIGHT METHOD /path [BODY]`; none = GET of the endpoint's own path. `headers`:
    `name: value`. `max_lag_seconds`: the 99th percentile of the schedule's lag above which the
    run is refused. `against_endpoint` is the good version, loaded in the same run.
    """

    requests: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    thresholds: tuple[str, ...] = ()
    arrivals: Shape = "poisson"
    timeout_seconds: float = 10.0
    seed: int = 0
    max_lag_seconds: float = 0.02
    against_endpoint: str = ""
    against_version: str = ""
    allow_hosts: tuple[str, ...] = ()
    ca_file: str = ""


@dataclass(frozen=True)
class Arm:
    """One endpoint, and the version that the caller says is there."""

    name: ArmName
    version: str
    endpoint: Endpoint


@dataclass(frozen=True)
class LoadOrder:
    """A checked order."""

    arms: tuple[Arm, ...]
    rate_per_second: float
    duration_seconds: float
    kinds: tuple[RequestKind, ...]
    headers: tuple[tuple[str, str], ...]
    thresholds: tuple[Threshold, ...]
    options: LoadOptions

    def kinds_of(self, arm: Arm) -> tuple[RequestKind, ...]:
        """Return what an arm is asked."""
        return self.kinds or (RequestKind(1, "GET", arm.endpoint.target),)


def make_order(
    endpoint: str, rps: float, duration_seconds: float, version: str, options: LoadOptions
) -> LoadOrder:
    """Check an order. Raises InputError, or GuardDenied for a host that is not allowed."""
    _check_bounds(rps, duration_seconds, options)
    arms = [Arm("candidate", version, parse_endpoint(endpoint, options.allow_hosts))]
    if options.against_endpoint:
        good = parse_endpoint(options.against_endpoint, options.allow_hosts)
        arms.append(Arm("good", options.against_version, good))
    thresholds = tuple(Threshold.parse(text) for text in options.thresholds)
    if len(arms) == 1 and any(threshold.relative for threshold in thresholds):
        raise InputError("a threshold in x needs a good version beside the candidate: --against")
    return LoadOrder(
        arms=tuple(arms),
        rate_per_second=rps,
        duration_seconds=duration_seconds,
        kinds=tuple(RequestKind.parse(text) for text in options.requests),
        headers=tuple(_header(text) for text in options.headers),
        thresholds=thresholds,
        options=options,
    )


def _check_bounds(rps: float, duration_seconds: float, options: LoadOptions) -> None:
    _within("the rate per second", rps, MOST_PER_SECOND)
    _within("the duration in seconds", duration_seconds, MOST_SECONDS)
    _within("the timeout in seconds", options.timeout_seconds, MOST_TIMEOUT_SECONDS)
    _within("the allowed lag in seconds", options.max_lag_seconds, 1.0)
    _within("rate x duration", rps * duration_seconds, MOST_REQUESTS)
    if rps * duration_seconds < 1:
        raise InputError(f"{rps:g} a second for {duration_seconds:g} s is not one request")


def _within(what: str, value: float, most: float) -> None:
    if not (math.isfinite(value) and 0 < value <= most):
        raise InputError(f"{what} is {value:g}: it must be above 0 and at most {most:g}")


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    name, value = name.strip().lower(), value.strip()
    printable = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    if not colon or not printable or any(c in value for c in "\r\n\0"):
        raise InputError(f"{text!r} is not a header", hint="for example 'accept: text/html'")
    if name in _OWN_HEADERS:
        raise InputError(f"the header {name} is set by the generator itself")
    return name, value
