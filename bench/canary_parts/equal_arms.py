"""Real A/A data: a laboratory that serves two tags of one commit at even shares, and its replay."""

from __future__ import annotations

import math
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from canary_parts.generators import Floats
from canary_parts.measure import PLAN, STATIC_LATENCY_LIMIT, latency_path
from canary_parts.rivals import kayenta_each_minute, kayenta_once, static_limit
from holdfast.catalog.config import load_config
from holdfast.delivery.judge.noise import fit_noise
from holdfast.delivery.judge.records import (
    ArmMeasurements,
    Interval,
    JudgePlan,
    Metric,
    PairedNoise,
)
from holdfast.delivery.rollout.calibration import own_history_calibration
from holdfast.delivery.rollout.measure import Arms, Span, measure_arms, measure_one
from holdfast.delivery.rollout.step import judge_plan, looks_until
from holdfast.errors import InputError
from holdfast.evidence.toolbox import Toolbox
from holdfast.evidence.tools import ToolContext, read_tools
from holdfast.integrations.sources import open_source
from holdfast.lab import control
from holdfast.lab.control import LabHandle
from holdfast.lab.deployer import LabDeployer
from holdfast.lab.records import LabOptions
from holdfast.lab.world import LAB_CANARY

SERVICE, VERSION, SAME = "customer-api", "v2.3.3", "v2.3.3-same"
INTERVAL_SECONDS = LAB_CANARY.interval_seconds
ALONE_SECONDS = 70.0
"""How long the one version serves alone before: its own history."""

LEAST_SECONDS, MOST_SECONDS = 130.0, 1200.0
"""A noise is learnt from 30 intervals, in each half of the data."""
WINDOW_INTERVALS = 20
EFFECTS = {"equal arms": 1.0, "+20 %": 1.2, "+50 %": 1.5, "five times": 5.0}
"""What the canary's latencies are multiplied by."""


@dataclass(frozen=True)
class EqualArms:
    """What was measured: both arms together, and the one version before, alone."""

    intervals: tuple[Interval, ...]
    history: tuple[ArmMeasurements | None, ...]
    load_average: tuple[float, float]
    """Of one minute, before and after."""


@dataclass(frozen=True)
class Found:
    """What a method did over all windows of one effect. `seconds` = the median of its alarms."""

    windows: int
    alarm_percent: float
    seconds: float | None
    promoted_percent: float | None


def measure_equal_arms(seconds: float) -> EqualArms:
    """Run a laboratory for ALONE_SECONDS and then for `seconds` with both tags. Loopback only."""
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise InputError(f"--aa is {seconds:g}: give {LEAST_SECONDS:g} to {MOST_SECONDS:g} seconds")
    options = LabOptions(life_seconds=ALONE_SECONDS + seconds + 120)
    with tempfile.TemporaryDirectory(prefix="holdfast-equal-arms-") as folder:
        lab = control.up(Path(folder) / "lab", options=options)
        try:
            return _measured(lab, seconds)
        finally:
            lab.down()


def _measured(lab: LabHandle, seconds: float) -> EqualArms:
    repository = lab.folder.repositories / SERVICE
    subprocess.run(["git", "tag", SAME, f"{VERSION}^{{commit}}"], cwd=repository, check=True)
    load_before, began = os.getloadavg()[0], time.time()
    time.sleep(ALONE_SECONDS)
    alone_until = time.time()
    shares = {VERSION: 50.0, SAME: 50.0}
    LabDeployer(lab.control_url).set_weights(SERVICE, shares, timeout_seconds=30)
    since = time.time()
    time.sleep(seconds + 2)
    config = load_config(lab.config_path)
    service = next(one for one in config.services if one.name == SERVICE)
    source = open_source(config.metrics)
    toolbox = Toolbox()
    for tool in read_tools(ToolContext(source=source, services={SERVICE: service})):
        toolbox.register(tool)
    resolution = config.metrics.resolution_seconds
    both = Span(since, since + seconds, INTERVAL_SECONDS, resolution)
    alone = Span(began, alone_until, INTERVAL_SECONDS, resolution)
    try:
        found = measure_arms(toolbox.ask, service, Arms(VERSION, SAME, 50), both).intervals
        history, _ = measure_one(toolbox.ask, service, VERSION, alone)
    finally:
        source.close()
    return EqualArms(found, history, (load_before, os.getloadavg()[0]))


# ---- replaying ---------------------------------------------------------------------------------

Judged = tuple[Floats, Floats, Floats]
"""Canary and baseline of each window, (windows, intervals), and the noise's number of its half."""


def replay(arms: EqualArms) -> dict[str, dict[str, Found]]:
    """Return method → effect → what it did, over overlapping windows, each arm as the canary once.

    Windows that hold a gap are left out. The A/A noise of a window comes from the half of the data
    that it is not in.
    """
    latencies = [_latencies(one) for one in arms.intervals]
    half = len(latencies) // 2
    halves = [latencies[:half], latencies[half:]]
    noises = [_equal_noise(halves[1]), _equal_noise(halves[0])]
    canary, baseline, other = _windows(halves)
    found: dict[str, dict[str, Found]] = {}
    for effect, factor in EFFECTS.items():
        for method, outcome in _methods(arms, canary * factor, baseline, other, noises).items():
            found.setdefault(method, {})[effect] = outcome
    return found


def _latencies(one: Interval) -> tuple[float, float]:
    values = one.canary.latency_mean_seconds, one.baseline.latency_mean_seconds
    canary, baseline = (math.nan if value is None else value for value in values)
    return canary, baseline


def _equal_noise(pairs: Sequence[tuple[float, float]]) -> PairedNoise | None:
    ratios = [math.log(canary / baseline) for canary, baseline in pairs]
    return fit_noise([None if math.isnan(ratio) else ratio for ratio in ratios])


def _windows(halves: Sequence[Sequence[tuple[float, float]]]) -> Judged:
    canary: list[Floats] = []
    baseline: list[Floats] = []
    other: list[float] = []
    for number, part in enumerate(halves):
        values = np.array(part, dtype=np.float64)
        for start in range(len(part) - WINDOW_INTERVALS + 1):
            window = values[start : start + WINDOW_INTERVALS]
            if np.isfinite(window).all():
                canary += [window[:, 0], window[:, 1]]
                baseline += [window[:, 1], window[:, 0]]
                other += [number, number]
    if not canary:
        raise InputError("no whole window was measured", hint="try again on a quieter machine")
    return np.array(canary), np.array(baseline), np.array(other)


def _methods(
    arms: EqualArms,
    canary: Floats,
    baseline: Floats,
    other: Floats,
    noises: Sequence[PairedNoise | None],
) -> dict[str, Found]:
    healthy = float(np.mean(baseline))
    default = PLAN.model_copy(update={"looks": looks_until(WINDOW_INTERVALS)})
    lab = _lab_plan()
    own = own_history_calibration(arms.history, lab, canary_fraction=0.5)
    mine = own.noise(Metric.LATENCY_MEAN)
    ratios = np.log(canary / baseline)

    def ours(plan: JudgePlan, noise: Callable[[int], PairedNoise | None]) -> Found:
        margin = next(one for one in plan.metrics if one.metric is Metric.LATENCY_MEAN)
        paths = [
            latency_path(one, noise(int(number)), plan, margin.roll_back_above, margin)
            for one, number in zip(ratios, other, strict=True)
        ]
        alarms = np.array([one[0] for one in paths], dtype=np.float64)
        return _found(alarms, 100 * float(np.mean([one[1] for one in paths])))

    limit = STATIC_LATENCY_LIMIT * healthy
    return {
        "Kayenta, once": _found(kayenta_once(canary, baseline)),
        "Kayenta, each interval": _found(kayenta_each_minute(canary, baseline)),
        "static 1.25x, 5 failures": _found(static_limit(canary, limit)),
        "**Holdfast, A/A history**": ours(default, lambda number: noises[number]),
        "Holdfast, own history": ours(default, lambda _: mine),
        "Holdfast, own history, the laboratory's margins": ours(lab, lambda _: mine),
    }


def _lab_plan() -> JudgePlan:
    """Return the plan of the laboratory's last step, with the window's horizon."""
    plan = judge_plan(LAB_CANARY, LAB_CANARY.steps[-1])
    return plan.model_copy(update={"looks": looks_until(WINDOW_INTERVALS)})


def _found(alarms: Floats, promoted_percent: float | None = None) -> Found:
    raised = alarms[np.isfinite(alarms)]
    return Found(
        windows=len(alarms),
        alarm_percent=100 * len(raised) / len(alarms),
        seconds=float(np.median(raised)) * INTERVAL_SECONDS if len(raised) else None,
        promoted_percent=promoted_percent,
    )


# ---- the table ---------------------------------------------------------------------------------


def lines_of(arms: EqualArms, found: dict[str, dict[str, Found]]) -> list[str]:
    """Return the table, with what it was measured on."""
    ratios = [math.log(canary / baseline) for canary, baseline in map(_latencies, arms.intervals)]
    known = np.array([one for one in ratios if not math.isnan(one)])
    windows = next(iter(found.values()))["equal arms"].windows
    before, after = arms.load_average
    lines = [
        "",
        f"**Latency of two tags of one commit, in the laboratory: {len(arms.intervals)} intervals "
        f"of {INTERVAL_SECONDS:g} s**",
        "",
        f"{windows} overlapping windows of {WINDOW_INTERVALS} intervals, each arm as the canary "
        f"once; log ratio: mean {known.mean():+.3f}, standard deviation {known.std():.3f}; load "
        f"average {before:.1f} before, {after:.1f} after, on {os.cpu_count()} cores",
        "",
        f"| method | {' | '.join(EFFECTS)} |",
        "|---" * (len(EFFECTS) + 1) + "|",
    ]
    rows = found.items()
    return lines + [
        f"| {method} | {' | '.join(_cell(found[method][effect]) for effect in EFFECTS)} |"
        for method, _ in rows
    ]


def _cell(one: Found) -> str:
    when = "" if one.seconds is None else f"; {one.seconds:.0f} s"
    promoted = "" if one.promoted_percent is None else f", promoted {one.promoted_percent:.0f}"
    return f"{one.alarm_percent:.1f}{when}{promoted}"
