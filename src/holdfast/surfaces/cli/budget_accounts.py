"""Reads the accounts of budgets from the metrics source, and prints them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

import numpy as np
from rich.console import Console

from holdfast.catalog.config import load_config
from holdfast.errors import EvidenceError, NotFound, SourceError
from holdfast.evidence.source import MetricsSource
from holdfast.integrations.sources import open_source
from holdfast.model.base import Record, utc_now
from holdfast.model.budget import (
    Attribution,
    BudgetAccount,
    BudgetPeriod,
    Correction,
    NoDataPolicy,
    Span,
)
from holdfast.model.config import Config
from holdfast.model.replay import PastIncident
from holdfast.model.slo import SLO
from holdfast.slo.budgets.account import account
from holdfast.slo.budgets.correction_log import FILE, read_corrections
from holdfast.slo.budgets.over_time import attribute, burndown
from holdfast.slo.budgets.periods import bounds
from holdfast.slo.history import read_history
from holdfast.slo.replay.incident_file import read_incidents
from holdfast.surfaces.cli.budget_rows import attribution_texts, budget_texts, refused_texts
from holdfast.surfaces.cli.given_values import parse_time
from holdfast.surfaces.cli.print_rows import width_of, write

_STEPS = (15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
_SCRAPES_PER_STEP = 4
"""An increase needs some samples: fewer, and what lies between two steps is lost."""
_MOST_STEPS = 9000
_POINTS_SHOWN = 60


@dataclass(frozen=True)
class BudgetRequest:
    """What was asked for."""

    config: Path
    names: tuple[str, ...]
    period: Literal["rolling", "week", "month", "quarter"]
    time_zone: str
    no_data: NoDataPolicy
    absent_bad_is_zero: bool
    at: str
    corrections: Path | None
    incidents: Path | None = None


class BudgetPoint(Record):
    """The budget left at a time."""

    at: float
    """Unix seconds."""
    left_fraction: float | None


class BudgetRow(Record):
    """One SLO's account, or why there is none; as `--json` prints it."""

    slo: str
    account: BudgetAccount | None
    left: tuple[BudgetPoint, ...] = ()
    """From the whole budget to what is left of it, over the period so far."""
    attribution: Attribution | None = None
    """What the given incidents spent; None = none were given."""
    step_seconds: float
    problem: str = ""


def run_budget(stream: TextIO, wanted: BudgetRequest, *, as_json: bool) -> int:
    """Print each account; return 1 where one could not be read."""
    config = load_config(wanted.config)
    slos = _chosen(config, wanted.names)
    corrections = read_corrections(corrections_path(config, wanted.corrections))
    incidents = read_incidents(wanted.incidents) if wanted.incidents else ()
    console = Console(file=stream, highlight=False)
    failed = False
    with closing(open_source(config.metrics)) as source:
        for slo in slos:
            row = _row(source, config, slo, wanted, corrections, incidents)
            failed = failed or row.account is None or row.account.state == "no_data"
            if as_json:
                print(row.model_dump_json(), file=stream)
            elif row.account is None:
                write(console, *refused_texts(slo, row.problem, width_of(console)))
            else:
                left, width = [point.left_fraction for point in row.left], width_of(console)
                write(console, *budget_texts(slo, row.account, left, width))
                if row.attribution is not None:
                    write(console, *attribution_texts(row.attribution, width))
    return int(failed)


def corrections_path(config: Config, given: Path | None) -> Path:
    """Return the file of corrections."""
    return given if given is not None else config.data_folder / FILE


def _chosen(config: Config, names: Sequence[str]) -> tuple[SLO, ...]:
    if not config.slos:
        raise NotFound(
            "no SLO is configured", hint="`holdfast init` or `holdfast design` makes some"
        )
    known = {slo.name: slo for slo in config.slos}
    for name in names:
        if name not in known:
            raise NotFound(f"no SLO {name!r}", hint=f"there are {', '.join(sorted(known))}")
    return tuple(known[name] for name in names) if names else config.slos


def _row(
    source: MetricsSource,
    config: Config,
    slo: SLO,
    wanted: BudgetRequest,
    corrections: Sequence[Correction],
    incidents: Sequence[PastIncident],
) -> BudgetRow:
    period = BudgetPeriod(kind=wanted.period, time_zone=wanted.time_zone)
    now = parse_time(wanted.at, "--at").timestamp() if wanted.at else utc_now().timestamp()
    start, _ = bounds(period, slo, now)
    step = _step(now - start, config.metrics.resolution_seconds)
    at = math.floor(now / step) * step
    start, _ = bounds(period, slo, at)
    try:
        history = read_history(
            *(source, slo, math.floor(start / step) * step, at, step),
            absent_bad_is_zero=wanted.absent_bad_is_zero,
            overlap_seconds=config.metrics.resolution_seconds,
        )
    except (SourceError, EvidenceError) as error:
        return BudgetRow(slo=slo.name, account=None, step_seconds=step, problem=str(error))
    found = account(slo, history, at, period, corrections, wanted.no_data)
    line = burndown(slo, history, at, period, corrections, wanted.no_data)
    spans = _spans(incidents, slo, found)
    spent = attribute(slo, history, at, spans, period, corrections, wanted.no_data)
    return BudgetRow(
        slo=slo.name,
        account=found,
        left=_points(line.ends, line.left),
        attribution=spent if wanted.incidents else None,
        step_seconds=step,
    )


def _spans(incidents: Sequence[PastIncident], slo: SLO, account: BudgetAccount) -> tuple[Span, ...]:
    """Those within the period that are about this SLO, or do not say about which."""
    return tuple(
        Span(name=each.title or f"{each.start:%Y-%m-%d %H:%M}", start=each.start, end=each.end)
        for each in incidents
        if each.slo in ("", slo.name)
        and each.service in ("", slo.service)
        and each.start < account.at
        and each.end > account.start
    )


def _step(seconds: float, resolution_seconds: float) -> float:
    least = max(_SCRAPES_PER_STEP * resolution_seconds, seconds / _MOST_STEPS)
    fitting = [step for step in _STEPS if step >= least and step <= seconds / 2]
    return fitting[0] if fitting else max(least, resolution_seconds)


def _points(ends: np.ndarray, left: np.ndarray) -> tuple[BudgetPoint, ...]:
    """At most sixty points, the last one always."""
    every = max(1, math.ceil(len(ends) / _POINTS_SHOWN))
    places = range(len(ends) - 1, -1, -every)
    return tuple(
        BudgetPoint(
            at=float(ends[place]),
            left_fraction=float(left[place]) if np.isfinite(left[place]) else None,
        )
        for place in reversed(places)
    )
