"""Read tools that ask the metrics source."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from holdfast.catalog.template import fill
from holdfast.errors import InputError
from holdfast.evidence.ask import Asker, outcome_of
from holdfast.evidence.context import Span, ToolContext, look_back, seal
from holdfast.model.evidence import (
    Cell,
    Evidence,
    EvidenceKind,
    Matrix,
    Outcome,
    Table,
    Vector,
)
from holdfast.model.service import Service

TimeRange = float | Sequence[float]
"""An instant (Unix seconds), or (start, end, step in seconds)."""

QUERY_LABEL = "__query__"
"""The label of a batch's answer that says which query each sample or series answers."""

_HEALTH_COLUMNS = ("signal", "version", "value", "outcome", "query", "error")


class MetricTools:
    """The tools' functions over one context."""

    def __init__(self, context: ToolContext) -> None:
        self._context = context

    def prometheus_query(self, query: str, time_range: TimeRange) -> Evidence:
        """Ask PromQL. `time_range`: Unix seconds, or (start, end, step in seconds)."""
        return _ask(self._context.asker, query, time_range)

    def prometheus_query_batch(self, queries: Sequence[str], time_range: TimeRange) -> Evidence:
        """Ask several expressions over one `time_range`; each result names its query.

        The label `__query__` says which query a sample or series answers. Where one of them fails
        the whole answer is an error: a part would pass for the whole.
        """
        asker = self._context.asker
        answers = [_ask(asker, query, time_range) for query in queries]
        if not answers:
            raise InputError("prometheus_query_batch needs at least one query")
        errors = [f"{a.query}: {a.error}" for a in answers if a.outcome is Outcome.ERROR]
        value = None if errors else _joined(answers)
        return Evidence.seal(
            kind=EvidenceKind.COMMAND,
            query=f"prometheus_query_batch({json.dumps(list(queries), ensure_ascii=False)})",
            source=answers[0].source,
            asked_at=answers[0].asked_at,
            outcome=Outcome.ERROR if errors else outcome_of(value),
            value=value,
            window=answers[0].window,
            step_seconds=answers[0].step_seconds,
            error="; ".join(errors),
        )

    def get_system_health(
        self, service: str, lookback_minutes: float = 5.0, until: float | None = None
    ) -> Evidence:
        """Ask all signals that the catalog knows of a service, over the window, per version.

        Columns: signal (its name carries the unit), version (empty = all together), value,
        outcome, query, error. A signal without data is a row that says so.
        """
        context = self._context
        known, span = context.service(service), look_back(context, lookback_minutes, until)
        rows = [
            row
            for signal, template in known.signals.items()
            for by in ((), (known.version_label,))
            for row in _signal_rows(context.asker, signal.value, template, span, by)
        ]
        table = Table(columns=_HEALTH_COLUMNS, rows=tuple(rows))
        outcomes = {str(row[3]) for row in rows}
        return seal(
            context,
            "get_system_health",
            {"service": service, "lookback_minutes": lookback_minutes},
            kind=EvidenceKind.METRIC,
            source=context.source.name,
            value=table,
            outcome=_overall(outcomes),
            span=span,
            error=_first_error(known, rows, outcomes),
        )


def _ask(asker: Asker, query: str, time_range: TimeRange) -> Evidence:
    if isinstance(time_range, int | float):
        return asker.instant(query, float(time_range))
    if len(time_range) != 3:
        raise InputError(
            f"time_range {time_range!r} is neither an instant nor (start, end, step)",
            hint="Unix seconds; the step in seconds",
        )
    start, end, step_seconds = time_range
    return asker.range(query, start, end, step_seconds)


def _joined(answers: Iterable[Evidence]) -> Vector | Matrix:
    vectors: list[Vector] = []
    matrices: list[Matrix] = []
    for answer in answers:
        if isinstance(answer.value, Vector):
            vectors.append(_named_vector(answer.value, answer.query))
        elif isinstance(answer.value, Matrix):
            matrices.append(_named_matrix(answer.value, answer.query))
    if matrices:
        return Matrix(
            series=tuple(s for m in matrices for s in m.series),
            warnings=tuple(w for m in matrices for w in m.warnings),
        )
    return Vector(
        samples=tuple(s for v in vectors for s in v.samples),
        warnings=tuple(w for v in vectors for w in v.warnings),
    )


def _named_vector(value: Vector, query: str) -> Vector:
    samples = (
        s.model_copy(update={"labels": {**s.labels, QUERY_LABEL: query}}) for s in value.samples
    )
    return value.model_copy(update={"samples": tuple(samples)})


def _named_matrix(value: Matrix, query: str) -> Matrix:
    series = (
        s.model_copy(update={"labels": {**s.labels, QUERY_LABEL: query}}) for s in value.series
    )
    return value.model_copy(update={"series": tuple(series)})


def _signal_rows(
    asker: Asker, signal: str, template: str, span: Span, by: tuple[str, ...]
) -> list[tuple[Cell, ...]]:
    query = fill(template, span.end - span.start, by)
    if by and query == fill(template, span.end - span.start):
        return []  # the template cannot be split
    answer = asker.instant(query, span.end)
    if not isinstance(answer.value, Vector) or not answer.value.samples:
        return [(signal, "", None, answer.outcome.value, query, answer.error)]
    return [
        (signal, s.labels.get(by[0], "") if by else "", s.value, Outcome.DATA.value, query, "")
        for s in answer.value.samples
    ]


def _overall(outcomes: set[str]) -> Outcome:
    """An error among the answers makes the whole an error, unless something was measured."""
    if Outcome.DATA.value in outcomes:
        return Outcome.DATA
    return Outcome.ERROR if Outcome.ERROR.value in outcomes else Outcome.NO_DATA


def _first_error(service: Service, rows: Sequence[tuple[Cell, ...]], outcomes: set[str]) -> str:
    if _overall(outcomes) is not Outcome.ERROR:
        return ""
    said = next(str(row[5]) for row in rows if row[5])
    return f"no signal of {service.name} could be asked: {said}"
