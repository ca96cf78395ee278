"""Proof of a candidate before users meet it: a load test beside the version that is known good.

Kept, failed or impossible. What cannot be measured is never a pass: a generator that is saturated,
an endpoint that does not answer, requests that the good version fails too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from holdfast.delivery.loadtest.endpoint import parse_endpoint
from holdfast.delivery.loadtest.evidence import SOURCE, call_text, load_evidence, ratio_evidence
from holdfast.delivery.loadtest.mix import RequestKind
from holdfast.delivery.loadtest.order import LoadOptions, LoadOrder, make_order
from holdfast.delivery.loadtest.records import ArmMeasures, LoadResult, Ratio
from holdfast.errors import GuardDenied, InputError, SourceError
from holdfast.model.base import Record, utc_now
from holdfast.model.evidence import Evidence, EvidenceKind, Outcome, Table, Window
from holdfast.model.policy import LoadTestPolicy

P95_RATIO, ERROR_RATIO = "p95_ratio", "error_ratio"

JUDGEMENT_COLUMNS = ("measure", "measured", "at_most", "kept")
"""Of the judgement's evidence: `measure` (p95_ratio, error_ratio) is the key. The measured ratio
of p95 is the upper end of its interval where there is one."""

WARM_UP_SECONDS = 2.0
"""Both versions are asked this long before anything is measured: one of them was just started."""

MAX_LAG_SECONDS = 0.1
"""The generator's lag, 99th percentile, above which a run is refused. It delays both versions
alike and one request in a hundred at most, so that a ratio of p95 bears more than a latency does.
"""

_READS = ("GET", "HEAD")
_CANNOT = (InputError, GuardDenied, SourceError)

LoadRun = Callable[[LoadOrder], LoadResult]


class ProofOrder(Record):
    """What is compared. `endpoints`: version → the base URL of an instance of it.

    `requests`: what is asked, each `WEIGHT METHOD PATH`, reads only; placeholders as in
    `loadtest.mix`. `rate_per_second`: as measured before the incident. Only loopback and
    `allow_hosts` are loaded.
    """

    service: str
    endpoints: dict[str, str]
    stable_version: str
    candidate_version: str
    requests: tuple[str, ...]
    rate_per_second: float
    policy: LoadTestPolicy
    allow_hosts: tuple[str, ...] = ()


class Proof(Record):
    """What came of it. `p95_ratio` is what was judged: None where it could not be measured.

    `evidence`: the judgement first, then the load test and its ratios, in that order.
    """

    status: Literal["kept", "failed", "impossible"]
    reasons: tuple[str, ...]
    p95_ratio: float | None = None
    error_ratio: float | None = None
    evidence: tuple[Evidence, ...] = Field(default=())

    @property
    def effect(self) -> Literal["seen", "not_seen", "no_data"]:
        """How a verdict says it."""
        match self.status:
            case "kept":
                return "seen"
            case "failed":
                return "not_seen"
            case "impossible":
                return "no_data"


def prove(order: ProofOrder, *, run: LoadRun | None = None) -> Proof:
    """Load the candidate beside the good version and judge it by the policy.

    Takes the policy's duration and a warm-up; twice that where the first run cannot tell.
    Never raises for what lies outside: what hinders it is the reason of an impossible proof.
    """
    load = run or _load
    try:
        options = _options(order)
        _warm_up(order, options, load)
        return judge(order, _measured(order, options, load))
    except _CANNOT as error:
        return _impossible(order, str(error))


def judge(order: ProofOrder, result: LoadResult) -> Proof:
    """Say purely what a load test of both versions comes to."""
    query = _query(order)
    found = (load_evidence(result, query), ratio_evidence(result, query))
    if result.refusal:
        return _impossible(order, result.refusal, result, found)
    candidate, good = result.arms
    ratio = next((_upper(r) for r in result.ratios if r.measure == "p95"), None)
    limits = order.policy
    if ratio is None:
        return _impossible(order, "too few requests for a ratio of p95", result, found)
    if good.error_ratio > limits.error_ratio_at_most:
        return _impossible(order, _good_fails(order, good), result, found)
    return _judged(order, result, candidate, ratio, found)


def _judged(
    order: ProofOrder,
    result: LoadResult,
    candidate: ArmMeasures,
    ratio: float,
    found: tuple[Evidence, ...],
) -> Proof:
    limits = order.policy
    readings = {
        P95_RATIO: (ratio, limits.p95_ratio_at_most),
        ERROR_RATIO: (candidate.error_ratio, limits.error_ratio_at_most),
    }
    rows = tuple((name, value, most, value <= most) for name, (value, most) in readings.items())
    kept = all(value <= most for value, most in readings.values())
    judgement = _sealed(order, Table(columns=JUDGEMENT_COLUMNS, rows=rows), result)
    return Proof(
        status="kept" if kept else "failed",
        reasons=tuple(_reason(name, *reading) for name, reading in readings.items()),
        p95_ratio=ratio,
        error_ratio=candidate.error_ratio,
        evidence=(judgement, *found),
    )


def _upper(ratio: Ratio) -> float:
    return ratio.ratio if ratio.high is None else ratio.high


def _reason(name: str, value: float, most: float) -> str:
    words = "is within" if value <= most else "is beyond"
    if name == P95_RATIO:
        return (
            f"p95 of the candidate over the good version's, at most {value:.3g}, {words} {most:g}"
        )
    return f"the candidate's failed fraction, {value:.3g}, {words} {most:g}"


def _good_fails(order: ProofOrder, good: ArmMeasures) -> str:
    return (
        f"{order.stable_version} fails the same requests: a fraction of {good.error_ratio:.3g}; "
        "check `requests` of the service"
    )


def _impossible(
    order: ProofOrder,
    reason: str,
    result: LoadResult | None = None,
    found: tuple[Evidence, ...] = (),
) -> Proof:
    judgement = _sealed(order, None, result, error=reason)
    return Proof(status="impossible", reasons=(reason,), evidence=(judgement, *found))


# ---- the load --------------------------------------------------------------------------------


def _measured(order: ProofOrder, options: LoadOptions, load: LoadRun) -> LoadResult:
    """Load both, once more where the first run cannot tell: a busy machine may calm down."""
    whole = _checked(order, options, order.policy.duration_seconds)
    result = load(whole)
    return result if _tells(result, order.policy) else load(whole)


def _tells(result: LoadResult, limits: LoadTestPolicy) -> bool:
    """Whether a run was not refused, and its interval does not straddle the limit."""
    found = next((r for r in result.ratios if r.measure == "p95"), None)
    if found is None or found.low is None or found.high is None:
        return result.status != "refused"
    return not found.low <= limits.p95_ratio_at_most < found.high


def _warm_up(order: ProofOrder, options: LoadOptions, load: LoadRun) -> None:
    """Ask both for a while without measuring; at a small rate it is one request at least."""
    seconds = max(WARM_UP_SECONDS, 2 / _rate(order))
    load(_checked(order, options.model_copy(update={"seed": options.seed + 1}), seconds))


def _checked(order: ProofOrder, options: LoadOptions, seconds: float) -> LoadOrder:
    candidate = _endpoint(order, order.candidate_version)
    return make_order(candidate, _rate(order), seconds, order.candidate_version, options)


def _load(order: LoadOrder) -> LoadResult:
    from holdfast.delivery.loadtest.run import run_order  # it needs numpy, which loads slowly

    return run_order(order)


def _rate(order: ProofOrder) -> float:
    rate = order.rate_per_second * order.policy.rate_factor
    if not rate > 0:
        raise InputError(
            f"no rate to ask {order.service} at: none was measured before the incident"
        )
    return rate


def _options(order: ProofOrder) -> LoadOptions:
    stable = _endpoint(order, order.stable_version)
    if stable == _endpoint(order, order.candidate_version):
        raise InputError(f"both versions of {order.service} are at {stable}: nothing to compare")
    return LoadOptions(
        requests=_requests(order),
        arrivals="even",
        max_lag_seconds=MAX_LAG_SECONDS,
        against_endpoint=stable,
        against_version=order.stable_version,
        allow_hosts=order.allow_hosts,
    )


def _endpoint(order: ProofOrder, version: str) -> str:
    known = order.endpoints.get(version)
    if known is None:
        raise InputError(
            f"no address of {version} of {order.service} is known",
            hint="its deployer does not say where a single version can be asked",
        )
    return known


def _requests(order: ProofOrder) -> tuple[str, ...]:
    """Return what is asked, below the endpoints' own path. Raises InputError for what writes."""
    if not order.requests:
        raise InputError(
            f"nothing is known to ask {order.service}", hint="services[].requests in holdfast.yaml"
        )
    below = _base_path(order)
    found: list[str] = []
    for text in order.requests:
        kind = RequestKind.parse(text)
        if kind.method not in _READS or kind.body:
            raise InputError(f"{text!r} may write: a proof asks with {' and '.join(_READS)} only")
        found.append(f"{kind.weight!r} {kind.method} {below}{kind.path}")
    return tuple(found)


def _base_path(order: ProofOrder) -> str:
    """Return the path that both endpoints share, without the slash at its end."""
    versions = (order.candidate_version, order.stable_version)
    targets = {
        parse_endpoint(_endpoint(order, version), order.allow_hosts).target.rstrip("/")
        for version in versions
    }
    if len(targets) > 1:
        raise InputError(f"the versions of {order.service} are at different paths: {targets}")
    return targets.pop()


# ---- evidence --------------------------------------------------------------------------------


def _query(order: ProofOrder) -> str:
    """Return the measured call, as far as the order can be followed."""
    try:
        options = _options(order)
        endpoint = _endpoint(order, order.candidate_version)
        seconds = order.policy.duration_seconds
        return call_text(endpoint, _rate(order), seconds, order.candidate_version, options)
    except _CANNOT:
        versions = f"{order.candidate_version} beside {order.stable_version}"
        return f"load test of {order.service} {versions}"


def _sealed(
    order: ProofOrder, value: Table | None, result: LoadResult | None, *, error: str = ""
) -> Evidence:
    now = utc_now()
    return Evidence.seal(
        kind=EvidenceKind.COMMAND,
        query=f"{_query(order)}: judgement",
        source=SOURCE,
        asked_at=result.ended_at if result else now,
        window=Window(start=result.started_at, end=result.ended_at) if result else None,
        outcome=Outcome.ERROR if error else Outcome.DATA,
        value=value,
        error=error,
    )
