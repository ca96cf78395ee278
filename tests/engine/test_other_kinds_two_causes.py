"""Two causes at once: both are named, and each is mitigated in its turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.lab.topology import SERVICES
from holdfast.learning.keep import incident_folder
from holdfast.model.hypothesis import HypothesisStatus
from support.incident import resolved
from support.other_kinds import believed_of, report_verifies, shown, wide_lab

pytestmark = [pytest.mark.long, pytest.mark.lab, pytest.mark.xdist_group("other kinds: two causes")]


def test_a_bad_release_and_a_slow_dependency_at_once_are_both_named_and_mitigated(
    tmp_path: Path,
) -> None:
    with wide_lab(tmp_path / "lab", tuple(SERVICES)) as lab:
        lab.await_health()
        world = lab.world(tmp_path / "holdfast")
        lab.handle.release("customer-api", "v2.3.4", (100,), 0)
        lab.slow("payments", 0.7)
        case = resolved(world)
        serving = lab.handle.serving("customer-api")
    assert shown(case) == {("bad_release", "customer-api"), ("slow_dependency", "payments")}
    for service in ("customer-api", "checkout", "inventory"):
        assert believed_of(case, "slow_dependency", service) is HypothesisStatus.REFUTED
    first, last = case.actions.values()
    partial = [item.action.expected_effect.partial for item in (first, last)]
    assert partial == [True, False]
    assert [item.verdict.effect for item in (first, last) if item.verdict] == ["seen", "seen"]
    assert {first.claimed("undo"), last.claimed("undo")} == {0}
    assert serving == "v2.3.3", "what was right is not taken back for what the other one did"
    assert first.verified_at is not None
    assert case.milestones["mitigated"].at > first.verified_at, "one of two is not enough"
    report_verifies(world, case)
    told = (incident_folder(world.data_folder, case.incident_id) / "postmortem.md").read_text()
    assert "The release `v2.3.4` of `customer-api` broke it" in told
    assert "At the same time: payments, which is called, became slow by itself." in told
