"""The tool `run_load_test`. It writes: load is felt by whoever else uses the endpoint."""

from __future__ import annotations

from collections.abc import Callable

from holdfast.delivery.loadtest.evidence import call_text, load_evidence
from holdfast.delivery.loadtest.order import MOST_SECONDS, LoadOptions, LoadOrder, make_order
from holdfast.delivery.loadtest.records import LoadResult
from holdfast.delivery.loadtest.run import run_order
from holdfast.evidence.toolbox import Tool
from holdfast.model.evidence import Evidence

GuardedLoad = Callable[[LoadOrder], LoadResult]
"""Takes a checked order through whatever guards writes, and runs it."""

_DEFAULTS = LoadOptions()


def load_test_tool(*, options: LoadOptions = _DEFAULTS, run: GuardedLoad = run_order) -> Tool:
    """Return `run_load_test(endpoint, rps, duration_seconds, version)`, its result as evidence."""

    def run_load_test(endpoint: str, rps: float, duration_seconds: float, version: str) -> Evidence:
        """Load an endpoint in an open loop; loopback and allowed hosts only, bounded."""
        order = make_order(endpoint, rps, duration_seconds, version, options)
        query = call_text(endpoint, rps, duration_seconds, version, options)
        return load_evidence(run(order), query)

    return Tool(
        name="run_load_test",
        effect="write",
        timeout_seconds=MOST_SECONDS + 100,
        summary="Load an endpoint in an open loop and return percentiles and errors, or refuse.",
        function=run_load_test,
    )
