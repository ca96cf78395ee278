"""What a rule does on what was recorded: derivations that `verify` can compute again.

Inputs alternate: a matrix of the level, then one of the rule's own expression over the same
stretch. An answer of the rule that is empty is silence only where its level was measured.
"""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.errors import EvidenceError
from holdfast.evidence.derive import Parameters, derivation_over_gaps
from holdfast.model.evidence import Evidence, Matrix
from holdfast.model.prevention import RuleProof


@derivation_over_gaps
def rule_evaluations(inputs: Sequence[Evidence], _parameters: Parameters) -> float | None:
    """Return at how many steps the level was measured; None where it never was."""
    counts = [len(_times(level)) for level, _ in _pairs(inputs)]
    return float(sum(counts)) if any(counts) else None


@derivation_over_gaps
def rule_firing(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return at how many steps the rule fires; None where its level was never measured.

    It fires where a series has been in its answer for `for_seconds`, without a hole.
    """
    if rule_evaluations(inputs, {}) is None:
        return None
    return float(sum(len(_firing(rule, parameters)) for _, rule in _pairs(inputs)))


@derivation_over_gaps
def rule_first_firing(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the first Unix time at which the rule fires; None where it does not."""
    times = [at for _, rule in _pairs(inputs) for at in _firing(rule, parameters)]
    return min(times, default=None)


def prove(
    incident: Sequence[Evidence],
    healthy: Sequence[Evidence],
    *,
    for_seconds: float,
    alert_at: float | None,
) -> RuleProof:
    """Return the proof from pairs of level and rule, as the derivations take them.

    An answer that is an error makes a count None, and the proof does not hold.
    """
    parameters: Parameters = {"for_seconds": for_seconds}
    return RuleProof(
        incident_evaluations=_count(rule_evaluations(_sound(incident), {})),
        incident_firing=_count(rule_firing(_sound(incident), parameters)),
        healthy_evaluations=_count(rule_evaluations(_sound(healthy), {})),
        healthy_firing=_count(rule_firing(_sound(healthy), parameters)),
        fired_at_unix_seconds=rule_first_firing(_sound(incident), parameters),
        alert_at_unix_seconds=alert_at,
        evidence_ids=tuple(item.id for item in (*incident, *healthy)),
    )


def why_not(proof: RuleProof) -> str:
    """Say why a proof does not hold."""
    if not proof.incident_evaluations:
        return "nothing was recorded in the incident to try it on"
    if not proof.incident_firing:
        return "it is silent on the incident's own recording"
    if not proof.healthy_evaluations:
        return "nothing was recorded in healthy time to try it on"
    return "it fires in healthy time too"


def _sound(inputs: Sequence[Evidence]) -> Sequence[Evidence]:
    """Return the inputs, none where one of them is an error: a part would pass for the whole."""
    return () if any(item.error for item in inputs) else inputs


def _count(number: float | None) -> int | None:
    return None if number is None else int(number)


def _pairs(inputs: Sequence[Evidence]) -> list[tuple[Evidence, Evidence]]:
    if len(inputs) % 2:
        raise EvidenceError("the level and the rule alternate: an even number of inputs is needed")
    return list(zip(inputs[::2], inputs[1::2], strict=True))


def _times(item: Evidence) -> set[float]:
    if item.value is None:
        return set()
    if not isinstance(item.value, Matrix):
        raise EvidenceError(f"evidence {item.id} is no range matrix")
    return {at for series in item.value.series for at, _ in series.points}


def _firing(rule: Evidence, parameters: Parameters) -> list[float]:
    if not _times(rule):
        return []
    assert isinstance(rule.value, Matrix)
    wanted, longest_gap = float(parameters.get("for_seconds") or 0), 1.5 * (rule.step_seconds or 0)
    found: set[float] = set()
    for series in rule.value.series:
        began = previous = None
        for at, _ in series.points:
            if began is None or previous is None or at - previous > longest_gap:
                began = at
            previous = at
            if at - began >= wanted - 1e-6:
                found.add(at)
    return sorted(found)
