"""Writes the page: one file, no script, nothing fetched from elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from holdfast.learning.formats import duration
from holdfast.model.replay import Backtest, Search, Simulation
from holdfast.slo.replay.backtest import Replay
from holdfast.surfaces.cli.replay_tables import (
    clock,
    incident_text,
    percent_text,
    seconds_text,
    share_text,
    span_text,
)
from holdfast.surfaces.replay_page.grids import front_chart, heat_map
from holdfast.surfaces.replay_page.timeline import Timeline


def write_backtest_page(path: Path, backtests: Sequence[tuple[Backtest, Replay | None]]) -> None:
    """Write the page of backtests, whole or not at all."""
    sections = [(one, Markup(Timeline(one, replay).svg())) for one, replay in backtests]
    _write(path, "backtest.html.j2", backtests=sections)


def write_simulation_page(path: Path, simulations: Sequence[Simulation]) -> None:
    """Write the page of simulations, whole or not at all."""
    sections = [(one, Markup(heat_map(one))) for one in simulations]
    _write(path, "simulation.html.j2", simulations=sections)


def write_search_page(path: Path, searches: Sequence[Search]) -> None:
    """Write the page of searches, whole or not at all."""
    sections = [(one, Markup(front_chart(one))) for one in searches]
    _write(path, "search.html.j2", searches=sections)


def _write(path: Path, template: str, **values: object) -> None:
    content = _environment().get_template(template).render(**values)
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        beside.write_text(content, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("holdfast.surfaces.replay_page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "duration": duration,
        "clock": clock,
        "incident": incident_text,
        "percent": percent_text,
        "seconds": seconds_text,
        "share": share_text,
        "span": span_text,
    }
    for name, function in filters.items():
        environment.filters[name] = function  # pyright: ignore[reportUnknownMemberType]
    return environment
