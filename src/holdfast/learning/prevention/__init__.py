"""Prevention: an alert rule for the mechanism, derived from what was measured, and proven on it."""
