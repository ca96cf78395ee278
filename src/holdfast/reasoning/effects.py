"""What an action is expected to show: users well again, or one of several causes taken away."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.diagnosis.graph import reachable
from holdfast.diagnosis.judge import Judged
from holdfast.diagnosis.objectives import worst_burn_query
from holdfast.diagnosis.scene import Scene
from holdfast.diagnosis.signals import level
from holdfast.model.action import ExpectedEffect
from holdfast.model.hypothesis import Bound
from holdfast.model.service import Signal
from holdfast.model.slo import SLO
from holdfast.slo.rules import ratio_query


def users_well(scene: Scene, slo: SLO, others: Sequence[SLO] = ()) -> ExpectedEffect:
    """Return the effect of an action that ends the trouble: the objective is met again.

    `others` are objectives of the same service that were met before it began: what restores one
    by giving up another has not helped.
    """
    if not others:
        return _effect(
            scene,
            f"bad requests of {scene.target} are within the error budget ({slo.name})",
            ratio_query(slo, short_window_seconds(slo, scene)),
            Bound(at_most=slo.error_budget_fraction, unit="of requests"),
        )
    objectives = [(each, short_window_seconds(each, scene)) for each in (slo, *others)]
    names = " and ".join(each.name for each, _ in objectives)
    return _effect(
        scene,
        f"bad requests of {scene.target} are within every error budget ({names})",
        worst_burn_query(objectives),
        Bound(at_most=1.0, unit="times what the budget allows"),
    )


def is_told_apart(target: str, remaining: Sequence[Judged], scene: Scene) -> bool:
    """Whether what is measured of a service shows an action on it, while other causes remain.

    It does not where the symptom itself is measured, nor where one of the others is called below.
    """
    below = reachable(target, scene.services)
    signal = _signal(scene)
    return (
        target != scene.target
        and target in scene.services
        and signal in scene.services[target].signals
        and not any(cause.hypothesis.service in below for cause in remaining)
    )


def one_relieved(
    target: str, remaining: Sequence[Judged], scene: Scene, slo: SLO
) -> ExpectedEffect:
    """Return the effect of an action on one of several causes, as the callers of its service see.

    Users are not well before the others are mitigated too. So neither is this action called
    failed for what they still do, nor is the incident called mitigated by it.
    """
    others = ", ".join(dict.fromkeys(cause.hypothesis.service for cause in remaining))
    query = level(scene.services[target], _signal(scene), short_window_seconds(slo, scene))
    statement = (
        f"bad requests of {target}, as its callers see them, are within the error budget "
        f"({slo.name}); what {others} does to {scene.target} is left"
    )
    bound = Bound(at_most=slo.error_budget_fraction, unit="of requests")
    return _effect(scene, statement, query, bound, partial=True)


def short_window_seconds(slo: SLO, scene: Scene) -> float:
    """Return the shortest window of the objective's alerts that pages, or else of any."""
    pages = [tier for tier in slo.tiers if tier.action == "page"] or list(slo.tiers)
    shortest = min((tier.short_window_seconds for tier in pages), default=60.0)
    return max(shortest, scene.shortest_window_seconds) if not pages else shortest


def _signal(scene: Scene) -> Signal:
    latency = scene.slo is None or scene.slo.kind == "latency"
    return Signal.SLOW_RATIO if latency else Signal.ERROR_RATIO


def _effect(
    scene: Scene, statement: str, query: str, bound: Bound, *, partial: bool = False
) -> ExpectedEffect:
    return ExpectedEffect(
        statement=statement,
        query=query,
        bound=bound,
        hold_seconds=scene.settings.hold_seconds,
        deadline_seconds=scene.settings.deadline_seconds,
        partial=partial,
    )
