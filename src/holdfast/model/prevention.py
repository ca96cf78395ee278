"""Prevention: an alert rule that would have told of the incident earlier, with its proof."""

from __future__ import annotations

from pydantic import Field

from holdfast.model.base import Record


class AlertRule(Record):
    """A Prometheus alerting rule: fires while `expression` has answered for `for_seconds`.

    `expression` holds its own comparison, so that any series in its answer is a violation.
    """

    name: str
    expression: str
    for_seconds: float = Field(default=0.0, ge=0)
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    annotations: dict[str, str] = Field(default_factory=dict[str, str])


class RuleProof(Record):
    """What a rule does on what was recorded. Counts are of evaluations; None = no data.

    `fired_at_unix_seconds`: when it would have fired in the incident; `alert_at_unix_seconds`: when
    the alert that opened the incident did.
    """

    incident_evaluations: int | None
    incident_firing: int | None
    healthy_evaluations: int | None
    healthy_firing: int | None
    fired_at_unix_seconds: float | None = None
    alert_at_unix_seconds: float | None = None
    evidence_ids: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether it fires on the incident's own recording and is silent on healthy recordings."""
        heard = bool(self.incident_evaluations) and bool(self.healthy_evaluations)
        return heard and bool(self.incident_firing) and self.healthy_firing == 0


class Prevention(Record):
    """A rule for a mechanism of a service. Only one whose proof holds is put into force."""

    id: str
    service: str
    hypothesis_id: str
    """The mechanism that it would tell of."""
    rule: AlertRule
    proof: RuleProof
    threshold_from: str
    """In words: how the threshold follows from what was measured."""
