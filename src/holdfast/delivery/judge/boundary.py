"""How far a mean may stray before it means something, when it is looked at again and again.

Two one-sided boundaries, both in standard errors. Planned looks: alpha spending (Lan and DeMets,
Biometrika 1983) with the crossing probabilities by recursive integration (Armitage, McPherson and
Rowe, JRSS A 1969). Every interval: the one-sided normal mixture (Robbins; Howard, Ramdas,
McAuliffe and Sekhon, Annals of Statistics 2021, eq. 14), asymptotic as in Waudby-Smith et al.
(Annals of Statistics 2024).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

AIM_SHARE = 0.85
"""The part of alpha that is spent by the aimed look; the rest is left for later ones."""

_GRID_STEP = 0.02
_REACH = 8.0
_BISECTIONS = 36


def alpha_spent(intervals: int, *, alpha: float, aim: int, horizon: int) -> float:
    """Return how much of alpha may be spent by a count of intervals.

    Grows with the cube of time up to the aim, so that a first look needs a large effect, and
    evenly from there to the horizon. With the aim at or beyond the horizon all goes by the cube.
    """
    if aim >= horizon:
        return alpha * min(1.0, intervals / horizon) ** 3
    early = min(1.0, intervals / aim) ** 3
    late = min(1.0, max(0.0, (intervals - aim) / (horizon - aim)))
    return alpha * (AIM_SHARE * early + (1 - AIM_SHARE) * late)


@lru_cache(maxsize=128)
def look_boundaries(looks: tuple[int, ...], alpha: float, aim: int) -> tuple[float, ...]:
    """Return for each look the standard errors above which it counts, one-sided.

    Under the null hypothesis the chance that any look crosses is `alpha`.
    """
    boundaries: list[float] = []
    grid, mass, before, spent = np.zeros(1), np.ones(1), 0, 0.0
    for look in looks:
        allowed = alpha_spent(look, alpha=alpha, aim=aim, horizon=looks[-1])
        step = math.sqrt(look - before)
        limit = _crossing(grid, mass, step, allowed - spent, math.sqrt(look) * _REACH)
        grid, mass = _carry_on(grid, mass, step, limit, math.sqrt(look))
        boundaries.append(limit / math.sqrt(look))
        before, spent = look, allowed
    return tuple(boundaries)


def _crossing(grid: Floats, mass: Floats, step: float, allowed: float, high: float) -> float:
    """Return the sum that is exceeded with probability `allowed` after one more step."""
    low = -high
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if float(mass @ _tail((middle - grid) / step)) > allowed:
            low = middle
        else:
            high = middle
    return high


def _tail(deviates: Floats) -> Floats:
    """Return the chance that a standard normal variable exceeds each."""
    return np.array([math.erfc(one) for one in (deviates / math.sqrt(2)).tolist()]) / 2


def _carry_on(
    grid: Floats, mass: Floats, step: float, limit: float, scale: float
) -> tuple[Floats, Floats]:
    """Return the distribution of the sum after a step, of what has not crossed the limit."""
    count = max(200, math.ceil((limit / scale + _REACH) / _GRID_STEP))
    edges = np.linspace(-_REACH * scale, limit, count + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    width = float(edges[1] - edges[0])
    apart = (centres[:, None] - grid[None, :]) / step
    density = np.exp(-apart * apart / 2) / (step * math.sqrt(2 * math.pi))
    return centres, (density @ mass) * width


@lru_cache(maxsize=4096)
def mixture_boundary(intervals: int, alpha: float, aim: int) -> float:
    """Return the standard errors above which a mean counts at any time, one-sided.

    Tightest around `aim` intervals; it holds for every count at once and without an end.
    """
    size = 2 * math.log(1 / (2 * alpha)) if alpha < 0.5 else 0.0
    rho = aim / (size + math.log1p(size))
    wide = intervals + rho
    return math.sqrt(wide / intervals * math.log(wide / (4 * alpha * alpha * rho) + 1))
