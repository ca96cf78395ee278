"""Slow requests are grouped by what they share, and only by that."""

from __future__ import annotations

import time

import numpy as np
import pytest

from diagnosis.request_worlds import World
from holdfast.diagnosis.traces import (
    Called,
    Interval,
    PatternReport,
    Value,
    find_patterns,
    request_table,
)
from holdfast.errors import InputError


def _operations(report: PatternReport) -> list[set[str]]:
    return [
        {p.operation for p in pattern.predicates if isinstance(p, Interval)}
        for pattern in report.patterns
    ]


def test_one_pattern_is_found_with_its_members_and_figures() -> None:
    world = World()
    members = world.some(0.1)
    world.delay(members, "stock", 60)
    report = find_patterns(world.table(), threshold=110)
    (pattern,) = report.patterns
    (predicate,) = pattern.predicates
    assert isinstance(predicate, Interval)
    assert predicate.operation == "stock"
    assert 18 < predicate.low < 66
    assert np.array_equal(pattern.members, members)
    slow = world.latency > 110
    assert pattern.precision == pytest.approx((slow & members).sum() / members.sum())
    assert pattern.recall == pytest.approx((slow & members).sum() / slow.sum())
    assert pattern.excess == pytest.approx(60, abs=4)
    assert pattern.latency_low < pattern.latency_median < pattern.latency_high
    assert report.unexplained == int((slow & ~members).sum())


def test_two_delays_of_one_operation_are_two_patterns() -> None:
    world = World()
    first = world.some(0.1)
    second = world.some(0.1) & ~first
    world.delay(first, "cart", 60)
    world.delay(second, "cart", 110)
    report = find_patterns(world.table(), threshold=110)
    assert len(report.patterns) == 2
    for members in (first, second):
        assert any(np.array_equal(one.members, members) for one in report.patterns)


def test_a_pattern_inside_another_is_told_from_it() -> None:
    world = World()
    outer = world.some(0.2)
    inner = outer & world.some(0.5)
    world.delay(outer, "auth", 60)
    world.delay(inner, "price", 60)
    report = find_patterns(world.table(), threshold=110)
    assert len(report.patterns) == 2
    labels = report.labels()
    assert len(set(labels[inner])) == len(set(labels[outer & ~inner])) == 1
    assert labels[inner][0] != labels[outer & ~inner][0]


@pytest.mark.parametrize("seed", range(5))
def test_three_overlapping_patterns_stay_three(seed: int) -> None:
    world = World(size=6000, seed=seed)
    groups = {name: world.some(0.12) for name in ("auth", "cart", "stock")}
    for name, members in groups.items():
        world.delay(members, name, 70)
    report = find_patterns(world.table(), threshold=115)
    assert sorted(map(sorted, _operations(report))) == [["auth"], ["cart"], ["stock"]]
    for pattern in report.patterns:
        (predicate,) = pattern.predicates
        assert isinstance(predicate, Interval)
        assert np.array_equal(pattern.members, groups[predicate.operation])


def test_operations_slow_together_are_one_pattern() -> None:
    world = World()
    members = world.some(0.1)
    world.delay(members, "auth", 40)
    world.delay(members, "stock", 40)
    world.attributes["shard"] = np.where(members & world.some(0.97), "7", "2").tolist()
    (pattern,) = find_patterns(world.table(), threshold=115).patterns
    assert np.array_equal(pattern.members, members)
    assert Value("shard", "7") in pattern.also
    shared = {p.operation for p in pattern.also + pattern.predicates if isinstance(p, Interval)}
    assert shared == {"auth", "stock"}


def test_an_innocent_cache_miss_makes_no_pattern_and_splits_none() -> None:
    world = World(seed=4)
    latency = world.latency
    members = world.some(0.1)
    miss = world.some(0.5)
    lookup = np.where(miss, 120.0, 3.0) * world.random.lognormal(0, 0.03, world.size)
    inside = world.durations["cart"] + np.where(members, 80, 0)
    inside += world.random.lognormal(1, 0.2, world.size)
    report = find_patterns(
        request_table(
            latency + np.where(members, 80, 0),
            durations={**world.durations, "lookup": lookup, "gateway": lookup + inside},
        ),
    )
    (pattern,) = report.patterns
    assert np.array_equal(pattern.members, members)
    assert "lookup" in report.contents["gateway"]


@pytest.mark.parametrize("seed", range(12))
def test_random_causes_are_told_apart(seed: int) -> None:
    world = World(size=3000, seed=100 + seed)
    operations = sorted(world.durations)
    cause = np.zeros(world.size, dtype=np.int64)
    for number in range(1, 2 + seed % 3):
        members = world.some(0.1) & (cause == 0)
        cause[members] = number
        count = int(world.random.integers(1, 3))
        for operation in world.random.choice(operations, count, replace=False):
            world.delay(members, operation, 35.0 + 25 * number)
    labels = find_patterns(world.table(), threshold=105).labels()
    for number in np.unique(cause):
        _, counts = np.unique(labels[cause == number], return_counts=True)
        assert counts.max() >= 0.97 * counts.sum()
    assert len(np.unique(labels)) == len(np.unique(cause))


def test_requests_slow_by_themselves_share_nothing() -> None:
    world = World()
    slow = world.some(0.1)
    report = find_patterns(world.table(), slow=slow)
    assert report.patterns == ()
    assert report.reason.startswith("no pattern: nothing is shared by enough of")
    assert not report.labels().any()


@pytest.mark.parametrize("seed", range(20))
def test_a_healthy_system_without_a_threshold_has_no_pattern(seed: int) -> None:
    world = World(seed=seed)
    world.attributes["region"] = world.random.choice(["eu", "us", "asia"], world.size).tolist()
    assert find_patterns(world.table()).patterns == ()


def test_the_tail_of_a_healthy_system_is_hardly_ever_a_pattern() -> None:
    worlds = [World(seed=seed) for seed in range(40)]
    tails = [find_patterns(w.table(), threshold=float(np.quantile(w.latency, 0.9))) for w in worlds]
    assert sum(bool(report.patterns) for report in tails) <= 1


def test_many_attributes_and_operations_without_a_part_are_not_blamed() -> None:
    world = World(size=2000)
    for index in range(60):
        world.durations[f"other{index:02}"] = world.random.lognormal(2, 0.5, world.size)
    for index in range(60):
        values = world.random.integers(0, 2 + index, world.size)
        world.attributes[f"tag{index:02}"] = [str(v) for v in values]
    members = world.some(0.1)
    world.attributes["request"] = [str(i) for i in range(world.size)]
    slow = members & world.some(0.95)
    world.attributes["version"] = np.where(members, "v2", "v1").tolist()
    started = time.perf_counter()
    (pattern,) = find_patterns(world.table(), slow=slow).patterns
    assert time.perf_counter() - started < 2
    assert pattern.predicates in ((Value("version", "v2"),), (Value("version", "v1", False),))
    assert np.array_equal(pattern.members, members)


def test_failing_requests_that_stop_early_share_the_call_that_they_did_not_make() -> None:
    world = World()
    failing = world.some(0.08)
    world.durations["price"] = np.where(failing, np.nan, world.durations["price"])
    (pattern,) = find_patterns(world.table(), slow=failing).patterns
    assert pattern.predicates == (Called("price", False),)
    assert pattern.precision == pattern.recall == 1


def test_more_calls_of_an_operation_are_a_pattern() -> None:
    world = World()
    members = world.some(0.1)
    world.calls["stock"] = np.where(members, world.random.integers(30, 40, world.size), 1.0)
    (pattern,) = find_patterns(world.table(), slow=members).patterns
    (predicate,) = pattern.predicates
    assert isinstance(predicate, Interval)
    assert (predicate.operation, predicate.quantity) == ("stock", "calls")


def test_a_long_tail_without_modes_is_cut_where_slow_was_stated() -> None:
    random = np.random.default_rng(3)
    heavy, other = random.lognormal(3, 0.8, 3000), random.lognormal(2, 0.3, 3000)
    table = request_table(heavy + other, durations={"heavy": heavy, "other": other})
    (pattern,) = find_patterns(table, threshold=80).patterns
    assert [p.operation for p in pattern.predicates if isinstance(p, Interval)] == ["heavy"]
    assert pattern.precision > 0.9
    assert pattern.recall > 0.9
    assert find_patterns(table).patterns == ()


def test_order_of_rows_and_columns_changes_nothing() -> None:
    world = World()
    first, second = world.some(0.1), world.some(0.1)
    world.delay(first, "auth", 60)
    world.delay(second, "cart", 60)
    world.attributes["zone"] = world.random.choice(["a", "b"], world.size).tolist()
    table = world.table()
    order = world.random.permutation(world.size)
    turned = request_table(
        table.latency[order],
        durations={
            name: table.durations[name][order] for name in sorted(table.durations, reverse=True)
        },
        attributes={"zone": [table.attributes["zone"][i] for i in order]},
    )
    one, other = find_patterns(table), find_patterns(turned)
    assert len(one.patterns) == 2
    assert [p.predicates for p in one.patterns] == [p.predicates for p in other.patterns]
    assert np.array_equal(one.labels()[order], other.labels())


def test_nan_and_constant_columns_are_borne() -> None:
    world = World()
    members = world.some(0.1)
    world.delay(members, "stock", 60)
    latency = world.latency
    latency[::50] = np.nan
    latency[7] = np.inf
    columns = {
        **world.durations,
        "constant": np.full(world.size, 4.0),
        "never": np.full(world.size, np.nan),
        "once": np.where(np.arange(world.size) == 3, 5.0, np.nan),
    }
    attributes = {"none": [None] * world.size, "one": ["x"] * world.size}
    table = request_table(latency, durations=columns, attributes=attributes)
    (pattern,) = find_patterns(table, threshold=110).patterns
    assert np.array_equal(pattern.members, members)
    assert np.isfinite([pattern.latency_low, pattern.latency_high, pattern.excess]).all()


@pytest.mark.parametrize(
    ("latency", "threshold", "reason"),
    [
        ([], None, "there are no requests"),
        ([5.0], None, "no request is slow"),
        ([5.0], 1.0, "every request is slow: there is none to compare with"),
        ([5.0] * 100, None, "no request is slow"),
        ([float("nan")] * 100, 1.0, "no request is slow"),
        ([1.0] * 99 + [50.0], 10.0, "1 slow request: a pattern needs at least 10"),
        ([0.0] * 100, None, "no request is slow"),
    ],
)
def test_too_little_to_tell_abstains_with_the_reason(
    latency: list[float], threshold: float | None, reason: str
) -> None:
    report = find_patterns(request_table(latency, durations={"db": latency}), threshold=threshold)
    assert report.patterns == ()
    assert report.reason == f"no pattern: {reason}"


def test_columns_of_other_lengths_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="column db has 2 entries, latency has 3"):
        request_table([1, 2, 3], durations={"db": [1, 2]})
    with pytest.raises(InputError, match="column db has 2 dimensions"):
        request_table([1, 2], durations={"db": [[1, 2]]})
    with pytest.raises(InputError, match=r"slow has the shape \(1,\)"):
        find_patterns(request_table([1, 2]), slow=np.array([True]))


def test_a_bad_instance_that_is_slow_half_of_the_time_is_still_found() -> None:
    world = World(size=4000)
    instance = world.random.integers(0, 8, world.size)
    world.attributes["instance"] = [f"pod-{i}" for i in instance]
    slow = ((instance == 3) & world.some(0.7)) | world.some(0.01)
    (pattern,) = find_patterns(world.table(), slow=slow).patterns
    assert pattern.predicates == (Value("instance", "pod-3"),)
    assert 0.65 < pattern.precision < 0.75
