"""Turns a metric question into sealed evidence: data, no data, or an error; never an exception."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from holdfast.errors import HoldfastError
from holdfast.evidence.source import MetricsSource
from holdfast.model.base import utc_now
from holdfast.model.evidence import Evidence, EvidenceKind, Matrix, Outcome, Vector, Window

Clock = Callable[[], datetime]


class Asker:
    """Asks one metrics source. `clock` gives the time that evidence says it was asked at."""

    def __init__(self, source: MetricsSource, clock: Clock = utc_now) -> None:
        self.source = source
        self._clock = clock

    def instant(self, promql: str, at: float) -> Evidence:
        """Ask for the value at an instant (Unix seconds); the window has equal ends."""
        return self._seal(promql, window_of(at, at), None, lambda: self.source.query(promql, at))

    def range(self, promql: str, start: float, end: float, step_seconds: float) -> Evidence:
        """Ask for the values at start, start+step … end (Unix seconds)."""
        return self._seal(
            promql,
            window_of(start, end),
            step_seconds,
            lambda: self.source.query_range(promql, start, end, step_seconds),
        )

    def again(self, evidence: Evidence) -> Evidence:
        """Ask the question of metric evidence once more: same query, window and step."""
        if evidence.kind is not EvidenceKind.METRIC or evidence.window is None:
            raise ValueError(f"evidence {evidence.id} is no metric question")
        start, end = (moment.timestamp() for moment in (evidence.window.start, evidence.window.end))
        if evidence.step_seconds is None:
            return self.instant(evidence.query, end)
        return self.range(evidence.query, start, end, evidence.step_seconds)

    def _seal(
        self,
        promql: str,
        window: Window,
        step_seconds: float | None,
        ask: Callable[[], Vector | Matrix],
    ) -> Evidence:
        asked_at = self._clock()
        value, error = _answer(ask)
        return Evidence.seal(
            kind=EvidenceKind.METRIC,
            query=promql,
            source=self.source.name,
            asked_at=asked_at,
            outcome=Outcome.ERROR if error else outcome_of(value),
            value=value,
            window=window,
            step_seconds=step_seconds,
            error=error,
        )


def _answer(ask: Callable[[], Vector | Matrix]) -> tuple[Vector | Matrix | None, str]:
    try:
        return ask(), ""
    except HoldfastError as error:
        return None, str(error)


def outcome_of(value: Vector | Matrix | None) -> Outcome:
    """Return `data` where there is at least one sample or point, else `no_data`."""
    filled = value.samples if isinstance(value, Vector) else value.series if value else ()
    return Outcome.DATA if filled else Outcome.NO_DATA


def window_of(start: float, end: float) -> Window:
    """Return the window between two Unix times."""
    return Window(start=datetime.fromtimestamp(start, UTC), end=datetime.fromtimestamp(end, UTC))
