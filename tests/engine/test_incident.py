"""One bad release from alert to closed incident, with both kinds of deployer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support import lab_tool
from support.incident import resolved
from support.incident_checks import ended_well, is_rolled_back_and_proven
from support.small_lab import BAD, GOOD, SmallLab, small_lab

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("incident")]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLab]:
    with small_lab(tmp_path_factory.mktemp("lab") / "lab") as lab:
        yield lab


def test_a_bad_release_is_rolled_back_and_proven_on_the_embedded_recorder(
    lab: SmallLab, tmp_path: Path
) -> None:
    is_rolled_back_and_proven(lab, tmp_path)


def test_a_bad_release_is_rolled_back_by_a_teams_own_command(lab: SmallLab, tmp_path: Path) -> None:
    lab.begin()
    tool = lab_tool.settings(lab.handle.control_url)
    world = lab.world(tmp_path, deployers=(tool,))
    lab.release_bad()
    ended_well(resolved(world))
    assert lab.moves() == [("release train", BAD), ("deploy tool", GOOD)]
