"""Searches for better parameters of page tiers: budget fractions, windows, `for`.

Each parameter set is held against the history (its incidents and its quiet) and against injected
significant outages. Nothing beats the sets on the Pareto front in all of precision, recall, median
detection time and pages a week. Ticket tiers are left as they are, and not judged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.errors import InputError
from holdfast.model.replay import Candidate, PastIncident, Search
from holdfast.slo.replay.backtest import IncidentsGiven, Replay, quiet_steps, significance
from holdfast.slo.replay.firing import threshold_of
from holdfast.slo.replay.front import mark_front, recommend
from holdfast.slo.replay.holding import firing_of, runs
from holdfast.slo.replay.inject import InjectedRatios, Injection, possible_starts
from holdfast.slo.replay.intervals import share
from holdfast.slo.replay.parameters import AS_IT_IS, ParameterSet, parameter_sets
from holdfast.slo.replay.score import WEEK_SECONDS, Matching
from holdfast.slo.replay.simulate import first_true
from holdfast.slo.replay.windows import Bools, Floats

_LENGTHS = 6
_LEAST_SPENT, _MOST_SPENT = 1.0, 50.0
"""Injected outages spend from one to fifty times what makes an incident significant."""


@dataclass(frozen=True)
class SearchPlan:
    """How many parameter sets are tried and how many outages injected, with which seed."""

    sets: int = 500
    outages: int = 240
    seed: int = 0
    grace_seconds: float | None = None
    """None: as a backtest has it."""


def search(
    replay: Replay,
    given: IncidentsGiven,
    plan: SearchPlan,
    progress: Callable[[int, int], None] | None = None,
) -> Search:
    """Return all sets that were tried, the front, and the one that is recommended with why.

    Raises InputError where the objective has no page tier, or no outage can be injected.
    """
    sets = parameter_sets(replay, sets=plan.sets, seed=plan.seed)
    world = _World.of(replay, given, plan)
    found: list[Candidate] = []
    for done, one in enumerate(sets):
        found.append(_judge(replay, world, one))
        if progress is not None and (done % 20 == 19 or done + 1 == len(sets)):
            progress(done + 1, len(sets))
    marked = mark_front(found)
    best, why = recommend(marked, AS_IT_IS)
    return Search(
        slo=replay.slo.name,
        span=replay.span,
        seed=plan.seed,
        outages=sum(len(group.injection.starts) for group in world.injected),
        incidents=len(world.incidents),
        significant_is=significance(given.significant_fraction),
        candidates=marked,
        recommended=best,
        why=why,
    )


@dataclass(frozen=True)
class _World:
    """What every set is held against."""

    incidents: tuple[PastIncident, ...]
    """The significant ones."""
    bounds: Floats
    """Their starts and ends, Unix seconds, shape (incidents, 2)."""
    injected: tuple[InjectedRatios, ...]
    matching: Matching

    @classmethod
    def of(cls, replay: Replay, given: IncidentsGiven, plan: SearchPlan) -> _World:
        matching = Matching.of(replay.slo, plan.grace_seconds)
        weighed = replay.weigh(given)
        kept = tuple(one for one in weighed if one.significant)
        bounds = np.array([[i.start.timestamp(), i.end.timestamp()] for i in kept]).reshape(-1, 2)
        everything = (*weighed, *replay.find_incidents().incidents)
        least = max(given.significant_fraction, 0.01)
        quiet = quiet_steps(everything, replay.history)
        injected = tuple(_outages(replay, quiet, least, plan, matching.grace_seconds))
        if not injected:
            raise InputError(
                f"{replay.slo.name}: no quiet time in the history to inject outages into",
                hint="take a longer past",
            )
        return cls(kept, bounds, injected, matching)


def _outages(
    replay: Replay, quiet: Bools, least: float, plan: SearchPlan, grace_seconds: float
) -> Iterator[InjectedRatios]:
    """Yield outages by length, from short to long; depths spread so that all are significant."""
    slo, step = replay.slo, replay.history.step_seconds
    chance = np.random.default_rng(plan.seed)
    unit = slo.error_budget_fraction * slo.period_seconds  # of total outage that spends the budget
    shortest, longest = max(step, least * unit), min(replay.span.seconds / 10, 86_400.0)
    if longest < shortest:
        longest = shortest
    tail = round(grace_seconds / step) + 1
    each = max(1, plan.outages // _LENGTHS)
    for length in np.geomspace(shortest, longest, _LENGTHS):
        steps = max(1, math.ceil(length / step))
        starts = possible_starts(replay.history, quiet, steps + tail, first=replay.first)
        if not len(starts):
            continue
        low = min(1.0, least * _LEAST_SPENT * unit / (steps * step) * 1.2)
        high = min(1.0, least * _MOST_SPENT * unit / (steps * step))
        depths = np.exp(chance.uniform(math.log(low), math.log(max(low, high)), each))
        injection = Injection(chance.choice(starts, each), depths, steps, tail)
        yield InjectedRatios(replay.history, replay.ratios.sums, injection, chance)


def _judge(replay: Replay, world: _World, one: ParameterSet) -> Candidate:
    slo, step = replay.slo, replay.history.step_seconds
    limits = [threshold_of(tier, slo.objective, slo.period_seconds) for tier in one.tiers]
    fires = np.zeros(len(replay.history.total), dtype=np.bool_)
    for tier, limit in zip(one.tiers, limits, strict=True):
        fires |= firing_of(replay.ratios.condition(tier, limit), step, one.for_seconds)
    matching = world.matching
    alerts = _alerts(fires[replay.first :], replay.history.ends[replay.first :], matching)
    true, detected = _matched(alerts, world.bounds, matching.grace_seconds)
    times = [max(0.0, at - start) for at, start in detected]
    spent = [replay.spending.between(start, max(start, at)) or 0.0 for at, start in detected]
    count, of = len(detected), len(world.incidents)
    for group in world.injected:
        first = _first(group, one, limits, fires, matching.grace_seconds)
        told = first >= 0
        count, of = count + int(told.sum()), of + len(told)
        times += ((first[told] + 1) * step).tolist()
        steps = np.minimum(first + 1, group.injection.length_steps)
        bad = group.spent_events(np.maximum(steps, 0))[told]
        spent += (bad / replay.spending.allowed_bad_events).tolist()
    return Candidate(
        name=one.name,
        tiers=one.tiers,
        for_seconds=one.for_seconds,
        precision=share(true, len(alerts)),
        recall=share(count, of),
        detection_median_seconds=float(np.median(times)) if times else None,
        budget_at_page_median=float(np.median(spent)) if spent else None,
        pages_per_week=len(alerts) * WEEK_SECONDS / replay.span.seconds,
    )


def _first(
    group: InjectedRatios,
    one: ParameterSet,
    limits: Sequence[float],
    fires: Bools,
    grace_seconds: float,
) -> np.ndarray:
    """Return the step of each outage at which a page comes that would not come without it."""
    found = np.zeros((len(group.injection.starts), group.injection.steps), dtype=np.bool_)
    for tier, limit in zip(one.tiers, limits, strict=True):
        found |= group.fires(tier, limit, one.for_seconds)
    found &= ~group.base(fires)
    within = group.injection.length_steps + round(grace_seconds / group.step_seconds)
    return first_true(found[:, :within])


def _alerts(fires: Bools, ends: Floats, matching: Matching) -> Floats:
    """Return starts and ends of alerts, those close together joined; shape (alerts, 2)."""
    firsts, lasts = runs(fires)
    if not len(firsts):
        return np.zeros((0, 2))
    step = float(ends[1] - ends[0]) if len(ends) > 1 else 0.0
    starts, stops = ends[firsts], ends[lasts - 1] + step
    apart = np.flatnonzero(starts[1:] - stops[:-1] > matching.join_seconds) + 1
    heads = np.concatenate(([0], apart))
    tails = np.concatenate((apart - 1, [len(starts) - 1]))
    return np.stack([starts[heads], stops[tails]], axis=1)


def _matched(alerts: Floats, bounds: Floats, grace: float) -> tuple[int, list[tuple[float, float]]]:
    """Return how many alerts are true, and (first alert, start) of each incident detected."""
    if not len(alerts) or not len(bounds):
        return 0, []
    overlap = (alerts[:, None, 0] <= bounds[None, :, 1] + grace) & (
        alerts[:, None, 1] > bounds[None, :, 0]
    )
    found = np.flatnonzero(overlap.any(axis=0))
    first = overlap.argmax(axis=0)
    pairs = [(float(alerts[first[i], 0]), float(bounds[i, 0])) for i in found.tolist()]
    return int(overlap.any(axis=1).sum()), pairs
