"""A series of bad fractions as a row of blocks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

_BLOCKS = "▁▂▃▄▅▆▇█"
_LEAST_TOP_BUDGETS = 4.0
"""The highest block means at least four times the allowed fraction: noise stays flat."""

CellState = Literal["met", "missed", "no_data"]


@dataclass(frozen=True, slots=True)
class SparkCell:
    """One block and whether the objective was met there."""

    block: str
    state: CellState


def sparkline(
    bad_fractions: Sequence[float | None], allowed_fraction: float, width: int
) -> tuple[SparkCell, ...]:
    """Return `width` cells, the newest last; None is no data and is shown as a gap."""
    newest = list(bad_fractions)[-width:]
    padded = [None] * (width - len(newest)) + newest
    top = max([v for v in newest if v is not None] + [allowed_fraction * _LEAST_TOP_BUDGETS])
    return tuple(_cell(value, allowed_fraction, top) for value in padded)


def _cell(value: float | None, allowed: float, top: float) -> SparkCell:
    if value is None:
        return SparkCell(" ", "no_data")
    step = min(len(_BLOCKS) - 1, int(value / top * len(_BLOCKS)))
    return SparkCell(_BLOCKS[step], "missed" if value > allowed else "met")
