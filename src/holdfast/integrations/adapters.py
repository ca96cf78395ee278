"""The adapters that Holdfast ships."""

from __future__ import annotations

from holdfast.integrations.alertmanager.verify import ADAPTER as ALERTMANAGER
from holdfast.integrations.cdevents.verify import ADAPTER as CDEVENTS
from holdfast.integrations.cloudevents.verify import ADAPTER as CLOUDEVENTS
from holdfast.integrations.github.verify import ADAPTER as GITHUB
from holdfast.integrations.grafana.verify import ADAPTER as GRAFANA
from holdfast.integrations.pagerduty.verify import ADAPTER as PAGERDUTY
from holdfast.integrations.webhook import Registry

ADAPTERS = Registry((ALERTMANAGER, CDEVENTS, CLOUDEVENTS, GITHUB, GRAFANA, PAGERDUTY))
