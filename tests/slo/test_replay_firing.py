"""Burn-rate tiers on a history: as brute force, the embedded engine and promtool have them."""

from __future__ import annotations

import math
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from holdfast.errors import InputError
from holdfast.model.slo import BurnTier
from holdfast.promql.engine import Engine
from holdfast.promql.samples import Matcher, StoredSeries
from holdfast.slo.history import EventHistory
from holdfast.slo.replay.firing import firing, threshold_of
from holdfast.slo.replay.holding import firing_of
from holdfast.slo.replay.windows import Bools, EventSums

PERIOD = 24 * 3600.0
OBJECTIVE = 0.99
TIERS = (
    BurnTier(
        name="fast",
        action="page",
        budget_fraction=0.2,
        long_window_seconds=1800,
        short_window_seconds=180,
    ),
    BurnTier(
        name="slow",
        action="ticket",
        budget_fraction=0.3,
        long_window_seconds=7200,
        short_window_seconds=600,
    ),
)


def made_history(seed: int, steps: int = 400) -> EventHistory:
    """Traffic with hours of none, gaps without data, and outages of many depths."""
    chance = np.random.default_rng(seed)
    total = chance.poisson(chance.choice([3, 50, 4000]), steps).astype(float)
    ratio = np.full(steps, 0.002)
    for _ in range(6):
        start = chance.integers(0, steps)
        ratio[start : start + chance.integers(1, 60)] = chance.choice([0.02, 0.2, 1.0])
    start = chance.integers(0, steps)
    total[start : start + 50] = 0
    bad = chance.binomial(total.astype(int), ratio).astype(float) + 0.0
    start = chance.integers(0, steps)
    bad[start : start + 45] = np.nan
    total[start + 5 : start + 40] = np.nan
    return EventHistory(60_000, 60, bad, total)


def plain_ratio(history: EventHistory, last: int, window_seconds: float) -> float:
    """The bad fraction of one window, by a loop."""
    count = round(window_seconds / history.step_seconds)
    known = [i for i in range(max(0, last - count + 1), last + 1) if history.known[i]]
    total = math.fsum(history.total[i] for i in known)
    return math.fsum(history.bad[i] for i in known) / total if total > 0 else math.nan


@pytest.mark.parametrize("seed", range(6))
def test_tiers_fire_where_brute_force_says(seed: int) -> None:
    history = made_history(seed)
    found = firing(history, OBJECTIVE, PERIOD, TIERS)
    for row, tier in enumerate(TIERS):
        threshold = threshold_of(tier, OBJECTIVE, PERIOD)
        for i in range(len(history.total)):
            long = plain_ratio(history, i, tier.long_window_seconds)
            short = plain_ratio(history, i, tier.short_window_seconds)
            assert found.fires[row, i] == (long > threshold and short > threshold)
            assert found.known[row, i] == (not math.isnan(long) and not math.isnan(short))


class Gauges:
    """A store of `bad` and `all`: the events of each step, at the step's end."""

    def __init__(self, history: EventHistory) -> None:
        self.history = history

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[StoredSeries]:
        """Return the one series that is named."""
        [name] = [one.value for one in matchers if one.label == "__name__"]
        values = self.history.bad if name == "bad" else self.history.total
        times = (self.history.ends * 1000).astype(np.int64)
        kept = self.history.known & (times >= start_ms) & (times <= end_ms)
        return [StoredSeries({"__name__": name}, times[kept], values[kept])]


@pytest.mark.parametrize("seed", range(6))
def test_tiers_fire_where_the_embedded_engine_says(seed: int) -> None:
    history = made_history(seed)
    engine = Engine(Gauges(history))
    found = firing(history, OBJECTIVE, PERIOD, TIERS)
    for row, tier in enumerate(TIERS):
        expression = windowed(tier, " and ", seconds_less=0)
        answer = engine.range(expression, history.ends[0], history.end, 60)
        fired = [at for series in answer.series for at, _ in series.points]
        assert fired == history.ends[found.fires[row]].tolist()


def windowed(tier: BurnTier, joined: str, seconds_less: int) -> str:
    """The tier's condition over events counted step by step."""
    threshold = threshold_of(tier, OBJECTIVE, PERIOD)
    return joined.join(
        f"(sum_over_time(bad[{round(w) - seconds_less}s]) / "
        f"sum_over_time(all[{round(w) - seconds_less}s]) > {threshold!r})"
        for w in (tier.long_window_seconds, tier.short_window_seconds)
    )


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize(("for_minutes", "keep_minutes"), [(0, 0), (3, 0), (2, 7)])
def test_tiers_fire_where_promtool_says(
    tmp_path: Path, for_minutes: int, keep_minutes: int
) -> None:
    """Windows of 2.x hold both ends: one second less leaves the steps that we count."""
    history = made_history(11, steps=240)
    found = firing(
        history,
        OBJECTIVE,
        PERIOD,
        TIERS,
        for_seconds=60.0 * for_minutes,
        keep_seconds=60.0 * keep_minutes,
    )
    assert found.fires.any(axis=1).all()
    rules = [
        f"  - alert: {tier.name}\n    expr: {windowed(tier, ' and ', seconds_less=1)}\n"
        f"    for: {for_minutes}m\n    keep_firing_for: {keep_minutes}m\n"
        for tier in TIERS
    ]
    (tmp_path / "rules.yml").write_text("groups:\n- name: g\n  rules:\n" + "".join(rules))
    (tmp_path / "test.yml").write_text(rule_test(history, found.fires))
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def rule_test(history: EventHistory, fires: Bools) -> str:
    """A test file that expects each tier to fire exactly where `fires` says."""
    lines = ["rule_files: [rules.yml]", "evaluation_interval: 1m", "tests:", "- interval: 1m"]
    lines.append("  input_series:")
    for name, values in (("bad", history.bad), ("all", history.total)):
        cells = (f"{v:g}" if k else "_" for v, k in zip(values, history.known, strict=True))
        lines.append(f"  - series: {name}\n    values: {' '.join(cells)}")
    lines.append("  alert_rule_test:")
    for row, tier in enumerate(TIERS):
        for minute in range(len(history.total)):
            expected = "[{exp_labels: {}}]" if fires[row, minute] else "[]"
            lines.append(
                f"  - {{eval_time: {minute}m, alertname: {tier.name}, exp_alerts: {expected}}}"
            )
    return "\n".join(lines) + "\n"


def plain_firing(condition: Sequence[bool], for_steps: int, keep_steps: int) -> list[bool]:
    """Prometheus's own state machine (rules/alerting.go), an evaluation after another."""
    state, active_at, keep_since = "inactive", 0, -1
    found: list[bool] = []
    for at, holds in enumerate(condition):
        if holds:
            keep_since = -1
            if state == "inactive":
                state, active_at = "pending", at
            if state == "pending" and at - active_at >= for_steps:
                state = "firing"
        elif state == "firing" and keep_steps > 0:
            keep_since = at if keep_since < 0 else keep_since
            if at - keep_since >= keep_steps:
                state = "inactive"
        else:
            state = "inactive"
        found.append(state == "firing")
    return found


def test_for_and_keep_firing_for_are_prometheus_s_state_machine() -> None:
    chance = random.Random(3)
    for _ in range(300):
        often = chance.random()
        condition = np.array([chance.random() < often for _ in range(chance.randint(1, 60))])
        hold, keep = chance.randint(0, 4), chance.randint(0, 5)
        expected = plain_firing(condition.tolist(), hold, keep)
        found = firing_of(condition, 60, 60.0 * hold, 60.0 * keep)
        assert found.tolist() == expected, (condition, hold, keep)
        both = np.stack([condition, ~condition])
        assert firing_of(both, 60, 60.0 * hold, 60.0 * keep)[0].tolist() == expected


def test_a_window_without_events_is_unknown_and_fires_nothing() -> None:
    total = np.array([0.1] * 100 + [0.0] * 200)
    history = EventHistory(0, 60, total.copy(), total)
    found = firing(history, OBJECTIVE, PERIOD, TIERS[:1])
    assert found.fires[0, :100].all()
    assert not found.fires[0, 103:].any()
    assert found.unknown_steps == (300 - 102,)


def test_sums_of_windows_are_exact_after_much_traffic() -> None:
    total = np.concatenate([np.full(50_000, 1e9 + 0.1), np.zeros(10), [3.0]])
    sums = EventSums.of(EventHistory(0, 60, total, total))
    ratio = sums.ratio(5)
    assert math.isnan(ratio[-3])
    assert ratio[-1] == 1.0
    assert sums.events(sums.total, len(total) - 5, len(total)) == pytest.approx(3.0, rel=1e-6)


def test_a_step_that_does_not_divide_a_window_is_refused_by_its_name() -> None:
    history = EventHistory(0, 77, np.zeros(50), np.ones(50))
    with pytest.raises(InputError, match=r"fast, long window: 1800 s is no whole number of steps"):
        firing(history, OBJECTIVE, PERIOD, TIERS)


@pytest.mark.parametrize("objective", [0.0, 1.0, 1.5, math.nan])
def test_an_objective_that_leaves_no_budget_is_refused(objective: float) -> None:
    with pytest.raises(InputError, match="objective"):
        firing(made_history(1), objective, PERIOD, TIERS)
