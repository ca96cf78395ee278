"""Simulates outages of many depths and lengths on a history, and says which alerts tell of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from holdfast.errors import InputError
from holdfast.model.replay import SimulatedCell, Simulation
from holdfast.model.slo import BurnTier
from holdfast.slo.replay.backtest import Replay, quiet_steps
from holdfast.slo.replay.detector import find_incidents
from holdfast.slo.replay.firing import threshold_of
from holdfast.slo.replay.holding import firing_of
from holdfast.slo.replay.inject import InjectedRatios, Injection, possible_starts
from holdfast.slo.replay.intervals import median_estimate, share
from holdfast.slo.replay.score import Matching
from holdfast.slo.replay.windows import Bools, Ints, steps_in
from holdfast.slo.rules import tier_windows

DEPTHS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
"""The fraction of good events that an outage makes bad."""

NO_ROOM = "no quiet time of this length in the history"


@dataclass(frozen=True)
class Plan:
    """What is injected. `lengths_seconds`: empty for the tiers' own windows."""

    depths: tuple[float, ...] = DEPTHS
    lengths_seconds: tuple[float, ...] = ()
    outages_per_cell: int = 100
    seed: int = 0
    grace_seconds: float | None = None
    """None: as a backtest has it."""
    for_seconds: float = 0.0


def simulate(
    replay: Replay, plan: Plan, progress: Callable[[int, int], None] | None = None
) -> tuple[Simulation, ...]:
    """Return what pages tell of injected outages, and what all alerts do.

    An outage is told of where a tier fires that does not without it, until the grace after its end.
    Raises InputError for depths, lengths and numbers that make no sense.
    """
    plan = replace(plan, grace_seconds=Matching.of(replay.slo, plan.grace_seconds).grace_seconds)
    lengths = plan.lengths_seconds or default_lengths(replay)
    _check(plan, lengths, replay)
    scopes = _scopes(replay.slo.tiers)
    cells: dict[str, list[SimulatedCell]] = {scope: [] for scope in scopes}
    work = [(depth, length) for length in lengths for depth in plan.depths]
    base = _Base.of(replay, plan.for_seconds)
    for done, (depth, length) in enumerate(work):
        chance = np.random.default_rng([plan.seed, done])
        for scope, cell in _cell(replay, plan, base, scopes, (depth, length), chance).items():
            cells[scope].append(cell)
        if progress is not None:
            progress(done + 1, len(work))
    return tuple(
        Simulation(
            slo=replay.slo.name,
            span=replay.span,
            scope=scope,
            seed=plan.seed,
            outages_per_cell=plan.outages_per_cell,
            cells=tuple(found),
        )
        for scope, found in cells.items()
    )


def default_lengths(replay: Replay) -> tuple[float, ...]:
    """Return the tiers' windows, those of at most a tenth of the past."""
    windows = [w for w in tier_windows(replay.slo) if w <= replay.span.seconds / 10]
    return tuple(windows) or (replay.history.step_seconds,)


@dataclass(frozen=True)
class _Base:
    """The history without any outage: where each tier fires, and where nothing goes on."""

    fires: dict[str, Bools]
    quiet: Bools

    @classmethod
    def of(cls, replay: Replay, for_seconds: float) -> _Base:
        fires = {
            tier.name: firing_of(
                replay.ratios.condition(tier, _threshold(replay, tier)),
                replay.history.step_seconds,
                for_seconds,
            )
            for tier in replay.slo.tiers
        }
        incidents = find_incidents(replay.history, replay.slo.objective, replay.ratios.sums)
        return cls(fires, quiet_steps(incidents, replay.history))


def _cell(
    replay: Replay,
    plan: Plan,
    base: _Base,
    scopes: dict[str, list[BurnTier]],
    outage: tuple[float, float],
    chance: np.random.Generator,
) -> dict[str, SimulatedCell]:
    """Return one cell for each scope."""
    depth, length_seconds = outage
    step = replay.history.step_seconds
    length = steps_in(length_seconds, step, "length")
    shortest = max(tier.short_window_seconds for tier in replay.slo.tiers)
    tail = round(max(plan.grace_seconds or 0, shortest) / step) + 1
    starts = possible_starts(replay.history, base.quiet, length + tail, first=replay.first)
    if not len(starts):
        return dict.fromkeys(scopes, _no_room(depth, length_seconds))
    chosen: Ints = chance.choice(starts, plan.outages_per_cell)
    injection = Injection(chosen, np.full(len(chosen), depth), length, tail)
    ratios = InjectedRatios(replay.history, replay.ratios.sums, injection, chance)
    fires = {
        tier.name: ratios.fires(tier, _threshold(replay, tier), plan.for_seconds)
        & ~ratios.base(base.fires[tier.name])
        for tier in replay.slo.tiers
    }
    return {
        scope: _told(
            replay,
            plan,
            ratios,
            np.logical_or.reduce([fires[t.name] for t in tiers]),
            outage,
        )
        for scope, tiers in scopes.items()
    }


def _told(
    replay: Replay,
    plan: Plan,
    ratios: InjectedRatios,
    fires: Bools,
    outage: tuple[float, float],
) -> SimulatedCell:
    step, length = replay.history.step_seconds, ratios.injection.length_steps
    within = length + round((plan.grace_seconds or 0) / step)
    first = first_true(fires[:, :within])
    told = first >= 0
    detection = (first[told] + 1) * step
    after = fires[told, length - 1 :]
    reset = np.argmin(after, axis=1)[~after.all(axis=1)] * step
    allowed = replay.spending.allowed_bad_events
    spent = ratios.spent_events(np.minimum(first + 1, length))[told] / allowed
    return SimulatedCell(
        depth=outage[0],
        length_seconds=outage[1],
        budget_spent_fraction=float(np.median(ratios.injected_events())) / allowed,
        recall=share(int(told.sum()), len(told)),
        detection_seconds=median_estimate(detection.tolist(), plan.seed),
        reset_seconds=median_estimate(reset.tolist(), plan.seed),
        budget_at_alert=median_estimate(spent.tolist(), plan.seed),
    )


def first_true(flags: Bools) -> Ints:
    """Return the first True of each row, -1 where there is none."""
    return np.where(flags.any(axis=1), flags.argmax(axis=1), -1).astype(np.int64)


def _threshold(replay: Replay, tier: BurnTier) -> float:
    return threshold_of(tier, replay.slo.objective, replay.slo.period_seconds)


def _scopes(tiers: Sequence[BurnTier]) -> dict[str, list[BurnTier]]:
    pages = [tier for tier in tiers if tier.action == "page"]
    return {"pages": pages, "all alerts": list(tiers)} if pages else {"all alerts": list(tiers)}


def _no_room(depth: float, length_seconds: float) -> SimulatedCell:
    return SimulatedCell(
        depth=depth,
        length_seconds=length_seconds,
        budget_spent_fraction=None,
        recall=share(0, 0),
        detection_seconds=None,
        reset_seconds=None,
        budget_at_alert=None,
        missed_reason=NO_ROOM,
    )


def _check(plan: Plan, lengths: Sequence[float], replay: Replay) -> None:
    if not replay.slo.tiers:
        raise InputError(f"{replay.slo.name} has no tiers: there is nothing to simulate")
    wrong = [depth for depth in plan.depths if not 0 < depth <= 1]
    if wrong:
        raise InputError(f"depth {wrong[0]:g}: it is a fraction of events, above 0, at most 1")
    if plan.outages_per_cell < 1:
        raise InputError(f"outages {plan.outages_per_cell}: at least one is needed")
    for length in lengths:
        steps_in(length, replay.history.step_seconds, "length")
