"""PagerDuty's generic webhooks, version 3: PagerDuty's incidents as alerts.

Read: `event{id, event_type, occurred_at, data{id, created_at, number, status, title, service,
urgency, priority, html_url}}`.

Events of the state of an incident are read: `incident.` triggered, acknowledged, unacknowledged,
delegated, escalated, priority_updated, reassigned, reopened, resolved. Their `data` is the whole
incident as it is then. All others are ignored with a note.

Traps:
- Answer 2xx to what is not read: what is answered 4xx is dropped, and after three of them
  PagerDuty disables the webhook for 24 hours. Retries come for some 20 minutes after 5xx and 429.
- The signature covers the body alone: `v1=HEX,v1=HEX`, one for each secret while they are
  rotated. No time is signed, and `X-Webhook-Id` is not either: deliveries are known by `event.id`.
- `occurred_at` is when it happened. After retries it lies long before the arrival: not a window.
- An incident may be reopened: it then fires anew from `occurred_at`, and a later resolution,
  which says the first start again, ends it too (`webhook_merge.py`).
- `agent`, `client`, `priority` and `incident_key` may be null.
"""
