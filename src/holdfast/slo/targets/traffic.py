"""Low traffic: where one bad event would page, a page also needs a least number of bad events.

Let bad events come independently at the rate that the budget allows (burn 1). A long window of N
events pages with m bad ones, the greater of the count that is asked for and the one that the
ratio asks of N. Take the last bad event before a page: the window that ends with it holds m or
more, which has the probability P(Poisson((1 - objective) x N) >= m - 1), m being that of the window
with the fewest events of those that hold it. So the expected number of bad events that pages
follow is at most the sum of that probability over all bad events (Slivnyak-Mecke theorem; Daley
and Vere-Jones, An Introduction to the Theory of Point Processes, chapter 13), on any traffic shape:
that is the bound on false pages. Pages with no bad event between them count as one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.catalog.defaults import DEFAULT_PERIOD_SECONDS
from holdfast.errors import InputError
from holdfast.model.slo import SLO, BurnTier
from holdfast.model.target import CountTest
from holdfast.slo.budget import bad_events_query
from holdfast.slo.burn import error_ratio_threshold
from holdfast.slo.history import Counts, EventHistory
from holdfast.slo.known_events import known_events, window_sums
from holdfast.slo.rules import tier_expression
from holdfast.slo.targets.distributions import poisson_at_least
from holdfast.slo.targets.percent import percent
from holdfast.slo.targets.tiers import arithmetic_slo

MOST_EVENTS = 10_000
TOLERATED_SINGLE_FRACTION = 0.001


def needs_count_test(
    history: EventHistory,
    tier: BurnTier,
    objective: float,
    period_seconds: float = DEFAULT_PERIOD_SECONDS,
) -> bool:
    """Whether in more than one window in a thousand a single bad event would page."""
    return single_event_fraction(history, tier, objective, period_seconds) > (
        TOLERATED_SINGLE_FRACTION
    )


def single_event_fraction(
    history: EventHistory, tier: BurnTier, objective: float, period_seconds: float
) -> float:
    """Return in which fraction of the long windows with traffic one bad event is over the ratio.

    The short window lies within the long one and has fewer events: it is over the ratio as well.
    """
    sums = _window_events(history, tier)
    threshold = error_ratio_threshold(tier, arithmetic_slo(objective, period_seconds))
    return float(np.mean(sums * threshold < 1)) if sums.size else 0.0


def count_test(
    history: EventHistory,
    tier: BurnTier,
    objective: float,
    period_seconds: float = DEFAULT_PERIOD_SECONDS,
    *,
    false_pages_per_period: float = 0.1,
) -> CountTest | None:
    """Return the least count that keeps false pages below the bound; None = nothing to count.

    Raises InputError for a bound that is not positive, or one that no count can keep.
    """
    if false_pages_per_period <= 0:
        raise InputError(f"false_pages_per_period: {false_pages_per_period:g} is not positive")
    sums = _window_events(history, tier)
    if not sums.size:
        return None
    null = 1 - objective
    per_period = period_seconds / (len(history.total) * history.step_seconds)
    known = known_events(history)
    steps = _long_steps(history, tier)
    events = window_sums(known.total, steps)
    threshold = error_ratio_threshold(tier, arithmetic_slo(objective, period_seconds))
    chances = _Chances(
        bad_each_step=null * known.total * per_period,
        means=null * events,
        ratio_counts=np.floor(threshold * least_ahead(events, steps)) + 1,
    )
    least, expected = _least_count(chances, false_pages_per_period)
    median = float(np.median(sums))
    reached = least <= median
    return CountTest(
        tier=tier.name,
        least_bad_events=least,
        window_seconds=tier.long_window_seconds,
        null_bad_ratio=null,
        false_pages_per_period=expected,
        bound_per_period=false_pages_per_period,
        single_event_fraction=single_event_fraction(history, tier, objective, period_seconds),
        blind_fraction=float(np.mean(sums < least)),
        median_events=median,
        seconds_to_page_full_outage=least / median * tier.long_window_seconds if reached else None,
        sentence=_sentence(tier, objective, least, expected, median),
    )


def false_pages_bound(
    events_in_window: float, events_in_period: float, bad_ratio: float, least_bad_events: int
) -> float:
    """Return the bound for steady traffic: bad events a period x P(Poisson >= k - 1)."""
    mean, count = np.array([bad_ratio * events_in_window]), np.array([least_bad_events - 1.0])
    return bad_ratio * events_in_period * float(poisson_at_least(count, mean)[0])


def count_expression(slo: SLO, tier: BurnTier, test: CountTest) -> str:
    """Return PromQL: the tier's condition, and that many bad events in the long window.

    Half an event below the count, because `increase` extrapolates to what is no whole number.
    """
    bad = bad_events_query(slo, tier.long_window_seconds)
    return f"({tier_expression(slo, tier)}) and ({bad}) > {test.least_bad_events - 0.5:g}"


def _long_steps(history: EventHistory, tier: BurnTier) -> int:
    return max(1, round(tier.long_window_seconds / history.step_seconds))


def _window_events(history: EventHistory, tier: BurnTier) -> Counts:
    """All events of each whole long window that has any, shape (windows,)."""
    known = known_events(history)
    steps = _long_steps(history, tier)
    sums = window_sums(known.total, steps)
    whole = sums[steps - 1 :] if len(sums) >= steps else sums[-1:]
    return whole[whole > 0]


@dataclass(frozen=True)
class _Chances:
    """At the null ratio, for each step: arrays of shape (n,)."""

    bad_each_step: Counts
    """Expected bad events, scaled to a period."""
    means: Counts
    """Expected bad events of the long window that ends with it."""
    ratio_counts: Counts
    """The fewest bad events that the ratio asks for in a long window that holds the step."""

    def false_pages(self, count: int) -> float:
        """Return the bound on false pages a period where `count` bad events are asked for."""
        others = np.maximum(count, self.ratio_counts) - 1
        return float(self.bad_each_step @ poisson_at_least(others, self.means))


def least_ahead(values: Counts, steps: int) -> Counts:
    """Return for each place the least of the `steps` values that begin with it; fewer at the end.

    In time linear in the values (van Herk, Pattern Recognition Letters 13, 1992).
    """
    blocks = -(-len(values) // steps) + 1
    padded = np.full(blocks * steps, np.inf)
    padded[: len(values)] = values
    by_block = padded.reshape(blocks, steps)
    from_start = np.minimum.accumulate(by_block, axis=1).ravel()
    to_end = np.minimum.accumulate(by_block[:, ::-1], axis=1)[:, ::-1].ravel()
    last = np.arange(len(values)) + steps - 1
    return np.minimum(to_end[: len(values)], from_start[last])


def _least_count(chances: _Chances, bound: float) -> tuple[int, float]:
    low, high = 1, 2
    if chances.false_pages(1) <= bound:
        return 1, chances.false_pages(1)
    while chances.false_pages(high) > bound:
        low, high = high, high * 2
        if high > MOST_EVENTS:
            raise InputError(
                f"false_pages_per_period: {bound:g} cannot be kept by a count of bad events "
                f"up to {MOST_EVENTS}",
                hint="traffic is high: the ratio alone does it",
            )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if chances.false_pages(middle) > bound else (low, middle)
    return high, chances.false_pages(high)


def _sentence(tier: BurnTier, objective: float, least: int, expected: float, median: float) -> str:
    reach = (
        f"at {median:.3g} events a window a full outage pages after {least} events"
        if least <= median
        else f"a window holds {median:.3g} events at the median, fewer than that: the tier is "
        "blind then, so add probes or lengthen the window"
    )
    return (
        f"{tier.name} also needs {least} bad events in its long window: at a bad ratio of "
        f"{percent(1 - objective)}, which the budget sustains, that gives at most "
        f"{expected:.2g} false pages a period; {reach}"
    )
