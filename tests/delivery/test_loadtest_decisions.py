"""What a load test decides, from samples and settings alone."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from holdfast.delivery.loadtest.compare import compare
from holdfast.delivery.loadtest.endpoint import parse_endpoint
from holdfast.delivery.loadtest.evidence import call_text, load_evidence
from holdfast.delivery.loadtest.knee import PRECISION, conclude_knee, find_knee, next_rate
from holdfast.delivery.loadtest.mix import Mix, RequestKind
from holdfast.delivery.loadtest.open_loop import OUTCOMES
from holdfast.delivery.loadtest.order import LoadOptions, LoadOrder, make_order
from holdfast.delivery.loadtest.records import KneeStep, LoadResult, Ratio
from holdfast.delivery.loadtest.run import conclude
from holdfast.delivery.loadtest.thresholds import Threshold, judge
from holdfast.delivery.loadtest.tool import load_test_tool
from holdfast.delivery.loadtest.wire import ArmSamples, Measured, WireHead, parse_measured
from holdfast.errors import GuardDenied, InputError, SourceError
from holdfast.evidence.derive import compute
from holdfast.model.evidence import Outcome as Answer
from holdfast.model.figure import Derivation

NOW = datetime(2026, 1, 31, tzinfo=UTC)
URL = "http://127.0.0.1:8000/x"


CODES = {name: number for number, name in enumerate(OUTCOMES)}


def samples(*took: tuple[float, str], lag_seconds: float = 0.001, missed: int = 0):
    arm = ArmSamples(missed_count=missed)
    for number, (seconds, outcome) in enumerate(took):
        arm.starts.append(number * 0.1)
        arm.seconds.append(seconds)
        arm.outcomes.append(CODES[outcome])
        arm.lags.append(lag_seconds)
    return arm


def result_of(*arms: ArmSamples, options: LoadOptions | None = None):
    given = options or LoadOptions()
    if len(arms) > 1:
        given = given.model_copy(update={"against_endpoint": URL, "against_version": "v1"})
    order: LoadOrder = make_order(URL, 10, 10, "v2", given)
    head = WireHead(
        cpu_seconds=1,
        wall_seconds=10,
        missed=tuple(arm.missed_count for arm in arms),
        lengths=tuple((len(arm.seconds), len(arm.lags)) for arm in arms),
    )
    return conclude(order, Measured(head, arms), started_at=NOW, ended_at=NOW)


def test_percentiles_are_samples_and_none_where_they_would_be_the_largest_by_another_name():
    arm = result_of(samples(*((n / 1000, "ok") for n in range(1, 51)))).arms[0]
    assert (arm.p50_seconds, arm.p90_seconds) == (0.025, 0.045)
    assert (arm.p95_seconds, arm.p99_seconds, arm.max_seconds) == (0.048, None, 0.05)


def test_a_connection_refused_at_once_is_no_quick_request():
    took: list[tuple[float, str]] = [(0.01, "ok")] * 8 + [(0.001, "connection_error")] * 2
    arm = result_of(samples(*took)).arms[0]
    assert (arm.max_seconds, arm.error_ratio) == (10.0, pytest.approx(0.2))


@pytest.mark.parametrize(
    ("lag_seconds", "missed", "reason"),
    [(0.05, 0, "lag p99 is 50.0 ms"), (0.001, 3, "did not send 3 of 100")],
)
def test_a_generator_that_is_late_reports_its_lag_and_no_latency(
    lag_seconds: float, missed: int, reason: str
):
    arm = samples(*[(0.01, "ok")] * 100, lag_seconds=lag_seconds, missed=missed)
    result = result_of(arm, options=LoadOptions(thresholds=("p95<300ms",)))
    assert (result.status, result.arms, result.thresholds) == ("refused", (), ())
    assert reason in result.refusal
    evidence = load_evidence(result, "run_load_test()")
    assert (evidence.outcome, evidence.error) == (Answer.ERROR, result.refusal)
    wanted = Derivation(
        function="column_max", evidence_ids=(), parameters={"column": "p95_seconds"}
    )
    assert compute(wanted, [evidence]) is None


def test_a_run_in_which_nothing_fell_due_is_refused():
    assert "no request fell due" in result_of(samples()).refusal


def test_a_figure_can_name_a_cell():
    result = result_of(samples(*[(0.25, "ok")] * 40), samples(*[(0.125, "ok")] * 40))
    evidence = load_evidence(result, "run_load_test()")
    wanted = Derivation(
        function="cell_difference",
        evidence_ids=(),
        parameters={
            "key_column": "arm",
            "key": "candidate",
            "base": "good",
            "column": "p95_seconds",
        },
    )
    assert compute(wanted, [evidence]) == 0.125
    assert evidence.hash == evidence.computed_hash()


def test_the_call_is_quoted_without_the_values_of_headers():
    options = LoadOptions(headers=("authorization: secret",), seed=3)
    text = call_text(URL, 10, 5, "v2", options)
    assert "secret" not in text
    assert 'headers=["authorization: ..."]' in text
    assert "seed=3" in text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("p95<300ms", True),
        ("p95 < 0.2s", False),
        ("p99<=0.25s", False),  # 40 requests say nothing about p99: not kept
        ("errors<1%", True),
        ("throughput>45/s", False),
        ("throughput>5/s", True),
    ],
)
def test_a_threshold_is_kept_or_not(text: str, kept: bool):
    result = result_of(samples(*[(0.25, "ok")] * 40), options=LoadOptions(thresholds=(text,)))
    assert result.thresholds[0].kept is kept
    assert result.status == ("passed" if kept else "failed")


@pytest.mark.parametrize(
    "text", ["p42<1s", "p95<300", "p95>1s", "errors<1", "throughput<3/s", "p95<-1s", ""]
)
def test_what_is_no_threshold_is_refused(text: str):
    with pytest.raises(InputError):
        Threshold.parse(text)


def test_a_relative_threshold_is_kept_only_by_the_whole_interval():
    arm = result_of(samples(*[(0.25, "ok")] * 40)).arms[0]
    wide = Ratio(measure="p95", ratio=1.05, low=0.9, high=1.3)
    unknown = Ratio(measure="p95", ratio=1.05, low=None, high=None)
    bound = (Threshold.parse("p95<1.2x"),)
    assert judge(bound, arm, (wide,))[0].kept is False
    assert judge(bound, arm, (unknown,))[0].kept is False
    assert judge(bound, arm, (wide.model_copy(update={"high": 1.1}),))[0].kept is True


def noisy(factor: float, seed: int) -> ArmSamples:
    chance, shared, arm = random.Random(seed), random.Random(99), ArmSamples()
    for number in range(2000):
        weather = 1 + (number // 100 % 5) * 0.3 + shared.random() * 0.01  # felt by both arms
        arm.starts.append(number * 0.005)
        arm.seconds.append(0.02 * factor * weather * chance.uniform(0.8, 1.2))
        arm.outcomes.append(0)
        arm.lags.append(0.0)
    return arm


def ratios(first: ArmSamples, second: ArmSamples, duration_seconds: float = 10) -> dict[str, Ratio]:
    found = compare(first, second, duration_seconds=duration_seconds, timeout_seconds=10, seed=1)
    return {ratio.measure: ratio for ratio in found}


def test_twenty_percent_more_is_found_and_the_interval_holds_it():
    p95 = ratios(noisy(1.2, 1), noisy(1.0, 2))["p95"]
    assert p95.low is not None
    assert p95.high is not None
    assert p95.low <= 1.2 <= p95.high
    assert p95.high - p95.low < 0.2
    assert p95.reading == "slower"


def test_the_same_behaviour_shows_no_difference():
    found = [ratios(noisy(1.0, 2 * n), noisy(1.0, 2 * n + 1))["p95"].reading for n in range(20)]
    assert found.count("no difference shown") >= 17


def test_too_short_a_run_has_a_ratio_without_an_interval():
    p50 = ratios(noisy(1.2, 1), noisy(1.0, 2), duration_seconds=1)["p50"]
    assert (p50.low, p50.high, p50.reading) == (None, None, "too short to say")


def knee_step(rate: float, status: str) -> KneeStep:
    result: LoadResult = result_of(samples(*[(0.1, "ok")] * 40))
    changed = result.model_copy(update={"status": status})
    return KneeStep(rate_per_second=rate, result=changed)


def searched(limit: float, beyond: str, start: float = 10, most: float = 1000) -> list[KneeStep]:
    steps: list[KneeStep] = []
    while (rate := next_rate(steps, start, most)) is not None:
        steps.append(knee_step(rate, "passed" if rate <= limit else beyond))
    return steps


@pytest.mark.parametrize(("beyond", "by"), [("failed", "thresholds"), ("refused", "generator")])
def test_the_knee_is_found_by_doubling_then_bisecting(beyond: str, by: str):
    steps = searched(130, beyond)
    knee = conclude_knee(steps)
    assert [step.rate_per_second for step in steps[:5]] == [10, 20, 40, 80, 160]
    assert knee.holds_at_per_second is not None
    assert knee.holds_at_per_second <= 130 <= (knee.fails_at_per_second or 0)
    assert knee.holds_at_per_second >= 130 / PRECISION
    assert (knee.limited_by, len(steps) < 10) == (by, True)


def test_a_knee_beyond_the_greatest_rate_or_below_the_first_is_said():
    assert conclude_knee(searched(5000, "failed")).limited_by == "most"
    below = conclude_knee(searched(5, "failed"))
    assert (below.limited_by, below.holds_at_per_second) == ("first step", None)


def test_a_knee_needs_a_bound():
    with pytest.raises(InputError, match="needs a bound"):
        find_knee(URL, 10, 1, "v2", options=LoadOptions())


@pytest.mark.parametrize(
    "url",
    ["ftp://127.0.0.1/", "127.0.0.1:80", "http://", "http://127.0.0.1:99999/", "http://a b/"],
)
def test_what_is_no_endpoint_is_refused(url: str):
    with pytest.raises(InputError):
        parse_endpoint(url)


@pytest.mark.parametrize("host", ["example.com", "10.0.0.1", "192.168.1.1", "localhost.example"])
def test_only_loopback_is_loaded_unless_a_host_is_allowed_by_name(host: str):
    with pytest.raises(GuardDenied, match="--allow-host"):
        parse_endpoint(f"http://{host}/")
    assert parse_endpoint(f"http://{host}/", (host,)).host == host


def test_the_good_version_is_not_loaded_elsewhere_either():
    with pytest.raises(GuardDenied):
        make_order(URL, 10, 10, "v2", LoadOptions(against_endpoint="http://example.com/"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "[::1]"])
def test_loopback_has_several_names(host: str):
    assert parse_endpoint(f"http://{host}:81/a?b=1").authority == f"{host}:81"


@pytest.mark.parametrize(
    ("rps", "seconds", "options"),
    [
        (0, 10, {}),
        (-1, 10, {}),
        (float("nan"), 10, {}),
        (30_000, 10, {}),
        (10, 3600, {}),
        (10, 0.01, {}),
        (5000, 600, {}),
        (10, 10, {"timeout_seconds": 0}),
        (10, 10, {"requests": ("1 BREW /x",)}),
        (10, 10, {"headers": ("no colon",)}),
        (10, 10, {"headers": ("host: elsewhere",)}),
        (10, 10, {"headers": ("a: b\r\nc: d",)}),
        (10, 10, {"thresholds": ("p95<1.2x",)}),
    ],
)
def test_an_order_that_is_unbounded_or_wrong_is_refused(
    rps: float, seconds: float, options: dict[str, object]
):
    with pytest.raises(InputError):
        make_order(URL, rps, seconds, "v2", LoadOptions.model_validate(options))


def test_requests_are_drawn_by_weight_and_a_seed_repeats_itself():
    kinds = [RequestKind.parse("3 GET /a"), RequestKind.parse('1 POST /b {"c": 1}')]
    first, second = (Mix(kinds, (("host", "shop"),), seed=5) for _ in range(2))
    drawn = [first.draw() for _ in range(1000)]
    assert drawn == [second.draw() for _ in range(1000)]
    writes = [request for request in drawn if request.startswith(b"POST /b ")]
    assert len(writes) == pytest.approx(250, abs=50)
    assert writes[0].endswith(b'content-length: 8\r\n\r\n{"c": 1}')


@pytest.mark.parametrize("answer", [b"", b"{}"])
def test_an_answer_that_is_cut_short_is_an_error(answer: bytes):
    with pytest.raises(SourceError):
        parse_measured(answer)


def test_the_tool_writes_and_takes_what_the_design_says():
    seen: list[LoadOrder] = []

    def guarded(order: LoadOrder) -> LoadResult:
        seen.append(replace(order))
        return result_of(samples(*[(0.25, "ok")] * 40))

    tool = load_test_tool(run=guarded)
    evidence = tool.function(endpoint=URL, rps=10.0, duration_seconds=5.0, version="v2")
    assert (tool.name, tool.effect) == ("run_load_test", "write")
    assert evidence.query.startswith("run_load_test(endpoint='http://127.0.0.1:8000/x', rps=10")
    assert seen[0].arms[0].version == "v2"
    assert json.loads(evidence.model_dump_json())["kind"] == "command"
