"""What a deployment may do, decided without a process."""

from __future__ import annotations

import pytest

from holdfast.lab.cdevents import event_of, predicate
from holdfast.lab.records import Deployment, DeployRequest
from holdfast.lab.supervisor.instances import Cpus
from holdfast.lab.supervisor.rollout import refusal, shared
from holdfast.model.base import utc_now


def request(version: str = "v2", expect: str = "v1") -> DeployRequest:
    return DeployRequest(service="s", version=version, expect_version=expect, idempotency_key="k")


def deployment(before: str | None, after: str, status: str = "succeeded") -> Deployment:
    return Deployment.model_validate(
        {
            "id": "dep-1",
            "service": "s",
            "from_version": before,
            "to_version": after,
            "actor": "",
            "idempotency_key": "k",
            "status": status,
            "started_at": utc_now(),
        }
    )


def test_the_expected_version_must_serve_alone_or_beside_the_new_one() -> None:
    assert refusal(request(), {"v1": 100}, None) is None
    assert refusal(request(), {"v1": 90, "v2": 10}, None) is None
    assert refusal(request(), {"v1": 90, "v3": 10}, None) is not None
    assert refusal(request(), {"v2": 100}, None) is not None
    assert refusal(request(), {}, None) == "s: v1 was expected, nothing serves"


def test_a_release_under_way_can_be_taken_back_and_nothing_else() -> None:
    under_way = deployment("v1", "v2", "in_progress")
    mixed = {"v1": 50.0, "v2": 50.0}
    assert refusal(request("v1", expect="v2"), mixed, under_way) is None
    assert refusal(request("v2", expect="v1"), mixed, under_way) is not None


@pytest.mark.parametrize(
    ("weights", "percent", "expected"),
    [
        ({"v1": 100}, 10, {"v1": 90, "v2": 10}),
        ({"v1": 90, "v2": 10}, 50, {"v1": 50, "v2": 50}),
        ({"v1": 60, "v0": 40}, 50, {"v1": 30, "v0": 20, "v2": 50}),
        ({"v1": 50, "v2": 50}, 100, {"v2": 100}),
    ],
)
def test_the_others_keep_their_proportions(
    weights: dict[str, float], percent: float, expected: dict[str, float]
) -> None:
    assert shared(weights, "v2", percent) == expected


def test_going_back_is_told_from_going_forward_by_numbers() -> None:
    assert predicate(deployment(None, "v1.0.0")) == "deployed"
    assert predicate(deployment("v1.9.0", "v1.10.0")) == "upgraded"
    assert predicate(deployment("v1.10.0", "v1.9.0")) == "rolledback"


def test_a_deployment_that_failed_is_no_change_of_the_service() -> None:
    event = event_of(deployment("v1", "v2", "failed"))
    assert "pipelinerun.finished" in str(event["context"])
    assert "'outcome': 'failure'" in str(event["subject"])


def test_processes_are_spread_over_the_cpus() -> None:
    cpus = Cpus()
    taken = [cpus.take() for _ in range(2 * cpus.count)]
    assert all(taken.count(cpu) == 2 for cpu in taken)
    cpus.give_back(taken[1])
    assert cpus.take() == taken[1]
