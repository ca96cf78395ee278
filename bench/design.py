"""How long `holdfast design` takes, and what of it is the source's.

Run: python bench/design.py. One service with 30 d of history at a sample a minute in the embedded
store; 500 services with 30 d at a sample every two minutes; and one service over HTTP, from a real
Prometheus where one is installed. Loading the store from disk is counted, and so are the folders
and promtool: the rules and all their tests of the one service, the rules alone of the 500.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
import tempfile
import time
from contextlib import closing
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from holdfast.evidence.recorded import RecorderSource
from holdfast.evidence.source import MetricsSource
from holdfast.integrations.prometheus.client import PrometheusSource
from holdfast.model.config import MetricsSettings
from holdfast.slo.design.design import design_reliability_architecture
from holdfast.slo.design.files import design_files
from holdfast.slo.design.folder import write_folder
from holdfast.slo.design.records import Architecture
from holdfast.surfaces.cli.designing import DesignRequest, run_design

# tests/ is put on the path above, where the type checker does not look
from support.backfilled import (  # pyright: ignore[reportMissingImports]
    prometheus_with_past,
)
from support.histories import (  # pyright: ignore[reportMissingImports]
    END,
    Outage,
    Route,
    many_services,
    service_past,
)

SERVICES = 500
TODAY = date(2026, 1, 5)
ROUTES = (Route("/cart", 40.0, 0.0002), Route("/pay", 5.0, 0.0005), Route("/export", 0.5, 0.02))
OUTAGES = (Outage(9 * 86_400, 1200, 0.5), Outage(3 * 86_400, 3 * 3600, 0.03))


def row(name: str, seconds: float, bound: float | None, told: str) -> None:
    """Print a line of the table."""
    limit = f"{bound:.0f} s" if bound is not None else ""
    verdict = "" if bound is None else ("ok" if seconds <= bound else "TOO SLOW")
    print(f"{name:<44} {seconds:>8.2f} s {limit:>8}  {verdict:<9} {told}")


def told(design: Architecture) -> str:
    """Return how many queries there were, and the source's share."""
    share = design.asked.seconds / design.seconds
    return f"{design.asked.queries} queries, {100 * share:.0f} % of the design in the source"


def one(source: MetricsSource, folder: Path) -> tuple[float, Architecture, float]:
    """Design and write one service: seconds in all, the design, seconds of promtool and files."""
    began = time.perf_counter()
    design = design_reliability_architecture(source, "shop", at=END)
    designed = time.perf_counter()
    write_folder(design_files(design, TODAY), folder)
    ended = time.perf_counter()
    return ended - began, design, ended - designed


def embedded(folder: Path) -> bool:
    """One service in the embedded store."""
    past = service_past(days=30, routes=ROUTES, outages=OUTAGES)
    store = past.write_store(folder / "one")
    with closing(RecorderSource(store)) as source:
        seconds, design, written = one(source, folder / "slo")
    row("one service, 30 d at 60 s, embedded", seconds, 3, told(design))
    row("  of it: files and promtool", written, None, "")
    return seconds <= 3


def many(folder: Path) -> bool:
    """500 services in the embedded store: the command itself, folders and `promtool check`."""
    store = many_services(SERVICES).write_store(folder / "many")
    wanted = DesignRequest(
        services=(), every=True, recording=store, output=folder / "all", config=folder / "none"
    )
    records = io.StringIO()
    began = time.perf_counter()
    code = run_design(records, wanted, as_json=True)
    seconds = time.perf_counter() - began
    rows = [json.loads(line) for line in records.getvalue().splitlines()]
    designs = {row["slo"]["service"]: row for row in rows}
    queries = sum(row["queries"] for row in designs.values())
    asked = sum(row["source_seconds"] for row in designs.values())
    row(
        f"{len(designs)} services, 30 d at 120 s, embedded",
        seconds,
        60,
        f"{len(rows)} SLOs, {queries} queries, {asked:.1f} s in the source",
    )
    return seconds <= 60 and len(designs) == SERVICES and code == 0


def over_http(folder: Path) -> None:
    """One service from a real Prometheus."""
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        print("over HTTP: prometheus or promtool is not installed")
        return
    past = service_past(days=14, routes=ROUTES, outages=OUTAGES)
    with (
        prometheus_with_past(past, folder / "prometheus") as url,
        PrometheusSource(MetricsSettings(url=url, timeout_seconds=60)) as source,
    ):
        seconds, design, _ = one(source, folder / "slo-http")
    row("one service, 14 d at 60 s, over HTTP", seconds, None, told(design))


def main() -> int:
    """Print the table; 1 where a bound was missed."""
    folder = Path(tempfile.mkdtemp(prefix="bench-design-"))
    try:
        kept = [embedded(folder), many(folder)]
        over_http(folder)
    finally:
        shutil.rmtree(folder)
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
