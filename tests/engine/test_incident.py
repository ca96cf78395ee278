"""One bad release from alert to closed incident, on every metrics source and every deployer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from holdfast.learning.keep import incident_folder
from holdfast.learning.verify import verify
from holdfast.model.case import Case
from holdfast.model.hypothesis import HypothesisStatus
from holdfast.model.incident import IncidentOutcome, Status
from support import lab_tool
from support.incident import resolved
from support.small_lab import (
    BAD,
    GOOD,
    OPTIONS,
    SmallLab,
    small_lab,
    small_lab_with_prometheus,
)

pytestmark = [pytest.mark.lab]

MakeLab = Callable[[Path], AbstractContextManager[SmallLab]]


@pytest.mark.xdist_group("incident, prometheus")
def test_a_bad_release_is_rolled_back_and_proven_on_a_real_prometheus(tmp_path: Path) -> None:
    with small_lab_with_prometheus(tmp_path) as lab:
        _is_rolled_back_and_proven(lab, tmp_path / "holdfast")


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLab]:
    with small_lab(tmp_path_factory.mktemp("lab") / "lab") as lab:
        yield lab


@pytest.mark.xdist_group("incident, recorder")
def test_a_bad_release_is_rolled_back_and_proven_on_the_embedded_recorder(
    shared_lab: SmallLab, tmp_path: Path
) -> None:
    _is_rolled_back_and_proven(shared_lab, tmp_path)


@pytest.mark.xdist_group("incident, recorder")
def test_a_bad_release_is_rolled_back_by_a_teams_own_command(
    shared_lab: SmallLab, tmp_path: Path
) -> None:
    shared_lab.begin()
    tool = lab_tool.settings(shared_lab.handle.control_url)
    world = shared_lab.world(tmp_path, deployers=(tool,))
    shared_lab.release_bad()
    _ended_well(resolved(world))
    assert shared_lab.moves() == [("release train", BAD), ("deploy tool", GOOD)]


@pytest.mark.xdist_group("incident, no statements")
def test_without_statement_telemetry_the_release_is_rolled_back_and_its_mechanism_suspected(
    tmp_path: Path,
) -> None:
    silent = OPTIONS.model_copy(update={"statement_metrics": False, "statement_logs": False})
    with small_lab(tmp_path / "lab", silent) as lab:
        lab.begin()
        world = lab.world(tmp_path / "holdfast")
        lab.release_bad()
        case = resolved(world)
    _ended_well(case)
    assert _status_of(case, "bad_release") is HypothesisStatus.SUPPORTED
    assert _status_of(case, "n_plus_one") is HypothesisStatus.SUSPECTED


def _is_rolled_back_and_proven(lab: SmallLab, folder: Path) -> None:
    lab.begin()
    world = lab.world(folder)
    lab.release_bad()
    case = resolved(world)
    _ended_well(case)
    assert lab.moves() == [("release train", BAD), ("holdfast", GOOD)]
    assert _status_of(case, "bad_release") is HypothesisStatus.SUPPORTED
    assert _status_of(case, "n_plus_one") is HypothesisStatus.SUPPORTED
    verdict = next(iter(case.actions.values())).verdict
    assert verdict is not None
    assert (verdict.effect, verdict.measured) == ("seen", 0.0)
    report = verify(incident_folder(world.data_folder, case.incident_id))
    assert report.ok, report.findings


def _ended_well(case: Case) -> None:
    assert not case.contract_unmet
    assert (case.status, case.outcome) == (Status.CLOSED, IncidentOutcome.MITIGATED_ONLY)


def _status_of(case: Case, mechanism: str) -> HypothesisStatus:
    """Return the most that is believed of the hypotheses of that mechanism."""
    found = [h.status for h in case.hypotheses.values() if h.mechanism == mechanism]
    ranked = (HypothesisStatus.SUPPORTED, HypothesisStatus.SUSPECTED)
    return next((status for status in ranked if status in found), found[0])
