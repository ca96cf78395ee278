"""Which bucket boundary stands for a latency bound, and how far it may be wrong.

A classic histogram knows how many requests were at most as slow as each boundary, and nothing
between two. Where the wanted bound lies between, the fraction within it lies between the fractions
of the two neighbours: that is the error bound, and it is stated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.catalog.discover import HEALTHY_FRACTION
from holdfast.catalog.proposals import Boundary, RequestMetric
from holdfast.catalog.template import duration
from holdfast.errors import InputError
from holdfast.evidence.source import MetricsSource

LEAST_FRACTION = 0.9
"""A boundary that fewer requests keep is no bound that a service could promise."""


@dataclass(frozen=True)
class Threshold:
    """The boundary that is measured, and between what the wanted bound's own fraction lies."""

    boundary: Boundary
    wanted_seconds: float | None
    lower_fraction: float
    upper_fraction: float
    """Of the requests looked back on, within the wanted bound: at least and at most."""
    below_seconds: float | None
    above_seconds: float | None
    """The neighbouring boundaries where the wanted bound is on none; None = there is none."""
    looked_back_seconds: float = 0.0
    """How far back the fractions were counted."""

    @property
    def exact(self) -> bool:
        """Whether the boundary is the wanted one."""
        return self.wanted_seconds is None or self.boundary.seconds == self.wanted_seconds

    @property
    def error_fraction(self) -> float:
        """The most that the measured fraction differs from the wanted bound's own."""
        measured = self.boundary.measured_fraction
        return max(measured - self.lower_fraction, self.upper_fraction - measured)


def read_boundaries(
    source: MetricsSource, latency: RequestMetric, window_seconds: float, at: float
) -> tuple[Boundary, ...]:
    """Return the finite boundaries, ascending, with the fraction of requests that kept each.

    Empty where there were no requests. Raises InputError where the buckets have no label `le`.
    """
    name = f"{latency.family.metric}_bucket"
    rates = f"increase({name}{{{latency.matchers}}}[{duration(window_seconds)}])"
    samples = source.query(f"sum by (le) ({rates})", at).samples
    counts: dict[float, tuple[str, float]] = {}
    for sample in samples:
        le = sample.labels.get("le")
        if le is None:
            raise InputError(
                f"{name}: no label le: these series are no histogram",
                hint="keep le in recording rules and relabelling (sum by (le, …))",
            )
        written, before = counts.get(_bound(le, name), (le, 0.0))
        counts[_bound(le, name)] = (written, before + sample.value)
    return _fractions(counts, latency.family.seconds_per_unit)


def _bound(le: str, name: str) -> float:
    try:
        return float(le)
    except ValueError:
        raise InputError(f"{name}: le={le!r} is no number", hint="correct the exporter") from None


def _fractions(
    counts: dict[float, tuple[str, float]], seconds_per_unit: float
) -> tuple[Boundary, ...]:
    ordered = sorted(counts.items())
    total = ordered[-1][1][1] if ordered else 0.0
    if total <= 0 or ordered[-1][0] != float("inf"):
        return ()
    return tuple(
        Boundary(le, _seconds(bound, seconds_per_unit), min(1.0, max(0.0, count / total)))
        for bound, (le, count) in ordered[:-1]
    )


def _seconds(bound: float, seconds_per_unit: float) -> float:
    """300 ms are 0.3 s, not 0.30000000000000004."""
    return float(f"{bound * seconds_per_unit:.12g}")


def choose(boundaries: Sequence[Boundary], wanted_seconds: float | None) -> Threshold | None:
    """Return the boundary to be measured; None where none can be.

    Without a wish: the first that leaves half of the usual budget on what was seen, or the last
    one where most requests kept that. With one: that boundary, or else the next below it, so that
    no request slower than wanted counts as fast; the first where there is none below.
    """
    if not boundaries:
        return None
    if wanted_seconds is None:
        return _by_traffic(boundaries)
    return _by_wish(boundaries, wanted_seconds)


def _by_traffic(boundaries: Sequence[Boundary]) -> Threshold | None:
    kept = [b for b in boundaries if b.measured_fraction >= HEALTHY_FRACTION]
    chosen = kept[0] if kept else boundaries[-1]
    if chosen.measured_fraction < LEAST_FRACTION:
        return None
    measured = chosen.measured_fraction
    return Threshold(chosen, None, measured, measured, None, None)


def _by_wish(boundaries: Sequence[Boundary], wanted: float) -> Threshold:
    below = [b for b in boundaries if b.seconds <= wanted]
    above = [b for b in boundaries if b.seconds > wanted]
    if below and below[-1].seconds == wanted:
        measured = below[-1].measured_fraction
        return Threshold(below[-1], wanted, measured, measured, None, None)
    lower = below[-1].measured_fraction if below else 0.0
    upper = above[0].measured_fraction if above else 1.0
    return Threshold(
        boundary=below[-1] if below else above[0],
        wanted_seconds=wanted,
        lower_fraction=lower,
        upper_fraction=upper,
        below_seconds=below[-1].seconds if below else None,
        above_seconds=above[0].seconds if above else None,
    )
