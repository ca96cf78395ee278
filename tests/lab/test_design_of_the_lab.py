"""A design of a laboratory that runs under load, from its own configuration."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest

from holdfast.slo.design.files import FILES
from holdfast.slo.files.promtool import check_rules, find_promtool
from holdfast.surfaces.cli.designing import DesignRequest, run_design
from support.small_lab import SERVICE, small_lab

pytestmark = [pytest.mark.long, pytest.mark.lab]

UNDER_LOAD_SECONDS = 12.0


def test_objectives_of_a_running_service_are_found_and_its_rules_accepted(tmp_path: Path) -> None:
    with small_lab(tmp_path / "lab") as lab:
        lab.begin()
        time.sleep(UNDER_LOAD_SECONDS)
        printed = io.StringIO()
        wanted = DesignRequest(
            services=(SERVICE,), config=lab.handle.config_path, output=tmp_path / "slo"
        )
        assert run_design(printed, wanted, as_json=True) == 0
    rows = [json.loads(line) for line in printed.getvalue().splitlines()]
    assert {row["slo"]["kind"] for row in rows} == {"availability", "latency"}
    for row in rows:
        assert row["slo"]["period_note"].startswith("laboratory")
        assert row["baseline"]["total_events"] > 30
        assert row["slo"]["objective"] <= row["baseline"]["good_ratio"]
    assert {path.name for path in (tmp_path / "slo").iterdir()} == FILES
    if find_promtool() is not None:
        checked = check_rules(tmp_path / "slo" / "rules.yaml")
        assert checked is not None
        assert checked.passed
