"""GitHub's webhooks `deployment`, `deployment_status` and `push`: changes.

Read: `deployment{id, sha, ref, task, payload, environment, transient_environment, creator,
created_at, description}`, `deployment_status{state, created_at, description}`,
`repository{name, full_name, default_branch, pushed_at}`; of a push `ref, before, after, deleted,
head_commit{message, timestamp}, pusher`.

A deployment and its statuses are one change, `OWNER/NAME#deployment-ID`, which
`webhook_merge.merge_changes` puts together. The service is `service` of the deployment's payload
where it has one, else the repository's name. A push to the default branch is a change of
configuration: subscribe to `push` only where that branch is what runs (GitOps). Pushes elsewhere,
tags, and everything else are ignored with a note.

Traps:
- The signature covers the body alone, and neither `X-GitHub-Event` nor `X-GitHub-Delivery`:
  deliveries are known by the hash of the body, and the body must be of the event that is named.
- `X-Hub-Signature` (SHA-1) is sent too, and never read.
- The webhook's default content type is a form with the JSON in `payload`; both are read. What is
  signed is the form as it came.
- Times are RFC 3339, but `pushed_at` of a push is an epoch in seconds.
- `payload` of a deployment is an object, or a text, or empty.
- A deployment is created before it is approved: it takes effect at its status `in_progress`.
- `inactive` says that another deployment took its place: not a removal.
"""
