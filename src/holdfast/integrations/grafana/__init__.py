"""Grafana's webhook contact point (Grafana alerting, 9 and later).

Read: what `alertmanager/` reads, and `orgId`, `alerts[]{values, valueString, silenceURL,
dashboardURL, panelURL, imageURL}`, which become annotations of the alert.

Traps:
- The payload looks like Alertmanager's, with `version` 1. Fingerprints are equal for equal labels
  in two organisations: the organisation is part of the source.
- Grafana resolves an alert too when its rule was paused, changed or deleted, or when its series
  has vanished. The annotation `grafana_state_reason` says so, and a note `not_recovered` does here.
- A rule without data, or with an error, fires as `DatasourceNoData` or `DatasourceError`.
- `values` may hold null; `valueString` may be empty; URLs may be empty.
- From Grafana 12 the body can be signed: hex in `X-Grafana-Alerting-Signature`, without a prefix.
  A time is signed only where the contact point names a header for it, as `TIME:BODY`; name the
  same header as `timestamp_header` here. Without one, old requests can be replayed.
- A retry is a new request: same body, and a new signed time where there is one.
"""
