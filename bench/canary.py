"""What the canary judge finds, misses and costs, beside Kayenta's classifier and a static limit.

Run: python bench/canary.py [--runs N] [--processes N] [--aa SECONDS]. Every method sees the same
made-up canaries: 60 one-minute points, healthy ones and degraded ones, at three strengths of noise
that the arms do not share. Cells: found within the hour / within the aimed minutes, in percent;
median minute of the alarm; bad requests that the canary served until then, on average. On healthy
canaries "found" is the false alarm. With --aa a laboratory is run as well, for so many seconds with
two tags of one commit, and what it measured is replayed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

os.environ.setdefault("OMP_NUM_THREADS", "1")

from canary_parts.generators import Noise
from canary_parts.measure import Outcome, Traffic, error_outcomes, latency_outcomes

NOISE_SDS = (0.0, 0.05, 0.10)
PERSISTENCE, HARD_PERSISTENCE = 0.5, 0.8
LATENCY_EFFECTS = {
    "healthy": "none",
    "+2 % (at the margin)": "0.02",
    "+20 %": "0.2",
    "+50 %": "0.5",
    "intermittent": "intermittent",
}
BASE_RATE = 0.0005
ERROR_RATES = {
    "0.05 % (healthy)": (BASE_RATE, False),
    "healthy, in bursts of 5": (BASE_RATE, True),
    "0.25 %": (0.0025, False),
    "0.5 %": (0.005, False),
    "1 %": (0.01, False),
}
LATENCY_MINUTES, ERROR_MINUTES = 10, 18


@dataclass(frozen=True)
class Task:
    """One column of one table; `rate` is None for latency."""

    runs: int
    column: str
    noise: Noise | None = None
    traffic: Traffic | None = None
    seed: int = 20260101


@dataclass(frozen=True)
class Table:
    """A heading and its columns' tasks."""

    title: str
    tasks: tuple[Task, ...]
    within_minutes: int


def tables(runs: int) -> list[Table]:
    """Return what is to be printed, in order."""
    noises = [Noise(sd, PERSISTENCE) for sd in NOISE_SDS]
    noises += [Noise(sd, HARD_PERSISTENCE) for sd in NOISE_SDS[1:]]
    latency = [
        Table(
            f"Latency, arm noise s = {one.sd:.2f}, persistence {one.persistence:g}",
            tuple(Task(runs, column, noise=one) for column in LATENCY_EFFECTS),
            LATENCY_MINUTES,
        )
        for one in noises
    ]
    errors = [
        Table(
            f"Errors, {one.canary} requests a minute to the canary, {one.baseline} to the baseline",
            tuple(Task(runs, column, traffic=one) for column in ERROR_RATES),
            ERROR_MINUTES,
        )
        for one in (Traffic(600, 600), Traffic(60, 540))
    ]
    return latency + errors


def run(task: Task) -> dict[str, Outcome]:
    """Return each method's outcome for one column."""
    if task.noise is not None:
        return latency_outcomes(task.runs, task.noise, LATENCY_EFFECTS[task.column], task.seed)
    if task.traffic is None:
        raise ValueError("a task is about latency or about errors")
    rate, burst = ERROR_RATES[task.column]
    return error_outcomes(task.runs, task.traffic, BASE_RATE, rate, task.seed, burst=burst)


def cell(outcome: Outcome, within: int, *, healthy: bool) -> str:
    """Return one cell: the false alarms, or what was found, when and at what cost."""
    passed = outcome.promoted_percent
    promoted = "" if passed is None else f", promoted {passed:.1f}"
    if healthy:
        return f"{outcome.found_percent:.1f}{promoted}"
    found = f"{outcome.found_percent:.1f} / {outcome.found_by(within):.1f}"
    median = outcome.median_minutes
    when = "" if median != median else f"; {median:.0f} min"
    return f"{found}{when}; {outcome.bad_requests:,.0f} bad{promoted}"


def print_table(table: Table, results: Sequence[dict[str, Outcome]]) -> None:
    """Print one Markdown table, a row a method."""
    names = [task.column for task in table.tasks]
    heads = [
        name if _is_healthy(name) else f"{name}: found / ≤ {table.within_minutes} min"
        for name in names
    ]
    print(f"\n**{table.title}**\n")
    print(f"| method | {' | '.join(heads)} |")
    print("|---" * (len(heads) + 1) + "|")
    for method in results[0]:
        cells = [
            cell(one[method], table.within_minutes, healthy=_is_healthy(name))
            for name, one in zip(names, results, strict=True)
        ]
        print(f"| {method} | {' | '.join(cells)} |")


def _is_healthy(column: str) -> bool:
    return "healthy" in column or "margin" in column


def main() -> None:
    """Print the tables."""
    reader = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    reader.add_argument("--runs", type=int, default=1000, help="made-up canaries a cell")
    reader.add_argument("--processes", type=int, default=2)
    reader.add_argument("--aa", type=float, default=0.0, help="seconds of real equal arms")
    chosen = reader.parse_args()
    began = time.monotonic()
    wanted = tables(chosen.runs)
    tasks = [task for table in wanted for task in table.tasks]
    with multiprocessing.Pool(chosen.processes) as pool:
        results = iter(pool.map(run, tasks, chunksize=1))
    print(f"{chosen.runs} canaries a cell, 60 one-minute points; percent of runs")
    for table in wanted:
        print_table(table, [next(results) for _ in table.tasks])
    print(f"\n{time.monotonic() - began:.0f} s on {chosen.processes} processes")
    if chosen.aa:
        print_equal_arms(chosen.aa)


def print_equal_arms(seconds: float) -> None:
    """Measure real equal arms, and print what every method says of them."""
    from canary_parts.equal_arms import lines_of, measure_equal_arms, replay

    arms = measure_equal_arms(seconds)
    print("\n".join(lines_of(arms, replay(arms))))


if __name__ == "__main__":
    main()
