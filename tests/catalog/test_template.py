"""PromQL templates are filled so that what was checked is what is asked."""

from __future__ import annotations

import pytest

from holdfast.catalog.template import check_template, duration, fill, parse
from holdfast.errors import PromQLError


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(300, "5m"), (3600, "1h"), (259_200, "3d"), (90, "90s"), (0.5, "500ms"), (7.5, "7500ms")],
)
def test_durations_are_written_as_prometheus_reads_them(seconds: float, written: str) -> None:
    assert duration(seconds) == written


def test_no_duration_is_made_of_nothing() -> None:
    with pytest.raises(PromQLError):
        duration(0)


@pytest.mark.parametrize(
    "template",
    [
        "sum by ($by) (rate(a[$window]))",
        "histogram_quantile(0.5, sum by (le, $by) (rate(a_bucket[$window])))",
        "histogram_quantile(0.5, sum by ($by, le) (rate(a_bucket[$window])))",
    ],
)
def test_labels_to_keep_may_be_none_one_or_several(template: str) -> None:
    for by in ((), ("version",), ("version", "zone")):
        query = fill(template, 300, by)
        parse(query)
        assert "$" not in query
        assert all(label in query for label in by)


def test_a_dollar_in_a_label_value_is_no_placeholder() -> None:
    check_template('sum(rate(a{path=~"^/x$"}[$window]))', by_allowed=True)
