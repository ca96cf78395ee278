"""The Prometheus HTTP API over series that were imported from OpenMetrics text."""
