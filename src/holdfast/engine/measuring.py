"""Asks for a series of values since something was done."""

from __future__ import annotations

from holdfast.engine.world import World
from holdfast.model.evidence import Evidence
from holdfast.model.hypothesis import ToolCall


def measure(world: World, query: str, *, since: float) -> Evidence:
    """Ask for a value at each step of the source's resolution, from `since` up to now."""
    step = world.config.metrics.resolution_seconds
    time_range = (since, world.now(), step)
    call = ToolCall(tool="prometheus_query", arguments={"query": query, "time_range": time_range})
    return world.toolbox.ask(call)
