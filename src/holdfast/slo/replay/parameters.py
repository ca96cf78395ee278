"""The parameter sets that a search tries: an objective's page tiers, and others around them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from holdfast.errors import InputError
from holdfast.model.slo import BurnTier
from holdfast.slo.replay.backtest import Replay
from holdfast.slo.replay.firing import threshold_of

AS_IT_IS = "as it is"

_FRACTIONS = (1.0, 0.5, 1.5, 2.5)
_LONGS = (1.0, 0.5, 2.0)
_SHORTS = (12, 6, 24)
_FOR_STEPS = (0, 2, 5)


@dataclass(frozen=True)
class ParameterSet:
    """Page tiers with one `for`."""

    name: str
    tiers: tuple[BurnTier, ...]
    for_seconds: float


def parameter_sets(replay: Replay, *, sets: int, seed: int) -> list[ParameterSet]:
    """Return the objective's own set first, then others around it, a seeded choice of them.

    Only those that can fire, whose windows are whole steps, and whose longer windows ask for slower
    burns.
    """
    pages = tuple(tier for tier in replay.slo.tiers if tier.action == "page")
    if not pages:
        raise InputError(f"{replay.slo.name} has no page tier to search around")
    step = replay.history.step_seconds
    choices = [list(_around(tier, step)) for tier in pages]
    total = math.prod(map(len, choices)) * len(_FOR_STEPS)
    order = np.random.default_rng(seed).permutation(total).tolist()
    found = [ParameterSet(AS_IT_IS, pages, 0.0)]
    seen = {(pages, 0.0)}
    for number in order:
        if len(found) >= sets:
            break
        tiers, hold = _nth(choices, number, step)
        if (tiers, hold) not in seen and _makes_sense(tiers, replay):
            seen.add((tiers, hold))
            found.append(ParameterSet(_name(tiers, hold), tiers, hold))
    return found


def _around(tier: BurnTier, step: float) -> Iterator[BurnTier]:
    for fraction, long, divisor in product(_FRACTIONS, _LONGS, _SHORTS):
        long_seconds = max(2, round(tier.long_window_seconds * long / step)) * step
        short_seconds = max(1, round(long_seconds / divisor / step)) * step
        if short_seconds < long_seconds and tier.budget_fraction * fraction <= 1:
            yield tier.model_copy(
                update={
                    "budget_fraction": round(tier.budget_fraction * fraction, 9),
                    "long_window_seconds": long_seconds,
                    "short_window_seconds": short_seconds,
                }
            )


def _nth(
    choices: Sequence[Sequence[BurnTier]], number: int, step: float
) -> tuple[tuple[BurnTier, ...], float]:
    number, hold = divmod(number, len(_FOR_STEPS))
    tiers: list[BurnTier] = []
    for options in choices:
        number, place = divmod(number, len(options))
        tiers.append(options[place])
    return tuple(tiers), _FOR_STEPS[hold] * step


def _makes_sense(tiers: Sequence[BurnTier], replay: Replay) -> bool:
    slo = replay.slo
    if any(threshold_of(t, slo.objective, slo.period_seconds) >= 1 for t in tiers):
        return False
    ordered = sorted(tiers, key=lambda tier: tier.long_window_seconds)
    burns = [tier.budget_fraction / tier.long_window_seconds for tier in ordered]
    longs = [tier.long_window_seconds for tier in ordered]
    falling = all(a > b for a, b in pairwise(burns))
    return falling and len(set(longs)) == len(longs)


def _name(tiers: Sequence[BurnTier], hold: float) -> str:
    parts = [
        f"{tier.budget_fraction:.2%} in {_short(tier.long_window_seconds)}"
        f"/{_short(tier.short_window_seconds)}"
        for tier in tiers
    ]
    return ", ".join(parts) + (f", for {_short(hold)}" if hold else "")


def _short(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds / 60:g}m" if seconds >= 60 else f"{seconds:g}s"
