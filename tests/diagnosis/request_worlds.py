"""Made-up requests with latency patterns whose members are known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from holdfast.diagnosis.traces import RequestTable, request_table

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass
class World:
    """Requests of four operations, lognormal each; latency is their sum and some of its own."""

    size: int = 3000
    seed: int = 1
    durations: dict[str, Numbers] = field(default_factory=dict)
    calls: dict[str, Numbers] = field(default_factory=dict)
    attributes: dict[str, list[str | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        for name, median in (("auth", 5.0), ("cart", 20.0), ("stock", 12.0), ("price", 8.0)):
            self.durations[name] = median * self.random.lognormal(0, 0.15, self.size)
        self.own = 30 * self.random.lognormal(0, 0.1, self.size)

    def some(self, share: float) -> Flags:
        """Return a random part of the requests."""
        return self.random.random(self.size) < share

    def delay(self, members: Flags, operation: str, milliseconds: float) -> None:
        """Make the operation slower for these requests."""
        extra = self.random.normal(milliseconds, milliseconds / 50, self.size)
        self.durations[operation] = self.durations[operation] + np.where(members, extra, 0)

    @property
    def latency(self) -> Numbers:
        return self.own + np.sum([np.nan_to_num(v) for v in self.durations.values()], axis=0)

    def table(self) -> RequestTable:
        return request_table(
            self.latency,
            durations=self.durations,
            calls=self.calls,
            attributes=self.attributes,
        )
