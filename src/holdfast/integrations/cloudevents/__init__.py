"""CloudEvents 1.0 over HTTP: for every sender that has no adapter of its own.

All three content modes: binary (`ce-*` headers, the data as body), structured
(`application/cloudevents+json`), batched (`application/cloudevents-batch+json`).

What is read is told by the last words of `type`:
- `….alert.firing`, `….alert.resolved`, `….alert` (with `status` in the data): an alert. Data:
  `labels, annotations, severity, status, service, summary, fingerprint, starts_at, ends_at`, also
  spelled `startsAt`, `endsAt`. Without `fingerprint`: the event's `subject`, else that of the
  labels. Without `starts_at`: the event's `time`.
- `….change`: a change. Data: `type, service, at, finished_at, predicate, from_version, to_version,
  setting, from_value, to_value, summary, actor, environment, id`.
- `dev.cdevents.…` and `dev.cdeventsx.…`: what `cdevents/` reads.
Others are ignored with a note.

Traps:
- An event is known by source *and* id.
- Header values are percent-encoded UTF-8.
- `data` and `data_base64` exclude each other.
- A batch that is sent again may be cut differently: alerts and changes are told apart one by one.
- CloudEvents has no signature. Standard Webhooks' is read: `webhook-id`, `webhook-timestamp`,
  `webhook-signature: v1,BASE64 v1,BASE64`, HMAC SHA-256 of `ID.TIME.BODY`, with the secret
  `whsec_BASE64`. It covers no `ce-*` headers: in binary mode it proves nothing, and is refused.
"""
