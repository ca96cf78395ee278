"""The tools that this stage gives to the toolbox: one that writes, one that checks health."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from holdfast.actions.parameters import check_parameters
from holdfast.actions.runbooks import find_runbook
from holdfast.errors import InputError, NotFound
from holdfast.evidence.source import MetricsSource
from holdfast.evidence.toolbox import Tool
from holdfast.model.action import Parameter, RunbookCall
from holdfast.model.base import utc_now
from holdfast.model.evidence import Cell, Evidence, EvidenceKind, Matrix, Outcome, Table
from holdfast.model.hypothesis import Bound
from holdfast.model.runbook import Runbook
from holdfast.model.slo import SLO
from holdfast.slo.rules import ratio_query
from holdfast.verification.effect import Recovery, recovered

GuardedRun = Callable[[RunbookCall], Evidence]
"""Takes a checked call through proposal, guard, claim and execution, and tells what came of it."""

HEALTH_COLUMNS = (
    "slo",
    "reading",
    "bad_ratio_now",
    "allowed_bad_ratio",
    "held_seconds",
    "watched_seconds",
    "query",
)


def execute_runbook_tool(runbooks: Mapping[str, Runbook], run: GuardedRun) -> Tool:
    """Return `execute_runbook(runbook_id, params)`. `run` is the guarded way to a write."""

    def execute_runbook(runbook_id: str, params: Mapping[str, Parameter]) -> Evidence:
        """Run a runbook. Parameters are checked first: NotFound or InputError, nothing done."""
        check_parameters(find_runbook(runbooks, runbook_id), params)
        return run(RunbookCall(runbook_id=runbook_id, parameters=dict(params)))

    return Tool(
        name="execute_runbook",
        effect="write",
        timeout_seconds=600.0,
        summary="Run a runbook through the guard, with its parameters checked.",
        function=execute_runbook,
    )


def validate_service_health_tool(
    source: MetricsSource,
    slos: Iterable[SLO],
    *,
    resolution_seconds: float,
    clock: Callable[[], float] = time.time,
) -> Tool:
    """Return `validate_service_health(service, duration_minutes)`.

    `resolution_seconds` is the scrape interval, `clock` gives Unix seconds.
    """
    known = tuple(slos)

    def validate_service_health(service: str, duration_minutes: float) -> Evidence:
        """Say of each objective of a service whether it held for so long, up to now.

        Raises NotFound for a service without objectives, InputError for no duration.
        """
        mine = [slo for slo in known if slo.service == service]
        if not mine:
            raise NotFound(f"{service} has no objective", hint="`holdfast design` proposes some")
        if not duration_minutes > 0:
            raise InputError(f"duration_minutes is {duration_minutes}: it must be more than 0")
        watched_seconds = duration_minutes * 60
        readings = [
            _reading(source, slo, watched_seconds, resolution_seconds, clock()) for slo in mine
        ]
        return _health(source, service, duration_minutes, readings)

    return Tool(
        name="validate_service_health",
        effect="read",
        timeout_seconds=60.0,
        summary="Say whether each objective of a service has held, without a gap, for so long.",
        function=validate_service_health,
    )


def _reading(
    source: MetricsSource, slo: SLO, watched_seconds: float, step_seconds: float, now: float
) -> tuple[tuple[Cell, ...], Recovery]:
    """Return a row of the table, and what it rests on."""
    shortest = min((tier.short_window_seconds for tier in slo.tiers), default=0.0)
    query = ratio_query(slo, shortest or 4 * step_seconds)
    start = now - watched_seconds
    answer = source.query_range(query, start, now, step_seconds)
    allowed = slo.error_budget_fraction
    recovery = recovered(
        _sealed(source, query, step_seconds, answer),
        bound=Bound(at_most=allowed),
        hold_seconds=watched_seconds - 2 * step_seconds,
        since=start,
        now=now,
    )
    reading = "held" if recovery.back else "no data" if recovery.silent else "not held"
    row: tuple[Cell, ...] = (
        slo.name,
        reading,
        recovery.measured,
        allowed,
        recovery.held_seconds,
        watched_seconds,
        query,
    )
    return row, recovery


def _sealed(source: MetricsSource, query: str, step_seconds: float, answer: Matrix) -> Evidence:
    return Evidence.seal(
        kind=EvidenceKind.METRIC,
        query=query,
        source=source.name,
        asked_at=utc_now(),
        step_seconds=step_seconds,
        outcome=Outcome.DATA if answer.series else Outcome.NO_DATA,
        value=answer,
    )


def _health(
    source: MetricsSource,
    service: str,
    duration_minutes: float,
    readings: Sequence[tuple[tuple[Cell, ...], Recovery]],
) -> Evidence:
    silent = all(recovery.silent for _, recovery in readings)
    return Evidence.seal(
        kind=EvidenceKind.METRIC,
        query=f"validate_service_health({service!r}, duration_minutes={duration_minutes:g})",
        source=source.name,
        asked_at=utc_now(),
        outcome=Outcome.NO_DATA if silent else Outcome.DATA,
        value=Table(columns=HEALTH_COLUMNS, rows=tuple(row for row, _ in readings)),
    )
