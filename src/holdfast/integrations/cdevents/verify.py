"""CDEvents come as CloudEvents do: the same signature, or a token."""

from __future__ import annotations

from holdfast.integrations.cdevents.parse import SENDER, parse
from holdfast.integrations.cloudevents.verify import verify
from holdfast.integrations.webhook import Adapter

ADAPTER = Adapter(name=SENDER, verify=verify, parse=parse)
