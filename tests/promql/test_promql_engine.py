"""What the embedded engine promises beyond Prometheus's own tests: records, refusals, speed."""

from __future__ import annotations

import itertools
import math
import time
from typing import Literal

import numpy as np
import pytest

from holdfast.errors import InputError, PromQLError, PromQLUnsupported
from holdfast.promql.conformance.corpus import cells
from holdfast.promql.conformance.loaded import LoadedSamples
from holdfast.promql.engine import Engine
from holdfast.promql.regex import compile_anchored, expand
from holdfast.promql.samples import STALE_NAN, Matcher, StoredSeries


def store_of(*series: tuple[dict[str, str], str], step_seconds: float = 10) -> LoadedSamples:
    store = LoadedSamples()
    for labels, values in series:
        store.add(labels, step_seconds, cells(values))
    return store


def value(engine: Engine, promql: str, at: float) -> float:
    [sample] = engine.instant(promql, at).samples
    return sample.value


COUNTER = ({"__name__": "x_total", "job": "a"}, "0 10 20 30 5 15")


def test_a_scalar_is_one_sample_without_labels() -> None:
    [sample] = Engine(LoadedSamples()).instant("1 + 2 * 3", 100.5).samples
    assert (sample.labels, sample.at, sample.value) == ({}, 100.5, 7)


def test_a_range_query_of_a_scalar_is_one_series_without_labels() -> None:
    [series] = Engine(LoadedSamples()).range("time()", 10, 20, 5).series
    assert series.labels == {}
    assert series.points == ((10, 10), (15, 15), (20, 20))


def test_nan_is_no_data_unless_it_is_kept() -> None:
    store = store_of(({"__name__": "x"}, "1 NaN"))
    assert Engine(store).instant("x", 10).samples == ()
    assert Engine(store).instant("0 / 0", 10).samples == ()
    assert Engine(store).range("x", 0, 10, 10).series[0].points == ((0, 1),)
    assert math.isnan(value(Engine(store, keep_nan=True), "x", 10))


def test_infinities_stay() -> None:
    assert value(Engine(LoadedSamples()), "1 / 0", 0) == math.inf


def test_a_counter_reset_is_not_a_loss() -> None:
    engine = Engine(store_of(COUNTER))
    assert value(engine, "increase(x_total[50s])", 50) == pytest.approx(5 / 4 * (15 - 10 + 30))


def test_left_open_windows_leave_out_the_sample_at_their_start() -> None:
    store = store_of(COUNTER)
    assert value(Engine(store), "count_over_time(x_total[20s])", 50) == 2
    assert value(Engine(store, windows="closed"), "count_over_time(x_total[20s])", 50) == 3


def test_the_lookback_is_open_in_3_and_closed_in_2() -> None:
    store = store_of(({"__name__": "x"}, "7"))
    assert Engine(store, lookback_seconds=60).instant("x", 60).samples == ()
    assert value(Engine(store, lookback_seconds=60, windows="closed"), "x", 60) == 7
    assert value(Engine(store, lookback_seconds=60), "x", 59.999) == 7


def test_a_staleness_marker_ends_a_series_and_other_nans_do_not() -> None:
    times = np.array([0, 10_000], dtype=np.int64)
    store = LoadedSamples()
    store.add({"__name__": "x"}, 10, [1.0, STALE_NAN])
    assert store.select([], 0, 10_000)[0].times_ms.tolist() == times.tolist()
    assert Engine(store, keep_nan=True).instant("x", 15).samples == ()
    assert value(Engine(store), "count_over_time(x[1m])", 15) == 1


def test_names_are_dropped_at_once_as_a_server_does_by_default() -> None:
    engine = Engine(store_of(COUNTER))
    [sample] = engine.instant("rate(x_total[1m])", 50).samples
    assert sample.labels == {"job": "a"}
    [named] = engine.instant("sum by (__name__) (rate(x_total[1m]))", 50).samples
    assert named.labels == {}
    [kept] = engine.instant("last_over_time(x_total[1m])", 50).samples
    assert kept.labels["__name__"] == "x_total"


def test_series_that_differ_only_by_name_are_an_error_once_the_name_is_dropped() -> None:
    engine = Engine(store_of(({"__name__": "x"}, "1"), ({"__name__": "y"}, "2")))
    with pytest.raises(PromQLError, match="same labelset"):
        engine.instant('abs({__name__=~"x|y"})', 0)


def test_ambiguous_matching_is_an_error_and_not_a_choice() -> None:
    store = store_of(({"__name__": "x", "i": "1"}, "1"), ({"__name__": "x", "i": "2"}, "2"))
    with pytest.raises(PromQLError, match="many-to-many"):
        Engine(store).instant("x / on () x", 0)
    with pytest.raises(PromQLError, match="must be explicit"):
        Engine(store).instant("x / on () sum(x)", 0)


def test_matching_follows_series_that_replace_one_another() -> None:
    store = store_of(
        ({"__name__": "x", "i": "1"}, "4 4 stale"),
        ({"__name__": "x", "i": "2"}, "_ _ 8 8"),
        ({"__name__": "y"}, "2 2 2 2"),
    )
    [series] = Engine(store).range("y / on () x", 0, 30, 10).series
    assert series.points == ((0, 0.5), (10, 0.5), (20, 0.25), (30, 0.25))


def test_ends_of_the_query_are_its_own_also_inside_a_subquery() -> None:
    engine = Engine(store_of(({"__name__": "x"}, "0+1x100")))
    [series] = engine.range("max_over_time((x @ end())[30s:10s])", 100, 205, 50).series
    assert [v for _, v in series.points] == [20, 20, 20]


def test_raw_samples_of_a_range_are_given_as_they_are() -> None:
    [series] = Engine(store_of(COUNTER)).samples("x_total[20s]", 50).series
    assert series.points == ((40, 5), (50, 15))


@pytest.mark.parametrize(
    ("promql", "named"),
    [
        ("info(x)", "info"),
        ("limit_ratio(0.5, x)", "limit_ratio"),
        ('x{a="1" or b="2"}', "or"),
        ("x[5m]", "range vector"),
        ('"text"', "string"),
        ("x @ -5", "-5|@ 0"),
        ("sum_over_time(vector(1)[1y:1ms])", "31,536,000,000 steps"),
        ('label_replace(x, "a-b", "", "c", "")', "a-b"),
        (r'label_replace(x, "a", "", "c", "\\pL")', "pL"),
    ],
)
def test_what_is_not_evaluated_is_refused_by_name(promql: str, named: str) -> None:
    with pytest.raises(PromQLUnsupported, match=named):
        Engine(store_of(({"__name__": "x"}, "1"))).instant(promql, 0)


@pytest.mark.parametrize(
    ("promql", "said"),
    [
        ("sum(", "unclosed left parenthesis"),
        ("rate(x)", "expected type matrix"),
        ("x[5m] anchored", "invalid"),
        ("nonsense(x)", "unknown function"),
        ("topk(0/0, x)", "NaN"),
        ('x{a=~"("}', "regex"),
        ("(" * 1200 + "1" + ")" * 1200, "nested too deeply"),
        ("a[99999999y]", "number too large"),
    ],
)
def test_a_wrong_expression_says_what_is_wrong(promql: str, said: str) -> None:
    with pytest.raises(PromQLError, match=said) as caught:
        Engine(store_of(({"__name__": "x"}, "1"))).instant(promql, 0)
    assert not isinstance(caught.value, PromQLUnsupported)


def test_a_range_without_steps_is_refused() -> None:
    with pytest.raises(InputError, match="no steps"):
        Engine(LoadedSamples()).range("1", 0, 10, 0)
    with pytest.raises(InputError, match="no steps"):
        Engine(LoadedSamples()).range("1", 10, 0, 1)


@pytest.mark.parametrize(
    ("pattern", "text", "whole"),
    [
        ("a|b", "b", True),
        ("a", "ab", False),
        (".*", "line\nline", True),
        ("((?i)PRO).*", "production", True),
        ("x((?i)PRO)x", "xproX", False),
        ("(?i:C)a", "ca", True),
        (r"\d+", "12", True),
        (r"\d+", "\u0661", False),
        (r"[[:alpha:]]+\z", "abc", True),
        (r"\Qa.b\E", "a.b", True),
        (r"\Qa.b\E", "axb", False),
        ("a$", "a\n", False),
        (r"[]a]+", "]a", True),
        (r"\x41", "A", True),
    ],
)
def test_patterns_mean_what_they_mean_in_re2(pattern: str, text: str, whole: bool) -> None:
    assert (compile_anchored(pattern).fullmatch(text) is not None) is whole


@pytest.mark.parametrize("pattern", ["(?=a)", "(a", r"(a)\1", "(?!b)c"])
def test_patterns_that_re2_does_not_have_are_errors(pattern: str) -> None:
    with pytest.raises(PromQLError):
        compile_anchored(pattern)


def test_templates_expand_as_in_go() -> None:
    found = compile_anchored("(a)(?P<word>b)?c").fullmatch("ac")
    assert found is not None
    assert expand("$1-${1}x-$1x-$word-$9-$$", found) == "a-ax----$"


class BigStore:
    """A thousand series of two metrics, six hundred samples each."""

    def __init__(self) -> None:
        times = np.arange(600, dtype=np.int64) * 1000
        self._series = {
            name: [
                StoredSeries({"__name__": name, "i": str(n)}, times, np.arange(600.0) * (n + 1))
                for n in range(1000)
            ]
            for name in ("x", "y")
        }

    def select(self, matchers, start_ms: int, end_ms: int) -> list[StoredSeries]:
        low, high = max(0, -(-start_ms // 1000)), min(600, end_ms // 1000 + 1)
        return [
            StoredSeries(one.labels, one.times_ms[low:high], one.values[low:high])
            for one in self._series[matchers[0].value]
        ]


def _seconds(engine: Engine, promql: str) -> float:
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        engine.instant(promql, 599)
        taken.append(time.perf_counter() - started)
    return min(taken)


def test_a_ratio_of_a_thousand_rates_takes_some_milliseconds() -> None:
    engine = Engine(BigStore())
    assert value(engine, "sum(rate(x[30s])) / sum(rate(y[30s]))", 599) == pytest.approx(1)
    assert _seconds(engine, "sum(rate(x[30s])) / sum(rate(y[30s]))") < 0.1


def test_many_steps_cost_far_less_than_many_queries() -> None:
    engine = Engine(BigStore())
    started = time.perf_counter()
    engine.range("sum(rate(x[30s]))", 100, 599, 2)
    assert time.perf_counter() - started < 250 * _seconds(engine, "sum(rate(x[30s]))") / 3


MIXED = (
    ({"__name__": "x", "n": "1"}, "1 2 3 {{count:4 sum:5}}"),
    ({"__name__": "x", "n": "2"}, "10 20 30 40"),
)


@pytest.mark.parametrize(
    "promql",
    [
        "x",
        "-x",
        "sum(x)",
        "x * 2",
        "x + x",
        "x == x",
        "resets(x[1m])",
        "last_over_time(x[1m])",
        "histogram_quantile(0.9, x)",
        "histogram_count(x)",
        "sum_over_time(x[1s])",
        'count_values("v", x)',
    ],
)
def test_what_needs_a_native_histogram_is_refused_and_never_read_as_a_number(promql: str) -> None:
    with pytest.raises(PromQLUnsupported, match="native histograms"):
        Engine(store_of(*MIXED)).instant(promql, 30)


@pytest.mark.parametrize(
    ("promql", "wanted"),
    [
        ("max(x)", 40),
        ("count(x)", 2),
        ("x > 0", 40),
        ("x + 1", 41),
        ('max_over_time(x{n="1"}[1m])', 3),
        ('count_over_time(x{n="1"}[1m])', 4),
        ("sum_over_time(x[1m])", 100),
        ("increase(x[30s])", 30),
        ('timestamp(x{n="1"})', 30),
        ("abs(x)", 40),
        ('sum(x offset 10s) + 0 * scalar(x{n="2"})', 33),
    ],
)
def test_what_ignores_or_counts_native_histograms_is_answered(promql: str, wanted: float) -> None:
    assert value(Engine(store_of(*MIXED)), promql, 30) == pytest.approx(wanted)


def test_times_far_from_all_samples_find_none_of_any_series() -> None:
    store = store_of(*[({"__name__": "x", "n": str(n)}, "1 2 3") for n in range(2000)])
    for at in (8e12, -8e12, 2.5e11):
        assert Engine(store).instant("count(x) or count_over_time(x[5m])", at).samples == ()


@pytest.mark.parametrize("windows", ["left_open", "closed"])
@pytest.mark.parametrize("seed", range(6))
def test_increases_over_long_windows_are_those_of_one_window_after_another(
    seed: int, windows: Literal["left_open", "closed"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resets and gaps, several series at once, against windows cut by hand."""
    monkeypatch.setattr("holdfast.promql.counters._CELLS_AT_ONCE", 100)
    chance = np.random.default_rng(seed)
    store = LoadedSamples()
    for n in range(5):
        grown = np.cumsum(chance.integers(0, 9, 3000)).astype(float)
        for reset in np.sort(chance.integers(0, 3000, 6 * (n % 2))):
            grown[reset:] -= grown[reset]
        kept = chance.random(3000) > 0.1 * (n == 3)
        store.add(
            {"__name__": "x", "n": str(n)},
            10,
            [value if keep else None for value, keep in zip(grown.tolist(), kept, strict=True)],
        )
    answer = Engine(store, windows=windows).range("increase(x[2h])", 7000, 29_990, 310)
    assert len(answer.series) == 5
    for one in answer.series:
        [stored] = store.select([Matcher("n", "=", one.labels["n"])], 0, 10**9)
        for at, got in one.points:
            wanted = _plain_increase(stored, round(at * 1000), 7_200_000, windows == "left_open")
            assert got == pytest.approx(wanted, rel=1e-12)


def _plain_increase(one: StoredSeries, at_ms: int, range_ms: int, left_open: bool) -> float:
    """Return the increase of one window, sample by sample (Prometheus, `extrapolatedRate`)."""
    earliest = at_ms - range_ms + left_open
    inside = [
        (at, value)
        for at, value in zip(one.times_ms.tolist(), one.values.tolist(), strict=True)
        if earliest <= at <= at_ms
    ]
    (first_ms, first), (last_ms, last) = inside[0], inside[-1]
    moved = last - first
    for (_, before), (_, value) in itertools.pairwise(inside):
        moved += before if value < before else 0.0
    sampled = (last_ms - first_ms) / 1000
    between = sampled / (len(inside) - 1)
    to_start, to_end = (first_ms - at_ms + range_ms) / 1000, (at_ms - last_ms) / 1000
    to_zero = sampled * (first / moved) if moved > 0 else math.inf
    if not left_open:
        to_start = min(to_start, to_zero)
    to_start = between / 2 if to_start >= between * 1.1 else to_start
    if left_open:
        to_start = min(to_start, to_zero)
    to_end = between / 2 if to_end >= between * 1.1 else to_end
    return moved * (sampled + to_start + to_end) / sampled


def test_labels_are_sorted_with_the_numbers_in_them_as_numbers() -> None:
    names = ["v10", "v9", "a", "v9.2", "v9.10", ""]
    engine = Engine(store_of(*[({"__name__": "x", "v": name, "i": name}, "1") for name in names]))
    found = [one.labels.get("v", "") for one in engine.instant('sort_by_label(x, "v")', 0).samples]
    assert found == ["", "a", "v9", "v9.2", "v9.10", "v10"]
    back = engine.instant('sort_by_label_desc(x, "v")', 0).samples
    assert [one.labels.get("v", "") for one in back] == found[::-1]


def test_limitk_takes_so_many_series_of_each_group_at_each_step() -> None:
    series = [({"__name__": "x", "g": g, "n": str(n)}, "1 1") for g in "ab" for n in range(3)]
    engine = Engine(store_of(*series))
    assert len(engine.instant("limitk by (g) (2, x)", 0).samples) == 4
    assert {len(s.points) for s in engine.range("limitk(5, x)", 0, 10, 10).series} == {2}
    assert engine.instant("limitk(0, x)", 0).samples == ()
    with pytest.raises(PromQLError, match="NaN"):
        engine.instant("limitk(NaN, x)", 0)


def test_a_string_is_answered_as_text_and_bytes_that_are_no_text_name_no_label() -> None:
    engine = Engine(store_of(({"__name__": "x"}, "1")))
    assert engine.text('("a b")') == "a b"
    with pytest.raises(PromQLError, match="no UTF-8"):
        engine.instant(r'label_join(x, "\xff", "-", "a")', 0)
