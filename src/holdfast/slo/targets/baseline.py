"""The good ratio that history shows, with an interval that knows how events hang together.

Bad events come in outages, so that single events tell little: whole blocks of time are drawn anew
(moving-block bootstrap; Kuensch, Annals of Statistics 17, 1989), each time the ratio is of sums of
events. The percentiles are widened for the number of blocks (expanded percentile interval;
Hesterberg, The American Statistician 69, 2015), so that a short history gives a wider interval.

A month has few outages, of unlike size, and percentiles of so skewed a sum hold the truth too
rarely (67 to 89 % instead of 95 %, measured: docs/slo-arithmetic.md). So the interval is never
narrower than that of a sum of weighted Poisson counts, in which the bad events of each block are
one count (Fay and Feuer, Statistics in Medicine 16, 1997: room for one more block like the worst),
nor than the exact binomial one (Clopper and Pearson, 1934: without a bad event, 100 % is not
shown).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from holdfast.errors import InputError
from holdfast.model.target import Baseline, DayRatio
from holdfast.slo.history import Counts, EventHistory
from holdfast.slo.known_events import KnownEvents, known_events
from holdfast.slo.targets.distributions import (
    beta_quantile,
    gamma_quantile,
    normal_below,
    student_quantile,
)
from holdfast.slo.targets.percent import percent

DAY_SECONDS = 86400.0
LEAST_BLOCKS = 8


def baseline(
    history: EventHistory,
    *,
    block_seconds: float = DAY_SECONDS,
    resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
    period_seconds: float | None = None,
) -> Baseline:
    """Return the good ratio over the whole history and its interval.

    A block is a day, or what of the history allows eight of them. `period_seconds`: the SLO's
    period, to say so where history is shorter. The same seed gives the same interval. Raises
    InputError for a block, a number of resamples or a confidence that makes no sense.
    """
    _check(block_seconds, resamples, confidence)
    events = known_events(history)
    heard = np.flatnonzero(events.known)
    if heard.size == 0 or events.total[events.known].sum() <= 0:
        return _unmeasured(events, confidence, heard.size * history.step_seconds)
    first, last = int(heard[0]), int(heard[-1]) + 1
    bad = np.where(events.known, events.bad, 0.0)[first:last]
    total = np.where(events.known, events.total, 0.0)[first:last]
    steps = _block_steps(len(total), block_seconds / history.step_seconds)
    low, high = _interval(bad, total, steps, resamples, seed, confidence)
    good_ratio = 1 - float(bad.sum() / total.sum())
    seconds, block = len(total) * history.step_seconds, steps * history.step_seconds
    known = heard.size / len(total)
    return Baseline(
        good_ratio=good_ratio,
        low=low,
        high=high,
        confidence=confidence,
        bad_events=float(bad.sum()),
        total_events=float(total.sum()),
        seconds=seconds,
        known_fraction=known,
        block_seconds=block,
        blocks=len(total) // steps,
        worst_day=_worst_day(bad, total, history.start + first * history.step_seconds, history),
        statement=f"{percent(good_ratio)} of {total.sum():.0f} events were good over "
        f"{_days(seconds)}; with {100 * confidence:g} % confidence the ratio lies between "
        f"{percent(low)} and {percent(high)}",
        warnings=tuple(_warnings(events, seconds, known, block, block_seconds, period_seconds)),
    )


def _check(block_seconds: float, resamples: int, confidence: float) -> None:
    if block_seconds <= 0 or resamples < 100 or not 0.5 <= confidence < 1:
        raise InputError(
            f"baseline: block_seconds {block_seconds:g}, resamples {resamples}, "
            f"confidence {confidence:g}",
            hint="give a positive block, at least 100 resamples, and a confidence from 0.5 to 1",
        )


def _block_steps(steps: int, wanted_steps: float) -> int:
    return max(1, min(round(wanted_steps), steps // LEAST_BLOCKS))


def _interval(
    bad: Counts, total: Counts, block: int, resamples: int, seed: int, confidence: float
) -> tuple[float, float]:
    drawn = _resampled_bad_ratios(bad, total, block, resamples, seed)
    tail = _expanded_tail(len(total) // block, confidence)
    few, many = np.quantile(drawn, [tail, 1 - tail]) if drawn.size else (0.0, 1.0)
    bounds = (
        (float(few), float(many)),
        _fay_feuer(bad, total, block, confidence),
        _clopper_pearson(float(bad.sum()), float(total.sum()), confidence),
    )
    return 1 - max(upper for _, upper in bounds), 1 - min(lower for lower, _ in bounds)


def _resampled_bad_ratios(
    bad: Counts, total: Counts, block: int, resamples: int, seed: int
) -> Counts:
    """The bad ratio of each resample: as many blocks as fit, each beginning anywhere."""
    sums = [np.concatenate(([0.0], np.cumsum(counts))) for counts in (bad, total)]
    bad_of, total_of = (s[block:] - s[:-block] for s in sums)
    generator = np.random.default_rng(seed)
    count = math.ceil(len(total) / block)
    starts = generator.integers(0, len(total_of), size=(resamples, count))
    events = total_of[starts].sum(axis=1)
    return (bad_of[starts].sum(axis=1)[events > 0]) / events[events > 0]


def _expanded_tail(blocks: int, confidence: float) -> float:
    """The percentile at which a normal tail is as far out as Student's is for so many blocks."""
    if blocks < 2:
        return 0.0
    quantile = student_quantile((1 + confidence) / 2, blocks - 1)
    return normal_below(-math.sqrt(blocks / (blocks - 1)) * quantile)


def _fay_feuer(bad: Counts, total: Counts, block: int, confidence: float) -> tuple[float, float]:
    """The gamma interval of a weighted sum of Poisson counts: each block's bad events are one."""
    weights = np.add.reduceat(bad, np.arange(0, len(bad), block))
    events, spent, squared = float(total.sum()), float(bad.sum()), float(weights @ weights)
    if spent <= 0:
        return 0.0, 0.0
    tail, most = (1 - confidence) / 2, float(weights.max())
    few = squared / spent * gamma_quantile(tail, spent**2 / squared)
    more, wider = spent + most, squared + most**2
    many = wider / more * gamma_quantile(1 - tail, more**2 / wider)
    return few / events, min(1.0, many / events)


def _clopper_pearson(bad: float, total: float, confidence: float) -> tuple[float, float]:
    """The exact interval of the bad ratio, if events were independent. Counts need not be whole."""
    tail = (1 - confidence) / 2
    few = 0.0 if bad <= 0 else beta_quantile(tail, bad, total - bad + 1)
    many = 1.0 if bad >= total else beta_quantile(1 - tail, bad + 1, total - bad)
    return few, many


def _worst_day(bad: Counts, total: Counts, start: float, history: EventHistory) -> DayRatio:
    middles = start + history.step_seconds * (np.arange(len(total)) + 0.5)
    days, place = np.unique(np.floor(middles / DAY_SECONDS), return_inverse=True)
    bad_of, total_of = np.bincount(place, bad), np.bincount(place, total)
    ratios = np.divide(bad_of, total_of, out=np.full(len(days), -1.0), where=total_of > 0)
    worst = int(np.argmax(ratios))
    day = datetime.fromtimestamp(float(days[worst]) * DAY_SECONDS, UTC)
    return DayRatio(
        day=f"{day:%Y-%m-%d}",
        good_ratio=1 - float(ratios[worst]),
        total_events=float(total_of[worst]),
    )


def _warnings(
    events: KnownEvents,
    seconds: float,
    known_fraction: float,
    block: float,
    wanted_block: float,
    period_seconds: float | None,
) -> Iterator[str]:
    if block < wanted_block:
        yield (
            f"the history is short ({_days(seconds)}): blocks of {_days(block)} instead of "
            f"{_days(wanted_block)}, and a wider interval"
        )
    if period_seconds is not None and seconds < period_seconds:
        yield (
            f"the history covers {_days(seconds)} of a period of {_days(period_seconds)}: what "
            "happens more rarely is not in it"
        )
    if known_fraction < 0.99:
        yield f"{percent(1 - known_fraction)} of the history has no data and is left out"
    if events.contradictory_steps:
        yield (
            f"{events.contradictory_steps} steps have more bad events than events: "
            "correct the SLO's indicator"
        )


def _days(seconds: float) -> str:
    if seconds >= DAY_SECONDS:
        return f"{seconds / DAY_SECONDS:.3g} d"
    return f"{seconds / 3600:.3g} h" if seconds >= 3600 else f"{seconds:.3g} s"


def _unmeasured(events: KnownEvents, confidence: float, seconds: float) -> Baseline:
    return Baseline(
        good_ratio=None,
        low=None,
        high=None,
        confidence=confidence,
        bad_events=0.0,
        total_events=0.0,
        seconds=seconds,
        known_fraction=float(events.known.mean()) if events.known.size else 0.0,
        block_seconds=None,
        blocks=0,
        worst_day=None,
        statement="no data: not one event with its outcome was counted",
    )
