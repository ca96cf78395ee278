"""A configuration makes a connection pool too small: it is the cause, and it is set back."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.model.hypothesis import HypothesisStatus
from holdfast.model.incident import IncidentOutcome, Status
from support.incident import resolved
from support.other_kinds import believed_of, report_verifies, shown, summary_of, wide_lab

pytestmark = [
    pytest.mark.long,
    pytest.mark.lab,
    pytest.mark.xdist_group("other kinds: configuration"),
]

SERVICE, KEY = "customer-api", "DATABASE_POOL_SIZE"
FAR_DATABASE_SECONDS = 0.03
"""With it a request holds its connection so long that one connection serves too few of them."""


def test_a_pool_of_one_connection_is_named_as_cause_and_mechanism_and_set_back(
    tmp_path: Path,
) -> None:
    with wide_lab(tmp_path / "lab", (SERVICE,), round_trip_seconds=FAR_DATABASE_SECONDS) as lab:
        lab.await_health()
        world = lab.world(tmp_path / "holdfast")
        lab.handle.set(SERVICE, KEY, "1")
        case = resolved(world)
        in_force = lab.handle.state().settings[SERVICE]
    assert in_force[KEY] == "40", summary_of(case)
    assert shown(case) == {("bad_config", SERVICE)}
    assert believed_of(case, "pool_exhaustion", SERVICE) is HypothesisStatus.SUPPORTED
    (item,) = case.actions.values()
    assert item.action.plan.parameters["previous_value"] == "40"
    assert item.verdict is not None
    assert item.verdict.effect == "seen"
    gaps = " ".join(gap for h in case.hypotheses.values() for gap in h.gaps)
    assert "versions do not tell them apart" in gaps, "there is nothing to split by"
    assert (case.status, case.outcome) == (Status.CLOSED, IncidentOutcome.MITIGATED_ONLY)
    report_verifies(world, case)
