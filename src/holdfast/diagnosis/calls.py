"""How a question is measured: the calls that are made, and what is computed of their answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.diagnosis.question import Question
from holdfast.diagnosis.scene import Scene
from holdfast.diagnosis.signals import Gap, Subject, level
from holdfast.model.hypothesis import Bound, Hypothesis, ToolCall
from holdfast.model.service import Service, Signal

Parameters = dict[str, str | float | int | None]


@dataclass(frozen=True)
class Plan:
    """What to ask and how to compute the answer; `prediction` where the question has none."""

    calls: tuple[ToolCall, ...]
    function: str
    places: tuple[str, ...] = ()
    parameters: Parameters | None = None
    prediction: Bound | None = None


Planner = Callable[[Question, Hypothesis, Scene], Plan | Gap]
"""Plans how a question is asked of a hypothesis, or says what keeps it from being asked."""


def instant_call(query: str, at: float) -> ToolCall:
    """Return the call that asks PromQL at an instant (Unix seconds)."""
    return ToolCall(tool="prometheus_query", arguments={"query": query, "time_range": at})


def range_call(query: str, start: float, end: float, step_seconds: float) -> ToolCall:
    """Return the call that asks PromQL from start to end (Unix seconds)."""
    return ToolCall(
        tool="prometheus_query",
        arguments={"query": query, "time_range": (start, end, step_seconds)},
    )


def pair(
    service: Service, signal: Signal, scene: Scene, subject: Subject
) -> tuple[ToolCall, ToolCall] | Gap:
    """Return the calls for a level now and before, or the gap."""
    if signal not in service.signals:
        return Gap(f"{service.name} has no metric for {signal.value}")
    if scene.healthy is None:
        return Gap(f"no healthy time of {scene.target} before the onset is known")
    start, end = scene.healthy
    before = max(end - start, scene.shortest_window_seconds)
    if subject.since is not None:  # the earlier version served before the change, not after it
        end = min(end, subject.since - scene.settings.resolution_seconds)
    return (
        instant_call(level(service, signal, scene.now_window_seconds, by=subject.by), scene.now),
        instant_call(level(service, signal, before, by=subject.by), end),
    )
