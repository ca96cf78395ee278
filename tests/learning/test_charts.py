"""Charts: well-formed, with units, events and the evidence that they draw."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

from story import Told

from holdfast.learning.charts import draw_charts
from holdfast.learning.ledger_evidence import gathered
from holdfast.learning.svg import Chart, Level, Line, Mark, draw

Tell = Callable[..., Told]
SVG = "{http://www.w3.org/2000/svg}"


def _texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def _chart(**changes: object) -> Chart:
    line = Line("p95", "#3b82d6", [(0.0, 0.1), (10.0, 0.4), (20.0, 0.2)], 15.0, "ev-1")
    plain: dict[str, object] = {
        "title": "Latency <of> shop & co",
        "unit": "seconds",
        "lines": [line],
        "levels": [],
        "marks": [],
        "start": 0.0,
        "end": 20.0,
    }
    return Chart(**(plain | changes))  # type: ignore[arg-type]


def test_the_incident_has_four_charts_that_name_their_evidence(told: Tell) -> None:
    story = told()
    answers = gathered(story.events).answers
    charts = draw_charts(story.case, story.config, answers)
    assert list(charts) == [
        "charts/latency.svg",
        "charts/bad_requests.svg",
        "charts/burn_rate.svg",
        "charts/budget.svg",
    ]
    for _, svg in charts.values():
        ids = ET.fromstring(svg).attrib["data-evidence"].split()
        assert ids
        assert set(ids) <= {item.id for item in answers.values()}
        assert f"evidence {' '.join(ids)}" in (ET.fromstring(svg).findtext(f"{SVG}metadata") or "")


def test_events_are_marked_and_axes_have_units(told: Tell) -> None:
    story = told()
    _, svg = draw_charts(story.case, story.config, gathered(story.events).answers)[
        "charts/latency.svg"
    ]
    texts = _texts(svg)
    for expected in ("labels 7.5", "alert", "rollback-release", "mitigated", "seconds", "p95"):
        assert expected in texts
    assert "objective's threshold, 300 ms" in texts
    assert "2026-03-14, UTC" in texts


def test_an_undone_action_is_marked_too(told: Tell) -> None:
    story = told(ending="escalated")
    _, svg = draw_charts(story.case, story.config, gathered(story.events).answers)[
        "charts/burn_rate.svg"
    ]
    assert "undo: rollback-release" in _texts(svg)


def test_a_gap_breaks_the_line_and_a_lone_point_is_a_dot() -> None:
    points = [(0.0, 1.0), (1.0, 1.0), (9.0, 1.0), (18.0, 1.0), (19.0, float("inf")), (20.0, 1.0)]
    root = ET.fromstring(draw(_chart(lines=[Line("x", "#3b82d6", points, 2.5, "ev-1")])))
    assert len(root.findall(f"{SVG}polyline")) == 2
    assert len(root.findall(f"{SVG}circle")) == 1


def test_labels_of_marks_do_not_overlap() -> None:
    marks = [Mark(at, f"a rather long label {at:g}", "#d64545") for at in (9.0, 9.5, 10.0, 19.9)]
    root = ET.fromstring(draw(_chart(marks=marks)))
    found = [e for e in root.iter(f"{SVG}text") if e.attrib.get("class") == "mark"]
    boxes = [(float(e.attrib["y"]), float(e.attrib["x"]), len(e.text or "") * 6.9) for e in found]
    for at, (y, x, width) in enumerate(boxes):
        assert x + width <= 960
        for other_y, other_x, other_width in boxes[at + 1 :]:
            assert y != other_y or x + width <= other_x or other_x + other_width <= x


def test_names_are_escaped() -> None:
    chart = _chart(
        levels=[Level("<script>", "#d64545", 0.3)], marks=[Mark(5.0, "a & b", "#7d8590")]
    )
    assert "<script>" in _texts(draw(chart))
    assert "a & b" in _texts(draw(chart))


def test_nothing_to_draw_is_no_chart(told: Tell) -> None:
    story = told()
    assert draw_charts(story.case, story.config, {}) == {}


def test_a_flat_zero_line_and_a_single_moment_can_be_drawn() -> None:
    line = Line("zero", "#3b82d6", [(5.0, 0.0)], 1.0, "ev-1")
    ET.fromstring(draw(_chart(lines=[line], start=5.0, end=5.0)))
