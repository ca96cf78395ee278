"""What a step of a fix leaves behind where it fails: production and the branch as they were."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.model.incident import IncidentOutcome
from support.fix_lab import (
    QUICK,
    FixLab,
    asking_for,
    decide,
    ended,
    fix_lab,
    is_as_before,
    settled,
    to_its_end,
)
from support.small_lab import GOOD

pytestmark = [pytest.mark.long, pytest.mark.lab, pytest.mark.xdist_group("fixes")]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FixLab]:
    with fix_lab(tmp_path_factory.mktemp("fixes")) as found:
        yield found


def test_a_fix_that_is_slow_under_load_never_meets_a_user(lab: FixLab, tmp_path: Path) -> None:
    world, before = lab.world(tmp_path), lab.head()
    lab.slow_down(2.5)
    case = to_its_end(world)
    ended(case, world, IncidentOutcome.MITIGATED_ONLY)
    assert settled(case, "stage") == "not_seen"
    assert settled(case, "merge") == "never proposed"
    is_as_before(lab, before)


def test_a_load_test_that_cannot_be_run_is_no_proof(lab: FixLab, tmp_path: Path) -> None:
    world, before = lab.world(tmp_path, requests=()), lab.head()
    case = to_its_end(world)
    ended(case, world, IncidentOutcome.MITIGATED_ONLY)
    assert settled(case, "stage") == "no_data"
    is_as_before(lab, before)


def test_a_canary_that_gets_worse_is_taken_back_and_so_is_its_merge(
    lab: FixLab, tmp_path: Path
) -> None:
    world, before = lab.world(tmp_path), lab.git("rev-parse", "main^{tree}")
    case = to_its_end(world, at="claimed:act canary", then=lambda: lab.slow_down(1.0))
    ended(case, world, IncidentOutcome.MITIGATED_ONLY)
    assert settled(case, "canary") == "not_seen"
    assert settled(case, "withdraw") == "seen"
    assert lab.serves() == {GOOD: 100.0}
    assert lab.git("rev-parse", "main^{tree}") == before


def test_a_release_that_breaks_the_objective_is_taken_back_and_so_is_its_merge(
    lab: FixLab, tmp_path: Path
) -> None:
    world, before = lab.world(tmp_path), lab.git("rev-parse", "main^{tree}")
    case = to_its_end(world, at="claimed:act release", then=lambda: lab.slow_down(1.0))
    ended(case, world, IncidentOutcome.MITIGATED_ONLY)
    assert settled(case, "release") == "not_seen"
    assert settled(case, "withdraw") == "seen"
    assert lab.serves() == {GOOD: 100.0}
    assert lab.git("rev-parse", "main^{tree}") == before


def test_a_merge_that_a_person_rejects_leaves_the_branch_as_the_result(
    lab: FixLab, tmp_path: Path
) -> None:
    world, before = lab.world(tmp_path, asking_for(QUICK, "merge-fix")), lab.head()
    case = to_its_end(world, at="ask merge", then=lambda: decide(world, "reject"))
    ended(case, world, IncidentOutcome.MITIGATED_ONLY)
    assert settled(case, "merge") == "deny"
    assert settled(case, "unstage") == "seen"
    is_as_before(lab, before)


def test_a_merge_that_nobody_decides_on_expires(lab: FixLab, tmp_path: Path) -> None:
    hasty = QUICK.model_copy(update={"approval_wait_seconds": 1.0})
    world, before = lab.world(tmp_path, asking_for(hasty, "merge-fix")), lab.head()
    case = to_its_end(world)
    ended(case, world, IncidentOutcome.MITIGATED_ONLY)
    assert settled(case, "merge") == "deny"
    is_as_before(lab, before)


def test_a_merge_that_conflicts_changes_nothing(lab: FixLab, tmp_path: Path) -> None:
    world = lab.world(tmp_path)
    lab.commit_to_main("src/customer_api/queries.py", '"""Rewritten by the team."""\n')
    before = lab.head()
    case = to_its_end(world)
    ended(case, world, IncidentOutcome.MITIGATED_ONLY)
    assert settled(case, "merge") == "failed"
    is_as_before(lab, before)
