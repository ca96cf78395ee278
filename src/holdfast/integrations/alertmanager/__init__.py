"""Alertmanager's webhook, payload version 4, and every sender that speaks it.

Configure a receiver with `webhook_configs: [{url: …, http_config: {authorization: {credentials:
TOKEN}}}]`.

Read: `alerts[]{status, labels, annotations, startsAt, endsAt, generatorURL, fingerprint}`,
`truncatedAlerts`, `receiver`, `groupKey`, `version`.

Traps:
- Nothing is signed and there is no delivery id: a bearer token or basic auth, and alerts are told
  apart by source, fingerprint and start.
- A firing alert's `endsAt` is `0001-01-01T00:00:00Z`.
- `max_alerts` cuts the list (`truncatedAlerts` counts what is missing), and a group may be split
  anew at any time: an alert that is absent is never resolved by that.
- The group's `status` is `firing` while any alert fires: each alert has its own.
- `receiver` has gone through Go's regexp.QuoteMeta: `team\\.shop` is the receiver `team.shop`.
- 5xx is sent again; 4xx is dropped for good.
- An alert that was resolved by a time-out comes back with the *same* start: see
  `webhook_merge.py`.
- Two replicas of Alertmanager send everything twice. Give both the same `instance`.
"""
