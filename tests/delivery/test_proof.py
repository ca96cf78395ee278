"""A candidate is proven beside the good version, or it is not; a test that cannot be is no pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.delivery.loadtest.evidence import LOAD_COLUMNS, RATIO_COLUMNS
from holdfast.delivery.loadtest.order import LoadOrder
from holdfast.delivery.loadtest.records import ArmMeasures, GeneratorHealth, LoadResult, Ratio
from holdfast.delivery.loadtest.run import run_order
from holdfast.delivery.proof import JUDGEMENT_COLUMNS, ProofOrder, judge, prove
from holdfast.errors import SourceError, SourceUnavailable
from holdfast.evidence.derive import compute
from holdfast.model.evidence import Outcome, Table
from holdfast.model.figure import Derivation
from holdfast.model.policy import LoadTestPolicy
from support.load_server import LoadServer, serving

START = datetime(2026, 11, 23, 17, 5, tzinfo=UTC)
POLICY = LoadTestPolicy(duration_seconds=10, p95_ratio_at_most=1.5, error_ratio_at_most=0.01)
ORDER = ProofOrder(
    service="labels",
    endpoints={"7.4": "http://127.0.0.1:8001", "7.6": "http://127.0.0.1:8002/"},
    stable_version="7.4",
    candidate_version="7.6",
    requests=("3 GET /labels/{parcel}", "1 HEAD /health"),
    rate_per_second=12,
    policy=POLICY,
)


def arm(name: str, version: str, *, errors: float = 0.0, p95: float | None = 0.04) -> ArmMeasures:
    many = 120
    failed = round(many * errors)
    return ArmMeasures.model_validate(
        {
            "arm": name,
            "version": version,
            "endpoint": "http://127.0.0.1:8002/",
            "intended": many,
            "sent": many,
            "ok": many - failed,
            "client_error": 0,
            "server_error": failed,
            "timeout": 0,
            "connection_error": 0,
            "error_ratio": errors,
            "throughput_per_second": 12.0,
            "p50_seconds": 0.02,
            "p90_seconds": 0.03,
            "p95_seconds": p95,
            "p99_seconds": None,
            "max_seconds": 0.05,
        }
    )


def result(
    *ratios: Ratio, candidate_errors: float = 0.0, good_errors: float = 0.0, refusal: str = ""
) -> LoadResult:
    arms = (
        arm("candidate", "7.6", errors=candidate_errors),
        arm("good", "7.4", errors=good_errors),
    )
    return LoadResult(
        status="refused" if refusal else "measured",
        refusal=refusal,
        rate_per_second=12,
        duration_seconds=10,
        arrivals="even",
        seed=0,
        started_at=START,
        ended_at=START + timedelta(seconds=10),
        generator=GeneratorHealth(
            intended=240,
            missed=0,
            lag_p50_seconds=0.001,
            lag_p99_seconds=0.002,
            lag_max_seconds=0.003,
            lag_allowed_seconds=0.02,
            cpu_fraction=0.1,
        ),
        arms=() if refusal else arms,
        ratios=ratios,
    )


def p95(ratio: float, low: float | None, high: float | None) -> Ratio:
    return Ratio(measure="p95", ratio=ratio, low=low, high=high)


NO_SLOWER, SLOWER = p95(1.02, 0.9, 1.2), p95(1.4, 1.2, 1.61)


def test_a_candidate_that_is_no_slower_and_does_not_fail_is_kept():
    proof = judge(ORDER, result(NO_SLOWER))
    assert (proof.status, proof.effect) == ("kept", "seen")
    assert (proof.p95_ratio, proof.error_ratio) == (1.2, 0.0)
    assert "within 1.5" in proof.reasons[0]


def test_the_upper_end_of_the_interval_decides():
    proof = judge(ORDER, result(SLOWER))
    assert (proof.status, proof.effect, proof.p95_ratio) == ("failed", "not_seen", 1.61)
    assert "beyond 1.5" in proof.reasons[0]


def test_without_an_interval_the_ratio_itself_decides():
    assert judge(ORDER, result(p95(1.4, None, None))).status == "kept"
    assert judge(ORDER, result(p95(1.6, None, None))).status == "failed"


def test_a_candidate_that_fails_requests_is_not_kept_however_quick():
    proof = judge(ORDER, result(NO_SLOWER, candidate_errors=0.05))
    assert proof.status == "failed"
    assert "failed fraction" in proof.reasons[1]


@pytest.mark.parametrize(
    ("measured", "why"),
    [
        (result(refusal="the generator is saturated"), "saturated"),
        (result(), "too few requests"),
        (result(NO_SLOWER, candidate_errors=0.5, good_errors=0.5), "7.4 fails the same"),
    ],
)
def test_what_could_not_be_measured_is_no_pass(measured: LoadResult, why: str):
    proof = judge(ORDER, measured)
    assert (proof.status, proof.effect, proof.p95_ratio) == ("impossible", "no_data", None)
    assert why in proof.reasons[0]
    assert proof.evidence[0].outcome is Outcome.ERROR
    assert why in proof.evidence[0].error


def test_its_evidence_carries_every_figure_of_a_report():
    judgement, load, ratios = judge(ORDER, result(NO_SLOWER)).evidence
    columns = [e.value.columns for e in (judgement, load, ratios) if isinstance(e.value, Table)]
    assert columns == [JUDGEMENT_COLUMNS, LOAD_COLUMNS, RATIO_COLUMNS]
    assert all(item.is_whole() for item in (judgement, load, ratios))
    cell = Derivation(
        function="cell",
        evidence_ids=(judgement.id,),
        parameters={"key_column": "measure", "key": "p95_ratio", "column": "measured"},
    )
    assert compute(cell, [judgement]) == 1.2


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"requests": ()}, "nothing is known to ask"),
        ({"requests": ("1 POST /labels",)}, "may write"),
        ({"requests": ("1 DELETE /labels/{parcel}",)}, "may write"),
        ({"requests": ('1 GET /labels {"a": 1}',)}, "may write"),
        ({"requests": ("1 GET /labels/{parcel:9-1}",)}, "wrong way round"),
        ({"requests": ("1 GET /labels/{Parcel}",)}, "no placeholder"),
        ({"rate_per_second": 0.0}, "no rate"),
        ({"rate_per_second": float("nan")}, "no rate"),
        ({"endpoints": {"7.4": "http://127.0.0.1:8001"}}, "no address of 7.6"),
        ({"endpoints": dict.fromkeys(("7.4", "7.6"), "http://127.0.0.1:1")}, "nothing to compare"),
        (
            {"endpoints": {"7.4": "http://127.0.0.1:1/a", "7.6": "http://127.0.0.1:2/b"}},
            "different paths",
        ),
        (
            {"endpoints": {"7.4": "http://127.0.0.1:1", "7.6": "http://labels.example:2"}},
            "load is sent to loopback only",
        ),
    ],
)
def test_what_may_not_or_cannot_be_asked_is_refused_before_any_load(
    changes: dict[str, object], why: str
):
    def never(order: LoadOrder) -> LoadResult:
        raise AssertionError(order)

    proof = prove(ORDER.model_copy(update=changes), run=never)
    assert proof.status == "impossible"
    assert why in proof.reasons[0]
    assert len(proof.evidence) == 1


@pytest.mark.parametrize("error", [SourceUnavailable("nobody"), SourceError("it ended with 1")])
def test_a_load_that_cannot_be_sent_is_an_impossible_proof(error: SourceError):
    def failing(order: LoadOrder) -> LoadResult:
        raise error

    assert prove(ORDER, run=failing).status == "impossible"


@pytest.mark.parametrize("first", [result(refusal="saturated"), result(SLOWER)])
def test_both_are_warmed_up_and_a_run_that_cannot_tell_is_made_once_more(first: LoadResult):
    answers = [result(NO_SLOWER), first, result(NO_SLOWER)]
    asked: list[LoadOrder] = []

    def load(order: LoadOrder) -> LoadResult:
        asked.append(order)
        return answers[len(asked) - 1]

    assert prove(ORDER, run=load).status == "kept"
    assert [order.duration_seconds for order in asked] == [2.0, 10.0, 10.0]
    assert [a.version for a in asked[1].arms] == ["7.6", "7.4"]
    assert [(k.method, k.path) for k in asked[1].kinds] == [
        ("GET", "/labels/{parcel}"),
        ("HEAD", "/health"),
    ]


def test_what_is_plainly_slower_is_not_asked_again():
    answers = [result(NO_SLOWER), result(p95(9.0, 7.0, 12.0))]
    proof = prove(ORDER, run=lambda _: answers.pop(0))
    assert proof.status == "failed"
    assert answers == []


def test_a_hosts_name_in_the_configuration_may_be_loaded_and_paths_are_below_the_endpoints():
    asked: list[LoadOrder] = []

    def load(order: LoadOrder) -> LoadResult:
        asked.append(order)
        return result(NO_SLOWER)

    order = ORDER.model_copy(
        update={
            "endpoints": {"7.4": "http://a.example/api", "7.6": "http://b.example/api/"},
            "allow_hosts": ("a.example", "b.example"),
            "policy": POLICY.model_copy(update={"rate_factor": 2.0}),
        }
    )
    assert prove(order, run=load).status == "kept"
    assert asked[1].kinds[0].path == "/api/labels/{parcel}"
    assert asked[1].rate_per_second == 24


def patient(order: LoadOrder) -> LoadResult:
    """On a machine that many share, for tests that are not about the generator's lag."""
    options = order.options.model_copy(update={"max_lag_seconds": 0.25})
    return run_order(replace(order, options=options))


def of(good: LoadServer, candidate: LoadServer, **policy: float) -> ProofOrder:
    calm = {"duration_seconds": 3.0, "p95_ratio_at_most": 4.0, **policy}
    return ORDER.model_copy(
        update={
            "endpoints": {"7.4": good.url, "7.6": candidate.url},
            "requests": ("3 GET /labels/{parcel}",),
            "rate_per_second": 25.0,
            "policy": LoadTestPolicy.model_validate(calm),
        }
    )


def test_real_servers_are_told_apart_and_placeholders_are_drawn():
    good, slow = LoadServer(delay_seconds=0.02), LoadServer(delay_seconds=0.3)
    with serving(good), serving(slow):
        failed = prove(of(good, slow), run=patient)
    assert failed.status == "failed"
    assert failed.p95_ratio is not None
    assert failed.p95_ratio > 4
    paths = {head.target for head in good.heads}
    assert len(paths) > 20
    assert all(1 <= int(path.removeprefix("/labels/")) <= 1000 for path in paths)
    mirrored = [head.target for head in slow.heads]
    assert sorted(mirrored) == sorted(head.target for head in good.heads)


def test_a_server_that_is_gone_proves_nothing():
    with serving(LoadServer()) as good:
        with serving(LoadServer()) as gone:
            pass
        proof = prove(of(good, gone))
    assert proof.status == "impossible"
    assert "nothing answers" in proof.reasons[0]
    assert good.heads == []
