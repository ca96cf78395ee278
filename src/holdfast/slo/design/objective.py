"""From an indicator to an objective: its past, its target, its tiers, and both proven on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holdfast.catalog.defaults import DEFAULT_AVAILABILITY_OBJECTIVE
from holdfast.catalog.search import Search
from holdfast.errors import InputError, QueryRefused
from holdfast.evidence.source import MetricsSource
from holdfast.model.budget import Ceiling
from holdfast.model.requirements import Requirements
from holdfast.model.slo import SLO, BurnTier
from holdfast.model.target import (
    Agreement,
    Baseline,
    CountTest,
    DowntimeCost,
    Expectation,
    TargetProposal,
)
from holdfast.slo.design.past import read_past
from holdfast.slo.design.records import DesignedObjective, Episode, TierReplay
from holdfast.slo.design.segments import SegmentTable, read_segments, segment_labels
from holdfast.slo.design.slis import Sli
from holdfast.slo.history import EventHistory
from holdfast.slo.replay.firing import firing
from holdfast.slo.replay.holding import runs
from holdfast.slo.targets.baseline import baseline
from holdfast.slo.targets.ceiling import ceiling
from holdfast.slo.targets.percent import percent
from holdfast.slo.targets.propose import propose_target
from holdfast.slo.targets.references import nearest_reference
from holdfast.slo.targets.traffic import count_test, needs_count_test


@dataclass(frozen=True)
class Wish:
    """What a design is asked for, beside the service."""

    requirements: Requirements
    seconds: float
    """How far back to look."""
    period_seconds: float
    period_note: str
    tiers: tuple[BurnTier, ...]


def design_objective(
    source: MetricsSource,
    search: Search,
    service: str,
    sli: Sli,
    wish: Wish,
    scrape_seconds: float,
) -> DesignedObjective | str:
    """Return the objective, or why there is none, in a sentence.

    Raises NotFound where the indicator has no data, InputError for contradictions, EvidenceError
    for answers that cannot be right, and what the source raises.
    """
    blank = _slo(service, sli, wish, DEFAULT_AVAILABILITY_OBJECTIVE, wish.tiers)
    history = read_past(source, blank, search.at, wish.seconds, scrape_seconds)
    shown = baseline(history, period_seconds=wish.period_seconds)
    allowed = ceiling(wish.requirements.dependencies, service=service)
    proposal = _propose(sli, wish, shown, allowed)
    if proposal.objective is None:
        return f"{sli.name}: {'; '.join(proposal.warnings)}"
    slo = _slo(service, sli, wish, proposal.objective, proposal.tiers)
    replays, gap = _replayed(history, slo)
    segments, segment_gap = _segments(source, search, sli, shown, history)
    return DesignedObjective(
        slo=slo,
        sli=sli,
        history=history,
        baseline=shown,
        ceiling=allowed,
        proposal=proposal,
        segments=segments,
        segment_gap=segment_gap,
        count_tests=tuple(_count_tests(history, slo)),
        replays=replays,
        replay_gap=gap,
    )


def _slo(service: str, sli: Sli, wish: Wish, objective: float, tiers: Sequence[BurnTier]) -> SLO:
    return SLO(
        name=sli.name,
        service=service,
        description=sli.sentence.replace("`", ""),
        owner=wish.requirements.owner,
        kind=sli.kind,
        indicator=sli.indicator,
        objective=objective,
        threshold_seconds=sli.threshold_seconds,
        period_seconds=wish.period_seconds,
        period_note=wish.period_note,
        tiers=tuple(tiers),
    )


# ---- the target ------------------------------------------------------------------------------


def _propose(sli: Sli, wish: Wish, shown: Baseline, allowed: Ceiling) -> TargetProposal:
    requirements = wish.requirements
    expected = requirements.expectation(sli.kind)
    sla = requirements.sla if requirements.sla and requirements.sla.kind == sli.kind else None
    cost = requirements.business
    # what is compared with is near what was shown: there is no target yet
    near = expected.objective if expected else shown.low
    proposal = propose_target(
        shown,
        allowed,
        Expectation(objective=expected.objective, source=expected.source) if expected else None,
        Agreement(objective=sla.objective, name=sla.name) if sla else None,
        wish.tiers,
        wish.period_seconds,
        reference=nearest_reference(near, sli.kind) if near is not None and near < 1 else None,
        cost=DowntimeCost(
            amount_per_hour=cost.downtime_cost_per_hour,
            currency=cost.currency,
            source=cost.source,
        )
        if cost
        else None,
    )
    return proposal.model_copy(
        update={"warnings": (*proposal.warnings, *_below_history(sli, wish, shown, proposal))}
    )


def _below_history(
    sli: Sli, wish: Wish, shown: Baseline, proposal: TargetProposal
) -> Iterator[str]:
    """A wish that history outdoes: said, unless it was said already."""
    expected = wish.requirements.expectation(sli.kind)
    said = any("far below what history shows" in warning for warning in proposal.warnings)
    if expected is None or shown.low is None or said or expected.objective >= shown.low:
        return
    place = wish.requirements.user_expectations.index(expected)
    yield (
        f"user_expectations[{place}].objective: {percent(expected.objective)} is below what "
        f"history shows ({percent(shown.low)} at least): users may rely on more than they ask for"
    )


# ---- on the service's own past ---------------------------------------------------------------


def _replayed(history: EventHistory, slo: SLO) -> tuple[tuple[TierReplay, ...], str]:
    try:
        found = firing(history, slo.objective, slo.period_seconds, slo.tiers)
    except InputError as error:
        return (), f"the alerts were not replayed: {error.message}"
    replays: list[TierReplay] = []
    for row, tier in enumerate(found.tiers):
        starts, ends = runs(found.fires[row])
        episodes = tuple(
            Episode(float(found.ends[start]), float(found.ends[end - 1]))
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        )
        replays.append(TierReplay(tier.name, episodes, len(found.ends), found.unknown_steps[row]))
    return tuple(replays), ""


def _count_tests(history: EventHistory, slo: SLO) -> Iterator[CountTest]:
    for tier in slo.tiers:
        if needs_count_test(history, tier, slo.objective, slo.period_seconds):
            test = count_test(history, tier, slo.objective, slo.period_seconds)
            if test is not None and test.least_bad_events > 1:
                yield test


def _segments(
    source: MetricsSource, search: Search, sli: Sli, shown: Baseline, history: EventHistory
) -> tuple[tuple[SegmentTable, ...], str]:
    """What is told apart by label. A server may refuse a month of raw series: that is said."""
    if sli.by_label is None or shown.seconds <= 0:
        return (), ""
    window_seconds = len(history.total) * history.step_seconds
    try:
        labels = segment_labels(search, sli.selector)
        return read_segments(source, sli.by_label, labels, window_seconds, history.end), ""
    except QueryRefused as error:
        return (), f"{sli.name}: segments were not read: {error}"
