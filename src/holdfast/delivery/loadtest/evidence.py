"""A load test as evidence: a table with a row for each arm, so that figures can name its cells."""

from __future__ import annotations

import json

from holdfast.delivery.loadtest.order import LoadOptions
from holdfast.delivery.loadtest.records import ArmMeasures, KneeResult, LoadResult
from holdfast.model.evidence import Cell, Evidence, EvidenceKind, Outcome, Table, Window

SOURCE = "holdfast loadtest"

_ARM_COLUMNS = tuple(name for name in ArmMeasures.model_fields if name != "schema_version")
_LOAD_COLUMNS = ("rate_per_second", "duration_seconds")
_HEALTH_COLUMNS = ("missed", "lag_p50_seconds", "lag_p99_seconds", "lag_max_seconds")
LOAD_COLUMNS = (*_ARM_COLUMNS, *_LOAD_COLUMNS, *_HEALTH_COLUMNS, "status")
"""Of `load_evidence`; `arm` (candidate, good) is the key. `missed` and lags are of all arms."""

RATIO_COLUMNS = ("measure", "ratio", "low", "high", "reading")
"""Of `ratio_evidence`; `measure` (p50 ...) is the key."""

KNEE_COLUMNS = ("step", *_ARM_COLUMNS[1:], *_LOAD_COLUMNS, *_HEALTH_COLUMNS, "status")
"""Of `knee_evidence`: a row for each step; `step` counts from 1."""


def call_text(
    endpoint: str, rps: float, duration_seconds: float, version: str, options: LoadOptions
) -> str:
    """Return the call as evidence quotes it: doing it again is the same test."""
    given = options.model_dump(exclude_defaults=True, mode="json")
    hidden = [f"{text.partition(':')[0]}: ..." for text in options.headers]
    if hidden:
        given["headers"] = hidden  # they may carry a secret
    more = "".join(f", {name}={json.dumps(value)}" for name, value in given.items())
    return (
        f"run_load_test(endpoint={endpoint!r}, rps={rps:g}, "
        f"duration_seconds={duration_seconds:g}, version={version!r}{more})"
    )


def load_evidence(result: LoadResult, query: str) -> Evidence:
    """Return a load test as evidence. A refused one is an error: it has no latency to give."""
    value = Table(columns=LOAD_COLUMNS, rows=_rows(result))
    return _sealed(query, result, value, error=result.refusal)


def ratio_evidence(result: LoadResult, query: str) -> Evidence:
    """Return the comparison as evidence; no data where there is none."""
    rows = tuple((r.measure, r.ratio, r.low, r.high, r.reading) for r in result.ratios)
    value = Table(columns=RATIO_COLUMNS, rows=rows)
    return _sealed(f"{query}: ratios", result, value, error=result.refusal)


def knee_evidence(knee: KneeResult, query: str) -> Evidence:
    """Return all steps of a search as evidence."""
    rows: list[tuple[Cell, ...]] = []
    for number, step in enumerate(knee.steps, 1):
        rows += [(number, *row[1:]) for row in _rows(step.result)[:1]]
    value = Table(columns=KNEE_COLUMNS, rows=tuple(rows))
    last = knee.steps[-1].result.model_copy(update={"started_at": knee.steps[0].result.started_at})
    return _sealed(f"{query}: knee", last, value)


def _rows(result: LoadResult) -> tuple[tuple[Cell, ...], ...]:
    """Return a row for each arm; one without measures where the run was refused."""
    health = result.generator
    tail = (
        *(result.rate_per_second, result.duration_seconds),
        *(health.missed, health.lag_p50_seconds, health.lag_p99_seconds, health.lag_max_seconds),
        result.status,
    )
    empty: tuple[Cell, ...] = (None,) * len(_ARM_COLUMNS)
    arms = [_cells(arm) for arm in result.arms] or [empty]
    return tuple((*cells, *tail) for cells in arms)


def _cells(arm: ArmMeasures) -> tuple[Cell, ...]:
    plain = arm.model_dump()
    return tuple(plain[name] for name in _ARM_COLUMNS)


def _sealed(query: str, result: LoadResult, value: Table, *, error: str = "") -> Evidence:
    known = Outcome.DATA if value.rows else Outcome.NO_DATA
    return Evidence.seal(
        kind=EvidenceKind.COMMAND,
        query=query,
        source=SOURCE,
        asked_at=result.ended_at,
        window=Window(start=result.started_at, end=result.ended_at),
        outcome=Outcome.ERROR if error else known,
        value=value,
        error=error,
    )
