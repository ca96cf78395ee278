"""Claims of a person's sentence: hypotheses about numbers, measured like any other."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.diagnosis.identity import OfIncident, hypothesis_id
from holdfast.diagnosis.scene import Scene
from holdfast.diagnosis.signals import Gap, level
from holdfast.model.hypothesis import Bound, Hypothesis
from holdfast.model.incident import Claim
from holdfast.model.service import Signal

_FACTOR = 2.0
"""A claim holds where the measurement is within this factor of it: people round."""

_UNITS = {"ms": 1e-3, "s": 1.0, "seconds": 1.0, "milliseconds": 1e-3, "%": 1e-2, "percent": 1e-2}

_WORDS: tuple[tuple[tuple[str, ...], Signal], ...] = (
    (("p95", "95"), Signal.LATENCY_P95),
    (("p50", "median"), Signal.LATENCY_P50),
    (("error", "fail", "avail"), Signal.ERROR_RATIO),
    (("slow_ratio", "slow ratio"), Signal.SLOW_RATIO),
    (("rps", "rate", "traffic", "qps"), Signal.REQUEST_RATE),
    (("latency", "duration", "response"), Signal.LATENCY_MEAN),
)


@dataclass(frozen=True)
class AskedClaim:
    """How a claim is measured."""

    query: str
    at: float
    prediction: Bound


def claim_id(scene: OfIncident, claim: Claim) -> str:
    """Return the id of the hypothesis that a claim makes."""
    return hypothesis_id(scene, "claim", claim.quantity, f"{claim.value!r} {claim.unit}")


def claim_question(hypothesis: Hypothesis, scene: Scene) -> AskedClaim | Gap:
    """Return the query, its instant and the bound, or the gap."""
    claim = next((c for c in scene.claims if claim_id(scene, c) == hypothesis.id), None)
    signal = None if claim is None else _signal(claim.quantity)
    if claim is None or signal is None:
        return Gap(f"what was told of {hypothesis.service} names no quantity that is measured")
    service = scene.services[hypothesis.service]
    if signal not in service.signals:
        return Gap(f"{service.name} has no metric for {signal.value}")
    when = _when(claim.quantity, scene)
    if when is None:
        return Gap(f"no healthy time of {service.name} before the onset is known")
    at, window_seconds = when
    value = claim.value * _UNITS.get(claim.unit.lower(), 1.0)
    return AskedClaim(
        query=level(service, signal, window_seconds),
        at=at,
        prediction=Bound(at_least=value / _FACTOR, at_most=value * _FACTOR, unit=_unit(signal)),
    )


def _unit(signal: Signal) -> str:
    for ending, unit in (("_seconds", "s"), ("_ratio", "fraction"), ("_per_second", "per second")):
        if signal.value.endswith(ending):
            return unit
    return signal.value


def _signal(quantity: str) -> Signal | None:
    wanted = quantity.lower()
    for words, signal in _WORDS:
        if any(word in wanted for word in words):
            return signal
    return None


def _when(quantity: str, scene: Scene) -> tuple[float, float] | None:
    """Return the instant and the window; `…before` speaks of the healthy time."""
    if "before" not in quantity.lower():
        return scene.now, scene.now_window_seconds
    if scene.healthy is None:
        return None
    start, end = scene.healthy
    return end, max(end - start, scene.shortest_window_seconds)
