"""Reading a test: bind the evidence to its places, compute the measure, hold it to the prediction.

Pure: the same evidence gives the same reading. What cannot be measured is `unknown`, never a pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from holdfast.diagnosis import derivations as _registered
from holdfast.errors import EvidenceError
from holdfast.evidence.derive import compute
from holdfast.model.evidence import Evidence, Outcome
from holdfast.model.figure import Derivation
from holdfast.model.hypothesis import Test, TestResult

assert _registered  # imported for what it registers: the measures of tests name its derivations

Reading = Literal["supports", "contradicts", "unknown"]


def read_test(test: Test, evidence: Sequence[Evidence]) -> TestResult:
    """Return what the test measured. `evidence` answers `test.calls`, in their order."""
    measured, trouble = _measure(test, evidence)
    return TestResult(
        test_id=test.id,
        hypothesis_id=test.hypothesis_id,
        evidence_ids=tuple(item.id for item in evidence),
        measured=measured,
        reading=_reading(test, measured),
        note=trouble,
    )


def bound_measure(test: Test, evidence_ids: Sequence[str]) -> Derivation:
    """Return the measure with `$0`, `$1` … replaced by the evidence's ids: a figure's derivation.

    Raises EvidenceError where a place has no evidence.
    """
    places = [_place(name, len(evidence_ids)) for name in test.measure.evidence_ids]
    return test.measure.model_copy(
        update={"evidence_ids": tuple(evidence_ids[place] for place in places)}
    )


def _measure(test: Test, evidence: Sequence[Evidence]) -> tuple[float | None, str]:
    try:
        places = [_place(name, len(evidence)) for name in test.measure.evidence_ids]
        measured = compute(test.measure, [evidence[place] for place in places])
    except EvidenceError as error:
        return None, str(error)
    if measured is not None and math.isinf(measured):
        return None, "a ratio to nothing measures nothing"
    return measured, "" if measured is not None else _why_unknown(evidence)


def _place(name: str, count: int) -> int:
    if not name.startswith("$") or not name[1:].isdigit() or int(name[1:]) >= count:
        raise EvidenceError(f"the measure names {name}, and {count} answers were given")
    return int(name[1:])


def _reading(test: Test, measured: float | None) -> Reading:
    if measured is None:
        return "unknown"
    return "supports" if test.prediction.holds(measured) else "contradicts"


def _why_unknown(evidence: Sequence[Evidence]) -> str:
    errors = [item.error for item in evidence if item.outcome is Outcome.ERROR]
    if errors:
        return errors[0]
    if any(item.outcome is Outcome.NO_DATA for item in evidence):
        return "no data"
    return "the answers do not carry the measure"
