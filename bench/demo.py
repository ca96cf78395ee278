"""The demonstration, timed: from the bad release to the alert, and to users being well again.

    python bench/demo.py [--runs 10] [--cpus 0,1]

Each run is `holdfast lab demo` in an empty folder. Times are read from the laboratory's own log of
deployments and from the ledger. Exits 1 where a run fails, a post-mortem does not verify, or a
limit is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from holdfast.lab.records import Deployment
from holdfast.learning.verify import verify
from holdfast.ledger.fold import fold
from holdfast.ledger.store import Ledger

LIMITS = {"to_alert": (15.0, 20.0), "to_verified": (30.0, 40.0)}
"""Seconds: the median, and the worst."""


@dataclass(frozen=True)
class Run:
    """One run. Times in seconds; `to_*` as the docstring of the module says."""

    exit_code: int
    wall: float
    to_alert: float
    to_verified: float
    outcome: str
    verified: bool

    @property
    def well(self) -> bool:
        """Whether it ended as it should."""
        return self.exit_code == 0 and self.outcome == "mitigated_only" and self.verified

    def __str__(self) -> str:
        trouble = "" if self.well else f", exit {self.exit_code}, verified {self.verified}"
        times = f"{self.to_alert:11.1f} s  {self.to_verified:12.1f} s  {self.wall:3.0f} s"
        return f"{times}  {self.outcome}{trouble}"


def run_once(cpus: set[int]) -> Run:
    """Run the demonstration in a folder of its own, on these CPUs."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "holdfast", "lab", "demo", "--json"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            check=False,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus),
        )
        return _read(Path(folder) / ".holdfast-lab", done.returncode, time.monotonic() - began)


def _read(lab: Path, exit_code: int, wall: float) -> Run:
    ledger = Ledger.at(lab / ".holdfast")
    cases = [fold(ledger.events(incident)) for incident in ledger.incident_ids()]
    if not cases:
        return Run(exit_code, wall, float("inf"), float("inf"), "no incident", False)
    case = cases[-1]  # an earlier one would be of a busy machine
    alert = case.opened.alert
    mitigated = case.milestones.get("mitigated")
    nothing = float("inf")
    return Run(
        exit_code=exit_code,
        wall=wall,
        to_alert=(alert.starts_at - _full_weight(lab)).total_seconds() if alert else nothing,
        to_verified=(mitigated.at - alert.starts_at).total_seconds()
        if alert and mitigated
        else nothing,
        outcome=case.outcome.value if case.outcome else "none",
        verified=case.postmortem is not None
        and verify(Path(case.postmortem.markdown_path), ledger).ok,
    )


def _full_weight(lab: Path) -> datetime:
    """When the bad release had all traffic: the latest deployment that Holdfast did not make."""
    lines = (lab / "deployments.jsonl").read_text(encoding="utf-8").splitlines()
    made = [Deployment.model_validate_json(_custom(line)) for line in lines]
    full = [d.full_weight_at for d in made if d.actor != "holdfast" and d.full_weight_at]
    return max(full)


def _custom(line: str) -> str:
    return json.dumps(json.loads(line)["customData"])


def main() -> int:
    """Run, print a row each, and the median and the worst beside their limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cpus", default="", help="for example 0,1; all where not given")
    given = parser.parse_args()
    cpus = {int(cpu) for cpu in given.cpus.split(",") if cpu} or os.sched_getaffinity(0)
    runs: list[Run] = []
    print(f"on {len(cpus)} CPUs\nrun  release→alert  alert→verified   wall  outcome")
    for number in range(1, given.runs + 1):
        run = run_once(cpus)
        runs.append(run)
        print(f"{number:3}  {run}", flush=True)
    kept = [_within(runs, name, *limits) for name, limits in LIMITS.items()]
    return 0 if all(kept) and all(run.well for run in runs) else 1


def _within(runs: list[Run], name: str, median_limit: float, worst_limit: float) -> bool:
    times = [getattr(run, name) for run in runs]
    median, worst = statistics.median(times), max(times)
    print(
        f"{name:12} median {median:5.1f} s of {median_limit:g} s ({median / median_limit:.2f}x), "
        f"worst {worst:5.1f} s of {worst_limit:g} s ({worst / worst_limit:.2f}x)"
    )
    return median <= median_limit and worst <= worst_limit


if __name__ == "__main__":
    sys.exit(main())
