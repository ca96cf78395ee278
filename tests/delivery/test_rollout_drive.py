"""A rollout by hand goes on where the candidate is shown well, and else gives all traffic back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rollout_worlds import CANARY, CANDIDATE, STABLE, Production

from holdfast.delivery.rollout.drive import roll_out, take_back
from holdfast.delivery.rollout.records import Kept, Looked, RolloutOrder, RolloutResult, Watched
from holdfast.delivery.rollout.tool import CanaryOrder, canary_tool, policy_of
from holdfast.errors import DeliveryError, DeployerFailed, InputError, PreconditionFailed
from holdfast.model.evidence import Evidence, Outcome
from holdfast.model.service import Signal

ALL_STABLE, ALL_CANDIDATE = {STABLE: 100.0}, {CANDIDATE: 100.0}
TEN, HALF = {STABLE: 90.0, CANDIDATE: 10.0}, {STABLE: 50.0, CANDIDATE: 50.0}


def rolled_out(world: Production, order: RolloutOrder | None = None) -> RolloutResult:
    return roll_out(order or RolloutOrder(candidate=CANDIDATE), world.world(), world.news.append)


def looks(world: Production) -> list[Looked]:
    return [one for one in world.news if isinstance(one, Looked)]


def test_an_equal_version_takes_every_step_and_then_all_traffic() -> None:
    world = Production()
    result = rolled_out(world)
    assert result.outcome == "promoted", result.reason
    assert world.moves == [TEN, HALF, ALL_CANDIDATE]
    assert {one.step for one in looks(world)} == {1, 2}
    assert sum(isinstance(one, Watched) for one in world.news) == 10
    assert world.news[-1] == result
    assert 120 * 0.8 + 60 * 0.8 + 20 <= result.seconds <= 120 + 60 + 20


def test_a_worse_version_is_taken_back_in_its_first_seconds() -> None:
    world = Production(slower=5, more=38)
    result = rolled_out(world)
    assert result.outcome == "taken_back"
    assert "latency_mean_seconds shown above" in result.reason
    assert world.moves == [TEN, ALL_STABLE]
    assert result.weights == ALL_STABLE
    assert result.seconds <= 15


def test_a_version_that_fails_its_requests_is_taken_back() -> None:
    world = Production(failing=0.3)
    assert rolled_out(world).outcome == "taken_back"
    assert world.weights == ALL_STABLE


def test_the_decision_stands_on_evidence_that_can_be_cited() -> None:
    world = Production(slower=5)
    result = rolled_out(world)
    kept = [one.evidence for one in world.news if isinstance(one, Kept)]
    assert result.verdict_evidence in kept
    assert len(kept) == 7
    assert all(one.is_whole() and one.outcome is Outcome.DATA for one in kept)


def test_silence_never_promotes() -> None:
    world = Production(silent=True)
    result = rolled_out(world)
    assert result.outcome == "inconclusive"
    assert world.moves == [TEN, ALL_STABLE]
    assert 120 <= result.seconds <= 125


def test_failures_that_nobody_measures_are_not_taken_for_none() -> None:
    world = Production(absent={Signal.ERROR_RATIO})
    result = rolled_out(world)
    assert result.outcome == "inconclusive"
    assert "failed_requests: no data" in result.reason
    assert world.weights == ALL_STABLE


def test_statements_need_not_be_measured() -> None:
    world = Production(absent={Signal.STATEMENTS_PER_REQUEST, Signal.CPU_SECONDS_PER_REQUEST})
    assert rolled_out(world).outcome == "promoted"


def test_an_objective_that_breaks_afterwards_takes_it_back() -> None:
    world = Production(bad_fraction=0.5)
    result = rolled_out(world)
    assert (result.outcome, result.reason) == ("taken_back", "broken after it: shop-latency")
    assert world.moves == [TEN, HALF, ALL_CANDIDATE, ALL_STABLE]


def test_an_objective_that_nobody_measures_afterwards_takes_it_back() -> None:
    world = Production(bad_fraction=None)
    result = rolled_out(world)
    assert (result.outcome, result.reason) == ("inconclusive", "no data for shop-latency")
    assert world.weights == ALL_STABLE


def test_a_paused_policy_stops_it_and_takes_it_back() -> None:
    world = Production()

    def hear(news: object) -> None:
        if isinstance(news, Looked):
            world.stop = "the policy is paused"

    result = roll_out(RolloutOrder(candidate=CANDIDATE), world.world(), hear)
    assert (result.outcome, result.reason) == ("inconclusive", "stopped: the policy is paused")
    assert world.moves == [TEN, ALL_STABLE]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("the disk is full")])
def test_an_interrupt_and_an_error_take_it_back(error: BaseException) -> None:
    world = Production()

    def hear(news: object) -> None:
        if isinstance(news, Looked):
            raise error

    with pytest.raises(type(error)):
        roll_out(RolloutOrder(candidate=CANDIDATE), world.world(), hear)
    assert world.moves == [TEN, ALL_STABLE]


def test_a_deployer_that_refuses_at_first_is_asked_again_to_take_it_back() -> None:
    world = Production(slower=5)

    def hear(news: object) -> None:
        if isinstance(news, Looked) and news.verdict.decision == "take_back":
            world.refuses = 3

    assert roll_out(RolloutOrder(candidate=CANDIDATE), world.world(), hear).outcome == "taken_back"
    assert world.weights == ALL_STABLE


def test_what_could_not_be_taken_back_is_said() -> None:
    world = Production(slower=5)

    def hear(news: object) -> None:
        if isinstance(news, Looked):
            world.refuses = 1000

    with pytest.raises(DeliveryError, match=r"may still be shared as v1 90 %, v2 10 %"):
        roll_out(RolloutOrder(candidate=CANDIDATE), world.world(), hear)


def test_shares_that_somebody_else_changed_are_left_alone() -> None:
    world = Production()

    def hear(news: object) -> None:
        if isinstance(news, Looked):
            world.weights = {"v9": 100.0}

    result = roll_out(RolloutOrder(candidate=CANDIDATE), world.world(), hear)
    assert result.outcome == "inconclusive"
    assert world.weights == result.weights == {"v9": 100.0}


def test_a_step_is_not_taken_on_top_of_what_somebody_else_did() -> None:
    world = Production()

    def hear(news: object) -> None:
        if isinstance(news, Looked) and news.verdict.decision == "go_on":
            world.weights = {STABLE: 80.0, CANDIDATE: 20.0}

    with pytest.raises(PreconditionFailed, match="somebody else changed it"):
        roll_out(RolloutOrder(candidate=CANDIDATE), world.world(), hear)
    assert world.weights == {STABLE: 80.0, CANDIDATE: 20.0}


def test_a_first_move_that_fails_leaves_all_traffic_where_it_was() -> None:
    world = Production(refuses=1)
    with pytest.raises(DeployerFailed, match="not now"):
        rolled_out(world)
    assert world.weights == ALL_STABLE


def test_a_rollout_that_was_left_half_way_is_refused_until_it_is_taken_back() -> None:
    world = Production(weights=dict(TEN))
    with pytest.raises(PreconditionFailed, match=r"v1 90 %, v2 10 %.*--take-back"):
        rolled_out(world)
    assert world.moves == []
    take_back(world.world(), STABLE, world.news.append)
    assert world.weights == ALL_STABLE
    with pytest.raises(PreconditionFailed, match="v7 of shop does not serve"):
        take_back(world.world(), "v7", world.news.append)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (RolloutOrder(candidate=STABLE), "serves shop already"),
        (RolloutOrder(candidate=CANDIDATE, stable="v0"), "serves v1, not v0"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_moves(
    order: RolloutOrder, said: str
) -> None:
    world = Production()
    with pytest.raises((InputError, PreconditionFailed), match=said):
        rolled_out(world, order)
    assert world.moves == []


def test_without_an_objective_nothing_is_begun() -> None:
    world = Production()
    blind = replace(world.world(), objectives=())
    with pytest.raises(InputError, match="no objective tells"):
        roll_out(RolloutOrder(candidate=CANDIDATE), blind, world.news.append)
    assert world.moves == []


def test_with_little_budget_left_the_first_share_is_halved() -> None:
    for spent in (0.9, None):
        world = Production(spent=spent, slower=5)
        rolled_out(world)
        assert world.moves[0] == {STABLE: 95.0, CANDIDATE: 5.0}


def test_steps_alone_can_be_taken_and_left_as_they_are() -> None:
    world = Production()
    result = rolled_out(world, RolloutOrder(candidate=CANDIDATE, promote=False))
    assert result.outcome == "held"
    assert world.weights == HALF
    assert CANARY.watch_seconds > 0


# ---- the tool --------------------------------------------------------------------------------


def deploy_canary(world: Production, **changes: object) -> Evidence:
    def run(order: CanaryOrder) -> RolloutResult:
        canary = policy_of(order, world.world().canary)
        wanted = RolloutOrder(candidate=order.version, promote=order.auto_promote)
        return roll_out(wanted, replace(world.world(), canary=canary), world.news.append)

    tool = canary_tool(run)
    assert (tool.name, tool.effect) == ("deploy_canary", "write")
    arguments: dict[str, object] = {
        "service": "shop",
        "version": CANDIDATE,
        "traffic_percent": 20,
        "duration_minutes": 2,
        "auto_promote": True,
        "rollback_on_error": True,
    }
    return tool.function(**{**arguments, **changes})


def test_the_tool_answers_with_the_verdict_as_evidence() -> None:
    world = Production()
    answer = deploy_canary(world)
    assert answer.query.startswith("judge_canary(service='shop', stable='v1', candidate='v2'")
    assert world.moves == [{STABLE: 80.0, CANDIDATE: 20.0}, ALL_CANDIDATE]


def test_the_tool_leaves_the_share_where_nobody_wanted_more() -> None:
    world = Production()
    deploy_canary(world, auto_promote=False)
    assert world.weights == {STABLE: 80.0, CANDIDATE: 20.0}


@pytest.mark.parametrize(
    "changes",
    [
        {"rollback_on_error": False},
        {"traffic_percent": 100},
        {"traffic_percent": 0},
        {"traffic_percent": float("nan")},
        {"duration_minutes": 0.1},
        {"duration_minutes": float("inf")},
        {"duration_minutes": float("nan")},
    ],
)
def test_the_tool_refuses_what_cannot_be_judged(changes: dict[str, object]) -> None:
    world = Production()
    with pytest.raises(InputError):
        deploy_canary(world, **changes)
    assert world.moves == []
