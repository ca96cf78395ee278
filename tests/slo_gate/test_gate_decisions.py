"""What the gate decides, without a command line: incidents, stages, exceptions, partial answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from holdfast.errors import ConfigError, GuardDenied, SourceUnavailable
from holdfast.evidence.source import MetricsSource
from holdfast.model.budget_policy import ErrorBudgetPolicy, ExceptionRules, default_policy
from holdfast.model.evidence import Matrix, Sample, Series, Vector
from holdfast.model.gate import GateDecision, GateException, IncidentReview
from holdfast.model.slo import SLO, RatioIndicator
from holdfast.slo.budgets.account import account
from holdfast.slo.gate.audit import append_entry, read_entries, require_permitted
from holdfast.slo.gate.decide import Entry, decide
from holdfast.slo.gate.incidents import break_seconds, large_incidents
from holdfast.slo.gate.live import LiveBudget, read_live_budget, step_seconds
from holdfast.slo.gate.whole_answers import WholeAnswers
from holdfast.slo.history import EventHistory

STEP = 300.0
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAYS = 30
POLICY = default_policy().model_copy(update={"exceptions": ExceptionRules(approvers=("ada",))})
OBJECTIVE = SLO(
    name="shop",
    service="shop",
    kind="availability",
    indicator=RatioIndicator(
        bad_query="sum(rate(bad_total[$window]))", total_query="sum(rate(all_total[$window]))"
    ),
    objective=0.999,
    period_seconds=DAYS * 86_400,
)


def history(bad: np.ndarray, total: np.ndarray) -> EventHistory:
    return EventHistory(NOW.timestamp() - len(total) * STEP, STEP, bad, total)


def live(bad: np.ndarray, total: np.ndarray, slo: SLO = OBJECTIVE, old: float = 0.0) -> LiveBudget:
    events = history(bad, total)
    return LiveBudget(slo, events, account(slo, events, NOW.timestamp()), (), old)


def steady(days: float = DAYS) -> tuple[np.ndarray, np.ndarray]:
    count = round(days * 86_400 / STEP)
    return np.zeros(count), np.full(count, 1000.0)


def asked(
    *budgets: LiveBudget,
    entries: Sequence[Entry] = (),
    change: str = "feature",
    policy: ErrorBudgetPolicy = POLICY,
) -> GateDecision:
    return decide(policy, budgets, entries, service="shop", change_type=change, now=NOW)


# ---- incidents ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_incidents_are_those_that_counting_step_by_step_finds(seed: int) -> None:
    chance = np.random.default_rng(seed)
    total = chance.poisson(800, 8640).astype(float) * (chance.random(8640) > 0.05)
    ratio = np.where(chance.random(8640) < 0.02, chance.random(8640) * 0.3, 0.0002)
    for start in chance.integers(0, 8000, 4):
        ratio[start : start + int(chance.integers(2, 60))] = chance.random() * 0.2
    bad = chance.binomial(total.astype(int), ratio).astype(float)
    events = history(bad, total)
    whole = account(OBJECTIVE, events, NOW.timestamp())
    found = large_incidents(OBJECTIVE, events, whole, (), 0.05)

    expected: list[tuple[int, int, float]] = []
    first = last = -1
    for step in [*range(8640), -1]:
        burning = step >= 0 and bad[step] > 0 and bad[step] > 0.001 * total[step] * (1 + 1e-12)
        if step == -1 or (burning and last >= 0 and (step - last - 1) * STEP > 3600):
            spent = sum(bad[first : last + 1]) / (0.001 * sum(total))
            if first >= 0 and spent > 0.05:
                expected.append((first, last, spent))
            first = -1
        if burning:
            first = step if first < 0 else first
            last = step
    start = events.start
    assert [(one.start.timestamp(), one.end.timestamp()) for one in found] == [
        (start + f * STEP, start + (t + 1) * STEP) for f, t, _ in expected
    ]
    np.testing.assert_allclose(
        [one.spent_fraction for one in found], [spent for _, _, spent in expected], rtol=1e-9
    )


def test_a_break_is_an_hour_or_a_hundredth_of_a_short_period() -> None:
    assert break_seconds(OBJECTIVE) == 3600
    assert break_seconds(OBJECTIVE.model_copy(update={"period_seconds": 7200.0})) == 72


# ---- decisions ---------------------------------------------------------------------------------


def test_a_review_counts_for_incidents_that_had_ended() -> None:
    bad, total = steady()
    bad[1000:1010] = 300.0  # 3000 of 8640 allowed
    bad[6000:6010] = 300.0
    between = NOW - timedelta(seconds=STEP * (8640 - 4000))

    def review(at: datetime) -> IncidentReview:
        return IncidentReview(
            id="rev-1", document="first.md", approver="ada", service="shop", created_at=at
        )

    assert asked(live(bad, total)).decision == "frozen"
    half = asked(live(bad, total), entries=[review(between)])
    assert half.decision == "frozen"
    assert [one.reviewed_in for one in half.readings[0].incidents] == ["first.md", ""]
    assert asked(live(bad, total), entries=[review(between), review(NOW)]).decision == "open"
    assert asked(live(bad, total), change="fix").decision == "open"


def test_frozen_is_said_before_not_known_and_lists_only_what_all_allow() -> None:
    bad, total = steady()
    spent = bad.copy()
    spent[100:110] = 900.0
    other = OBJECTIVE.model_copy(update={"name": "other"})
    blind = LiveBudget(other, problem="the server is down")
    both = asked(live(spent, total), blind)
    assert both.decision == "frozen"
    assert both.allowed_changes == ()
    assert len(both.reasons) == 2
    only_blind = asked(live(bad, total), blind)
    assert only_blind.decision == "unknown"
    assert only_blind.reasons == ("the budget of other is not known: the server is down",)


@pytest.mark.parametrize(
    ("days", "hole", "old", "said"),
    [
        (20, 0, 0, "66.7 % of its period is measured"),
        (30, 1200, 0, "86.1 % of its period is measured"),
        (30, 0, 3600, "it was last measured 1 h ago"),
        (30, 8640, 0, "no data"),
    ],
)
def test_what_is_measured_in_part_is_not_known(
    days: float, hole: int, old: float, said: str
) -> None:
    bad, total = steady(days)
    bad[10 : 10 + hole] = np.nan
    total[10 : 10 + hole] = np.nan
    if hole == len(total):
        bad[:], total[:] = np.nan, np.nan
    decision = asked(live(bad, total, old=old), change="security")
    assert decision.decision == "unknown"
    assert said in decision.reasons[0]


def exception(**changes: object) -> GateException:
    whole = {
        "id": "exc-1",
        "reason": "a deadline",
        "approver": "ada",
        "service": "shop",
        "change_type": "feature",
        "created_at": NOW - timedelta(hours=1),
        "expires_at": NOW + timedelta(hours=1),
    }
    return GateException.model_validate({**whole, **changes})


@pytest.mark.parametrize(
    ("changes", "opens"),
    [
        ({}, True),
        ({"service": "*"}, True),
        ({"change_type": "*"}, True),
        ({"service": "other"}, False),
        ({"change_type": "config"}, False),
        ({"approver": "mallory"}, False),
        ({"expires_at": NOW}, False),
        ({"created_at": NOW + timedelta(seconds=1)}, False),
        ({"expires_at": NOW + timedelta(hours=72)}, False),
    ],
)
def test_only_an_exception_that_holds_now_for_this_change_opens(
    changes: dict[str, object], opens: bool
) -> None:
    blind = LiveBudget(OBJECTIVE, problem="the server is down")
    decision = asked(blind, entries=[exception(**changes)])
    assert (decision.decision == "open") is opens
    assert (decision.exception is not None) is opens


def test_an_open_gate_names_no_exception_that_it_did_not_need() -> None:
    decision = asked(live(*steady()), entries=[exception()])
    assert (decision.decision, decision.exception) == ("open", None)


def test_a_policy_that_names_nobody_permits_no_exception() -> None:
    with pytest.raises(GuardDenied, match=r"names nobody in exceptions\.approvers"):
        require_permitted(exception(), default_policy())


# ---- files and sources -------------------------------------------------------------------------


def test_entries_are_appended_and_a_torn_line_is_told(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    assert read_entries(path) == ()
    review = IncidentReview(id="r", document="d", approver="ada", service="*", created_at=NOW)
    for entry in (exception(), review):
        append_entry(path, entry)
    assert read_entries(path) == (exception(), review)
    path.write_text(path.read_text()[:-10])
    with pytest.raises(ConfigError, match="line 2: it is no exception and no review"):
        read_entries(path)


class InPart(MetricsSource):
    """Answers steady traffic, and that a store was missing."""

    warnings: tuple[str, ...] = ("store 2 timed out",)

    @property
    def name(self) -> str:
        return "thanos"

    def query(self, promql: str, at: float) -> Vector:
        sample = Sample(labels={}, at=at, value=1.0)
        return Vector(samples=(sample,), warnings=self.warnings)

    def query_range(self, promql: str, start: float, end: float, step_seconds: float) -> Matrix:
        times = np.arange(start, end + 1, step_seconds).tolist()
        value = 0.0 if "bad" in promql else 1000.0
        points = tuple((at, value) for at in times)
        return Matrix(series=(Series(labels={}, points=points),), warnings=self.warnings)

    def series(self, match: str, start: float, end: float) -> tuple[dict[str, str], ...]:
        return ()

    def metric_names(self) -> tuple[str, ...]:
        return ("all_total",)

    def close(self) -> None:
        self.warnings = ("closed",)


def test_an_answer_in_part_is_no_answer() -> None:
    source = InPart()
    found = read_live_budget(source, OBJECTIVE, NOW.timestamp(), 15)
    assert found.account is None
    assert "thanos answered in part: store 2 timed out" in found.problem
    with pytest.raises(SourceUnavailable):
        WholeAnswers(source).query("up", 0)
    source.warnings = ()
    whole = read_live_budget(source, OBJECTIVE, NOW.timestamp(), 15)
    assert whole.account is not None
    assert whole.account.remaining_fraction == 1
    assert whole.newest_seconds_old == 0
    assert WholeAnswers(source).query("up", 0).samples
    assert WholeAnswers(source).metric_names() == ("all_total",)
    assert WholeAnswers(source).series("up", 0, 1) == ()


@pytest.mark.parametrize(
    ("period", "resolution", "step"),
    [(30 * 86_400.0, 15, 300), (90 * 86_400.0, 60, 900), (7200.0, 15, 60), (240.0, 0.5, 15)],
)
def test_events_are_asked_in_steps_of_some_scrapes(
    period: float, resolution: float, step: float
) -> None:
    slo = OBJECTIVE.model_copy(update={"period_seconds": period})
    assert step_seconds(slo, resolution) == step
