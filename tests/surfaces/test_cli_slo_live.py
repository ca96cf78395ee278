"""`holdfast slo budget` on a real Prometheus with a past whose truth is known."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from in_process import runner

from support.backfilled import prometheus_with_past
from support.histories import END, METRIC, Outage, Route, service_past

CONFIG = """
version: 1
metrics: {{url: "{url}", resolution_seconds: 60}}
services: [{{name: shop}}]
slos:
  - name: shop
    service: shop
    kind: availability
    objective: 0.999
    period_seconds: 172800
    indicator:
      bad_query: sum(rate({metric}_count{{http_response_status_code="500"}}[$window]))
      total_query: sum(rate({metric}_count[$window]))
"""


def test_the_account_is_the_truth_of_what_was_scraped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    past = service_past(
        days=3,
        routes=(Route("/cart", 10, 0.0005),),
        outages=(Outage(begins_before_end=90_000, lasts_seconds=900, bad_fraction=0.6),),
    )
    begin = past.times >= END - 172_800
    counts = {
        status: float(
            sum(
                counter.values[begin][-1] - counter.values[begin][0]
                for counter in past.counters
                if counter.labels["__name__"] == f"{METRIC}_count"
                and counter.labels["http_response_status_code"] == status
            )
        )
        for status in ("200", "500")
    }
    run = runner(tmp_path, monkeypatch, capsys)
    with prometheus_with_past(past, tmp_path / "prometheus") as url:
        (tmp_path / "holdfast.yaml").write_text(CONFIG.format(url=url, metric=METRIC))
        at = datetime.fromtimestamp(END, UTC).isoformat()
        done = run("slo", "budget", "--at", at, "--json")
    account = json.loads(done.out)["account"]
    assert (done.code, account["state"]) == (0, "measured")
    total = counts["200"] + counts["500"]
    assert account["total_events"] == pytest.approx(total, rel=2e-3)
    assert account["bad_events"] == pytest.approx(counts["500"], rel=5e-3)
    assert account["spent_fraction"] == pytest.approx(counts["500"] / (0.001 * total), rel=6e-3)
