"""Severity from how fast the error budget burns and how much of it is gone.

| what is known                                   | severity |
|--------------------------------------------------|----------|
| page, burn at or above 10                        | SEV1     |
| page, the period's budget is spent               | SEV1     |
| page, burn not measured                          | SEV1     |
| page, burn below 10 and budget left or not known | SEV2     |
| ticket, the period's budget is spent             | SEV2     |
| ticket otherwise                                 | SEV3     |
| a person says that it is down                    | SEV1     |
| a person says anything else                      | SEV2     |

At a burn of 10 the whole budget is gone within a tenth of its period: three days of a month, a
weekend. When unsure, the higher: it is easier to lower a severity than to make up for lost time.
Reasons hold no numerals, so that a report can quote them without claiming a measurement.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from holdfast.model.incident import Severity
from holdfast.signals.sentence import Symptom

SEV1_BURN_RATE = 10.0


@dataclass(frozen=True)
class SeverityDecision:
    """A severity and why, in words without numerals."""

    severity: Severity
    reason: str


def severity_of_alert(
    action: Literal["page", "ticket"],
    *,
    burn_rate: float | None,
    budget_spent_fraction: float | None,
) -> SeverityDecision:
    """Return the severity of an alert. `burn_rate` is the long window's; None = not measured."""
    spent = budget_spent_fraction is not None and budget_spent_fraction >= 1
    if action == "ticket":
        return _of_ticket(spent)
    if burn_rate is None:
        return SeverityDecision(
            Severity.SEV1, "an alert that pages; the burn is not measured yet: unsure, the higher"
        )
    if burn_rate >= SEV1_BURN_RATE:
        return SeverityDecision(
            Severity.SEV1,
            "the error budget burns so fast that all of it is gone in a tenth of its period",
        )
    if spent:
        return SeverityDecision(
            Severity.SEV1, "the error budget of the period is spent and still burns at page speed"
        )
    return SeverityDecision(Severity.SEV2, "the error budget burns at page speed")


def _of_ticket(spent: bool) -> SeverityDecision:
    if spent:
        return SeverityDecision(
            Severity.SEV2, "the error budget of the period is spent and still burns slowly"
        )
    return SeverityDecision(Severity.SEV3, "the error budget burns slowly, but faster than it may")


def severity_of_sentence(symptoms: Iterable[Symptom]) -> SeverityDecision:
    """Return the severity of what a person says, until it is measured."""
    if Symptom.AVAILABILITY in set(symptoms):
        return SeverityDecision(
            Severity.SEV1, "reported as down by a person; not measured yet: unsure, the higher"
        )
    return SeverityDecision(
        Severity.SEV2, "reported by a person; not measured yet: unsure, the higher"
    )
