"""Asks the sources again: do they still say what they said when the post-mortem was written?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from holdfast.errors import HoldfastError
from holdfast.learning.report import LiveAnswer, VerifyReport
from holdfast.model.evidence import Evidence, EvidenceKind, Matrix, Outcome, Vector

Ask = Callable[[Evidence], Evidence]
"""Asks an evidence's query of its source again, over its own window and step."""


def verify_live(report: VerifyReport, ask: Ask) -> tuple[LiveAnswer, ...]:
    """Return what the sources say now for each metric evidence that a figure rests on.

    `expired` = it had data and has none now: retention has passed. `unavailable` = no answer.
    """
    metrics = [item for item in report.evidence if item.kind is EvidenceKind.METRIC]
    return tuple(_again(item, ask) for item in metrics)


def _again(item: Evidence, ask: Ask) -> LiveAnswer:
    try:
        now = ask(item)
    except HoldfastError as error:
        return _answer(item, "unavailable", str(error))
    if now.outcome is Outcome.ERROR:
        return _answer(item, "unavailable", now.error)
    if item.outcome is Outcome.DATA and now.outcome is Outcome.NO_DATA:
        return _answer(item, "expired", "the source has no data for that time any more")
    if _same(item, now):
        return _answer(item, "same", "")
    return _answer(item, "different", "the source answers otherwise now")


def _answer(item: Evidence, result: str, detail: str) -> LiveAnswer:
    return LiveAnswer.model_validate(
        {"evidence_id": item.id, "query": item.query, "result": result, "detail": detail}
    )


def _same(then: Evidence, now: Evidence) -> bool:
    if then.outcome is not now.outcome:
        return False
    one, other = _flat(then), _flat(now)
    return one.keys() == other.keys() and all(
        math.isclose(one[key], other[key], rel_tol=1e-9) or one[key] == other[key] for key in one
    )


def _flat(item: Evidence) -> dict[tuple[str, float], float]:
    match item.value:
        case Vector(samples=samples):
            return {(_labels(s.labels.items()), s.at): s.value for s in samples}
        case Matrix(series=series):
            return {(_labels(s.labels.items()), at): v for s in series for at, v in s.points}
        case _:
            return {}


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(labels))
