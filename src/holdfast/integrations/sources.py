"""Opens the metrics source that a configuration names."""

from __future__ import annotations

from holdfast.errors import ConfigError
from holdfast.evidence.source import MetricsSource
from holdfast.model.config import MetricsSettings


def open_source(settings: MetricsSettings) -> MetricsSource:
    """Return the source. Nothing is asked yet: whether it answers shows at the first question.

    Raises ConfigError where the settings cannot be used.
    """
    if settings.kind == "prometheus":
        from holdfast.integrations.prometheus.client import PrometheusSource

        return PrometheusSource(settings)
    if settings.path is None:
        raise ConfigError("metrics.path is missing", hint="the folder of the embedded recorder")
    from holdfast.evidence.recorded import RecorderSource

    return RecorderSource(settings.path)
