"""The incident test on a real Prometheus, which scrapes the lab by its own service discovery."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.incident_checks import is_rolled_back_and_proven
from support.small_lab import small_lab_with_prometheus

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("incident on prometheus")]


def test_a_bad_release_is_rolled_back_and_proven_on_a_real_prometheus(tmp_path: Path) -> None:
    with small_lab_with_prometheus(tmp_path) as lab:
        is_rolled_back_and_proven(lab, tmp_path / "holdfast")
