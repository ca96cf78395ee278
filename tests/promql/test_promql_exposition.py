"""The text exposition, read once per series."""

from __future__ import annotations

import math

import pytest

from holdfast.promql.exposition import Exposition, ExpositionError, parse_series


def reader(target_labels: dict[str, str] | None = None) -> tuple[Exposition, list[dict[str, str]]]:
    met: list[dict[str, str]] = []

    def intern(labels: object) -> int:
        met.append(dict(labels))  # pyright: ignore[reportCallIssue, reportArgumentType]
        return len(met) - 1

    return Exposition(target_labels or {}, intern), met


def test_each_line_becomes_a_series_and_a_value() -> None:
    exposition, met = reader({"instance": "a:1", "job": "shop"})
    scraped = exposition.read(
        '# HELP x y\n# TYPE x counter\nx_total{route="/a b",code="200"} 3\n\nup_bare 2.5\n'
    )
    assert met == [
        {"__name__": "x_total", "route": "/a b", "code": "200", "instance": "a:1", "job": "shop"},
        {"__name__": "up_bare", "instance": "a:1", "job": "shop"},
    ]
    assert scraped.values == [3.0, 2.5]


def test_a_counter_keeps_the_name_that_it_was_exposed_under() -> None:
    exposition, met = reader()
    exposition.read("# TYPE requests counter\nrequests 1\n")
    assert met == [{"__name__": "requests"}]


def test_a_series_is_parsed_at_its_first_scrape_only() -> None:
    exposition, met = reader()
    first = exposition.read("x 1\n")
    second = exposition.read("x 2\n")
    assert len(met) == 1
    assert first.ids == second.ids
    assert second.values == [2.0]


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        ('x{a="b}c",d="{"}', {"__name__": "x", "a": "b}c", "d": "{"}),
        (r'x{a="say \"hi\"\n",}', {"__name__": "x", "a": 'say "hi"\n'}),
        ('x{a="",b="1"}', {"__name__": "x", "b": "1"}),
        ('{"dotted.name",a="1"}', {"__name__": "dotted.name", "a": "1"}),
    ],
)
def test_unusual_labels_are_read(line: str, labels: dict[str, str]) -> None:
    exposition, met = reader()
    assert exposition.read(f"{line} 1\n").values == [1.0]
    assert met == [labels]
    assert parse_series(line) == labels


def test_special_values_are_read() -> None:
    exposition, _ = reader()
    values = exposition.read("a +Inf\nb -Inf\nc NaN\nd 1e-3\n").values
    assert values[:2] == [math.inf, -math.inf]
    assert math.isnan(values[2])
    assert values[3] == 0.001


def test_a_timestamp_in_the_text_is_ignored() -> None:
    exposition, _ = reader()
    assert exposition.read("x 7 1395066363000\n").values == [7.0]


def test_of_a_series_exposed_twice_the_first_counts() -> None:
    exposition, _ = reader()
    assert exposition.read('x{a="1"} 1\nx{a="1"} 2\n').values == [1.0]


def test_a_clashing_label_is_renamed_and_the_targets_own_is_kept() -> None:
    exposition, met = reader({"instance": "a:1", "exported_instance": "z"})
    exposition.read('x{instance="b:2"} 1\n')
    assert met[0]["instance"] == "a:1"
    assert met[0]["exported_exported_instance"] == "b:2"


@pytest.mark.parametrize(
    "text", ["x 12", "x\n", "x one\n", "x 1_000\n", "x 1 2 3\n", "1x 1\n", "x{a=b} 1\n", "} 1\n"]
)
def test_a_wrong_or_cut_off_text_fails_as_a_whole(text: str) -> None:
    exposition, _ = reader()
    with pytest.raises(ExpositionError):
        exposition.read(f"good 1\n{text}")
