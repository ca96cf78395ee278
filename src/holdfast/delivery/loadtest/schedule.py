"""When requests are meant to start, whatever became of the ones before: the open loop."""

from __future__ import annotations

from random import Random
from typing import Literal

Shape = Literal["poisson", "constant", "even"]


class Arrivals:
    """Gaps between intended starts. The same seed gives the same gaps.

    `poisson`: exponential gaps, as independent users arrive. `constant`: all gaps equal. `even`:
    gaps within half of the mean around it, for tests that need little noise.
    """

    def __init__(self, rate_per_second: float, *, shape: Shape, seed: int) -> None:
        self.rate_per_second = rate_per_second
        self._shape: Shape = shape
        self._random = Random(seed)

    def next_gap_seconds(self) -> float:
        """Return the time to the next intended start. The rate must be above zero."""
        match self._shape:
            case "poisson":
                return self._random.expovariate(self.rate_per_second)
            case "constant":
                return 1 / self.rate_per_second
            case "even":
                return self._random.uniform(0.5, 1.5) / self.rate_per_second
