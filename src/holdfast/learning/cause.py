"""What is believed to be the cause: the release or service, and the mechanism that explains it."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.diagnosis.conclusion import conclude
from holdfast.diagnosis.patterns import CLAIM, RECOVERED
from holdfast.model.case import Case
from holdfast.model.change import Change
from holdfast.model.hypothesis import Hypothesis, HypothesisStatus

_NO_CAUSES = (CLAIM.id, RECOVERED.id)
"""A person's claim that was measured, or that the trouble is over, explains nothing."""

_BELIEVED = (HypothesisStatus.SUPPORTED, HypothesisStatus.SUSPECTED)


@dataclass(frozen=True)
class Cause:
    """`origin` is where it came from; `mechanism` explains it, and may be only suspected."""

    origin: Hypothesis | None
    mechanism: Hypothesis | None
    change: Change | None
    beside: tuple[Hypothesis, ...] = ()
    """Causes that are shown as well: several may have acted at once."""

    @property
    def known(self) -> bool:
        """Whether anything is believed at all."""
        return self.origin is not None

    @property
    def supported(self) -> bool:
        """Whether the deepest hypothesis that is believed has passed its tests."""
        deepest = self.mechanism or self.origin
        return deepest is not None and deepest.status is HypothesisStatus.SUPPORTED


def cause_of(case: Case) -> Cause:
    """Return the cause that the case believes in: the most confident chain of hypotheses."""
    believed = [
        h
        for h in case.hypotheses.values()
        if h.status in _BELIEVED and h.mechanism not in _NO_CAUSES
    ]
    parents = {h.parent_id for h in believed}
    leaves = [h for h in believed if h.id not in parents]
    if not leaves:
        return Cause(None, None, None)
    leaf = max(leaves, key=lambda h: (_certainty(_top(case, h)), _depth(case, h), _certainty(h)))
    origin = _top(case, leaf)
    mechanism = leaf if leaf is not origin or leaf.code else None
    beside = tuple(h for h in conclude(case).causes if h.id != origin.id and _is_shown(h))
    return Cause(origin, mechanism, _change(case, origin) or _change(case, leaf), beside)


def _is_shown(hypothesis: Hypothesis) -> bool:
    return hypothesis.status is HypothesisStatus.SUPPORTED


def _certainty(hypothesis: Hypothesis) -> tuple[bool, float]:
    return hypothesis.status is HypothesisStatus.SUPPORTED, hypothesis.confidence


def _depth(case: Case, hypothesis: Hypothesis) -> int:
    return len(_ancestors(case, hypothesis))


def _top(case: Case, hypothesis: Hypothesis) -> Hypothesis:
    ancestors = _ancestors(case, hypothesis)
    return ancestors[-1] if ancestors else hypothesis


def _ancestors(case: Case, hypothesis: Hypothesis) -> list[Hypothesis]:
    found: list[Hypothesis] = []
    parent = case.hypotheses.get(hypothesis.parent_id or "")
    while parent is not None and parent not in found:
        found.append(parent)
        parent = case.hypotheses.get(parent.parent_id or "")
    return found


def _change(case: Case, hypothesis: Hypothesis) -> Change | None:
    changes = case.triage.changes if case.triage else ()
    return next((c for c in changes if c.id == hypothesis.change_id), None)
