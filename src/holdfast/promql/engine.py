"""The embedded PromQL engine: a query over recorded series, answered as Prometheus would.

Default semantics are those of Prometheus 3 (windows and lookback exclude their start);
`windows="closed"` gives those of 2.x. What is not evaluated is refused, never approximated.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from holdfast.errors import InputError
from holdfast.model.evidence import Matrix, Sample, Series, Vector
from holdfast.promql.evaluate import Evaluator, result_of
from holdfast.promql.natives import refused_windows
from holdfast.promql.notes import Notes
from holdfast.promql.parse import parse
from holdfast.promql.samples import SampleStore
from holdfast.promql.values import Block, Bools, Floats, Frame, Settings, block_of


class Engine:
    """Answers PromQL from a store of samples. It keeps nothing between queries but parsed text."""

    def __init__(
        self,
        store: SampleStore,
        *,
        lookback_seconds: float = 300,
        windows: Literal["left_open", "closed"] = "left_open",
        keep_nan: bool = False,
        delayed_name_removal: bool = False,
        default_subquery_step_seconds: float = 60,
    ) -> None:
        """Keep the store and the semantics.

        `keep_nan` keeps samples whose value is NaN in the answers, where by default they are left
        out as no data; infinities always stay. `delayed_name_removal` is Prometheus's feature flag
        of that name.
        """
        settings = Settings(
            lookback_ms=round(lookback_seconds * 1000),
            left_open=windows == "left_open",
            delayed_names=delayed_name_removal,
            subquery_step_ms=round(default_subquery_step_seconds * 1000),
        )
        self._evaluator = Evaluator(store, settings)
        self._keep_nan = keep_nan

    def instant(self, promql: str, at: float) -> Vector:
        """Return the answer at one instant, Unix seconds; a scalar is one sample without labels.

        Raises PromQLError if the expression is wrong or its matching ambiguous, PromQLUnsupported
        if it is valid but not evaluated here.
        """
        at_ms = round(at * 1000)
        frame = Frame(np.array([at_ms], dtype=np.int64), at_ms, at_ms)
        block, notes = self._block(promql, frame)
        rows = np.flatnonzero(self._shown(block)[:, 0])
        values = block.values[:, 0].tolist()
        return Vector(
            samples=tuple(
                Sample(labels=block.labels[row], at=at_ms / 1000, value=values[row])
                for row in rows.tolist()
            ),
            warnings=notes,
        )

    def text(self, promql: str) -> str:
        """Return what a string expression says; raises PromQLError if it is none."""
        return self._evaluator.text(parse(promql))

    def range(self, promql: str, start: float, end: float, step_seconds: float) -> Matrix:
        """Return the answers at start, start + step, ... up to end; series are sorted by labels.

        Raises as `instant` does, and InputError if the step or the interval is not positive.
        """
        step_ms = round(step_seconds * 1000)
        start_ms, end_ms = round(start * 1000), round(end * 1000)
        if step_ms <= 0 or end_ms < start_ms:
            raise InputError(f"no steps from {start} to {end} by {step_seconds} s")
        times = np.arange(start_ms, end_ms + 1, step_ms, dtype=np.int64)
        block, notes = self._block(promql, Frame(times, start_ms, end_ms, step_ms))
        shown = self._shown(block)
        rows = sorted(np.flatnonzero(shown.any(axis=1)).tolist(), key=lambda r: _order(block, r))
        seconds = times / 1000
        return Matrix(
            series=tuple(
                Series(
                    labels=block.labels[row],
                    points=_points(seconds[shown[row]], block.values[row, shown[row]]),
                )
                for row in rows
            ),
            warnings=notes,
        )

    def samples(self, promql: str, at: float) -> Matrix:
        """Return the raw samples of a range vector such as `x[5m]`, as an instant query has them.

        Raises PromQLError if the expression is not a range vector.
        """
        at_ms = round(at * 1000)
        frame = Frame(np.array([at_ms], dtype=np.int64), at_ms, at_ms)
        windows = refused_windows(self._evaluator.windows(parse(promql), frame))
        series: list[Series] = []
        for row, labels in enumerate(windows.labels):
            inside = slice(int(windows.low[row, 0]), int(windows.high[row, 0]))
            seconds, values = windows.times_ms[inside] / 1000, windows.values[inside]
            shown = np.ones(values.shape, dtype=np.bool_) if self._keep_nan else ~np.isnan(values)
            if shown.any():
                series.append(Series(labels=labels, points=_points(seconds[shown], values[shown])))
        return Matrix(series=tuple(series))

    def _block(self, promql: str, frame: Frame) -> tuple[Block, tuple[str, ...]]:
        evaluator = replace(self._evaluator, notes=Notes())
        value = result_of(evaluator, parse(promql), frame)
        if not isinstance(value, Block):
            present = np.ones((1, frame.steps), dtype=np.bool_)
            value = block_of([{}], value.reshape(1, -1), present)
        return value, evaluator.notes.texts()

    def _shown(self, block: Block) -> Bools:
        return block.present if self._keep_nan else block.present & ~np.isnan(block.values)


def _points(seconds: Floats, values: Floats) -> tuple[tuple[float, float], ...]:
    return tuple(zip(seconds.tolist(), values.tolist(), strict=True))


def _order(block: Block, row: int) -> list[tuple[str, str]]:
    return sorted(block.labels[row].items())
