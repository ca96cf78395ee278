"""The incident test with PostgreSQL as the service's database, which counts statements too."""

from __future__ import annotations

import math
import re
import time
from pathlib import Path

import pytest

from holdfast.catalog.config import load_config
from holdfast.catalog.template import fill
from holdfast.integrations.sources import open_source
from holdfast.model.service import Signal
from holdfast.surfaces.cli.database_line import database_line
from support.databases import postgresql
from support.incident_checks import is_rolled_back_and_proven
from support.small_lab import OPTIONS, World, small_lab

pytestmark = [pytest.mark.long, pytest.mark.lab, pytest.mark.xdist_group("incident on postgres")]


def test_a_bad_release_is_rolled_back_and_proven_on_postgresql(tmp_path: Path) -> None:
    postgresql()
    options = OPTIONS.model_copy(update={"database": "postgresql"})
    with small_lab(tmp_path / "lab", options) as lab:
        world = is_rolled_back_and_proven(lab, tmp_path / "holdfast")
        said = database_line(lab.handle.lab.database, lab.handle.config_path)
    assert re.fullmatch(r"PostgreSQL \d+.*, which counts .* for a request of customer-api", said)
    assert most_per_request(world, Signal.STATEMENTS_PER_REQUEST) > 100
    assert most_per_request(world, Signal.DATABASE_STATEMENTS_PER_REQUEST) > 100


def most_per_request(world: World, signal: Signal) -> float:
    """Return the most that a request needed over any two seconds of the recording."""
    config = load_config(world.config_path)
    template = config.services[0].signals[signal]
    source = open_source(config.metrics)
    now = time.time()
    found = source.query_range(fill(template, 2.0), now - 60, now, 0.5)
    source.close()
    [series] = found.series
    return max(value for _, value in series.points if not math.isnan(value))
