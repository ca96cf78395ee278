"""Smooth weighted round robin: shares are exact over a cycle, and small ones are spread evenly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class SmoothRoundRobin(Generic[T]):
    """Picks members in proportion to their weights (nginx's algorithm, commit 52327e0, 2012).

    Each pick adds to every member its weight, takes the highest, and lowers that by the sum.
    """

    def __init__(self, members: Sequence[tuple[T, float]]) -> None:
        self._members = [(member, weight) for member, weight in members if weight > 0]
        self._credit = [0.0] * len(self._members)
        self._total = sum(weight for _, weight in self._members)

    def pick(self) -> T | None:
        """Return the next member, or None where nobody has a weight."""
        if not self._members:
            return None
        for index, (_, weight) in enumerate(self._members):
            self._credit[index] += weight
        best = max(range(len(self._credit)), key=self._credit.__getitem__)
        self._credit[best] -= self._total
        return self._members[best][0]
