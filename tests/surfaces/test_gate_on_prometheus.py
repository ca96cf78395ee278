"""`holdfast gate` asks a real Prometheus with a back-filled past, and closes once it is gone."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from in_process import runner

from support.backfilled import prometheus_with_past
from support.gate_world import PERIOD, SLO, Trouble, counters, write_world
from support.histories import Counter, ServicePast

LABELS = {"__name__": "http_server_request_duration_seconds_count", "service_name": "shop"}
INDICATOR = {
    "bad_query": f'sum(rate({LABELS["__name__"]}{{code="500"}}[$window]))',
    "total_query": f"sum(rate({LABELS['__name__']}[$window]))",
}


def past(troubles: list[Trouble]) -> ServicePast:
    times, good, bad = counters(troubles)
    series = (
        Counter({**LABELS, "code": "200"}, np.array(good)),
        Counter({**LABELS, "code": "500"}, np.array(bad)),
    )
    return ServicePast(np.array(times), series, 0.0, 0.0)


@pytest.mark.long
def test_it_measures_a_real_prometheus_and_does_not_open_once_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runner(tmp_path, monkeypatch, capsys)
    recorded = past([Trouble(PERIOD / 2, 600, 0.108)])
    with prometheus_with_past(recorded, tmp_path / "prometheus") as url:
        metrics = {"url": url, "timeout_seconds": 5.0}
        write_world(tmp_path, metrics=metrics, slos=[{**SLO, "indicator": INDICATOR}])
        frozen = run("gate", "--service", "shop")
        assert frozen.code == 1, frozen
        assert "10.0 % of the budget of shop-availability is left: stage" in frozen.out
        assert run("gate", "--service", "shop", "--change-type", "fix").code == 0
    assert time.time() - recorded.times[-1] < 600
    gone = run("gate", "--service", "shop", "--change-type", "fix")
    assert gone.code == 3, gone
