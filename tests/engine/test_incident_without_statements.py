"""Without statement metrics and statement logs the release is named all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.model.hypothesis import HypothesisStatus
from support.incident import resolved
from support.incident_checks import ended_well, status_of
from support.small_lab import OPTIONS, small_lab

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("incident without statements")]


def test_without_statement_telemetry_the_release_is_rolled_back_and_its_mechanism_suspected(
    tmp_path: Path,
) -> None:
    silent = OPTIONS.model_copy(update={"statement_metrics": False, "statement_logs": False})
    with small_lab(tmp_path / "lab", silent) as lab:
        lab.begin()
        world = lab.world(tmp_path / "holdfast")
        lab.release_bad()
        case = resolved(world)
    ended_well(case)
    assert status_of(case, "bad_release") is HypothesisStatus.SUPPORTED
    assert status_of(case, "n_plus_one") is HypothesisStatus.SUSPECTED
