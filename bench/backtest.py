"""How fast alerts are replayed on history: many SLOs at once, and many parameter sets of one.

Run: python bench/backtest.py [--slos N] [--days D] [--processes P] [--quick]. Limits: 1,000 SLOs x
4 tiers x 90 days at 1 minute within 60 s on 4 cores and 2 GiB, incidents found and scores worked
out; 500 parameter sets for one SLO of that length within 5 s. The made-up histories (a daily and a
weekly wave, outages of many depths) are made by the same processes; how long that took is printed
apart, and counts. Beside it: the same windows by numpy's convolution, on one SLO, one core.
Exit code 1 where a limit is missed; --quick runs a small part and only prints.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Literal

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from holdfast.model.slo import SLO, BurnTier, RatioIndicator
from holdfast.slo.history import EventHistory
from holdfast.slo.replay.backtest import Replay
from holdfast.slo.replay.firing import threshold_of
from holdfast.slo.replay.score import Matching
from holdfast.slo.replay.search import SearchPlan, search

STEP = 60.0
DAY = 86_400.0
LEAD_DAYS = 3
WALL_SECONDS, PEAK_MIB, SEARCH_SECONDS = 60.0, 2048.0, 5.0
_PLANS: tuple[tuple[str, Literal["page", "ticket"], float, float], ...] = (
    ("page-fast", "page", 0.02, 3600),
    ("page-slow", "page", 0.05, 6 * 3600),
    ("ticket-fast", "ticket", 0.10, DAY),
    ("ticket-slow", "ticket", 0.10, 3 * DAY),
)
TIERS = tuple(
    BurnTier(
        name=name,
        action=action,
        budget_fraction=fraction,
        long_window_seconds=long_window,
        short_window_seconds=long_window / 12,
    )
    for name, action, fraction, long_window in _PLANS
)


@dataclass(frozen=True)
class Task:
    """Some SLOs of a number; `days` are told, the longest window before them is read as well."""

    first: int
    count: int
    days: int


@dataclass(frozen=True)
class Done:
    """What a process did. Seconds are of its own wall clock."""

    slos: int
    incidents: int
    alerts: int
    make_seconds: float
    replay_seconds: float
    peak_mib: float
    process: int


def made_slo(number: int) -> SLO:
    """Return an SLO of 99.9 %."""
    return SLO(
        name=f"slo-{number}",
        service=f"service-{number}",
        kind="availability",
        indicator=RatioIndicator(bad_query="bad[$window]", total_query="total[$window]"),
        objective=0.999,
        period_seconds=30 * DAY,
        tiers=TIERS,
    )


def made_history(number: int, days: int) -> EventHistory:
    """Return minutes of traffic with two waves, background errors, and an outage every ten days."""
    chance = np.random.default_rng(number)
    steps = int((days + LEAD_DAYS) * DAY / STEP)
    at = np.arange(steps) / 1440
    wave = 1 + 0.5 * np.sin(at * 2 * np.pi) + 0.2 * np.sin(at / 7 * 2 * np.pi)
    total = chance.poisson(chance.choice([30, 600, 20_000]) * wave)
    ratio = np.full(steps, 0.0002)
    for _ in range(days // 10 + 1):
        start = chance.integers(0, steps)
        ratio[start : start + chance.integers(2, 600)] = chance.choice([0.005, 0.05, 0.3, 1.0])
    bad = chance.binomial(total, ratio)
    return EventHistory(0.0, STEP, bad.astype(np.float64), total.astype(np.float64))


def run(task: Task) -> Done:
    """Make and replay the SLOs of a task, one after another: memory holds one history."""
    incidents = alerts = 0
    make_seconds = replay_seconds = 0.0
    for number in range(task.first, task.first + task.count):
        started = time.perf_counter()
        history = made_history(number, task.days)
        between = time.perf_counter()
        replay = Replay(made_slo(number), history, LEAD_DAYS * DAY, "made up")
        result = replay.backtest(replay.find_incidents(), [replay.tiers()], Matching())
        replay_seconds += time.perf_counter() - between
        make_seconds += between - started
        incidents += len(result.incidents)
        alerts += result.rule_sets[0].scores[0].alerts
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Done(task.count, incidents, alerts, make_seconds, replay_seconds, peak, os.getpid())


def by_convolution(history: EventHistory, slo: SLO) -> list[np.ndarray]:
    """Return where each tier fires, every window summed anew."""
    found: list[np.ndarray] = []
    for tier in slo.tiers:
        limit = threshold_of(tier, slo.objective, slo.period_seconds)
        fires = np.ones(len(history.total), dtype=np.bool_)
        for window in (tier.long_window_seconds, tier.short_window_seconds):
            ones = np.ones(round(window / STEP))
            bad = np.convolve(history.bad, ones)[: len(fires)]
            total = np.convolve(history.total, ones)[: len(fires)]
            fires &= np.rint(bad) > limit * np.rint(total)
        found.append(fires)
    return found


def many(slos: int, days: int, processes: int) -> bool:
    """Replay many SLOs, print the table, and say whether the limits hold."""
    size = max(1, slos // (processes * 8))
    tasks = [Task(first, min(size, slos - first), days) for first in range(0, slos, size)]
    started = time.perf_counter()
    with ProcessPoolExecutor(processes, multiprocessing.get_context("forkserver")) as pool:
        done = list(pool.map(run, tasks))
    wall = time.perf_counter() - started
    replaying = sum(one.replay_seconds for one in done) / processes
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    peak += sum({one.process: one.peak_mib for one in done}.values())
    evaluations = slos * len(TIERS) * days * DAY / STEP
    print(f"{slos} SLOs x {len(TIERS)} tiers x {days} d at {STEP:g} s, {processes} processes")
    print(
        f"  incidents found {sum(d.incidents for d in done)}, alerts {sum(d.alerts for d in done)}"
    )
    print(f"  making the histories {wall - replaying:8.1f} s of the wall clock")
    rate = evaluations / replaying / 1e6
    print(f"  replaying            {replaying:8.1f} s, {rate:,.0f} million tiers x steps a second")
    return all(
        (
            limit("wall clock", wall, WALL_SECONDS, "s"),
            limit("peak memory, all processes", peak, PEAK_MIB, "MiB"),
        )
    )


def one(days: int, sets: int) -> bool:
    """Compare with the convolution, then search; print, and say whether the limit holds."""
    slo, history = made_slo(1), made_history(1, days)
    started = time.perf_counter()
    replay = Replay(slo, history, LEAD_DAYS * DAY, "made up")
    ours = [
        replay.ratios.condition(t, threshold_of(t, slo.objective, slo.period_seconds))
        for t in TIERS
    ]
    between = time.perf_counter()
    plain = by_convolution(history, slo)
    plain_seconds, our_seconds = time.perf_counter() - between, between - started
    differ = sum(int((a != b).sum()) for a, b in zip(ours, plain, strict=True))
    print(
        f"one SLO, {days} d, one core: prefix sums {our_seconds * 1000:.1f} ms, convolution "
        f"{plain_seconds * 1000:.1f} ms ({plain_seconds / our_seconds:.0f}x), {differ} steps differ"
    )
    started = time.perf_counter()
    found = search(replay, replay.find_incidents(), SearchPlan(sets=sets))
    seconds = time.perf_counter() - started
    print(
        f"{len(found.candidates)} parameter sets, {found.outages} injected outages, "
        f"{found.incidents} incidents, {days} d, one process"
    )
    return limit("search", seconds, SEARCH_SECONDS, "s") and differ == 0


def limit(what: str, measured: float, at_most: float, unit: str) -> bool:
    """Print a figure beside its limit, and say whether it holds."""
    holds = measured <= at_most
    print(
        f"  {what:<28}{measured:9.1f} {unit:<4} limit {at_most:g} {unit} "
        f"({at_most / measured:.1f}x below)"
        if holds
        else f"  {what:<28}{measured:9.1f} {unit:<4} limit {at_most:g} {unit} MISSED"
    )
    return holds


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--slos", type=int, default=1000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--sets", type=int, default=500)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="a small part, without verdict")
    wanted = parser.parse_args()
    if wanted.quick:
        wanted.slos, wanted.days, wanted.sets, wanted.processes = 8, 10, 40, 2
    kept = [many(wanted.slos, wanted.days, wanted.processes), one(wanted.days, wanted.sets)]
    return 0 if wanted.quick or all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
