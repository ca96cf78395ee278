"""The tool `design_reliability_architecture`: a proposal of objectives, as evidence. It only reads.

The folder is written by `holdfast design`, which a person starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from holdfast.errors import InputError
from holdfast.evidence.source import MetricsSource
from holdfast.evidence.toolbox import Tool
from holdfast.model.base import utc_now
from holdfast.model.evidence import Cell, Evidence, EvidenceKind, Outcome, Table, Window
from holdfast.model.requirements import Requirements
from holdfast.model.slo import SLO
from holdfast.slo.design.design import design_reliability_architecture, usual_terms
from holdfast.slo.design.documents.segment_tables import masked_sentences
from holdfast.slo.design.records import Architecture, DesignedObjective

NAME = "design_reliability_architecture"
COLUMNS = (
    "slo",
    "objective",
    "period_seconds",
    "good_ratio",
    "good_ratio_low",
    "good_ratio_high",
    "bad_query",
    "total_query",
    "masked",
    "warnings",
)
_TIMEOUT_SECONDS = 120.0


def design_tool(
    source: MetricsSource,
    owners: Mapping[str, str],
    slos: Sequence[SLO] = (),
    *,
    clock: Callable[[], float] = time.time,
) -> Tool:
    """Return `design_reliability_architecture(service, days)`. `owners`: service → its owner.

    `slos`: those that are configured, whose period is kept where it is not a real one.
    """

    def design(service: str, days: float) -> Evidence:
        """Propose objectives for a service from its metrics of so many days.

        Raises what `design.design_reliability_architecture` raises.
        """
        if not days > 0:
            raise InputError(f"days: {days:g}: it must be more than 0")
        requirements = Requirements(owner=owners.get(service, Requirements().owner))
        usual = usual_terms(slos, service)
        found = design_reliability_architecture(
            source,
            service,
            requirements=requirements,
            days=days,
            at=clock(),
            period_seconds=usual.period_seconds,
            period_note=usual.period_note,
            tiers=usual.tiers,
        )
        return _evidence(found, days)

    return Tool(
        name=NAME,
        effect="read",
        timeout_seconds=_TIMEOUT_SECONDS,
        summary="Propose objectives for a service from its metrics of so many days.",
        function=design,
    )


def _evidence(design: Architecture, days: float) -> Evidence:
    end = datetime.fromtimestamp(design.designed_at, UTC)
    start = datetime.fromtimestamp(design.designed_at - design.asked_seconds, UTC)
    return Evidence.seal(
        kind=EvidenceKind.COMMAND,
        query=f"{NAME}(days={days:g}, service={design.service!r})",
        source=design.source,
        window=Window(start=start, end=end),
        asked_at=utc_now(),
        outcome=Outcome.DATA,
        value=Table(columns=COLUMNS, rows=tuple(_row(d) for d in design.objectives)),
    )


def _row(designed: DesignedObjective) -> tuple[Cell, ...]:
    slo, shown = designed.slo, designed.baseline
    return (
        slo.name,
        slo.objective,
        slo.period_seconds,
        shown.good_ratio,
        shown.low,
        shown.high,
        slo.indicator.bad_query,
        slo.indicator.total_query,
        "; ".join(masked_sentences(designed)).replace("**", ""),
        "; ".join(designed.proposal.warnings),
    )
