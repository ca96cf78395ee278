"""Prometheus's own PromQL tests, run against the embedded evaluator."""
