"""An alert, with Alertmanager's names; unique by (source, fingerprint, starts_at)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from holdfast.model.base import Record, UtcTime


class Alert(Record):
    """`labels` hold at least `alertname`; `service` and `slo` where they are known."""

    fingerprint: str
    source: str
    status: Literal["firing", "resolved"]
    severity: Literal["page", "ticket"]
    starts_at: UtcTime
    ends_at: UtcTime | None = None
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    annotations: dict[str, str] = Field(default_factory=dict[str, str])
