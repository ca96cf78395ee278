"""What is healthy is measured between incidents: an earlier one is no part of the comparison."""

from __future__ import annotations

from holdfast.diagnosis.triage import find_onset

EARLIER, NOW = range(1020, 1040), range(1060, 1080)


def test_an_earlier_incident_is_no_part_of_the_healthy_window() -> None:
    points = [(float(t), 0.9 if t in EARLIER or t in NOW else 0.0) for t in range(1000, 1080)]
    found = find_onset(points, budget_fraction=0.05, comparison_seconds=600)
    assert found is not None
    assert found.at == NOW.start
    assert found.healthy == (EARLIER.stop, NOW.start - 2)


def test_an_earlier_incident_is_accepted_where_too_little_time_is_left_without_it() -> None:
    earlier = range(1020, NOW.start - 5)
    points = [(float(t), 0.9 if t in earlier or t in NOW else 0.0) for t in range(1000, 1080)]
    found = find_onset(points, budget_fraction=0.05, comparison_seconds=600)
    assert found is not None
    assert found.healthy == (1000, NOW.start - 2)
