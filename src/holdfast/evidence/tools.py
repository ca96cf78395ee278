"""The read tools, by the names that the design fixes; each answers with evidence.

Every question over a window takes `until` (Unix seconds, None = now), so that a replay asks the
same window.
"""

from __future__ import annotations

from holdfast.evidence.context import ChangeReader, ToolContext
from holdfast.evidence.toolbox import Tool, ToolFunction
from holdfast.evidence.tools_changes import ChangeTools
from holdfast.evidence.tools_logs import LogTools
from holdfast.evidence.tools_metrics import MetricTools

__all__ = ["ChangeReader", "ToolContext", "read_tools"]

_METRICS_TIMEOUT_SECONDS = 30.0
_FILES_TIMEOUT_SECONDS = 60.0


def read_tools(context: ToolContext) -> list[Tool]:
    """Return all read tools over one context."""
    metrics, changes, logs = MetricTools(context), ChangeTools(context), LogTools(context)
    asks: tuple[ToolFunction, ...] = (
        metrics.prometheus_query,
        metrics.prometheus_query_batch,
        metrics.get_system_health,
    )
    reads: tuple[ToolFunction, ...] = (
        changes.get_recent_deployments,
        changes.get_recent_changes,
        changes.get_deployment_diff,
        logs.search_logs,
        logs.get_slow_queries,
        logs.get_traces,
        logs.get_request_impact,
    )
    return [
        *(_tool(function, _METRICS_TIMEOUT_SECONDS) for function in asks),
        *(_tool(function, _FILES_TIMEOUT_SECONDS) for function in reads),
    ]


def _tool(function: ToolFunction, timeout_seconds: float) -> Tool:
    summary = (function.__doc__ or "").strip().splitlines()[0]
    return Tool(function.__name__, "read", timeout_seconds, summary, function)
