"""Alerts on history: replayed, scored against incidents, simulated, and searched for."""
