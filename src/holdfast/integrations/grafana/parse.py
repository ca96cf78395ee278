"""Grafana's payload into alerts, on top of Alertmanager's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from holdfast.integrations.alertmanager.parse import WireAlert, note_truncation, to_alert
from holdfast.integrations.webhook import Delivery, NoteKind, Reading, Received
from holdfast.integrations.webhook_clean import Cleaner
from holdfast.integrations.webhook_payload import NONE_IF_NULL, Text, Wire, read_json
from holdfast.model.alert import Alert

SENDER = "grafana"

REASON = "grafana_state_reason"
_NOT_RECOVERED = frozenset(
    ("MissingSeries", "NoData", "Error", "Paused", "Updated", "RuleDeleted", "KeepLast")
)
_Values = Mapping[str, float | str | None]


class GrafanaAlert(WireAlert):
    """One alert instance of a rule."""

    values: _Values | None = None
    """By the letter of the query or expression."""
    value_string: Text = Field(default="", alias="valueString")
    silence_url: Text = Field(default="", alias="silenceURL")
    dashboard_url: Text = Field(default="", alias="dashboardURL")
    panel_url: Text = Field(default="", alias="panelURL")
    image_url: Text = Field(default="", alias="imageURL")

    def more(self) -> dict[str, str]:
        """Return what Grafana adds, under Grafana's names, as annotations; nothing empty."""
        found = {
            "values": json.dumps(self.values, sort_keys=True) if self.values else "",
            "valueString": self.value_string,
            "silenceURL": self.silence_url,
            "dashboardURL": self.dashboard_url,
            "panelURL": self.panel_url,
            "imageURL": self.image_url,
        }
        return {name: value for name, value in found.items() if value}


class Payload(Wire):
    """One notification."""

    org_id: int = Field(default=1, alias="orgId")
    group_key: Text = Field(default="", alias="groupKey")
    truncated_alerts: int = Field(default=0, ge=0, alias="truncatedAlerts")
    receiver: Text = ""
    alerts: Annotated[tuple[GrafanaAlert, ...], NONE_IF_NULL]


def parse(delivery: Delivery, reading: Reading) -> Received:
    """Return what the notification says. Raises PayloadError."""
    payload = read_json(Payload, delivery.body, SENDER)
    cleaner = Cleaner(reading.redactor)
    source = f"{delivery.source(SENDER)}/org-{payload.org_id}"
    alerts = tuple(
        _alert(alert, source, f"alerts[{at}]", delivery, cleaner)
        for at, alert in enumerate(payload.alerts)
    )
    note_truncation(payload.truncated_alerts, cleaner)
    return Received(
        alerts=alerts,
        receiver=cleaner.line(payload.receiver, "receiver"),
        group_key=cleaner.text(payload.group_key, "groupKey"),
        truncated_alerts=payload.truncated_alerts,
        notes=tuple(cleaner.notes),
    )


def _alert(
    alert: GrafanaAlert, source: str, path: str, delivery: Delivery, cleaner: Cleaner
) -> Alert:
    # The user's own annotations win over Grafana's fields of the same name.
    annotations = {**alert.more(), **alert.annotations}
    full = alert.model_copy(update={"annotations": annotations})
    reason = alert.annotations.get(REASON, "")
    if alert.status == "resolved" and _NOT_RECOVERED & {r.strip() for r in reason.split(",")}:
        cleaner.note(
            NoteKind.NOT_RECOVERED,
            "resolved because its rule or its data changed, not because the trouble is over",
            f"{path}.annotations.{REASON}",
        )
    return to_alert(full, source, path, delivery, cleaner)
