"""Alertmanager signs nothing: a bearer token or basic auth."""

from __future__ import annotations

from holdfast.integrations.alertmanager.parse import SENDER, parse
from holdfast.integrations.webhook import Adapter
from holdfast.integrations.webhook_verify import by_authorization

ADAPTER = Adapter(name=SENDER, verify=by_authorization, parse=parse)
