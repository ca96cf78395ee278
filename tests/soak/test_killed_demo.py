"""The whole demonstration on the full lab, its worker killed at twelve points of the incident.

HOLDFAST_SOAK_POINTS limits how many of them are tried (12 unless said otherwise).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.lab import control
from holdfast.lab.records import LabOptions
from holdfast.model.case import Case
from holdfast.model.incident import IncidentOutcome, Status
from support.small_lab import BAD, GOOD, SERVICE, World
from support.worker import standing_by

pytestmark = [pytest.mark.soak]

HEALTHY_SECONDS = 25.0
POINTS = (
    "opened",
    "triaged",
    "test_planned",
    "test_observed",
    "hypothesis_judged",
    "action_proposed",
    "guarded",
    "claimed:act",
    "performed:act",
    "verified",
    "action_item",
    "postmortem",
)
TRIED = POINTS[: int(os.environ.get("HOLDFAST_SOAK_POINTS", "12"))]


@dataclass
class Row:
    """One run, for the table."""

    point: str
    alert_seconds: float
    mitigated_seconds: float
    status: str
    rollbacks: int

    def __str__(self) -> str:
        return (
            f"{self.point:<20}{self.alert_seconds:>12.1f}{self.mitigated_seconds:>14.1f}"
            f"{self.status:>10}{self.rollbacks:>11}"
        )


@pytest.fixture(scope="module")
def table() -> Iterator[list[Row]]:
    rows: list[Row] = []
    yield rows
    print(f"\n{'killed at':<20}{'alert, s':>12}{'mitigated, s':>14}{'status':>10}{'rollbacks':>11}")
    for row in rows:
        print(row)


@pytest.mark.parametrize("point", TRIED)
def test_a_demonstration_killed_at_any_point_ends_closed_with_one_rollback(
    point: str, tmp_path: Path, table: list[Row]
) -> None:
    lab = control.up(tmp_path / "lab", options=LabOptions(life_seconds=300))
    try:
        world = World(lab.config_path)
        time.sleep(HEALTHY_SECONDS)
        with standing_by(world.config_path, point, "") as (first, second):
            first.until("ready")
            first.go()
            release = lab.release(SERVICE, BAD, (10, 50, 100), 1.5)
            first.until(point, timeout_seconds=60)
            first.kill()
            second.go()
            second.until("finished", timeout_seconds=90)
        moves = [(d.actor, d.to_version) for d in lab.deployments() if d.service == SERVICE]
    finally:
        lab.down()
    case = world.case()
    rollbacks = moves.count(("holdfast", GOOD))
    assert release.full_weight_at is not None
    since = (case.opened_at - release.full_weight_at).total_seconds()
    table.append(Row(point, since, _seconds_to_mitigation(case), case.status.value, rollbacks))
    assert not case.contract_unmet
    assert (case.status, case.outcome) == (Status.CLOSED, IncidentOutcome.MITIGATED_ONLY)
    assert moves[-2:] == [("release train", BAD), ("holdfast", GOOD)]
    assert rollbacks == 1


def _seconds_to_mitigation(case: Case) -> float:
    """Return the seconds from the alert to the verified mitigation; the kill is part of them."""
    return (case.milestones["mitigated"].at - case.opened_at).total_seconds()
