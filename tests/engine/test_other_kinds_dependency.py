"""A dependency becomes slow, recovers, or cannot be asked about: no release is blamed for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.learning.keep import incident_folder
from holdfast.model.hypothesis import HypothesisStatus
from holdfast.model.incident import IncidentOutcome, Status
from support.incident import opened, resolved, to_the_end, until_opened
from support.other_kinds import WideLab, believed_of, report_verifies, shown, wide_lab

pytestmark = [pytest.mark.long, pytest.mark.lab, pytest.mark.xdist_group("other kinds: dependency")]

SERVICES = ("checkout", "inventory", "payments")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WideLab]:
    with wide_lab(tmp_path_factory.mktemp("lab") / "lab", SERVICES) as lab:
        yield lab


def test_a_slow_dependency_is_named_and_done_without_and_no_release_is_blamed(
    lab: WideLab, tmp_path: Path
) -> None:
    lab.await_health()
    world = lab.world(tmp_path)
    lab.handle.release("checkout", "v1.4.1", (100,), 0)
    lab.slow("payments", 1.0)
    case = resolved(world)
    lab.slow("payments", 0)
    lab.handle.set("checkout", "payments_optional", "off")
    blamed = believed_of(case, "bad_release", "checkout", "v1.4.1")
    assert blamed is HypothesisStatus.REFUTED
    assert shown(case) == {("slow_dependency", "payments")}
    (item,) = case.actions.values()
    assert item.action.plan.runbook_id == "degrade-payments"
    assert item.action.preconditions.settings == {"checkout": {"payments_optional": "off"}}
    assert "checkout-latency and checkout-availability" in item.action.expected_effect.statement
    assert item.verdict is not None
    assert (item.verdict.effect, item.claimed("undo")) == ("seen", 0)
    assert (case.status, case.outcome) == (Status.CLOSED, IncidentOutcome.MITIGATED_ONLY)
    assert lab.handle.serving("checkout") == "v1.4.1"
    report_verifies(world, case)


def test_trouble_that_passes_by_itself_is_told_as_recovered_and_nothing_is_done(
    lab: WideLab, tmp_path: Path
) -> None:
    lab.await_health()
    world = lab.world(tmp_path)
    lab.slow("inventory", 0.8)
    with opened(world) as holdfast:
        incident = until_opened(holdfast)
        lab.slow("inventory", 0)
        to_the_end(holdfast, incident)
    case = world.case()
    assert (case.status, case.outcome) == (Status.CLOSED, IncidentOutcome.RECOVERED)
    assert case.actions == {}
    report_verifies(world, case)


def test_what_cannot_be_shown_is_unresolved_and_a_person_gets_the_case(
    lab: WideLab, tmp_path: Path
) -> None:
    lab.await_health()
    world = lab.world(tmp_path, **_blind(lab))
    lab.slow("inventory", 0.8)
    case = resolved(world)
    lab.slow("inventory", 0)
    assert case.outcome is IncidentOutcome.UNRESOLVED
    assert (case.actions, shown(case)) == ({}, set())
    assert case.escalated is not None
    assert "inventory has no metric for latency_mean_seconds" in " ".join(case.escalated.gaps)
    folder = incident_folder(world.data_folder, case.incident_id)
    kept = {path.name for path in folder.iterdir()}
    assert {"postmortem.md", "postmortem.json", "evidence.jsonl", "ledger.jsonl"} <= kept
    told = (folder / "postmortem.md").read_text()
    assert "inventory" in told
    report_verifies(world, case)


def _blind(lab: WideLab) -> dict[str, object]:
    """Return a catalog in which nothing can be asked of the services that are called."""
    called = {name for service in lab.services for name in service.depends_on}
    services = tuple(
        s.model_copy(update={"signals": {}, "logs": None}) if s.name in called else s
        for s in lab.services
    )
    return {"services": services}
