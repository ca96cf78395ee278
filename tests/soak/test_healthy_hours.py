"""Long healthy traffic with harmless releases: `holdfast watch` opens nothing and does nothing.

HOLDFAST_SOAK_SECONDS says how long (600 unless said otherwise).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from holdfast.lab import control
from holdfast.lab.records import LabOptions
from holdfast.ledger.store import Ledger
from holdfast.surfaces.app import Holdfast

pytestmark = [pytest.mark.soak]

SECONDS = float(os.environ.get("HOLDFAST_SOAK_SECONDS", "600"))
HARMLESS = (("storefront", "v1.8.1"), ("checkout", "v1.4.1"), ("payments", "v3.1.1"))


def test_healthy_traffic_with_three_harmless_releases_opens_nothing(tmp_path: Path) -> None:
    lab = control.up(tmp_path / "lab", options=LabOptions(life_seconds=SECONDS + 300))
    try:
        began = time.monotonic()
        watch = _watch(lab.config_path, tmp_path / "watch.jsonl")
        for number, (service, version) in enumerate(HARMLESS, start=1):
            _sleep_until(began + SECONDS * number / (len(HARMLESS) + 1), watch)
            release = lab.release(service, version)
            print(f"{time.monotonic() - began:6.0f} s: {service} {version}: {release.status}")
        _sleep_until(began + SECONDS, watch)
        watch.send_signal(signal.SIGINT)
        watch.wait(20)
        with Holdfast.open(lab.config_path) as holdfast:
            readings = {reading.state for reading in holdfast.tick().readings}
        actors = [d.actor for d in lab.deployments()][-len(HARMLESS) :]
    finally:
        lab.down()
    ledger = Ledger.at(lab.config_path.parent / ".holdfast")
    incidents = ledger.incident_ids()
    ledger.close()
    print(
        f"{SECONDS:.0f} s: {len(incidents)} incidents, burn {readings}, deployed by {set(actors)}"
    )
    assert readings == {"ok"}  # there was something to see until the end
    assert not incidents
    assert actors == ["release train"] * len(HARMLESS)


def _watch(config: Path, told: Path) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "holdfast", "watch", "--json", "--config", str(config)]
    with told.open("wb") as output:
        return subprocess.Popen(argv, stdout=output, stderr=subprocess.STDOUT)


def _sleep_until(moment: float, watch: subprocess.Popen[bytes]) -> None:
    """Wait, and fail at once where the watch has ended by itself."""
    while time.monotonic() < moment:
        assert watch.poll() is None, f"`holdfast watch` ended with {watch.returncode}"
        time.sleep(min(1.0, max(0.0, moment - time.monotonic())))
