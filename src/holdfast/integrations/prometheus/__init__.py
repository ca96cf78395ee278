"""Prometheus and what speaks its HTTP API: Thanos, Mimir, Cortex, VictoriaMetrics."""
