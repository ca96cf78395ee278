"""Grafana's panels as JSON, in the classic dashboard schema (version 41, Grafana 11.6).

Later versions read it and migrate it. `design/009-dashboards.md` says why these are our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

SCHEMA_VERSION = 41
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
RATE_INTERVAL = "$__rate_interval"

Json = dict[str, object]
Unit = Literal["percentunit", "short", "s", "ms", "none"]


@dataclass(frozen=True)
class Target:
    """One query of a panel. `line`: drawn dashed, as a limit."""

    promql: str
    legend: str
    line: bool = False


@dataclass(frozen=True)
class Step:
    """A colour from a value upwards; None = from minus infinity."""

    color: str
    value: float | None = None


@dataclass(frozen=True)
class Place:
    """Where a panel stands, in Grafana's grid of 24 columns."""

    x: int
    y: int
    width: int
    height: int


def row(identifier: int, title: str, y: int) -> Json:
    """Return a heading across the dashboard."""
    return {
        "type": "row",
        "id": identifier,
        "title": title,
        "collapsed": False,
        "gridPos": {"x": 0, "y": y, "w": 24, "h": 1},
        "panels": [],
    }


def stat(
    identifier: int,
    title: str,
    description: str,
    target: Target,
    steps: Sequence[Step],
    place: Place,
) -> Json:
    """Return one number, coloured by where it stands."""
    defaults: Json = {
        "unit": "percentunit",
        "decimals": 2,
        "color": {"mode": "thresholds"},
        "noValue": "no data",
        "thresholds": _thresholds(steps),
    }
    return {
        **_panel("stat", identifier, title, description, [target], place, instant=True),
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {
            "graphMode": "none",
            "colorMode": "value",
            "textMode": "value",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        },
    }


def lines(
    identifier: int,
    title: str,
    description: str,
    targets: Sequence[Target],
    place: Place,
    unit: Unit = "percentunit",
) -> Json:
    """Return curves over time; targets that are limits are dashed."""
    custom: Json = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 0, "spanNulls": False}
    return {
        **_panel("timeseries", identifier, title, description, targets, place),
        "fieldConfig": {
            "defaults": {"unit": unit, "noValue": "no data", "custom": custom},
            "overrides": [_dashed(target.legend) for target in targets if target.line],
        },
        "options": _LEGEND,
    }


def bars(
    identifier: int,
    title: str,
    description: str,
    target: Target,
    interval: str,
    place: Place,
) -> Json:
    """Return a bar for each interval of time."""
    custom: Json = {"drawStyle": "bars", "barAlignment": -1, "lineWidth": 1, "fillOpacity": 80}
    return {
        **_panel("timeseries", identifier, title, description, [target], place),
        "interval": interval,
        "fieldConfig": {
            "defaults": {"unit": "percentunit", "min": 0, "custom": custom},
            "overrides": [],
        },
        "options": _LEGEND,
    }


def heat_map(
    identifier: int, title: str, description: str, target: Target, unit: Unit, place: Place
) -> Json:
    """Return how many events took how long: a row for each bucket of a classic histogram."""
    panel = _panel("heatmap", identifier, title, description, [target], place)
    [query] = _targets([target], instant=False)
    return {
        **panel,
        "targets": [{**query, "format": "heatmap"}],
        "fieldConfig": {"defaults": {}, "overrides": []},
        "options": {
            "calculate": False,
            "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "scale": "exponential"},
            "yAxis": {"unit": unit, "axisPlacement": "left"},
            "cellGap": 1,
            "legend": {"show": True},
            "tooltip": {"mode": "single", "yHistogram": True},
        },
    }


_LEGEND: Json = {
    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
    "tooltip": {"mode": "multi", "sort": "desc"},
}


def _panel(
    kind: str,
    identifier: int,
    title: str,
    description: str,
    targets: Sequence[Target],
    place: Place,
    *,
    instant: bool = False,
) -> Json:
    return {
        "type": kind,
        "id": identifier,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "gridPos": {"x": place.x, "y": place.y, "w": place.width, "h": place.height},
        "targets": _targets(targets, instant=instant),
    }


def _targets(targets: Sequence[Target], *, instant: bool) -> list[Json]:
    return [
        {
            "refId": chr(ord("A") + index) if index < 26 else f"Q{index}",
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": target.promql,
            "legendFormat": target.legend,
            "instant": instant,
            "range": not instant,
        }
        for index, target in enumerate(targets)
    ]


def _thresholds(steps: Sequence[Step]) -> Json:
    return {
        "mode": "absolute",
        "steps": [{"color": step.color, "value": step.value} for step in steps],
    }


def _dashed(name: str) -> Json:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [
            {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 8]}},
            {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}},
        ],
    }
