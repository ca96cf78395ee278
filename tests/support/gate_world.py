"""A service with a recorded past up to now, its configuration, and a policy."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from holdfast.model.budget_policy import ErrorBudgetPolicy, ExceptionRules, default_policy
from holdfast.promql.store_writer import SampleWriter
from holdfast.slo.files.policy import POLICY_FILE, policy_document

INTERVAL = 15
PERIOD = 2 * 3600.0
RATE = 10.0
POLICY = default_policy().model_copy(
    update={"exceptions": ExceptionRules(approvers=("ada", "grace"), longest_hours=24)}
)
SLO = {
    "name": "shop-availability",
    "service": "shop",
    "kind": "availability",
    "objective": 0.99,
    "period_seconds": PERIOD,
    "indicator": {
        "bad_query": 'sum(rate(requests_total{code="500"}[$window]))',
        "total_query": "sum(rate(requests_total[$window]))",
    },
    "tiers": [],
}


@dataclass(frozen=True)
class Trouble:
    """So much of the traffic is bad, from so many seconds before now on."""

    seconds_ago: float
    lasts_seconds: float
    bad_fraction: float


def counters(
    troubles: Sequence[Trouble] = (), *, back: float = PERIOD + 600, until: float = 0.0
) -> tuple[list[float], list[float], list[float]]:
    """Return times, good and bad counts: steady traffic, scraped up to now but `until` seconds."""
    now = time.time() // INTERVAL * INTERVAL
    times = [now - until - INTERVAL * i for i in range(int((back - until) / INTERVAL), -1, -1)]
    good, bad = [1e6], [1e5]  # a counter near zero is extrapolated differently
    for at in times[1:]:
        ratio = sum(
            one.bad_fraction
            for one in troubles
            if now - one.seconds_ago < at <= now - one.seconds_ago + one.lasts_seconds
        )
        good.append(good[-1] + RATE * INTERVAL * (1 - ratio))
        bad.append(bad[-1] + RATE * INTERVAL * ratio)
    return times, good, bad


def record(
    folder: Path, troubles: Sequence[Trouble] = (), *, back: float = PERIOD + 600, until: float = 0
) -> Path:
    """Write the embedded store."""
    times, good, bad = counters(troubles, back=back, until=until)
    writer = SampleWriter(folder, interval_seconds=INTERVAL, retention_seconds=30 * 86_400)
    ids = [
        writer.series_id({"__name__": "requests_total", "code": code}) for code in ("200", "500")
    ]
    for at, one, other in zip(times, good, bad, strict=True):
        writer.append("shop", round(at * 1000), ids, [one, other])
    writer.close()
    return folder


def write_world(
    folder: Path,
    *,
    metrics: dict[str, object] | None = None,
    policy: ErrorBudgetPolicy = POLICY,
    slos: Sequence[dict[str, object]] = (SLO,),
) -> None:
    """Write `holdfast.yaml` and the policy."""
    config = {
        "metrics": {
            **(metrics or {"kind": "recorder", "path": "store"}),
            "resolution_seconds": INTERVAL,
        },
        "services": [{"name": "shop"}, {"name": "bare"}],
        "slos": list(slos),
        "data_folder": ".holdfast",
    }
    (folder / "holdfast.yaml").write_text(yaml.safe_dump(config))
    (folder / POLICY_FILE).write_text(policy_document(policy))
