"""CDEvents over HTTP: what a pipeline, or `curl` at the end of one, says that it has changed.

Read: what `catalog/cdevents.py` reads of a file, here as the data of a CloudEvent in any content
mode, or as the bare JSON of the event (`context`, `subject`, `customData`).

Traps:
- The type and the id stand twice, in the CloudEvent and in `context`; `context` is what is read.
- Builds and tests are events too: they change nothing in production, and are noted as ignored.
- `customData.id` is what joins the events of one deployment; without it each is a change.
- An event of another environment is left out, with a note.
- The signature is that of `cloudevents/`.
"""
