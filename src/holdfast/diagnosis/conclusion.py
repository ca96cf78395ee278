"""What an investigation came to, read from the hypotheses on record: for reports and outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.diagnosis.candidates import PATTERNS
from holdfast.model.case import Case
from holdfast.model.hypothesis import Hypothesis, HypothesisStatus

_BELIEVED = (HypothesisStatus.SUPPORTED, HypothesisStatus.SUSPECTED)


@dataclass(frozen=True)
class Conclusion:
    """`cause` None = unresolved. `mechanisms` = how it did its damage, the measured ones first.

    A mechanism of status `suspected` could not be told from others with what is measured here.
    """

    cause: Hypothesis | None
    causes: tuple[Hypothesis, ...]
    """All that are shown by evidence, the likeliest first: several may act at once. Where none is
    shown, the likeliest that is suspected."""
    mechanisms: tuple[Hypothesis, ...]
    rivals: tuple[Hypothesis, ...]
    """The causes beside `cause`, refuted or not, the likeliest first."""
    recovered: bool
    """The symptom was measured to be gone before any action."""
    gaps: tuple[str, ...]
    """What could not be asked of the hypotheses that are not refuted."""


def conclude(case: Case) -> Conclusion:
    """Return what the case's hypotheses come to. Pure."""
    known = list(case.hypotheses.values())
    causes = _ranked([h for h in known if PATTERNS[h.mechanism].is_cause])
    supported = [h for h in causes if h.status is HypothesisStatus.SUPPORTED]
    suspected = [h for h in causes if h.status is HypothesisStatus.SUSPECTED]
    cause = next(iter([*supported, *suspected]), None)
    below = [h for h in known if cause and h.parent_id == cause.id and h.status in _BELIEVED]
    left = [h for h in known if h.status is not HypothesisStatus.REFUTED]
    return Conclusion(
        cause=cause,
        causes=tuple(supported or suspected[:1]),
        mechanisms=_ranked(below),
        rivals=tuple(h for h in causes if h is not cause),
        recovered=not case.actions and any(_says_recovered(h) for h in known),
        gaps=tuple(dict.fromkeys(gap for h in left for gap in h.gaps)),
    )


def _says_recovered(hypothesis: Hypothesis) -> bool:
    state = PATTERNS[hypothesis.mechanism].scope == "state"
    return state and hypothesis.status is HypothesisStatus.SUPPORTED


def _ranked(hypotheses: Sequence[Hypothesis]) -> tuple[Hypothesis, ...]:
    def key(hypothesis: Hypothesis) -> tuple[bool, float, str]:
        measured = hypothesis.status is HypothesisStatus.SUPPORTED
        return (not measured, -hypothesis.confidence, hypothesis.id)

    return tuple(sorted(hypotheses, key=key))
