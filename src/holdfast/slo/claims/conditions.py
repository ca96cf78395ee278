"""The burn-rate conditions of OpenSLO's AlertCondition: a typed-in burn rate over one window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import promql_parser

from holdfast.model.claim import CheckedClaim
from holdfast.model.slo import SLO
from holdfast.slo.claims.arithmetic import Given
from holdfast.slo.claims.comparisons import Comparison
from holdfast.slo.claims.quantities import time_in_words
from holdfast.slo.claims.rule_thresholds import check_thresholds, said_in

Fields = Mapping[str, object]


def check_conditions(
    documents: Sequence[Fields], slos: Sequence[SLO], given: Given
) -> Iterator[CheckedClaim]:
    """Return a claim for each AlertCondition. The objective is that of the file's only SLO."""
    only = slos[0] if len(slos) == 1 else None
    for document in documents:
        if document.get("kind") == "AlertCondition":
            yield _checked(document, only, given)


def _checked(document: Fields, slo: SLO | None, given: Given) -> CheckedClaim:
    name = str(_fields(document, "metadata").get("name", "AlertCondition"))
    spec = _fields(document, "spec")
    condition = _fields(spec, "condition")
    burn, window = condition.get("threshold"), _seconds(condition.get("lookbackWindow"))
    if condition.get("kind") != "burnrate" or not isinstance(burn, int | float) or window is None:
        return _refused(name, "a condition needs kind: burnrate, threshold and lookbackWindow")
    objective = given.objective or (slo.objective if slo else None)
    if objective is None:
        return _refused(
            f"{name}: {burn:g}x over {time_in_words(window)}",
            "the file has no SLO, or several: give --objective",
        )
    period = given.period_seconds or (slo.period_seconds if slo else None)
    said = said_in(str(spec.get("description", "")))
    budget = 1 - objective
    return check_thresholds(
        name, [Comparison(window, burn * budget, burn, budget)], said, Given(objective, period)
    )


def _refused(statement: str, why: str) -> CheckedClaim:
    return CheckedClaim(statement=statement, verdict="not_understood", notes=(why,))


def _fields(document: Fields, key: str) -> Fields:
    found = document.get(key)
    return cast("Fields", found) if isinstance(found, dict) else {}


def _seconds(text: object) -> float | None:
    try:
        return promql_parser.parse_duration(str(text)).total_seconds()
    except ValueError:
        return None
