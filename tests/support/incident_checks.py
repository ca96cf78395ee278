"""What an incident must have come to, where everything went well."""

from __future__ import annotations

from pathlib import Path

from holdfast.learning.keep import incident_folder
from holdfast.learning.verify import verify
from holdfast.model.case import Case
from holdfast.model.hypothesis import HypothesisStatus
from holdfast.model.incident import IncidentOutcome, Status
from support.incident import resolved
from support.small_lab import BAD, GOOD, SmallLab, World


def is_rolled_back_and_proven(lab: SmallLab, folder: Path) -> World:
    """Release the bad version: the incident ends closed and proven. Returns its world."""
    lab.begin()
    world = lab.world(folder)
    lab.release_bad()
    case = resolved(world)
    ended_well(case)
    assert lab.moves() == [("release train", BAD), ("holdfast", GOOD)]
    assert status_of(case, "bad_release") is HypothesisStatus.SUPPORTED
    assert status_of(case, "n_plus_one") is HypothesisStatus.SUPPORTED
    verdict = next(iter(case.actions.values())).verdict
    assert verdict is not None
    assert (verdict.effect, verdict.measured) == ("seen", 0.0)
    report = verify(incident_folder(world.data_folder, case.incident_id))
    assert report.ok, report.findings
    return world


def ended_well(case: Case) -> None:
    """The mitigation is verified, and the completion contract holds."""
    assert not case.contract_unmet
    assert (case.status, case.outcome) == (Status.CLOSED, IncidentOutcome.MITIGATED_ONLY)


def status_of(case: Case, mechanism: str) -> HypothesisStatus:
    """Return the most that is believed of the hypotheses of that mechanism."""
    found = [h.status for h in case.hypotheses.values() if h.mechanism == mechanism]
    ranked = (HypothesisStatus.SUPPORTED, HypothesisStatus.SUSPECTED)
    return next((status for status in ranked if status in found), found[0])
