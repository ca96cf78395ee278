"""Whether a set of requests is slow more often than chance and the rest explain."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from holdfast.diagnosis.traces.table import Flags


@dataclass(frozen=True)
class Population:
    """The slow requests, and what counts as a pattern among them.

    `least`: the fewest slow requests. `purity`: the least share of slow ones, of those that match.
    `z`: how many standard errors a finding stands clear of chance; many things are tried.
    """

    slow: Flags
    least: int
    purity: float
    z: float

    def guilty(self, members: Flags) -> bool:
        """Return whether these requests are slow for sure, and surely more often than the rest."""
        size, bad = int(members.sum()), int((members & self.slow).sum())
        rest, rest_bad = len(members) - size, int(self.slow.sum()) - bad
        if bad < self.least:
            return False
        low, _ = wilson(bad, size, self.z)
        _, high = wilson(rest_bad, rest, self.z) if rest else (0.0, 0.0)
        return bad / size >= self.purity and (low > high or (rest == 0 and low >= self.purity))


def wilson(successes: int, trials: int, z: float) -> tuple[float, float]:
    """Return the score interval of a proportion (Wilson, JASA 22, 1927)."""
    if trials == 0:
        return 0.0, 1.0
    share, spread = successes / trials, z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return centre - half, centre + half


def f_score(members: Flags, wanted: Flags) -> float:
    """Return the harmonic mean of precision and recall; 0 where nothing is met."""
    met = int(np.count_nonzero(members & wanted))
    return (
        2 * met / (int(np.count_nonzero(members)) + int(np.count_nonzero(wanted))) if met else 0.0
    )
