"""Deliveries as their senders make them, written from the senders' lists of fields."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from holdfast.integrations.webhook import Delivery

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
ZERO = "0001-01-01T00:00:00Z"
Json = dict[str, object]


def delivery(
    value: object, headers: Mapping[str, str] | None = None, *, instance: str = ""
) -> Delivery:
    """A delivery of a JSON value, or of bytes."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    given = {"Content-Type": "application/json", **(headers or {})}
    return Delivery.of(body, given.items(), received_at=NOW, instance=instance)


def signed(value: object, secret: str, header: str, prefix: str, **more: str) -> Delivery:
    """A delivery with the HMAC SHA-256 of its body in hex."""
    body = json.dumps(value).encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return delivery(body, {header: prefix + digest, **more})


def alertmanager_alert(**changes: object) -> Json:
    """An alert of Alertmanager 0.25."""
    return {
        "status": "firing",
        "labels": {
            "alertname": "ErrorBudgetBurn",
            "service": "shop",
            "severity": "page",
            "instance": "10.0.0.7:9100",
        },
        "annotations": {"summary": "shop spends its budget", "runbook_url": "https://r.example/1"},
        "startsAt": "2026-11-23T11:50:00.123456789Z",
        "endsAt": ZERO,
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
        "fingerprint": "c6eadffa33fcdf37",
        **changes,
    }


def alertmanager(*alerts: Json, **changes: object) -> Json:
    """A notification of Alertmanager 0.25, payload version 4."""
    return {
        "receiver": "holdfast",
        "status": "firing",
        "alerts": list(alerts) or [alertmanager_alert()],
        "groupLabels": {"alertname": "ErrorBudgetBurn"},
        "commonLabels": {"alertname": "ErrorBudgetBurn", "service": "shop"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "version": "4",
        "groupKey": '{}:{alertname="ErrorBudgetBurn"}',
        "truncatedAlerts": 0,
        **changes,
    }


def grafana_alert(**changes: object) -> Json:
    """An alert instance of Grafana 12."""
    return {
        "status": "firing",
        "labels": {"alertname": "High latency", "grafana_folder": "shop", "service": "shop"},
        "annotations": {"summary": "p99 above 800 ms"},
        "startsAt": "2026-11-23T12:51:03.157076+01:00",
        "endsAt": ZERO,
        "generatorURL": "https://grafana.example/alerting/1afz29v7z/edit",
        "fingerprint": "bc97ff14869b13e3",
        "silenceURL": "https://grafana.example/alerting/silence/new?matcher=alertname%3DT1",
        "dashboardURL": "https://grafana.example/d/abc",
        "panelURL": "",
        "values": {"B": 0.913, "C": 1, "D": None},
        "valueString": "[ var='B' labels={service=shop} value=0.913 ]",
        **changes,
    }


def grafana(*alerts: Json, **changes: object) -> Json:
    """A notification of Grafana 12."""
    return {
        "receiver": "holdfast (prod)",
        "status": "firing",
        "orgId": 3,
        "alerts": list(alerts) or [grafana_alert()],
        "groupLabels": {},
        "commonLabels": {"service": "shop"},
        "commonAnnotations": {},
        "externalURL": "https://grafana.example/",
        "version": "1",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "title": "[FIRING:1]  (shop)",
        "state": "alerting",
        "message": "**Firing**",
        **changes,
    }


def pagerduty(event_type: str = "incident.triggered", **changes: object) -> Json:
    """An event of PagerDuty's webhooks v3 with the whole incident as its data."""
    return {
        "event": {
            "id": "01BWDWL3NYY7LUFPZCC28QUCMK",
            "event_type": event_type,
            "resource_type": "incident",
            "occurred_at": "2026-11-23T11:55:27.458Z",
            "agent": {"id": "PLH1HKV", "summary": "Ada", "type": "user_reference"},
            "client": None,
            "data": {
                "id": "PGR0VU2",
                "type": "incident",
                "html_url": "https://acme.pagerduty.example/incidents/PGR0VU2",
                "number": 2,
                "status": "triggered",
                "incident_key": None,
                "created_at": "2026-11-23T11:55:27Z",
                "title": "Checkout\nis slow",
                "service": {"id": "PF9KMXH", "summary": "shop", "type": "service_reference"},
                "assignees": [],
                "priority": {"id": "PSO75BM", "summary": "P1"},
                "urgency": "high",
                "resolve_reason": None,
                **changes,
            },
        }
    }


REPOSITORY: Json = {
    "name": "shop",
    "full_name": "acme/shop",
    "default_branch": "main",
    "pushed_at": 1795433400,
}


def deployment(**changes: object) -> Json:
    """GitHub's `deployment` object."""
    return {
        "id": 145988746,
        "sha": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e",
        "ref": "v2.4.0",
        "task": "deploy",
        "payload": {},
        "environment": "production",
        "original_environment": "production",
        "production_environment": True,
        "transient_environment": False,
        "description": "Release",
        "creator": {"login": "ada"},
        "created_at": "2026-11-23T11:40:00Z",
        **changes,
    }


def github_deployment(**changes: object) -> Json:
    """GitHub's event `deployment`."""
    return {
        "action": "created",
        "deployment": deployment(**changes),
        "repository": REPOSITORY,
        "sender": {"login": "ada"},
    }


def github_status(state: str, created_at: str, description: str = "", **changes: object) -> Json:
    """GitHub's event `deployment_status`."""
    return {
        "action": "created",
        "deployment_status": {
            "id": 1,
            "state": state,
            "created_at": created_at,
            "description": description,
            "environment": "production",
        },
        "deployment": deployment(**changes),
        "check_run": None,
        "workflow_run": None,
        "repository": REPOSITORY,
        "sender": {"login": "ada"},
    }


def github_push(**changes: object) -> Json:
    """GitHub's event `push`."""
    return {
        "ref": "refs/heads/main",
        "before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
        "after": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e",
        "created": False,
        "deleted": False,
        "forced": False,
        "head_commit": {
            "id": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e",
            "message": "Raise the pool to 40\n\nBecause.",
            "timestamp": "2026-11-23T12:30:00+01:00",
        },
        "pusher": {"name": "ada", "email": "ada@example.com"},
        "repository": REPOSITORY,
        **changes,
    }


def cloudevent(kind: str, data: object, **changes: object) -> Json:
    """A CloudEvent in structured mode."""
    return {
        "specversion": "1.0",
        "id": "a1",
        "source": "/monitoring/blackbox",
        "type": kind,
        "time": "2026-11-23T11:59:00Z",
        "datacontenttype": "application/json",
        "data": data,
        **changes,
    }


ALERT_DATA: Json = {
    "labels": {"alertname": "ProbeFailed", "target": "https://shop.example", "attempt": 3},
    "service": "shop",
    "severity": "critical",
    "summary": "the probe fails",
}
CHANGE_DATA: Json = {
    "type": "flag",
    "service": "shop",
    "setting": "new-checkout",
    "from_value": "off",
    "to_value": "on",
    "actor": "ada",
}


def cdevent(kind: str = "dev.cdevents.service.upgraded.0.2.0", **custom: object) -> Json:
    """A CDEvent."""
    return {
        "context": {
            "version": "0.4.1",
            "id": "271069a8-fc18-44f1-b38f-9d70a1695819",
            "source": "/pipelines/shop",
            "type": kind,
            "timestamp": "2026-11-23T11:45:00Z",
        },
        "subject": {
            "id": "cluster/shop",
            "source": "/clusters/eu",
            "type": "service",
            "content": {
                "environment": {"id": "clusters/production"},
                "artifactId": "pkg:oci/shop@sha256%3A0b31b1?tag=v2.4.0",
            },
        },
        "customData": {"from_version": "v2.3.9", "actor": "ada", **custom},
    }
